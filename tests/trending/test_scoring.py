"""The pure formula: golden vectors and the invariants of its parts (no database)."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trending import scoring
from trending.scoring import POINT, SCALE, CastVote, Factors, count, raw, score, softcap, units, weight

NOW = 500_000  # an hour since 1970

hours_ago = st.integers(0, 600)
hot_crowds = st.builds(
    lambda fan, age, counted: CastVote(fan, NOW - age, counted), st.integers(1, 60), hours_ago, st.booleans()
)
vote_lists = st.lists(hot_crowds, max_size=60)
starts = st.lists(st.floats(NOW - 900, NOW + 4000), max_size=45)
worlds = st.fixed_dictionaries(
    {
        "votes": vote_lists,
        "show_starts": starts,
        "followers": st.integers(0, 100_000_000),
        "popularity": st.none() | st.integers(0, 100),
    }
)


def points(**world: object) -> int:
    return raw(count(as_of=NOW, **world))  # type: ignore[arg-type]


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
    assert [weight(age) for age in (-1, 0, 72, 504)] == [0, SCALE, SCALE // 2, 0]


@given(
    st.integers(0, 9),
    st.integers(1, 9),
    st.integers(0, 10),
    st.integers(0, 10),
    st.integers(0, 500),
    st.integers(0, 100),
)
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


@given(st.integers(0, 10**15))
def test_i1_the_score_is_bounded_and_equals_raw_up_to_500(units_of_raw: int) -> None:
    shown = score(units_of_raw)
    assert 0 <= shown < 1000
    if units_of_raw <= 500 * POINT:
        assert shown == Decimal(units_of_raw * 100 // POINT).scaleb(-2)


@given(st.integers(0, 10**12), st.integers(0, 10**6))
def test_a_higher_raw_never_shows_a_lower_score(units_of_raw: int, more: int) -> None:
    assert score(units_of_raw) <= score(units_of_raw + more)


@given(st.integers(0, 10**7), st.integers(1, 10**4), st.integers(1, 10**4))
def test_softcap_is_the_floor_of_its_definition(x: int, knee: int, gap: int) -> None:
    limit = knee + gap
    expected = x if x <= knee else knee + (gap * (x - knee)) // ((x - knee) + gap)
    assert softcap(x, knee, limit) == expected
    assert softcap(x, knee, limit) < limit or x <= knee


@given(worlds, st.integers(1, 200))
def test_i2_a_vote_now_never_lowers_raw_and_gains_what_is_promised(world: dict, fan: int) -> None:  # type: ignore[type-arg]
    before = points(**world)
    known = any(vote.fan == fan and weight(NOW - vote.hour) == SCALE for vote in world["votes"])
    after = points(**{**world, "votes": [*world["votes"], CastVote(fan, NOW)]})
    assert after >= before + 15 * POINT
    if not known and all(vote.fan != fan for vote in world["votes"]):
        assert (after - before) * 100 >= 1948 * POINT


@given(worlds, st.integers(1, 90), hours_ago, st.booleans())
def test_i3_a_vote_at_any_past_hour_never_lowers_raw(world: dict, fan: int, age: int, counted: bool) -> None:  # type: ignore[type-arg]
    """Read the other way round: a retraction never raises it."""
    after = {**world, "votes": [*world["votes"], CastVote(fan, NOW - age, counted)]}
    if sum(vote.fan == fan and vote.counted for vote in after["votes"]) <= 10:  # the cap's premise
        assert points(**after) >= points(**world)


@given(worlds, st.floats(NOW - 720, NOW + 5000))
def test_i4_one_more_show_never_lowers_raw_and_old_ones_change_nothing(world: dict, start: float) -> None:  # type: ignore[type-arg]
    before = points(**world)
    assert points(**{**world, "show_starts": [*world["show_starts"], start]}) >= before
    assert points(**{**world, "show_starts": [*world["show_starts"], NOW - 720.01]}) == before


@given(worlds, st.integers(0, 10**6), st.integers(0, 100))
def test_i5_more_followers_or_popularity_never_lower_raw(world: dict, followers: int, popularity: int) -> None:  # type: ignore[type-arg]
    before = points(**world)
    assert points(**{**world, "followers": world["followers"] + followers}) >= before
    assert points(**{**world, "popularity": max(world["popularity"] or 0, popularity)}) >= before


@given(worlds, st.integers(-5000, 5000))
def test_i6_shifting_history_and_clock_together_changes_no_part(world: dict, shift: int) -> None:  # type: ignore[type-arg]
    moved = {
        **world,
        "votes": [CastVote(v.fan, v.hour + shift, v.counted) for v in world["votes"]],
        "show_starts": [int(start) + shift for start in world["show_starts"]],
    }
    still = {**world, "show_starts": [int(start) for start in world["show_starts"]]}
    assert count(as_of=NOW + shift, **moved) == count(as_of=NOW, **still)


@given(vote_lists, st.integers(0, 10**5), st.integers(0, 700))
def test_i7_in_silence_raw_never_rises(votes: list[CastVote], followers: int, hours: int) -> None:
    later = raw(count(as_of=NOW + hours, votes=votes, followers=followers))
    assert later <= raw(count(as_of=NOW, votes=votes, followers=followers))


@given(worlds)
def test_i8_after_three_silent_weeks_activity_is_exactly_0_and_raw_below_450(world: dict) -> None:  # type: ignore[type-arg]
    later = NOW + 504
    factors = count(as_of=later, **{**world, "show_starts": [s + 504 for s in world["show_starts"]]})
    parts = units(factors)
    assert [parts[key] for key in ("recent_votes", "active_users", "engagement_ratio", "recency_boost")] == [0] * 4
    assert raw(factors) < 450 * POINT


@given(worlds, st.randoms(use_true_random=False))
def test_i9_the_order_of_rows_is_irrelevant(world: dict, dice) -> None:  # type: ignore[no-untyped-def, type-arg]
    shuffled = {**world, "votes": dice.sample(world["votes"], len(world["votes"]))}
    assert count(as_of=NOW, **shuffled) == count(as_of=NOW, **world)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 9)), max_size=40), worlds)
@settings(max_examples=200)
def test_i11_twenty_fresh_fans_outrank_any_fame_at_equal_activity(crowd: list[tuple[int, int]], famous: dict) -> None:  # type: ignore[type-arg]
    activity = famous["votes"] + [CastVote(fan, NOW - 3 * age) for fan, age in crowd]
    emerging = [*activity, *(CastVote(1000 + fan, NOW) for fan in range(20))]
    assert points(votes=emerging) > points(**{**famous, "votes": activity})


def test_i11_eighteen_fans_are_not_enough_so_the_theorem_is_tight() -> None:
    votes = [CastVote(fan, NOW) for fan in range(100) for _ in range(10)]
    fame = {"show_starts": [NOW + 1.0] * 10**5 + [NOW - 1.0] * 10**5, "followers": 10**9, "popularity": 100}
    newcomers = [CastVote(1000 + fan, NOW) for fan in range(18)]
    assert points(votes=votes + newcomers) < points(votes=votes, **fame)
    assert points(votes=votes + newcomers + [CastVote(2000, NOW), CastVote(2001, NOW)]) > points(votes=votes, **fame)


@given(worlds)
def test_i13_the_parts_sum_to_raw_exactly(world: dict) -> None:  # type: ignore[type-arg]
    factors = count(as_of=NOW, **world)
    assert sum(units(factors).values()) == raw(factors)


@given(st.lists(st.tuples(hours_ago, st.booleans()), max_size=10), st.integers(1, 500))
def test_i14_k_copies_of_a_fan_give_exactly_k_times_votes_and_fans(cast: list[tuple[int, bool]], k: int) -> None:
    one = count(as_of=NOW, votes=[CastVote(1, NOW - age, counted) for age, counted in cast])
    many = count(as_of=NOW, votes=[CastVote(fan, NOW - age, counted) for fan in range(k) for age, counted in cast])
    assert (many.recent_votes, many.active_users) == (k * one.recent_votes, k * one.active_users)


@pytest.mark.parametrize(
    ("alone"),
    [
        {"votes": [CastVote(1, NOW)]},
        {"votes": [CastVote(1, NOW, counted=False)]},
        {"show_starts": [NOW + 1.0]},
        {"show_starts": [NOW - 1.0]},
        {"followers": 1},
        {"popularity": 1},
    ],
)
def test_i18_every_input_moves_raw_when_it_alone_goes_from_none_to_one(alone: dict) -> None:  # type: ignore[type-arg]
    assert points(**alone) > points() == 0


@pytest.mark.parametrize("field", ["recent_votes", "active_users", "recency_boost"])
def test_i18_every_factor_moves_raw(field: str) -> None:
    assert raw(Factors(**{field: SCALE})) > 0  # type: ignore[arg-type]


def test_i18_engagement_tells_many_votes_of_few_fans_from_few_votes_of_many() -> None:
    assert units(Factors(recent_votes=9 * SCALE, active_users=2 * SCALE))["engagement_ratio"] == 9 * POINT


@given(worlds, st.integers(1, 40))
def test_i24_votes_dated_ahead_count_for_nothing_until_then(world: dict, ahead: int) -> None:  # type: ignore[type-arg]
    future = {**world, "votes": [*world["votes"], CastVote(999, NOW + ahead)]}
    assert count(as_of=NOW, **future) == count(as_of=NOW, **world)
    assert count(as_of=NOW + ahead, **future).active_users > count(as_of=NOW + ahead, **world).active_users


def test_an_unknown_popularity_adds_nothing_and_stays_unknown() -> None:
    assert count(as_of=NOW, popularity=None).popularity is None
    assert points(popularity=None) == points(popularity=0) == 0


def test_two_thousand_and_two_million_followers_differ() -> None:
    assert units(Factors(followers=2000))["followers"] == 87.5 * POINT
    assert units(Factors(followers=2000))["followers"] < units(Factors(followers=2_000_000))["followers"] < 100 * POINT
