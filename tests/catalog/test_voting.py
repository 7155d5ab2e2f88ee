"""cast_vote and retract_vote: who may vote for what, until when. The cap is tests/trending's."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from mysetlist.catalog.models import Artist, Setlist, SetlistSong, Show, User, Vote
from mysetlist.catalog.services import (
    NotPredicted,
    SetlistGone,
    SetlistLocked,
    ShowCalledOff,
    ShowStarted,
    VotingClosed,
    cast_vote,
    retract_vote,
)
from tests.factories import NOON, make_artist, make_fan, make_setlist, make_setlist_song, make_show, make_vote

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def fan() -> User:
    return make_fan()


@pytest.fixture(params=[cast_vote, retract_vote], ids=["cast", "retract"])
def act(request: pytest.FixtureRequest, fan: User) -> Callable[[SetlistSong], object]:
    """Cast or retract; both are refused alike."""
    return lambda song: request.param(fan=fan, setlist_song=song, now=NOON)


def test_a_vote_is_for_the_setlist_s_artist_and_its_show(fan: User) -> None:
    guest = make_artist()
    show = make_show(bill=[guest])
    song = make_setlist(show, guest, songs=1).setlist_songs.get()
    vote, cast = cast_vote(fan=fan, setlist_song=song, now=NOON)
    assert cast
    assert Vote.objects.get() == vote
    assert (vote.fan, vote.setlist_song, vote.show, vote.artist) == (fan, song, show, guest)
    assert (vote.created_at, vote.counted) == (NOON, True)


def test_casting_twice_gives_the_same_vote(fan: User) -> None:
    song = make_setlist_song()
    first, _ = cast_vote(fan=fan, setlist_song=song, now=NOON)
    again, cast = cast_vote(fan=fan, setlist_song=song, now=NOON + timedelta(hours=3))
    assert (again, cast) == (first, False)
    assert Vote.objects.get().created_at == NOON


def test_every_fan_has_a_vote_of_their_own(fan: User) -> None:
    song = make_setlist_song()
    cast_vote(fan=fan, setlist_song=song, now=NOON)
    assert cast_vote(fan=make_fan(), setlist_song=song, now=NOON)[1]
    assert Vote.objects.count() == 2


def test_retracting_takes_the_vote_away_once(fan: User) -> None:
    song = make_setlist_song()
    others = make_vote(song)
    cast_vote(fan=fan, setlist_song=song, now=NOON)
    assert [retract_vote(fan=fan, setlist_song=song, now=NOON) for _ in range(2)] == [True, False]
    assert Vote.objects.get() == others


def test_a_retracted_vote_may_be_cast_again(fan: User) -> None:
    song = make_setlist_song()
    first, _ = cast_vote(fan=fan, setlist_song=song, now=NOON)
    retract_vote(fan=fan, setlist_song=song, now=NOON)
    again, cast = cast_vote(fan=fan, setlist_song=song, now=NOON + SECOND)
    assert cast
    assert again.pk != first.pk
    assert again.created_at == NOON + SECOND


def lock(show: Show) -> None:
    Setlist.objects.filter(show=show).update(locked_at=NOON)


def play(show: Show) -> None:
    Setlist.objects.filter(show=show).update(kind=Setlist.Kind.ACTUAL)


def start(show: Show) -> None:
    Show.objects.filter(pk=show.pk).update(starts_at=NOON)


def cancel(show: Show) -> None:
    Show.objects.filter(pk=show.pk).update(status=Show.Status.CANCELLED)


def postpone(show: Show) -> None:
    Show.objects.filter(pk=show.pk).update(status=Show.Status.POSTPONED)


@pytest.mark.parametrize(
    ("happens", "refusal", "message"),
    [
        (lock, SetlistLocked, "This setlist is locked: votes are no longer accepted."),
        (play, NotPredicted, "This setlist tells what was played: vote on the predicted one."),
        (start, ShowStarted, "This show has started: votes are no longer accepted."),
        (cancel, ShowCalledOff, "This show is cancelled or postponed: votes are not accepted."),
        (postpone, ShowCalledOff, "This show is cancelled or postponed: votes are not accepted."),
    ],
    ids=["locked", "played", "started", "cancelled", "postponed"],
)
def test_a_refusal_is_named_and_changes_nothing(
    happens: Callable[[Show], None],
    refusal: type[VotingClosed],
    message: str,
    fan: User,
    act: Callable[[SetlistSong], object],
) -> None:
    song = make_setlist_song()
    vote = make_vote(song, fan=fan, at=NOON - timedelta(days=1))
    happens(song.setlist.show)
    with pytest.raises(refusal) as caught:
        act(song)
    assert (type(caught.value), str(caught.value)) == (refusal, message)
    assert Vote.objects.get() == vote


def test_what_the_caller_holds_in_memory_decides_nothing(fan: User, act: Callable[[SetlistSong], object]) -> None:
    song = make_setlist_song()
    assert song.setlist.locked_at is None
    lock(song.setlist.show)
    with pytest.raises(SetlistLocked):
        act(song)


@pytest.mark.parametrize("happens", [{"starts_at": NOON + SECOND}, {"starts_at": None}], ids=["a second", "no date"])
def test_before_the_start_votes_are_taken(happens: dict[str, object], fan: User) -> None:
    assert cast_vote(fan=fan, setlist_song=make_setlist_song(**happens), now=NOON)[1]


def test_a_lock_counts_from_its_moment_on(fan: User) -> None:
    song = make_setlist_song()
    Setlist.objects.update(locked_at=NOON + SECOND)
    assert cast_vote(fan=fan, setlist_song=song, now=NOON)[1]
    with pytest.raises(SetlistLocked):
        retract_vote(fan=fan, setlist_song=song, now=NOON + SECOND)


@pytest.mark.parametrize("status", [Show.Status.ONGOING, Show.Status.COMPLETED])
def test_the_clock_decides_not_the_stored_status(status: str, fan: User) -> None:
    assert cast_vote(fan=fan, setlist_song=make_setlist_song(status=status), now=NOON)[1]
    with pytest.raises(ShowStarted):
        cast_vote(fan=fan, setlist_song=make_setlist_song(starts_at=NOON - SECOND), now=NOON)


def test_a_show_of_which_the_day_is_known_takes_votes_until_eight_in_the_evening(fan: User) -> None:
    song = make_setlist_song(starts_at=None, local_date=NOON.date(), timezone="Asia/Tokyo")  # 11:00 UTC
    assert cast_vote(fan=fan, setlist_song=song, now=NOON - timedelta(hours=1, seconds=1))[1]
    with pytest.raises(ShowStarted):
        cast_vote(fan=fan, setlist_song=song, now=NOON - timedelta(hours=1))


def test_a_song_that_left_its_setlist_is_no_more_to_be_voted_for(
    fan: User, act: Callable[[SetlistSong], object]
) -> None:
    song = make_setlist_song()
    Setlist.objects.all().delete()
    with pytest.raises(SetlistGone, match="load the show anew"):
        act(song)


def test_who_left_does_not_vote(fan: User, act: Callable[[SetlistSong], object]) -> None:
    User.objects.filter(pk=fan.pk).delete()
    with pytest.raises(User.DoesNotExist):
        act(make_setlist_song())
    assert not Vote.objects.exists()


def test_votes_on_two_setlists_of_a_show_are_apart(fan: User) -> None:
    artists: list[Artist] = [make_artist(), make_artist()]
    show = make_show(artists[0], bill=artists[1:])
    for artist in artists:
        song = make_setlist(show, artist, songs=1).setlist_songs.get()
        assert cast_vote(fan=fan, setlist_song=song, now=NOON)[0].artist == artist
