"""The cap: at most ten votes of a fan for an artist count in any 168 hours, however they arrive (I12)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from mysetlist.catalog.models import SetlistSong, User, Vote
from mysetlist.catalog.services import CAP, CAP_HOURS, cast_vote, retract_vote
from tests.factories import NOON, make_fan, make_setlist, make_show
from trending import scoring
from trending.scoring import POINT, CastVote

FAR = NOON + timedelta(days=365)


def songs(number: int) -> list[SetlistSong]:
    show = make_show(starts_at=FAR)
    return list(make_setlist(show, songs=number).setlist_songs.order_by("position"))


def in_threads(number: int, work: Callable[[int], object]) -> list[object]:
    """Do the work in so many threads at the same instant, each on a connection of its own."""
    start = Barrier(number)

    def run(index: int) -> object:
        start.wait()
        try:
            return work(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


@pytest.mark.django_db
@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 700), st.booleans()), min_size=12, max_size=60))
def test_at_most_ten_count_in_any_week_in_any_order_of_arrival(steps: list[tuple[int, int, bool]]) -> None:
    with transaction.atomic():
        fan, menu = make_fan(), songs(30)
        for song, hour, retract in steps:
            now = NOON + timedelta(hours=hour, minutes=hour % 60)
            if retract:
                retract_vote(fan=fan, setlist_song=menu[song], now=now)
            else:
                cast_vote(fan=fan, setlist_song=menu[song], now=now)
        hours = sorted(hour_of(vote.created_at) for vote in Vote.objects.filter(counted=True))
        for first in hours:
            assert sum(first <= hour < first + CAP_HOURS for hour in hours) <= CAP
        as_of = hour_of(NOON) + 700
        total = scoring.raw(
            scoring.count(
                as_of=as_of, votes=[CastVote(1, hour_of(v.created_at), v.counted) for v in Vote.objects.all()]
            )
        )
        assert total * 100 <= 23424 * POINT
        transaction.set_rollback(True)


def hour_of(moment: datetime) -> int:
    return int(moment.timestamp() // 3600)


@pytest.mark.django_db
def test_the_eleventh_vote_is_kept_but_does_not_count() -> None:
    fan, menu = make_fan(), songs(11)
    votes = [cast_vote(fan=fan, setlist_song=song, now=NOON)[0] for song in menu]
    assert [vote.counted for vote in votes] == [True] * 10 + [False]


@pytest.mark.django_db
def test_a_late_arriving_old_vote_does_not_slip_past_those_cast() -> None:
    fan, menu = make_fan(), songs(11)
    for song in menu[:10]:
        cast_vote(fan=fan, setlist_song=song, now=NOON)
    vote, _ = cast_vote(fan=fan, setlist_song=menu[10], now=NOON - timedelta(hours=100))
    assert not vote.counted


@pytest.mark.django_db
def test_a_week_later_votes_count_again() -> None:
    fan, menu = make_fan(), songs(12)
    for song in menu[:10]:
        cast_vote(fan=fan, setlist_song=song, now=NOON)
    just_before, _ = cast_vote(fan=fan, setlist_song=menu[10], now=NOON + timedelta(hours=CAP_HOURS, seconds=-1))
    then, _ = cast_vote(fan=fan, setlist_song=menu[11], now=NOON + timedelta(hours=CAP_HOURS))
    assert (just_before.counted, then.counted) == (False, True)


@pytest.mark.django_db
def test_a_retraction_frees_its_slot_for_later_votes_and_promotes_none() -> None:
    fan, menu = make_fan(), songs(12)
    for song in menu[:11]:
        cast_vote(fan=fan, setlist_song=song, now=NOON)

    assert retract_vote(fan=fan, setlist_song=menu[0], now=NOON)

    assert not Vote.objects.get(setlist_song=menu[10]).counted
    assert cast_vote(fan=fan, setlist_song=menu[11], now=NOON)[0].counted


@pytest.mark.django_db
def test_the_cap_is_per_artist_and_per_fan() -> None:
    fan, other = make_fan(), make_fan()
    here, there = songs(10), songs(1)
    for song in here:
        cast_vote(fan=fan, setlist_song=song, now=NOON)
    assert cast_vote(fan=fan, setlist_song=there[0], now=NOON)[0].counted
    assert cast_vote(fan=other, setlist_song=here[0], now=NOON)[0].counted


@pytest.mark.django_db(transaction=True)
def test_of_twelve_votes_of_one_fan_at_the_same_instant_exactly_ten_count() -> None:
    fan, menu = make_fan(), songs(12)
    in_threads(12, lambda index: cast_vote(fan=fan, setlist_song=menu[index], now=NOON))
    assert Vote.objects.filter(counted=True).count() == 10
    assert Vote.objects.filter(counted=False).count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_tenth_votes_at_the_same_instant_one_counts() -> None:
    for _ in range(5):
        fan, menu = make_fan(), songs(11)
        for song in menu[:9]:
            cast_vote(fan=fan, setlist_song=song, now=NOON)
        in_threads(2, lambda index: cast_vote(fan=fan, setlist_song=menu[9 + index], now=NOON))  # noqa: B023
        assert Vote.objects.filter(fan=fan, counted=True).count() == 10
        assert Vote.objects.filter(fan=fan).count() == 11


@pytest.mark.django_db(transaction=True)
def test_many_clicks_on_one_song_at_the_same_instant_are_one_vote() -> None:
    fan, (song,) = make_fan(), songs(1)
    answers = in_threads(8, lambda _: cast_vote(fan=fan, setlist_song=song, now=NOON)[1])
    assert sorted(map(bool, answers)) == [False] * 7 + [True]
    assert Vote.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_fans_vote_at_once_and_none_waits_in_vain() -> None:
    fans, menu = [make_fan() for _ in range(10)], songs(3)

    def vote_for_all(index: int) -> None:
        fan = User.objects.get(pk=fans[index].pk)
        for song in menu:
            cast_vote(fan=fan, setlist_song=song, now=NOON)

    in_threads(10, vote_for_all)
    assert Vote.objects.filter(counted=True).count() == 30
