"""predict_setlists: one for each upcoming show; songs that are played often are drawn more often."""

from collections import Counter
from datetime import timedelta

import pytest

from mysetlist.catalog.models import Artist, ArtistSong, Setlist, SetlistSong, Song
from mysetlist.catalog.services import draw_songs, songs_with_plays
from syncjobs.services.predictions import predict_setlists
from tests.factories import make_artist, make_setlist, make_show, make_song
from tests.syncjobs.services.worlds import NOW, physical

pytestmark = pytest.mark.django_db


@pytest.fixture
def artist() -> Artist:
    artist = make_artist()
    for _ in range(20):
        make_song(artist)
    return artist


def test_each_upcoming_show_gets_one(artist: Artist) -> None:
    make_show(artist, starts_at=NOW + timedelta(days=1))
    make_show(make_artist(), bill=[artist], starts_at=NOW + timedelta(days=2))
    make_show(artist, starts_at=NOW - timedelta(days=1))
    make_show(artist, status="cancelled", starts_at=NOW + timedelta(days=1))
    tally = predict_setlists(artist=artist, now=NOW)
    assert (tally.created, Setlist.objects.count(), SetlistSong.objects.count()) == (2, 2, 30)


def test_twice_writes_nothing(artist: Artist) -> None:
    make_show(artist, starts_at=NOW + timedelta(days=1))
    predict_setlists(artist=artist, now=NOW)
    before = physical(Setlist, SetlistSong)
    make_song(artist, popularity=100)
    tally = predict_setlists(artist=artist, now=NOW)
    assert physical(Setlist, SetlistSong) == before
    assert (tally.unchanged, tally.created) == (1, 0)


def test_without_songs_it_waits() -> None:
    artist = make_artist()
    make_show(artist, starts_at=NOW + timedelta(days=1))
    assert predict_setlists(artist=artist, now=NOW).skipped == 1


def test_plays_stand_in_for_a_popularity_that_is_unknown(artist: Artist) -> None:
    hit = Song.objects.order_by("pk").first()
    assert hit
    for day in range(3):
        played = make_setlist(make_show(artist, starts_at=NOW - timedelta(days=day + 1)), kind="actual")
        played.setlist_songs.create(song=hit, position=1)
    drawn = Counter(draw_songs(songs_with_plays(artist), seed=str(seed), size=1)[0].pk for seed in range(200))
    assert drawn.most_common(1)[0][0] == hit.pk
    assert drawn[hit.pk] > 140  # weight 100 of 119


def test_what_others_played_does_not_count(artist: Artist) -> None:
    song = Song.objects.order_by("pk").first()
    assert song
    other = make_artist()
    ArtistSong.objects.create(artist=other, song=song)
    played = make_setlist(make_show(other), kind="actual")
    played.setlist_songs.create(song=song, position=1)
    assert {each.plays for each in songs_with_plays(artist)} == {0}  # type: ignore[attr-defined]


def test_a_known_popularity_is_believed_before_the_plays() -> None:
    artist = make_artist()
    quiet, loud = make_song(artist, popularity=1), make_song(artist, popularity=100)
    make_setlist(make_show(artist), kind="actual").setlist_songs.create(song=quiet, position=1)
    drawn = Counter(draw_songs(songs_with_plays(artist), seed=str(seed), size=1)[0].pk for seed in range(100))
    assert drawn[loud.pk] > 90
