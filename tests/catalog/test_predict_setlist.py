"""predict_setlist: 15 of an artist's songs, drawn by popularity, the same for the same show."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection

from mysetlist.catalog.models import Artist, ArtistSong, Setlist, SetlistSong, Show, Song
from mysetlist.catalog.services import PREDICTED_SONGS, draw_songs, predict_setlist
from tests.factories import make_artist, make_setlist, make_show, make_song


def songs_of(setlist: Setlist | None) -> list[int]:
    assert setlist
    return list(setlist.setlist_songs.order_by("position").values_list("song_id", flat=True))


def positions_of(setlist: Setlist | None) -> list[int]:
    assert setlist
    return sorted(setlist.setlist_songs.values_list("position", flat=True))


@pytest.fixture
def artist(db: None) -> Artist:
    """Someone with forty songs, some of them known to be popular."""
    artist = make_artist()
    for number in range(40):
        make_song(artist, popularity=None if number % 4 == 0 else number * 2)
    return artist


# --- in the database ---


@pytest.mark.parametrize(("known", "predicted"), [(1, 1), (14, 14), (15, 15), (16, 15), (60, 15)])
@pytest.mark.django_db
def test_it_has_15_songs_or_all_there_are(known: int, predicted: int) -> None:
    artist = make_artist()
    mine = {make_song(artist).pk for _ in range(known)}
    make_song(make_artist())
    setlist = predict_setlist(show=make_show(artist), artist=artist)
    assert positions_of(setlist) == list(range(1, predicted + 1))
    assert len(set(songs_of(setlist)) & mine) == predicted


def test_it_is_a_predicted_unlocked_setlist(artist: Artist) -> None:
    show = make_show(artist)
    setlist = predict_setlist(show=show, artist=artist)
    assert setlist
    assert (setlist.show, setlist.artist, setlist.kind, setlist.locked_at) == (show, artist, "predicted", None)


@pytest.mark.django_db
def test_without_songs_there_is_none() -> None:
    show = make_show()
    assert predict_setlist(show=show, artist=show.headliner) is None
    assert not Setlist.objects.exists()


def test_a_second_call_changes_nothing(artist: Artist) -> None:
    show = make_show(artist)
    first = predict_setlist(show=show, artist=artist)
    before = songs_of(first)
    make_song(artist, popularity=100)
    assert predict_setlist(show=show, artist=artist) == first
    assert (songs_of(first), Setlist.objects.count()) == (before, 1)


@pytest.mark.django_db
def test_a_setlist_that_somebody_made_stays() -> None:
    show = make_show()
    made = make_setlist(show, songs=2)
    assert predict_setlist(show=show, artist=show.headliner) == made
    assert made.setlist_songs.count() == 2


def test_what_was_played_is_no_prediction(artist: Artist) -> None:
    show = make_show(artist)
    played = make_setlist(show, kind=Setlist.Kind.ACTUAL, songs=2)
    assert predict_setlist(show=show, artist=artist) != played
    assert Setlist.objects.count() == 2


def test_everyone_on_the_bill_may_have_one(artist: Artist) -> None:
    guest = make_artist()
    song = make_song(guest)
    show = make_show(artist, bill=[guest])
    assert len(songs_of(predict_setlist(show=show, artist=artist))) == 15
    assert songs_of(predict_setlist(show=show, artist=guest)) == [song.pk]


def test_it_is_the_same_for_the_same_show(artist: Artist) -> None:
    show = make_show(artist)
    first = songs_of(predict_setlist(show=show, artist=artist))
    Setlist.objects.all().delete()
    assert songs_of(predict_setlist(show=show, artist=artist)) == first


def test_it_differs_from_show_to_show(artist: Artist) -> None:
    drawn = {tuple(songs_of(predict_setlist(show=make_show(artist), artist=artist))) for _ in range(5)}
    assert len(drawn) == 5


def test_a_song_of_two_artists_is_drawn_for_both(artist: Artist) -> None:
    other, song = make_artist(), make_song()
    for each in (artist, other):
        ArtistSong.objects.create(artist=each, song=song)
    assert songs_of(predict_setlist(show=make_show(other), artist=other)) == [song.pk]


@pytest.mark.django_db(transaction=True)
def test_calls_at_the_same_moment_make_one_and_none_sees_it_without_its_songs() -> None:
    artist = make_artist()
    for _ in range(20):
        make_song(artist)
    show = make_show(artist)
    gate = threading.Barrier(4)
    seen: list[tuple[int, int]] = []

    def predict() -> None:
        try:
            connection.ensure_connection()
            gate.wait(20)
            setlist = predict_setlist(show=show, artist=artist)
            assert setlist
            seen.append((setlist.pk, setlist.setlist_songs.count()))
        finally:
            connection.close()

    threads = [threading.Thread(target=predict) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == [(Setlist.objects.get().pk, PREDICTED_SONGS)] * 4
    assert SetlistSong.objects.count() == PREDICTED_SONGS


@pytest.mark.django_db
def test_a_show_that_is_gone_gets_none() -> None:
    show = make_show()
    artist = show.headliner
    Show.objects.filter(pk=show.pk).delete()
    with pytest.raises(Show.DoesNotExist):
        predict_setlist(show=show, artist=artist)


# --- the draw, without a database ---

DRAWS = 20_000
WEIGHTS = {1: 100, 2: 50, 3: 25, 4: None, 5: 0, 6: 1}  # song: popularity; unknown and 0 weigh 1
HEAVY = sum(max(1, popularity or 0) for popularity in WEIGHTS.values())

Draw = Callable[[str], list[int]]


def songs() -> list[Song]:
    return [Song(pk=pk, title=str(pk), popularity=popularity) for pk, popularity in WEIGHTS.items()]


@pytest.fixture(scope="module")
def draws() -> list[list[int]]:
    """The order in which all songs are drawn, for many shows."""
    known = songs()
    return [[song.pk for song in draw_songs(known, seed=f"{show} 7")] for show in range(DRAWS)]


@pytest.mark.parametrize("song", WEIGHTS)
def test_a_song_comes_first_as_often_as_its_popularity_says(song: int, draws: list[list[int]]) -> None:
    share = max(1, WEIGHTS[song] or 0) / HEAVY
    came = Counter(draw[0] for draw in draws)[song]
    # Five standard deviations: the seeds are fixed, so this passes always or never.
    assert abs(came - DRAWS * share) < 5 * (DRAWS * share * (1 - share)) ** 0.5


def test_after_the_first_the_others_are_drawn_by_their_popularity_too(draws: list[list[int]]) -> None:
    after = [draw[1] for draw in draws if draw[0] == 1]
    share = 50 / (HEAVY - 100)
    assert abs(after.count(2) - len(after) * share) < 5 * (len(after) * share * (1 - share)) ** 0.5


def test_every_song_is_drawn_once(draws: list[list[int]]) -> None:
    assert all(sorted(draw) == list(WEIGHTS) for draw in draws[:1000])


def test_the_order_of_arrival_decides_nothing() -> None:
    for show in range(50):
        assert [s.pk for s in draw_songs(songs(), seed=str(show))] == [
            s.pk for s in draw_songs(reversed(songs()), seed=str(show))
        ]


def test_a_draw_of_a_known_seed_stays_the_same_for_ever() -> None:
    known = [Song(pk=pk, title=str(pk), popularity=pk) for pk in range(1, 31)]
    assert [song.pk for song in draw_songs(known, seed="1 1", size=5)] == [3, 21, 26, 5, 29]


def test_another_song_in_the_catalogue_leaves_the_order_of_the_others() -> None:
    before = [song.pk for song in draw_songs(songs(), seed="1 1")]
    after = [song.pk for song in draw_songs([*songs(), Song(pk=7, title="7", popularity=60)], seed="1 1")]
    assert [pk for pk in after if pk != 7] == before


def test_of_no_songs_none_are_drawn() -> None:
    assert draw_songs([], seed="1 1") == []
