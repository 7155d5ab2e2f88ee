"""The pure formula: golden vectors, and the invariants of reference and README (no database)."""

import random
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mysetlist.catalog.services import CAP, CAP_HOURS
from trending import scoring
from trending.scoring import HORIZON_HOURS, POINT, SCALE, CastVote, Factors, count, raw, score, softcap, units, weight

NOW = 500_000  # an hour since 1970
CROWD = 10_000  # the number of the first fan of a crowd

World = dict[str, Any]  # the arguments of count, but for as_of


def cast_in_turn(arrivals: Iterable[tuple[int, int]]) -> list[CastVote]:
    """Votes (fan, hour) with the flags that the cap gives them, in this order of arrival."""
    votes: list[CastVote] = []
    for fan, hour in arrivals:
        votes.append(CastVote(fan, hour, may_count(votes, fan, hour)))
    return votes


def may_count(votes: Sequence[CastVote], fan: int, hour: int) -> bool:
    return sum(vote.fan == fan and vote.counted and vote.hour > hour - 168 for vote in votes) < 10


def points(**world: Any) -> int:
    return raw(count(as_of=NOW, **world))


# Few fans, and ages at which something ends, so that caps and windows are met. Blocks arrive in any order.
ages = st.sampled_from([0, 1, 71, 72, 100, 166, 167, 168, 169, 335, 336, 337, 502, 503, 504, 600]) | st.integers(0, 600)
blocks = st.lists(st.tuples(st.integers(1, 4), ages, st.integers(1, 10)), max_size=9)
few = blocks.map(
    lambda blocks: cast_in_turn((fan, NOW - age) for fan, age, size in blocks for _ in range(size)),
)
# And thousands of fans, a vote each.
crowds = st.builds(
    lambda size, age, step: [CastVote(CROWD + fan, NOW - age - fan % step) for fan in range(size)],
    st.sampled_from([0] * 9 + [1, 7, 50, 1500]),
    ages,
    st.integers(1, 40),
)
histories = st.builds(lambda few, crowd: [*few, *crowd], few, crowds)
starts = st.builds(
    lambda some, many, start: [*some, *[start] * many],
    st.lists(
        st.sampled_from([NOW, NOW - 1e-6, NOW - 720, NOW - 720.01]) | st.floats(NOW - 900, NOW + 4000), max_size=9
    ),
    st.sampled_from([0, 0, 9, 15, 40, 400]),
    st.floats(NOW - 900, NOW + 4000),
)
worlds = st.fixed_dictionaries(
    {
        "votes": histories,
        "show_starts": starts,
        "followers": st.integers(0, 1200) | st.integers(0, 100_000_000),
        "popularity": st.none() | st.integers(0, 100),
    }
)
cheap = settings(max_examples=300)


