"""Simulated fans: who follows and votes for whom, and when. Pure: no database, no clock.

There is no public log of votes on setlists, so these are invented: from a fixed seed, in proportion to
artists' real monthly listeners and daily growth. The same artists, seed and hour give the same fans.
"""

import math
import random
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from mysetlist.catalog.services import CAP, CAP_HOURS

FANS = 2_500
SEED = "MySetlist"

HORIZON = timedelta(hours=503)  # scoring sees whole hours: the 504th is past 21 days
LATEST = timedelta(minutes=15)  # a visit begins no later: its votes take a few minutes
LISTED_LISTENERS = 2_000_000  # nobody with fewer is in the public listing
MEDIAN_FOLLOWS = 7.0
MEDIAN_VISITS = 10.0
MOST_FOLLOWS = 80
MOST_VISITS = 80
SPREAD = 0.9  # of a lognormal: a few fans do much, most do little
VOTES_A_VISIT = 6.0
ON_TOUR = 3.0  # there is a reason to follow who can be voted for
GROWTH_PULL = 0.13  # per mille of growth a day
STRAY = 0.35  # visits to somebody the fan does not follow
SECONDS_PER_VOTE = 12.0
DAYS_BEFORE_FIRST_ACT = 3.0


class Ballot(NamedTuple):
    """An upcoming show's predicted setlist, open to votes."""

    show_id: int
    setlist_songs: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """An artist as fans come across them. Ballots: soonest show first."""

    artist_id: int
    monthly_listeners: int | None = None
    daily_change: int | None = None
    followers: int | None = None
    ballots: Sequence[Ballot] = ()

    @property
    def growth(self) -> float:
        """Listeners won a day, per mille of all; 0 when unknown. Outliers are held to -6 … 14."""
        if not self.monthly_listeners or self.daily_change is None:
            return 0.0
        return min(14.0, max(-6.0, 1000 * self.daily_change / self.monthly_listeners))

    @property
    def pull(self) -> float:
        """How many fans come: the square root lets the small be seen beside the great."""
        listeners = self.monthly_listeners or min(LISTED_LISTENERS, (self.followers or 0) // 2)
        tour = ON_TOUR if self.ballots else 1.0
        return tour * math.sqrt(listeners + 1) * math.exp(GROWTH_PULL * self.growth)

    @property
    def freshness(self) -> float:
        """1: activity even over time; more: mostly of late; less: mostly long ago."""
        return 1.0 + 0.1 * self.growth


class Follow(NamedTuple):
    """Fans are numbered from 0."""

    created_at: datetime
    fan: int
    artist_id: int


class Vote(NamedTuple):
    """In the order of time; `counted` by the cap rule of catalog.services.cast_vote."""

    created_at: datetime
    fan: int
    setlist_song_id: int
    show_id: int
    artist_id: int
    counted: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Crowd:
    """All fans: when each joined, whom they follow, what they vote for."""

    joined: list[datetime]
    follows: list[Follow]
    votes: list[Vote]


class Street:
    """Where fans meet acts: one is drawn with the odds of its pull."""

    def __init__(self, acts: Iterable[Act]) -> None:
        self.acts = list(acts)
        self.odds = list(accumulate(act.pull for act in self.acts))

    def meet(self, luck: random.Random) -> Act:
        """One act."""
        return self.acts[min(bisect_left(self.odds, luck.random() * self.odds[-1]), len(self.acts) - 1)]


@dataclass(slots=True)
class _Fan:
    """One fan's doings while they are made up."""

    number: int
    luck: random.Random
    follows: dict[int, Follow] = field(default_factory=dict)
    votes: dict[int, Vote] = field(default_factory=dict)


def simulate(acts: Iterable[Act], *, as_of: datetime, fans: int = FANS, seed: str = SEED) -> Crowd:
    """`fans` fans and all they did in the 21 days before `as_of`, a whole hour."""
    everyone = Street(acts)
    touring = Street(act for act in everyone.acts if act.ballots)
    crowd = Crowd(joined=[], follows=[], votes=[])
    for number in range(fans if everyone.acts else 0):
        fan = _Fan(number, random.Random(f"{seed} {number}"))
        _visit(fan, _follow(fan, everyone, as_of), touring, as_of)
        first = min(
            [follow.created_at for follow in fan.follows.values()] + [vote.created_at for vote in fan.votes.values()]
        )
        crowd.joined.append(first - timedelta(days=fan.luck.expovariate(1.0) * DAYS_BEFORE_FIRST_ACT, minutes=1))
        crowd.follows.extend(fan.follows.values())
        crowd.votes.extend(fan.votes.values())
    crowd.follows.sort()
    crowd.votes[:] = count_votes(crowd.votes)
    return crowd


def _follow(fan: _Fan, everyone: Street, as_of: datetime) -> list[Act]:
    """Follow some acts; hand back those that can be voted for."""
    favourites = []
    for _ in range(_many(fan.luck, MEDIAN_FOLLOWS, MOST_FOLLOWS)):
        act = everyone.meet(fan.luck)
        if act.artist_id in fan.follows:
            continue
        fan.follows[act.artist_id] = Follow(_moment(fan.luck, act, as_of), fan.number, act.artist_id)
        if act.ballots:
            favourites.append(act)
    return favourites


def _visit(fan: _Fan, favourites: list[Act], touring: Street, as_of: datetime) -> None:
    """Vote on setlists of favourites, and now and then of somebody else."""
    for _ in range(_many(fan.luck, MEDIAN_VISITS, MOST_VISITS) if touring.acts else 0):
        stray = fan.luck.random() < STRAY or not favourites
        act = touring.meet(fan.luck) if stray else favourites[int(fan.luck.random() * len(favourites))]
        at = _moment(fan.luck, act, as_of)
        follow = fan.follows.get(act.artist_id)
        if follow and follow.created_at > at:  # nobody votes for weeks before they follow
            fan.follows[act.artist_id] = follow._replace(created_at=at - timedelta(seconds=30))
        _vote(fan, act, at)


def _vote(fan: _Fan, act: Act, at: datetime) -> None:
    """One visit: some songs of one show, rather the next show and the songs at the top."""
    luck = fan.luck
    ballot = act.ballots[int(len(act.ballots) * luck.random() ** 2)]
    wanted = 1 + int(luck.expovariate(1 / VOTES_A_VISIT))
    keys = {song: luck.random() * (rank + 4) for rank, song in enumerate(ballot.setlist_songs)}
    for song in sorted(keys, key=keys.__getitem__)[:wanted]:
        at += timedelta(seconds=1 + luck.random() * SECONDS_PER_VOTE)
        fan.votes.setdefault(song, Vote(at, fan.number, song, ballot.show_id, act.artist_id))


def count_votes(votes: Iterable[Vote]) -> list[Vote]:
    """The votes in the order of time, each marked as cast_vote would have marked it."""
    recent: dict[tuple[int, int], deque[datetime]] = defaultdict(deque)
    marked = []
    for vote in sorted(votes):
        hour = vote.created_at.replace(minute=0, second=0, microsecond=0)
        counted = recent[vote.fan, vote.artist_id]
        while counted and counted[0] <= hour - timedelta(hours=CAP_HOURS):
            counted.popleft()
        if len(counted) < CAP:
            counted.append(hour)
            marked.append(vote)
        else:
            marked.append(vote._replace(counted=False))
    return marked


def _many(luck: random.Random, median: float, most: int) -> int:
    return min(most, max(1, round(median * math.exp(SPREAD * luck.gauss(0.0, 1.0)))))


def _moment(luck: random.Random, act: Act, as_of: datetime) -> datetime:
    """A moment before `as_of`, later rather than sooner for an act that grows."""
    ago: float = luck.random() ** act.freshness
    return as_of - LATEST - (HORIZON - LATEST) * ago
