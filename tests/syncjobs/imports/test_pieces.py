"""The pieces that jobs share, one source each: what they write, what they remember, when they give up."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from mysetlist.catalog.models import Artist, Setlist, Show, Song
from syncjobs.clients.errors import RecordNotFound, SourceBusy
from syncjobs.imports.pieces import sync_artist_image, sync_setlists, sync_spotify_artist, sync_ticketmaster_artist
from syncjobs.progress import Counts, Permanent, Unqueued
from syncjobs.services.songs import upsert_songs
from tests.factories import make_artist
from tests.standin.faults import Fault, Kind
from tests.standin.outside import Outside
from tests.syncjobs.services.worlds import track


def known(world: Outside, name: str) -> Artist:
    theirs = world.world.artists[name]
    return make_artist(
        name=name, ticketmaster_id=theirs.ticketmaster_id, spotify_id=theirs.spotify_id, mbid=theirs.mbid
    )


def test_shows_of_an_artist_with_a_prediction_for_each_once_songs_are_known(world: Outside) -> None:
    artist = known(world, "Sting")
    upsert_songs(artist_id=artist.pk, tracks=[track(number) for number in range(3)])
    counts = sync_ticketmaster_artist(Unqueued(), artist=artist.pk)
    coming = [show for show in world.world.shows_of("Sting") if show.day >= world.today]
    artist.refresh_from_db()
    assert (counts["created"], Show.objects.count()) == (len(coming), len(coming))
    assert Setlist.objects.filter(kind="predicted").count() == len(coming)
    assert artist.shows_synced_at
    assert len(world.log.calls) == 1


def test_a_profile_alone_costs_one_call(world: Outside) -> None:
    artist = known(world, "Sting")
    sync_spotify_artist(Unqueued(), artist=artist.pk, catalogue=False)
    artist.refresh_from_db()
    assert (bool(artist.profile_synced_at), artist.songs_synced_at) == (True, None)
    assert [call.path for call in world.log.calls if "token" not in call.path] == [f"/v1/artists/{artist.spotify_id}"]


def test_a_discography_that_was_put_off_goes_on_where_it_was(world: Outside) -> None:
    artist, work = known(world, "Sting"), Unqueued()
    world.fails(Fault(kind=Kind.BUSY, chance=1.0, path="/v1/albums/", times=1))
    with pytest.raises(SourceBusy):
        sync_spotify_artist(work, artist=artist.pk)
    assert work.state["discography"]["albums"]
    world.fails()
    wait_out(world)
    sync_spotify_artist(work, artist=artist.pk)
    assert set(Song.objects.values_list("title", flat=True)) == world.world.titles("Sting")
    assert world.log.repeated() == {}


def wait_out(world: Outside) -> None:
    """As if the time had passed that the source asked for."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE source_state SET blocked_until = NULL, next_at = NULL")


def test_setlists_from_a_page_on_to_the_last(world: Outside) -> None:
    artist = known(world, "Metallica")
    counts = sync_setlists(Unqueued(), artist=artist.pk, page=2)
    played = world.world.setlists_of("Metallica")
    there = [p for p in played if p.day <= world.today][20:]
    assert counts["seen"] == len(there)
    assert Setlist.objects.count() == len([p for p in there if p.sets])
    artist.refresh_from_db()
    assert artist.setlists_synced_at
    assert len(world.log.calls) == 2


PIECES: list[Callable[..., Counts]] = [sync_ticketmaster_artist, sync_spotify_artist, sync_setlists]


@pytest.mark.parametrize("piece", PIECES)
def test_an_artist_without_the_sources_id_fails_in_words_and_asks_nobody(world: Outside, piece: Any) -> None:
    with pytest.raises(Permanent, match="Import the artist to find it"):
        piece(Unqueued(), artist=make_artist().pk)
    assert world.log.calls == []


@pytest.mark.parametrize("piece", [*PIECES, sync_artist_image])
def test_an_artist_that_is_gone_fails_in_words(world: Outside, piece: Any) -> None:
    with pytest.raises(Permanent, match="There is no artist 999999 in the catalogue"):
        piece(Unqueued(), artist=999999)


def test_an_id_that_the_source_no_longer_has_fails_and_leaves_all_as_it_was(world: Outside) -> None:
    artist = make_artist(spotify_id="0" * 22)
    with pytest.raises(RecordNotFound):
        sync_spotify_artist(Unqueued(), artist=artist.pk)
    artist.refresh_from_db()
    assert artist.profile_synced_at is None
