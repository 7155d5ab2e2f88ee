"""The score, in integers: the reference that SQL must equal. No database, no clock.

    raw   = 15 votes + 10 fans + 8 softcap(upcoming, 10, 25) + 5 softcap(recent, 10, 20)
            + 0.1 softcap(followers, 500, 1000) + 0.5 popularity + 3 engagement + boost
    score = softcap(raw, 500, 1000), cut to two decimals; 0 <= score < 1000

Votes and fans are sums of weights that halve every 72 hours and are 0 from 504 hours on.
Weights are integers in 1/SCALE, raw is an integer in 1/POINT point: sums have no rounding, so the
order of rows is irrelevant and two ways of counting agree exactly. Sources: README.md, Words;
forward decay: Cormode et al., ICDE 2009.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

FORMULA_VERSION = 1

SCALE = 2**20  # a vote of this hour
POINT = 5 * SCALE  # units of raw in one point: 0.1 follower and 0.5 popularity are whole
HALF_LIFE_HOURS = 72
HORIZON_HOURS = 504  # three weeks; older votes weigh nothing
RECENT_SHOW_HOURS = 720

WEIGHTS: Sequence[int] = tuple(round(SCALE * 2 ** (-age / HALF_LIFE_HOURS)) for age in range(HORIZON_HOURS))

# Knees and limits, in points.
UPCOMING_KNEE, UPCOMING_LIMIT = 80, 200
RECENT_KNEE, RECENT_LIMIT = 50, 100
FOLLOWERS_KNEE, FOLLOWERS_LIMIT = 50, 100
SCORE_KNEE, SCORE_LIMIT = 500, 1000

# Units of raw for one of each factor's own integers.
VOTE_UNITS = 15 * POINT // SCALE
FAN_UNITS = 10 * POINT // SCALE
UPCOMING_UNITS = 8 * POINT
RECENT_UNITS = 5 * POINT
FOLLOWER_UNITS = POINT // 10
POPULARITY_UNITS = POINT // 2
ENGAGEMENT_UNITS = 3 * POINT // SCALE
BOOST_UNITS = 20 * POINT // SCALE


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """What the score counts. Votes, fans and the latest vote's weight are in 1/SCALE."""

    recent_votes: int = 0
    active_users: int = 0
    upcoming_shows: int = 0
    recent_shows: int = 0
    followers: int = 0
    popularity: int | None = None  # 0 to 100; None is unknown and adds nothing
    recency_boost: int = 0

    @property
    def engagement_ratio(self) -> int:
        """Votes per fan, in units of raw. The one fan more keeps it from jumping for the first."""
        return ENGAGEMENT_UNITS * self.recent_votes * SCALE // (self.active_users + SCALE)


@dataclass(frozen=True, slots=True)
class CastVote:
    """A live vote: whose, in which hour (whole hours since 1970, UTC), and whether it counts."""

    fan: int
    hour: int
    counted: bool = True


def weight(age: int) -> int:
    """The weight of a vote `age` whole hours old, in 1/SCALE; 0 from the horizon on, and in the future."""
    return WEIGHTS[age] if 0 <= age < HORIZON_HOURS else 0


def softcap(x: int, knee: int, limit: int) -> int:
    """`x` up to the knee; above it ever slower, below `limit` for every x.

    The floor of knee + (limit - knee)(x - knee) / ((x - knee) + (limit - knee)), written so that
    no product exceeds 64 bits at our limits.
    """
    if x <= knee:
        return x
    return limit - -(-((limit - knee) ** 2) // (x - 2 * knee + limit))


def units(factors: Factors) -> Mapping[str, int]:
    """What each factor adds to raw, in units; they sum to raw exactly."""
    return {
        "recent_votes": VOTE_UNITS * factors.recent_votes,
        "active_users": FAN_UNITS * factors.active_users,
        "upcoming_shows": softcap(
            UPCOMING_UNITS * factors.upcoming_shows, UPCOMING_KNEE * POINT, UPCOMING_LIMIT * POINT
        ),
        "recent_shows": softcap(RECENT_UNITS * factors.recent_shows, RECENT_KNEE * POINT, RECENT_LIMIT * POINT),
        "followers": softcap(FOLLOWER_UNITS * factors.followers, FOLLOWERS_KNEE * POINT, FOLLOWERS_LIMIT * POINT),
        "popularity": POPULARITY_UNITS * (factors.popularity or 0),
        "engagement_ratio": factors.engagement_ratio,
        "recency_boost": BOOST_UNITS * factors.recency_boost,
    }


def raw(factors: Factors) -> int:
    """The plain sum, in units of 1/POINT point. Unbounded; lists are ordered by it."""
    return sum(units(factors).values())


def score(raw: int) -> Decimal:
    """The bounded score, 0.00 to 999.99, cut to two decimals."""
    capped = softcap(raw, SCORE_KNEE * POINT, SCORE_LIMIT * POINT)
    return Decimal(capped * 100 // POINT).scaleb(-2)


def count(
    *,
    as_of: int,
    votes: Iterable[CastVote] = (),
    show_starts: Iterable[float] = (),
    followers: int = 0,
    popularity: int | None = None,
) -> Factors:
    """Count events at the whole hour `as_of` (hours since 1970, UTC).

    `show_starts` are the starts of shows that stand, in the same hours, fractions allowed.
    """
    seen = [vote for vote in votes if weight(as_of - vote.hour)]
    latest: dict[int, int] = {}
    for vote in seen:
        latest[vote.fan] = max(vote.hour, latest.get(vote.fan, vote.hour))
    starts = list(show_starts)
    return Factors(
        recent_votes=sum(weight(as_of - vote.hour) for vote in seen if vote.counted),
        active_users=sum(weight(as_of - hour) for hour in latest.values()),
        upcoming_shows=sum(start >= as_of for start in starts),
        recent_shows=sum(as_of - RECENT_SHOW_HOURS <= start < as_of for start in starts),
        followers=followers,
        popularity=popularity,
        recency_boost=weight(as_of - max(latest.values())) if latest else 0,
    )
