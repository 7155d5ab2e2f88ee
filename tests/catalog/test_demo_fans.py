"""The simulated fans, without a database."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import pytest

from mysetlist.catalog.demo.fans import Act, Ballot, Crowd, Vote, count_votes, simulate

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
WEEK = timedelta(hours=168)


def make_acts(*figures: tuple[int, int], shows: int = 3, songs: int = 15) -> list[Act]:
    """Acts on tour, each of (monthly listeners, daily change)."""
    numbers = count(1)
    return [
        Act(
            artist_id=artist,
            monthly_listeners=listeners,
            daily_change=change,
            ballots=[Ballot(next(numbers), list(islice(numbers, songs))) for _ in range(shows)],
        )
        for artist, (listeners, change) in enumerate(figures, 1)
    ]


ACTS = [
    *make_acts((90_000_000, 0), (9_000_000, 90_000), (9_000_000, -50_000), (4_000_000, 4_000)),
    Act(artist_id=8, monthly_listeners=3_000_000, daily_change=100),  # no show, so nothing to vote for
    Act(artist_id=9, followers=1_000),
]


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    return simulate(ACTS, as_of=NOON, fans=400)


def hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def by_fan_and_artist(votes: Sequence[Vote]) -> list[list[Vote]]:
    pairs = defaultdict(list)
    for vote in votes:
        pairs[vote.fan, vote.artist_id].append(vote)
    return list(pairs.values())


def test_the_same_seed_gives_the_same_fans(crowd: Crowd) -> None:
    assert simulate(ACTS, as_of=NOON, fans=400) == crowd


def test_another_seed_gives_other_fans(crowd: Crowd) -> None:
    assert simulate(ACTS, as_of=NOON, fans=400, seed="another").votes != crowd.votes


def test_an_hour_later_the_same_fans_do_the_same_an_hour_later(crowd: Crowd) -> None:
    later = simulate(ACTS, as_of=NOON + timedelta(hours=1), fans=400)

    assert later.votes == [vote._replace(created_at=vote.created_at + timedelta(hours=1)) for vote in crowd.votes]


def test_all_is_done_within_three_weeks_and_before_the_hour(crowd: Crowd) -> None:
    moments = [done.created_at for done in (*crowd.votes, *crowd.follows)]

    assert min(moments) >= NOON - timedelta(days=21)
    assert max(moments) < NOON
    assert min(hour(vote.created_at) for vote in crowd.votes) > NOON - timedelta(hours=504)  # each has a weight


def test_votes_go_to_songs_of_that_show_and_artist(crowd: Crowd) -> None:
    open_to_votes = {
        (song, ballot.show_id, act.artist_id) for act in ACTS for ballot in act.ballots for song in ballot.setlist_songs
    }

    assert {(vote.setlist_song_id, vote.show_id, vote.artist_id) for vote in crowd.votes} <= open_to_votes


def test_a_fan_votes_once_for_a_song_of_a_setlist_and_follows_an_artist_once(crowd: Crowd) -> None:
    votes = Counter((vote.fan, vote.setlist_song_id) for vote in crowd.votes)
    follows = Counter((follow.fan, follow.artist_id) for follow in crowd.follows)

    assert set(votes.values()) == {1}
    assert set(follows.values()) == {1}


def test_fans_join_before_they_do_anything(crowd: Crowd) -> None:
    assert all(crowd.joined[done.fan] < done.created_at for done in (*crowd.votes, *crowd.follows))


def test_followers_follow_before_they_vote(crowd: Crowd) -> None:
    followed = {(follow.fan, follow.artist_id): follow.created_at for follow in crowd.follows}

    assert all(followed.get((vote.fan, vote.artist_id), vote.created_at) <= vote.created_at for vote in crowd.votes)


def test_votes_come_in_the_order_of_time(crowd: Crowd) -> None:
    moments = [vote.created_at for vote in crowd.votes]

    assert moments == sorted(moments)


def test_a_vote_counts_while_fewer_than_ten_counted_ones_lie_in_the_168_hours_up_to_it(crowd: Crowd) -> None:
    for votes in by_fan_and_artist(crowd.votes):
        for place, vote in enumerate(votes):
            before = [
                earlier
                for earlier in votes[:place]
                if earlier.counted and hour(earlier.created_at) > hour(vote.created_at) - WEEK
            ]
            assert vote.counted == (len(before) < 10)


def test_no_168_hours_hold_more_than_ten_counted_votes_of_a_fan_for_an_artist(crowd: Crowd) -> None:
    for votes in by_fan_and_artist(crowd.votes):
        hours = [hour(vote.created_at) for vote in votes if vote.counted]
        assert all(later - first >= WEEK for first, later in zip(hours, hours[10:], strict=False))


def test_several_fans_run_into_the_cap(crowd: Crowd) -> None:
    assert len({vote.fan for vote in crowd.votes if not vote.counted}) > 10


def test_a_slot_is_free_again_after_a_week() -> None:
    moments = [*[NOON] * 11, NOON + timedelta(hours=167), NOON + timedelta(hours=168)]

    marked = count_votes(Vote(moment, 0, song, 1, 1) for song, moment in enumerate(moments))

    assert [vote.counted for vote in marked] == [True] * 10 + [False, False, True]


def test_the_cap_is_per_artist() -> None:
    marked = count_votes(Vote(NOON, 0, song, 1, song % 2) for song in range(20))

    assert all(vote.counted for vote in marked)


def test_more_listeners_bring_more_fans() -> None:
    great, small = make_acts((50_000_000, 0), (2_000_000, 0))

    followers = Counter(follow.artist_id for follow in simulate([great, small], as_of=NOON, fans=300).follows)

    assert followers[great.artist_id] > followers[small.artist_id]


def test_growth_brings_more_and_fresher_votes() -> None:
    rising, falling = make_acts((9_000_000, 90_000), (9_000_000, -50_000))

    crowd = simulate([rising, falling], as_of=NOON, fans=300)

    votes = Counter(vote.artist_id for vote in crowd.votes)
    age = {
        act.artist_id: sum(
            (NOON - vote.created_at for vote in crowd.votes if vote.artist_id == act.artist_id), timedelta()
        )
        / votes[act.artist_id]
        for act in (rising, falling)
    }
    assert votes[rising.artist_id] > votes[falling.artist_id]
    assert age[rising.artist_id] < age[falling.artist_id] - timedelta(days=3)


def test_nobody_without_a_listed_figure_outdoes_the_least_of_the_list() -> None:
    assert Act(artist_id=1, followers=10**9).pull <= Act(artist_id=2, monthly_listeners=2_000_000).pull


def test_a_few_fans_do_much_and_most_do_little(crowd: Crowd) -> None:
    votes = sorted(Counter(vote.fan for vote in crowd.votes).values())

    assert votes[-1] > 3 * votes[len(votes) // 2]


@pytest.mark.parametrize("acts", [[], [Act(artist_id=1)]])
def test_nothing_to_vote_for_is_no_error(acts: list[Act]) -> None:
    assert simulate(acts, as_of=NOON, fans=3).votes == []
