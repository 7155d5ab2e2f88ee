"""Why a score is what it is: the stored factors of one row, told in counts, weights and points."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from trending import scoring
from trending.scoring import POINT, SCALE

HORIZON_DAYS = scoring.HORIZON_HOURS // 24
RECENT_SHOW_DAYS = scoring.RECENT_SHOW_HOURS // 24


class Scored(Protocol):
    """A row of ArtistTrend, ShowTrend, TrendingArtist or TrendingShow, or a tuple with their names."""

    vote_count: int
    fan_count: int
    recent_votes: int
    active_users: int
    upcoming_shows: int
    recent_shows: int
    followers: int
    popularity: int | None
    engagement_ratio: int
    recency_boost: int
    raw: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What one factor added. `effective * weight` are its points; the units of all sum to raw exactly."""

    factor: str
    label: str
    count: int | None  # plain things counted; None where nothing is counted, or it is unknown
    effective: float | None  # what is left of them after decay or soft cap; None is unknown
    weight: float  # points for each effective one
    units: int  # in 1/POINT point
    points: float
    share: float  # of raw, 0 to 1
    note: str  # for people


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A line of the formula, and how to tell of it."""

    label: str
    one: int  # units of raw for each effective one
    count: Callable[[Scored], int | None]
    note: Callable[[Scored], str]
    meaning: str
    knee: int | None = None  # in things counted; None: no soft cap
    limit: int | None = None

    @property
    def weight(self) -> float:
        return self.one / POINT


FACTORS: Mapping[str, Factor] = {
    "recent_votes": Factor(
        label="Votes",
        one=scoring.VOTE_UNITS * SCALE,
        count=lambda row: row.vote_count,
        note=lambda row: f"{counted(row.vote_count, 'vote')} in {HORIZON_DAYS} days",
        meaning="Votes, halving with age. At most ten of one fan for one artist count in a week.",
    ),
    "active_users": Factor(
        label="Fans",
        one=scoring.FAN_UNITS * SCALE,
        count=lambda row: row.fan_count,
        note=lambda row: f"{counted(row.fan_count, 'fan')} voted in {HORIZON_DAYS} days",
        meaning="Fans, each by the age of their latest vote.",
    ),
    "upcoming_shows": Factor(
        label="Upcoming shows",
        one=scoring.UPCOMING_UNITS,
        count=lambda row: row.upcoming_shows,
        note=lambda row: counted(row.upcoming_shows, "upcoming show"),
        meaning="Shows to come, softly capped.",
        knee=scoring.UPCOMING_KNEE * POINT // scoring.UPCOMING_UNITS,
        limit=scoring.UPCOMING_LIMIT * POINT // scoring.UPCOMING_UNITS,
    ),
    "recent_shows": Factor(
        label="Recent shows",
        one=scoring.RECENT_UNITS,
        count=lambda row: row.recent_shows,
        note=lambda row: f"{counted(row.recent_shows, 'show')} in the last {RECENT_SHOW_DAYS} days",
        meaning=f"Shows of the last {RECENT_SHOW_DAYS} days, softly capped.",
        knee=scoring.RECENT_KNEE * POINT // scoring.RECENT_UNITS,
        limit=scoring.RECENT_LIMIT * POINT // scoring.RECENT_UNITS,
    ),
    "followers": Factor(
        label="Followers",
        one=scoring.FOLLOWER_UNITS,
        count=lambda row: row.followers,
        note=lambda row: f"{counted(row.followers, 'follower')} here",
        meaning="Followers in this app, softly capped.",
        knee=scoring.FOLLOWERS_KNEE * POINT // scoring.FOLLOWER_UNITS,
        limit=scoring.FOLLOWERS_LIMIT * POINT // scoring.FOLLOWER_UNITS,
    ),
    "popularity": Factor(
        label="Popularity",
        one=scoring.POPULARITY_UNITS,
        count=lambda row: row.popularity,
        note=lambda row: "unknown, adds nothing" if row.popularity is None else f"{row.popularity} of 100 on Spotify",
        meaning="Spotify's 0 to 100; unknown adds nothing.",
    ),
    "engagement_ratio": Factor(
        label="Engagement",
        one=scoring.ENGAGEMENT_UNITS * SCALE,
        count=lambda row: None,
        note=lambda row: f"{row.engagement_ratio / (scoring.ENGAGEMENT_UNITS * SCALE):.2f} votes per fan",
        meaning="Effective votes per effective fan and one.",
    ),
    "recency_boost": Factor(
        label="Recency",
        one=scoring.BOOST_UNITS * SCALE,
        count=lambda row: None,
        note=lambda row: f"the latest vote weighs {row.recency_boost / SCALE:.2f}" if row.recency_boost else "no votes",
        meaning="The weight of the latest vote.",
    ),
}


def explain(trend: Scored) -> list[Explanation]:
    """What each factor of a stored row added to its raw, in the order of the formula."""
    added = added_units(trend)
    return [
        Explanation(
            factor=name,
            label=factor.label,
            count=factor.count(trend),
            effective=None if name == "popularity" and trend.popularity is None else round(added[name] / factor.one, 4),
            weight=factor.weight,
            units=added[name],
            points=points(added[name]),
            share=round(added[name] / trend.raw, 4) if trend.raw else 0.0,
            note=factor.note(trend),
        )
        for name, factor in FACTORS.items()
    ]


def summary(trend: Scored) -> str:
    """The plain counts in one line: 34 votes by 21 fans in 21 days."""
    return f"{counted(trend.vote_count, 'vote')} by {counted(trend.fan_count, 'fan')} in {HORIZON_DAYS} days"


def added_units(trend: Scored) -> Mapping[str, int]:
    """What each factor added to raw, in units; they sum to raw exactly."""
    return scoring.units(scoring.Factors(**{name: getattr(trend, name) for name in COUNTED}))


def points(units: int) -> float:
    """Units of raw as points, to two decimals."""
    return round(units / POINT, 2)


def counted(number: int, thing: str) -> str:
    """1 vote, 1,200 votes."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


COUNTED: Sequence[str] = tuple(field.name for field in fields(scoring.Factors))