@pytest.mark.parametrize(
    ("factors", "units_of_raw", "shown"),
    [
        (Factors(recent_votes=SCALE, active_users=SCALE, recency_boost=SCALE), 243793920, "46.50"),
        (
            Factors(
                recent_votes=6 * SCALE,
                active_users=3 * SCALE,
                upcoming_shows=2,
                recent_shows=1,
                followers=10,
                popularity=40,
                recency_boost=SCALE,
            ),
            977797120,
            "186.50",
        ),
        (Factors(upcoming_shows=40, recent_shows=15, followers=5000, popularity=85), 1909282133, "364.16"),
        (
            Factors(
                recent_votes=10 * SCALE,
                active_users=10 * SCALE,
                upcoming_shows=10,
                recent_shows=10,
                followers=500,
                popularity=100,
                recency_boost=SCALE,
            ),
            2635738763,
            "502.71",
        ),
        (Factors(recent_votes=50 * SCALE, active_users=50 * SCALE, recency_boost=SCALE // 2), 6621449035, "802.04"),
        (
            Factors(
                recent_votes=1000 * SCALE,
                active_users=1000 * SCALE,
                upcoming_shows=12,
                followers=3,
                recency_boost=SCALE,
            ),
            131687590920,
            "990.04",
        ),
    ],
)
def test_the_golden_vectors_hold(factors: Factors, units_of_raw: int, shown: str) -> None:
    assert raw(factors) == units_of_raw
    assert score(raw(factors)) == Decimal(shown)


def test_the_weights_are_the_published_ones() -> None:
    assert sum(scoring.WEIGHTS) == 108589912
    assert [weight(age) for age in (-1, 0, 72, 168, 503, 504)] == [0, SCALE, SCALE // 2, 208064, 8271, 0]


@pytest.mark.parametrize(
    ("upcoming", "recent", "followers", "expected"),
    [  # past the knee: 25 - 225/(P+5) shows, 20 - 100/R shows, 1000 - 250000/F followers
        (40, 0, 0, 8 * 20),
        (0, 20, 0, 5 * 15),
        (0, 0, 2000, Decimal("87.5")),
        (10, 10, 500, 80 + 50 + 50),
    ],
)
def test_the_soft_caps_have_the_shape_they_are_said_to_have(
    upcoming: int, recent: int, followers: int, expected: Decimal
) -> None:
    assert raw(Factors(upcoming_shows=upcoming, recent_shows=recent, followers=followers)) == expected * POINT


@given(
    st.integers(0, 9),
    st.integers(1, 9),
    st.integers(0, 10),
    st.integers(0, 10),
    st.integers(0, 500),
    st.integers(0, 100),
)
@cheap
def test_below_the_knees_and_with_fresh_votes_the_score_is_the_missions_sum_to_the_digit(
    votes: int, fans: int, upcoming: int, recent: int, followers: int, popularity: int
) -> None:
    factors = Factors(
        recent_votes=votes * SCALE,
        active_users=fans * SCALE,
        upcoming_shows=upcoming,
        recent_shows=recent,
        followers=followers,
        popularity=popularity,
        recency_boost=SCALE,
    )
    mission = (
        15 * votes + 10 * fans + 8 * upcoming + 5 * recent + Decimal(followers) / 10 + Decimal(popularity) / 2 + 20
    ) + 3 * Decimal(votes) / (fans + 1)
    if mission <= 500:
        assert score(raw(factors)) == mission.quantize(Decimal("0.01"), rounding="ROUND_DOWN")


@given(st.integers(0, 10**15) | st.integers(499 * POINT, 501 * POINT) | st.integers(0, 10**18))
@cheap
def test_i1_the_score_is_bounded_and_equals_raw_up_to_500(units_of_raw: int) -> None:
    shown = score(units_of_raw)
    assert 0 <= shown < 1000
    if units_of_raw <= 500 * POINT:
        assert shown == Decimal(units_of_raw * 100 // POINT).scaleb(-2)
    else:
        assert shown < Decimal(units_of_raw) / POINT


@given(worlds)
@example({"votes": [CastVote(fan, NOW) for fan in range(30_000)], "followers": 10**8, "popularity": 100})
@settings(max_examples=200)
def test_i1_the_score_of_any_history_is_bounded(world: World) -> None:
    assert 0 <= score(points(**world)) < 1000


@given(st.integers(0, 10**12), st.integers(0, 10**6))
def test_a_higher_raw_never_shows_a_lower_score(units_of_raw: int, more: int) -> None:
    assert score(units_of_raw) <= score(units_of_raw + more)


@given(st.integers(0, 10**7), st.integers(1, 10**4), st.integers(1, 10**4))
@cheap
def test_softcap_is_the_floor_of_its_definition(x: int, knee: int, gap: int) -> None:
    limit = knee + gap
    expected = x if x <= knee else knee + (gap * (x - knee)) // ((x - knee) + gap)
    assert softcap(x, knee, limit) == expected
    assert softcap(x, knee, limit) < limit


@given(worlds, st.integers(1, 5))
@cheap
def test_i2_a_vote_now_never_lowers_raw_and_gains_what_is_promised(world: World, fan: int) -> None:
    before = points(**world)
    counts = may_count(world["votes"], fan, NOW)
    gained = points(**{**world, "votes": [*world["votes"], CastVote(fan, NOW, counts)]}) - before
    assert gained >= 0
    if counts:
        assert gained >= 15 * POINT
    if not any(vote.fan == fan and weight(NOW - vote.hour) for vote in world["votes"]):
        assert gained * 100 >= 1948 * POINT


@given(worlds, st.integers(1, 5), ages, st.booleans())
@example({"votes": cast_in_turn([(1, NOW)] * 10)}, 1, 100, True)  # decided again by replay: 195, then 184.8
@cheap
def test_i3_a_vote_at_any_past_hour_never_lowers_raw(world: World, fan: int, age: int, wanted: bool) -> None:
    late = CastVote(fan, NOW - age, wanted and may_count(world["votes"], fan, NOW - age))
    assert points(**{**world, "votes": [*world["votes"], late]}) >= points(**world)


@given(worlds, st.integers(0, 99))
@cheap
def test_i3_a_retraction_never_raises_raw(world: World, which: int) -> None:
    votes = world["votes"]
    if votes:
        left = [vote for place, vote in enumerate(votes) if place != which % len(votes)]
        assert points(**{**world, "votes": left}) <= points(**world)


@given(worlds, st.floats(NOW - 720, NOW + 5000))
@cheap
def test_i4_one_more_show_never_lowers_raw_and_old_ones_change_nothing(world: World, start: float) -> None:
    before = points(**world)
    assert points(**{**world, "show_starts": [*world["show_starts"], start]}) >= before
    assert points(**{**world, "show_starts": [*world["show_starts"], NOW - 720.01]}) == before


@given(worlds, st.integers(0, 10**6), st.integers(0, 100))
@cheap
def test_i5_more_followers_or_popularity_never_lower_raw(world: World, followers: int, popularity: int) -> None:
    before = points(**world)
    assert points(**{**world, "followers": world["followers"] + followers}) >= before
    assert points(**{**world, "popularity": max(world["popularity"] or 0, popularity)}) >= before


@given(worlds, st.integers(-5000, 5000))
@cheap
def test_i6_shifting_history_and_clock_together_changes_no_part(world: World, shift: int) -> None:
    moved = {
        **world,
        "votes": [CastVote(v.fan, v.hour + shift, v.counted) for v in world["votes"]],
        "show_starts": [int(start) + shift for start in world["show_starts"]],
    }
    still = {**world, "show_starts": [int(start) for start in world["show_starts"]]}
    assert count(as_of=NOW + shift, **moved) == count(as_of=NOW, **still)


@given(blocks, st.integers(-5000, 5000))
def test_i6_the_flags_are_the_same_when_everything_is_cast_later(
    blocks: list[tuple[int, int, int]], shift: int
) -> None:
    arrivals = [(fan, NOW - age) for fan, age, size in blocks for _ in range(size)]
    later = cast_in_turn((fan, hour + shift) for fan, hour in arrivals)
    assert [vote.counted for vote in later] == [vote.counted for vote in cast_in_turn(arrivals)]


@given(worlds, st.integers(0, 700))
@cheap
def test_i7_in_silence_raw_never_rises_unless_a_show_begins(world: World, hours: int) -> None:
    calm = {**world, "show_starts": [s for s in world["show_starts"] if not NOW <= s < NOW + hours]}
    assert raw(count(as_of=NOW + hours, **calm)) <= points(**calm)


@given(worlds)
@cheap
def test_i8_after_three_silent_weeks_activity_is_exactly_0_and_raw_below_450(world: World) -> None:
    factors = count(as_of=NOW + HORIZON_HOURS, **world)
    parts = units(factors)
    assert [parts[key] for key in ("recent_votes", "active_users", "engagement_ratio", "recency_boost")] == [0] * 4
    assert raw(factors) < 450 * POINT
    assert score(raw(factors)) == Decimal(raw(factors) * 100 // POINT).scaleb(-2)


@given(worlds, st.integers(0, 99))
@cheap
def test_i9_the_order_of_rows_is_irrelevant(world: World, seed: int) -> None:
    dice = random.Random(seed)
    shuffled = {key: dice.sample(world[key], len(world[key])) for key in ("votes", "show_starts")}
    assert count(as_of=NOW, **{**world, **shuffled}) == count(as_of=NOW, **world)


@given(worlds, st.integers(1, 5), ages, crowds)
@cheap
def test_i10_a_vote_taken_back_leaves_every_part_as_if_only_the_others_had_voted(
    world: World, fan: int, age: int, others: list[CastVote]
) -> None:
    passing = CastVote(fan, NOW - age)
    votes = [*world["votes"], passing, *others]
    votes.remove(passing)
    assert count(as_of=NOW, **{**world, "votes": votes}) == count(
        as_of=NOW, **{**world, "votes": [*world["votes"], *others]}
    )


fame = st.fixed_dictionaries(
    {
        "upcoming_shows": st.integers(0, 10**6),
        "recent_shows": st.integers(0, 10**6),
        "followers": st.integers(0, 10**9),
        "popularity": st.none() | st.integers(0, 100),
    }
)


# 10 counted votes a week for three weeks: at most 12.377 times the weight of the latest.
@given(st.integers(0, 10**6 * SCALE) | st.integers(0, 40 * SCALE), st.integers(0, 12_377), st.integers(0, SCALE), fame)
@example(100 * SCALE, 10_000, SCALE, {"upcoming_shows": 10**6, "recent_shows": 10**6, "followers": 10**9})
@settings(max_examples=1000)
@pytest.mark.parametrize("newcomers", [19, 20])
def test_i11_twenty_fresh_fans_outrank_any_fame_at_equal_activity(
    newcomers: int, fans: int, votes_a_thousand_fans: int, boost: int, famous: dict[str, Any]
) -> None:
    votes = fans * votes_a_thousand_fans // 1000
    fresh = newcomers * SCALE
    emerging = Factors(recent_votes=votes + fresh, active_users=fans + fresh, recency_boost=SCALE)
    established = Factors(recent_votes=votes, active_users=fans, recency_boost=boost, **famous)
    assert raw(emerging) > raw(established)


@given(worlds)
@cheap
def test_i11_and_so_they_do_with_histories_of_votes(famous: World) -> None:
    emerging = [*famous["votes"], *(CastVote(-1 - fan, NOW) for fan in range(20))]
    assert points(votes=emerging) > points(**famous)


def test_i11_eighteen_fans_are_not_enough_so_the_theorem_is_tight() -> None:
    votes = [CastVote(fan, NOW) for fan in range(100) for _ in range(10)]
    fame = {"show_starts": [NOW + 1.0] * 10**5 + [NOW - 1.0] * 10**5, "followers": 10**9, "popularity": 100}
    newcomers = [CastVote(1000 + fan, NOW) for fan in range(18)]
    assert points(votes=votes + newcomers) < points(votes=votes, **fame)
    assert points(votes=votes + newcomers + [CastVote(2000, NOW)]) > points(votes=votes, **fame)


THREE_WEEKS_OF_TEN = [(1, NOW - age) for age in (336, 168, 0) for _ in range(10)]


@given(st.lists(st.tuples(ages, st.integers(1, 12)), max_size=20))
@example([(0, 10), (168, 10), (336, 10)])  # the newest first: a check that only looks back lets 30 in
@cheap
def test_i12_one_fan_buys_little_in_any_order_of_arrival(blocks: list[tuple[int, int]]) -> None:
    votes = cast_in_turn((1, NOW - age) for age, size in blocks for _ in range(size))
    assert points(votes=votes) <= points(votes=cast_in_turn(THREE_WEEKS_OF_TEN))
    if all(NOW - vote.hour < 168 for vote in votes):
        assert points(votes=votes) <= 195 * POINT


def test_i12_the_most_that_one_fan_can_add_is_234_points_and_195_in_a_week() -> None:
    assert 23423 * POINT < 100 * points(votes=cast_in_turn(THREE_WEEKS_OF_TEN)) <= 23424 * POINT
    assert points(votes=cast_in_turn([(1, NOW)] * 30)) == 195 * POINT


def test_i12_the_cap_is_the_largest_at_which_no_vote_can_lower_raw() -> None:
    weeks = sum(weight(age) for age in range(0, HORIZON_HOURS, CAP_HOURS))
    assert 3 * CAP * weeks <= 4 * 10 * SCALE < 3 * (CAP + 1) * weeks


@given(worlds)
@cheap
def test_i13_the_parts_sum_to_raw_exactly(world: World) -> None:
    factors = count(as_of=NOW, **world)
    assert sum(units(factors).values()) == raw(factors)


@given(st.lists(st.tuples(ages, st.booleans()), max_size=10), st.sampled_from([1, 2, 3, 40, 300]))
@settings(max_examples=200)
def test_i14_k_copies_of_a_fan_give_exactly_k_times_votes_and_fans(cast: list[tuple[int, bool]], k: int) -> None:
    one = count(as_of=NOW, votes=[CastVote(1, NOW - age, counted) for age, counted in cast])
    many = count(as_of=NOW, votes=[CastVote(fan, NOW - age, counted) for fan in range(k) for age, counted in cast])
    assert (many.recent_votes, many.active_users) == (k * one.recent_votes, k * one.active_users)
    assert {type(many.recent_votes), type(many.active_users), type(raw(many))} == {int}


@pytest.mark.parametrize(
    ("alone", "gain"),
    [
        ({"votes": [CastVote(1, NOW)]}, "46.5"),
        ({"votes": [CastVote(1, NOW, counted=False)]}, "30"),
        ({"show_starts": [NOW + 1.0]}, "8"),
        ({"show_starts": [NOW - 1.0]}, "5"),
        ({"followers": 1}, "0.1"),
        ({"popularity": 1}, "0.5"),
    ],
)
def test_i18_every_input_moves_raw_when_it_alone_goes_from_none_to_one(alone: World, gain: str) -> None:
    assert points() == 0
    assert points(**alone) == Decimal(gain) * POINT


@pytest.mark.parametrize(("field", "gain"), [("recent_votes", 18), ("active_users", 10), ("recency_boost", 20)])
def test_i18_every_factor_moves_raw_when_it_alone_goes_from_none_to_one(field: str, gain: int) -> None:
    assert raw(Factors(**{field: SCALE})) == gain * POINT


def test_i18_engagement_tells_many_votes_of_few_fans_from_few_votes_of_many() -> None:
    assert units(Factors(recent_votes=9 * SCALE, active_users=2 * SCALE))["engagement_ratio"] == 9 * POINT


@given(worlds, st.integers(1, 40))
@cheap
def test_i24_votes_dated_ahead_count_for_nothing_until_then(world: World, ahead: int) -> None:
    future = {**world, "votes": [*world["votes"], CastVote(-1, NOW + ahead)]}
    assert count(as_of=NOW, **future) == count(as_of=NOW, **world)
    assert count(as_of=NOW + ahead, **future).active_users > count(as_of=NOW + ahead, **world).active_users


def test_an_unknown_popularity_adds_nothing_and_stays_unknown() -> None:
    assert count(as_of=NOW, popularity=None).popularity is None
    assert points(popularity=None) == points(popularity=0) == 0


def test_two_thousand_and_two_million_followers_differ() -> None:
    assert units(Factors(followers=2000))["followers"] == 87.5 * POINT
    assert units(Factors(followers=2000))["followers"] < units(Factors(followers=2_000_000))["followers"] < 100 * POINT
