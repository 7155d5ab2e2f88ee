"""import_artist against the stand-in: identifiers, shows, songs, setlists; with any source missing what it can."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from mysetlist.catalog.models import (
    Activity,
    Artist,
    ArtistSong,
    Billing,
    Setlist,
    SetlistSong,
    Show,
    Song,
    Venue,
)
from syncjobs.clients.errors import Source, SourceBusy
from syncjobs.clients.songs import song_key
from syncjobs.imports.import_artist import import_artist
from syncjobs.models import QueueJob
from syncjobs.progress import Counts, Permanent, Unqueued
from tests.factories import make_artist
from tests.standin.faults import Fault, Kind
from tests.standin.outside import Outside
from tests.syncjobs.services.worlds import forget_activity, physical

TABLES = (Artist, Venue, Show, Billing, Song, ArtistSong, Setlist, SetlistSong)


def bring_in(world: Outside, who: str, *, work: Unqueued | None = None, **arguments: Any) -> Counts:
    """Import by the Ticketmaster id, unless the test says another."""
    arguments = arguments or {"ticketmaster_id": world.world.artists[who].ticketmaster_id}
    return import_artist(work or Unqueued(), **arguments)


def the(name: str) -> Artist:
    return Artist.objects.get(name=name)


def titles(artist: Artist) -> set[str]:
    return set(Song.objects.filter(artistsong__artist=artist).values_list("title", flat=True))


def covers(world: Outside, name: str) -> set[str]:
    return {cover.partition(" by ")[0] for cover in world.world.acts[name].covers}


@pytest.mark.parametrize("name", ["Paul McCartney", "AC/DC", "Guns N' Roses", "P!nk", "Heart", "Sting"])
def test_it_finds_out_who_the_artist_is_at_every_source(world: Outside, name: str) -> None:
    bring_in(world, name)
    known, artist = world.world.artists[name], the(name)
    assert (artist.ticketmaster_id, artist.spotify_id, str(artist.mbid)) == (
        known.ticketmaster_id,
        known.spotify_id,
        known.mbid,
    )
    assert artist.image_url


@pytest.mark.parametrize("name", ["Linkin Park", "AC/DC", "Elton John", "Depeche Mode"])
def test_it_brings_each_song_once(world: Outside, name: str) -> None:
    bring_in(world, name)
    assert titles(the(name)) - covers(world, name) == world.world.titles(name)


@pytest.mark.parametrize("name", ["Coldplay", "Metallica", "Depeche Mode"])
def test_it_brings_each_coming_show_once_with_its_whole_bill(world: Outside, name: str) -> None:
    bring_in(world, name)
    shows = [show for show in world.world.shows_of(name) if show.day >= world.today]
    stored = Show.objects.filter(billings__artist=the(name), ticketmaster_id__isnull=False)
    assert set(stored.values_list("ticketmaster_id", flat=True)) == {show.ticketmaster_id for show in shows}
    for show in shows:
        row = stored.get(ticketmaster_id=show.ticketmaster_id)
        bill = list(row.billings.order_by("position").values_list("artist__name", flat=True))
        assert bill == [artist.name for artist in show.bill]
        if not show.twists & {"date_tba", "time_tba"}:
            assert row.start == show.starts_at
        assert (row.status == "cancelled") is ("cancelled" in show.twists)


def test_it_brings_what_was_played_at_the_show_it_was_played_at(world: Outside) -> None:
    counts = bring_in(world, "Paul McCartney")
    played = [p for p in world.world.setlists_of("Paul McCartney") if p.sets and p.day <= world.today]
    actual = Setlist.objects.filter(kind="actual")
    assert set(actual.values_list("setlistfm_id", flat=True)) == {p.setlistfm_id for p in played}
    assert counts["setlists"]["created"] == len(played)
    first = actual.get(setlistfm_id=played[0].setlistfm_id)
    lines = [line for part in (*played[0].sets, *played[0].encores) for line in part if line.title and not line.is_tape]
    spread = [title for line in lines for title in line.title.split(" / ")]
    stored = first.setlist_songs.order_by("position").values_list("song__title", flat=True)
    assert [song_key(title) for title in stored] == [song_key(title) for title in spread]


def test_each_upcoming_show_gets_a_predicted_setlist(world: Outside) -> None:
    bring_in(world, "Coldplay")
    upcoming = Show.objects.upcoming(datetime.now(UTC)).filter(billings__artist=the("Coldplay"))
    predicted = Setlist.objects.filter(kind="predicted", artist=the("Coldplay"))
    assert set(predicted.values_list("show", flat=True)) == set(upcoming.values_list("pk", flat=True))
    assert {setlist.setlist_songs.count() for setlist in predicted} == {15}


def test_twice_rewrites_nothing_but_the_stamps(world: Outside) -> None:
    bring_in(world, "Metallica")
    forget_activity()
    before = physical(*TABLES)
    counts = bring_in(world, "Metallica")
    after = physical(*TABLES)
    stamped = [row for row, old in zip(after.pop("Artist"), before.pop("Artist"), strict=True) if row != old]
    assert after == before
    assert [row[0] for row in stamped] == [the("Metallica").pk]
    assert not Activity.objects.exists()
    assert (counts["created"], counts["updated"], counts["failed"]) == (0, 0, 0)


def test_no_question_is_asked_twice(world: Outside) -> None:
    bring_in(world, "Metallica")
    assert world.log.repeated() == {}
    asked = {source: len(world.log.of(source)) for source in Source}
    releases = world.world.releases["Metallica"]
    pages = -(-len(releases) // 10) + sum(-(-len(release.tracks) // 50) for release in releases)
    assert asked == {Source.TICKETMASTER: 2, Source.SPOTIFY: 2 + pages, Source.SETLISTFM: 2}


def test_two_pages_of_setlists_come_now_and_the_rest_at_low_priority(world: Outside) -> None:
    counts = bring_in(world, "Metallica")
    job = QueueJob.objects.get()
    assert (job.job_name, job.priority, job.job_data["page"]) == ("sync_setlists", 50, 3)
    assert any("from page 3 on" in note for note in counts["notes"])
    assert the("Metallica").setlists_synced_at is None


@pytest.mark.parametrize("key", ["mbid", "spotify_id", "name"])
def test_it_starts_from_any_id_or_the_name(world: Outside, key: str) -> None:
    known = world.world.artists["Guns N' Roses"]
    bring_in(world, "", **{key: getattr(known, key)})
    artist = Artist.objects.get(spotify_id=known.spotify_id)
    assert (artist.ticketmaster_id, str(artist.mbid)) == (known.ticketmaster_id, known.mbid)


def test_it_takes_up_the_row_that_is_there(world: Outside) -> None:
    known = world.world.artists["Guns N' Roses"]
    row = make_artist(name="Guns N' Roses", slug="guns-n-roses", spotify_id=known.spotify_id, mbid=known.mbid)
    bring_in(world, "", artist=row.pk)
    row.refresh_from_db()
    assert row.ticketmaster_id == known.ticketmaster_id


@pytest.mark.parametrize("name", ["Coldplace Tribute Revival", "Cold"])
def test_a_part_of_a_name_is_nobody(world: Outside, name: str) -> None:
    with pytest.raises(Permanent, match="exactly this name"):
        bring_in(world, "", name=name)
    assert not Artist.objects.exists()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"ticketmaster_id": "K8vNobody00"}, "Ticketmaster has no artist K8vNobody00. Check the id."),
        ({"spotify_id": "0" * 22}, "Spotify has no artist"),
        ({"mbid": "00000000-0000-4000-8000-000000000000"}, "setlist.fm has no artist"),
    ],
)
def test_an_id_that_nobody_has_is_said_with_its_source(world: Outside, asked: dict[str, str], said: str) -> None:
    with pytest.raises(Permanent, match=said):
        bring_in(world, "", **asked)


# --- a source that is missing, refuses or is down ---


def without(source: Source, settings: Settings, value: str) -> None:
    keys = {Source.TICKETMASTER: "TICKETMASTER_API_KEY", Source.SPOTIFY: "SPOTIFY_CLIENT_ID"}
    setattr(settings, keys.get(source, "SETLISTFM_API_KEY"), value)


PARTS: dict[Source, Callable[[], bool]] = {
    Source.TICKETMASTER: Show.objects.filter(ticketmaster_id__isnull=False).exists,
    Source.SPOTIFY: Song.objects.filter(spotify_id__isnull=False).exists,
    Source.SETLISTFM: Setlist.objects.filter(kind="actual").exists,
}


@pytest.mark.parametrize("source", list(Source))
@pytest.mark.parametrize("value", ["", "wrong"])
def test_without_a_source_it_does_what_it_can_and_says_what_it_could_not(
    world: Outside, settings: Settings, source: Source, value: str
) -> None:
    known = world.world.artists["Metallica"]
    row = make_artist(
        name="Metallica", ticketmaster_id=known.ticketmaster_id, spotify_id=known.spotify_id, mbid=known.mbid
    )
    without(source, settings, value)
    counts = bring_in(world, "", artist=row.pk)
    assert {each for each, is_there in PARTS.items() if not is_there()} == {source}
    told = [note for note in counts["notes"] if source.label in note]
    assert any("_KEY" in note or "_ID" in note for note in told), counts["notes"]
    assert bool(counts["failed"]) is (value == "wrong")


def test_a_source_that_is_down_costs_its_part_and_is_made_up_for_later(world: Outside) -> None:
    world.fails(Fault(kind=Kind.ERROR, chance=1.0, source=Source.SETLISTFM))
    counts = bring_in(world, "Coldplay")
    assert (PARTS[Source.TICKETMASTER](), PARTS[Source.SPOTIFY](), PARTS[Source.SETLISTFM]()) == (True, True, False)
    assert QueueJob.objects.filter(job_name="sync_setlists").exists()
    assert any("setlist.fm" in note and "queued" in note for note in counts["notes"])


def test_a_short_wait_puts_the_import_off_and_it_goes_on_where_it_was(world: Outside) -> None:
    work = Unqueued()
    world.fails(Fault(kind=Kind.WAIT, chance=1.0, source=Source.SPOTIFY, path=r"/v1/albums/", times=1, seconds=2))
    with pytest.raises(SourceBusy):
        bring_in(world, "Coldplay", work=work)
    assert not Song.objects.exists()
    asked = len(world.log.calls)
    world.fails()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE source_state SET blocked_until = NULL, next_at = NULL")
    bring_in(world, "Coldplay", work=work)
    assert world.log.repeated() == {}
    assert len(world.log.calls) > asked
    assert titles(the("Coldplay")) - covers(world, "Coldplay") == world.world.titles("Coldplay")


class Crash(BaseException):
    """The process dies."""


class Mortal(Unqueued):
    """Work whose process dies right after one of its checkpoints."""

    def __init__(self, lives: int) -> None:
        super().__init__()
        self.lives = lives

    @contextmanager
    def checkpoint(self, phase: str, percent: int, message: str = "", **state: Any) -> Iterator[None]:
        with super().checkpoint(phase, percent, message, **json.loads(json.dumps(state))):
            yield
        self.state = {**self.state, **json.loads(json.dumps(state))}  # as the row would hold it
        self.lives -= 1
        if self.lives == 0:
            raise Crash


@pytest.mark.parametrize("name", ["Metallica", "Muse"])  # the second has a namesake at Spotify
def test_a_crash_after_any_checkpoint_resumes_there_and_asks_nothing_twice(world: Outside, name: str) -> None:
    whole = Mortal(1000)
    bring_in(world, name, work=whole)
    checkpoints = 1000 - whole.lives
    assert checkpoints > 10
    expected = {model.__name__: model.objects.count() for model in TABLES}
    for life in range(1, checkpoints + 1, 3):
        for model in (Setlist, Show, Song, Artist, Venue):
            model.objects.all().delete()
        QueueJob.objects.all().delete()
        world.log.clear()
        work = Mortal(life)
        with pytest.raises(Crash):
            bring_in(world, name, work=work)
        bring_in(world, name, work=work)
        assert world.log.repeated() == {}
        assert {model.__name__: model.objects.count() for model in TABLES} == expected
