"""The explanation of a score: eight lines that sum to it."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trending import scoring
from trending.explanations import FACTORS, explain, summary

WEIGHTS = {
    "recent_votes": 15,
    "active_users": 10,
    "upcoming_shows": 8,
    "recent_shows": 5,
    "followers": 0.1,
    "popularity": 0.5,
    "engagement_ratio": 3,
    "recency_boost": 20,
}


def stored(**counts):
    """A row as scoring would store it."""
    factors = scoring.Factors(**{name: value for name, value in counts.items() if not name.endswith("_count")})
    row = {name: getattr(factors, name) for name in WEIGHTS}
    return SimpleNamespace(**{"vote_count": 0, "fan_count": 0, **row, **counts, "raw": scoring.raw(factors)})


COUNTS = st.fixed_dictionaries(
    {
        "recent_votes": st.integers(0, 10**12),
        "active_users": st.integers(0, 10**12),
        "upcoming_shows": st.integers(0, 500),
        "recent_shows": st.integers(0, 500),
        "followers": st.integers(0, 10**8),
        "popularity": st.none() | st.integers(0, 100),
        "recency_boost": st.integers(0, scoring.SCALE),
    }
)


@given(COUNTS)
def test_the_units_sum_to_raw_exactly(counts):
    row = stored(**counts)
    assert sum(line.units for line in explain(row)) == row.raw


@given(COUNTS)
def test_effective_times_weight_are_the_points(counts):
    for line in explain(stored(**counts)):
        assert (line.effective or 0) * line.weight == pytest.approx(line.points, abs=0.006, rel=1e-6)


def test_the_weights_are_those_of_the_formula():
    assert {name: factor.weight for name, factor in FACTORS.items()} == WEIGHTS


def test_knees_and_limits_are_told_in_things_counted():
    told = {name: (factor.knee, factor.limit) for name, factor in FACTORS.items() if factor.knee}
    assert told == {"upcoming_shows": (10, 25), "recent_shows": (10, 20), "followers": (500, 1000)}


def test_up_to_the_knee_every_show_is_effective_and_above_it_less():
    few, many = ({line.factor: line for line in explain(stored(upcoming_shows=n))} for n in (10, 20))
    assert few["upcoming_shows"].effective == 10
    assert many["upcoming_shows"].effective == 16
    assert many["upcoming_shows"].count == 20


def test_unknown_popularity_is_said_and_is_not_zero():
    unknown, zero = ({line.factor: line for line in explain(stored(popularity=p))}["popularity"] for p in (None, 0))
    assert (unknown.count, unknown.effective, unknown.units, unknown.note) == (None, None, 0, "unknown, adds nothing")
    assert (zero.count, zero.effective, zero.units, zero.note) == (0, 0, 0, "0 of 100 on Spotify")


def test_the_shares_sum_to_one_and_a_silent_row_has_none():
    loud = stored(recent_votes=3 * scoring.SCALE, active_users=scoring.SCALE, upcoming_shows=2)
    assert sum(line.share for line in explain(loud)) == pytest.approx(1, abs=0.001)
    assert [line.share for line in explain(stored())] == [0] * 8


def test_plain_counts_are_told_in_words():
    assert summary(stored(vote_count=34, fan_count=21)) == "34 votes by 21 fans in 21 days"
    assert summary(stored(vote_count=1, fan_count=1)) == "1 vote by 1 fan in 21 days"
