"""upsert_songs: the studio catalogue, one row per song, found again by id, ISRC, or title and length."""

from dataclasses import replace

import pytest

from mysetlist.catalog.models import Activity, Artist, ArtistSong, Song
from syncjobs.clients.records import TrackRecord
from syncjobs.services.songs import colliding, known_isrcs, own_tracks, upsert_songs
from syncjobs.services.writing import Tally
from tests.factories import make_artist, make_song
from tests.syncjobs.services.worlds import album, forget_activity, physical, spotify_id, track

pytestmark = pytest.mark.django_db


@pytest.fixture
def artist() -> Artist:
    return make_artist()


def sync(artist: Artist, *tracks: TrackRecord) -> Tally:
    return upsert_songs(artist_id=artist.pk, tracks=tracks)


def titles(artist: Artist) -> list[str]:
    return list(Song.objects.filter(artistsong__artist=artist).order_by("pk").values_list("title", flat=True))


def test_copies_on_many_releases_are_one_song(artist: Artist) -> None:
    tally = sync(
        artist,
        track(1, "Yellow", 266, album=album(0)),
        track(2, "Yellow - Remastered 2011", 267, album=album(11, "Parachutes (Deluxe)")),
        track(3, "Yellow (Live at Wembley)", 300, album=album(12, "Live at Wembley")),
        track(4, "Yellow - Radio Edit", 200, album=album(1)),
        track(5, "Trouble", 270),
    )
    assert titles(artist) == ["Yellow", "Trouble"]
    assert Song.objects.get(title="Yellow").spotify_id == spotify_id(1)
    assert (tally.seen, tally.created, tally.skipped) == (5, 2, 3)


def test_a_live_take_stays_where_there_is_no_other(artist: Artist) -> None:
    sync(artist, track(1, "Rarity (Live at Budokan)", album=album(1, "At Budokan")))
    assert titles(artist) == ["Rarity"]


@pytest.mark.parametrize("title", ["Live and Let Die", "Live Wire", "Living Things", "I Want to Live Forever"])
def test_a_song_may_have_live_in_its_title(artist: Artist, title: str) -> None:
    sync(artist, track(1, title))
    assert titles(artist) == [title]


@pytest.mark.parametrize("title", ["Intro", "Interview", "Yellow (Commentary)", "Yellow - Karaoke Version"])
def test_what_is_no_song_stays_out(artist: Artist, title: str) -> None:
    assert sync(artist, track(1, title)).skipped == 1
    assert not Song.objects.exists()


def test_twice_writes_nothing(artist: Artist) -> None:
    tracks = [track(1, isrc="GBAYE0000351"), track(2, popularity=5), track(3, "Song 2 (Live)"), track(4, "Song 1", 400)]
    sync(artist, *tracks)
    forget_activity()
    before = physical(Song, ArtistSong, Artist)
    tally = sync(artist, *tracks)
    assert physical(Song, ArtistSong, Artist) == before
    assert (tally.unchanged, tally.created, tally.updated) == (3, 0, 0)
    assert not Activity.objects.exists()


def test_a_new_copy_of_a_known_song_changes_nothing(artist: Artist) -> None:
    sync(artist, track(1, "Yellow", 266))
    before = physical(Song)
    sync(artist, track(2, "Yellow - 2021 Remaster", 268))
    assert physical(Song) == before


def test_two_songs_of_one_title_are_told_apart_by_their_length(artist: Artist) -> None:
    sync(artist, track(1, "Hurricane", 200))
    sync(artist, track(2, "Hurricane", 500))
    assert Song.objects.count() == 2


def test_one_isrc_is_one_song_whatever_its_length(artist: Artist) -> None:
    sync(artist, track(1, "Hurricane", 200, isrc="GBAYE0000351"))
    sync(artist, track(2, "Hurricane", 208, isrc="GBAYE0000351"))
    assert Song.objects.get().spotify_id == spotify_id(1)


def test_tracks_that_share_a_title_need_an_isrc_once(artist: Artist) -> None:
    tracks = (track(1, "Hurricane", 200), track(2, "Hurricane", 208), track(3, "Sun", 100))
    assert colliding(tracks) == tracks[:2]
    told = [replace(t, isrc=f"GBAYE000035{n}") for n, t in enumerate(tracks[:2])]
    sync(artist, *told)
    assert known_isrcs(tracks) == {spotify_id(1): "GBAYE0000350", spotify_id(2): "GBAYE0000351"}
    assert colliding(told) == ()


def test_a_song_known_from_a_setlist_takes_on_its_id(artist: Artist) -> None:
    song = make_song(artist, title="Don't Stop Me Now")
    tally = sync(artist, track(1, "Don\u2019t Stop Me Now - Remastered 2011", 209))
    song.refresh_from_db()
    assert (song.spotify_id, song.duration_seconds, song.title, tally.updated) == (
        spotify_id(1),
        209,
        "Don't Stop Me Now",
        1,
    )


def test_a_song_of_another_artist_is_linked_to_both(artist: Artist) -> None:
    other = make_artist()
    sync(other, track(1))
    sync(artist, track(1))
    assert (Song.objects.count(), ArtistSong.objects.count()) == (1, 2)


def test_the_same_title_of_another_artist_is_another_song(artist: Artist) -> None:
    sync(make_artist(), track(1, "Hallelujah"))
    sync(artist, track(2, "Hallelujah"))
    assert Song.objects.count() == 2


def test_songs_of_others_on_an_album_are_not_the_artists() -> None:
    mine, theirs = spotify_id(70), spotify_id(71)
    tracks = [
        track(1, artist_spotify_ids=(mine,)),
        track(2, artist_spotify_ids=(theirs,)),
        track(3, artist_spotify_ids=(theirs, mine)),
        track(4),
    ]
    assert [t.spotify_id for t in own_tracks(tracks, mine)] == [spotify_id(n) for n in (1, 3, 4)]


def test_popularity_is_that_of_the_songs_own_copy(artist: Artist) -> None:
    sync(artist, track(1, "Yellow", popularity=80))
    sync(artist, track(2, "Yellow", popularity=3))
    assert Song.objects.get().popularity == 80
    sync(artist, track(1, "Yellow", popularity=81))
    assert Song.objects.get().popularity == 81
