"""SQL equals the pure reference, integer for integer: the formula, and the counting of rows (I17)."""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from mysetlist.catalog.models import Billing, Follow, Setlist, SetlistSong, Show, Vote
from tests.factories import NOON, hours_before, make_artist, make_fan, make_setlist, make_show, make_song, make_vote
from trending import scoring
from trending.scoring import SCALE, CastVote, Factors

pytestmark = pytest.mark.django_db

NAMES = (
    "recent_votes",
    "active_users",
    "upcoming_shows",
    "recent_shows",
    "followers",
    "popularity",
    "recency_boost",
)


def rows(sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def some_factors(dice: random.Random) -> Factors:
    """Factors of every size: the small, the knees, and the absurd."""

    def number(*sizes: int) -> int:
        return dice.randrange(dice.choice(sizes) + 1)

    return Factors(
        recent_votes=number(3, 20 * SCALE, 10**6 * SCALE, 10**8 * SCALE),
        active_users=number(3, 20 * SCALE, 10**6 * SCALE),
        upcoming_shows=number(3, 15, 1000),
        recent_shows=number(3, 15, 1000),
        followers=number(10, 600, 10**8),
        popularity=dice.choice((None, 0, 1, 40, 100)),
        recency_boost=number(1, SCALE),
    )


def test_the_formula_in_sql_equals_the_reference_on_20000_inputs() -> None:
    dice = random.Random(20)
    cases = [some_factors(dice) for _ in range(20_000)]
    columns = [[getattr(case, name) for case in cases] for name in NAMES]
    arrays = ", ".join(["%s::bigint[]"] * len(NAMES))
    given = ", ".join(NAMES)

    answers = rows(
        f"SELECT trending_raw({given}), trending_score(trending_raw({given})),"
        f" trending_engagement(recent_votes, active_users),"
        f" (SELECT sum(value::bigint) FROM jsonb_each_text(trending_units({given})))"
        f" FROM unnest({arrays}) WITH ORDINALITY AS f ({given}, n) ORDER BY n",
        *columns,
    )

    for case, answer in zip(cases, answers, strict=True):
        total = scoring.raw(case)
        assert answer == (total, scoring.score(total), case.engagement_ratio, total), case


def test_the_weights_in_sql_are_those_of_the_reference() -> None:
    assert rows("SELECT age, trending_weight(age) FROM generate_series(-10, 600) age") == [
        (age, scoring.weight(age)) for age in range(-10, 601)
    ]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_an_hour_is_that_of_utc_whatever_the_zone_of_the_connection(zone: str) -> None:
    moments = ["11:00:00", "11:59:59.999999", "12:00:00", "12:30:00", "12:59:59.999999", "13:00:00"]
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL TIME ZONE '{zone}'")
        cursor.execute(
            "SELECT array_agg(trending_age('2026-07-01 12:00Z', ('2026-07-01 ' || m || 'Z')::timestamptz) ORDER BY m)"
            " FROM unnest(%s::text[]) m",
            [moments],
        )
        assert cursor.fetchone() == ([1, 1, 0, 0, 0, -1],)


AGES = st.sampled_from([-2, -1, -0.5, 0, 0.2, 1, 5, 23.99, 71, 72, 167, 168, 300, 502.5, 503, 503.01, 504, 600])
EDGES = st.sampled_from([-721, -720.01, -720, -719.9, -24, -0.01, 0, 0.01, 24, 900])


@settings(max_examples=40)
@given(
    votes=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), AGES, st.booleans()), max_size=40),
    shows=st.lists(st.tuples(EDGES, st.integers(0, 2), st.sampled_from(Show.Status.values)), min_size=1, max_size=20),
    follows=st.integers(0, 6),
    popularity=st.none() | st.integers(0, 100),
    zone=st.sampled_from(["UTC", "Asia/Kolkata"]),
)
def test_counting_in_sql_equals_the_reference_on_any_rows(
    votes: list[tuple[int, int, float, bool]],
    shows: list[tuple[float, int, str]],
    follows: int,
    popularity: int | None,
    zone: str,
) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL TIME ZONE '{zone}'")
        assert_counted_alike(votes, shows, follows, popularity)
        transaction.set_rollback(True)


def assert_counted_alike(
    votes: list[tuple[int, int, float, bool]],
    shows: list[tuple[float, int, str]],
    follows: int,
    popularity: int | None,
) -> None:
    artists = [make_artist(popularity=popularity), make_artist(), make_artist()]
    fans = [make_fan() for _ in range(6)]
    starts: dict[int, list[float]] = defaultdict(list)
    made = []
    for offset, who, status in shows:
        show = make_show(artists[who], starts_at=NOON + timedelta(hours=offset), status=status)
        made.append((show, offset, status))
        guest = artists[(who + 1) % 3]
        Billing.objects.create(show=show, artist=guest, position=1)
        if status not in Show.CALLED_OFF:
            for artist in (artists[who], guest):
                starts[artist.pk].append(hours(NOON) + offset)
    cast = cast_votes(votes, [show for show, *_ in made], fans)
    for fan in fans[:follows]:
        Follow.objects.create(fan=fan, artist=artists[0])

    for artist in artists:
        expected = scoring.count(
            as_of=int(hours(NOON)),
            votes=cast["artist", artist.pk],
            show_starts=starts[artist.pk],
            followers=follows if artist == artists[0] else 0,
            popularity=artist.popularity,
        )
        assert_row("artist", artist.pk, expected, cast["artist", artist.pk])
    for show, offset, status in made:
        if offset < -720:
            assert rows("SELECT 1 FROM trending_show_scores(%s) WHERE show_id = %s", NOON, show.pk) == []
            continue
        expected = scoring.count(
            as_of=int(hours(NOON)),
            votes=cast["show", show.pk],
            show_starts=[] if status in Show.CALLED_OFF else [hours(NOON) + offset],
            followers=follows if show.headliner == artists[0] else 0,
            popularity=show.headliner.popularity,
        )
        assert_row("show", show.pk, expected, cast["show", show.pk])


def cast_votes(
    votes: list[tuple[int, int, float, bool]], shows: list[Show], fans: list[Any]
) -> dict[tuple[str, int], list[CastVote]]:
    cast: dict[tuple[str, int], list[CastVote]] = defaultdict(list)
    for number, (fan, where, age, counted) in enumerate(votes):
        show = shows[where % len(shows)]
        setlist, _ = Setlist.objects.get_or_create(show=show, artist=show.headliner, kind=Setlist.Kind.PREDICTED)
        song = SetlistSong.objects.create(setlist=setlist, song=make_song(), position=number)
        make_vote(song, fan=fans[fan], at=hours_before(age), counted=counted)
        vote = CastVote(fan, int(hours(hours_before(age))), counted)
        cast["artist", show.headliner_id].append(vote)
        cast["show", show.pk].append(vote)
    return cast


def hours(moment: datetime) -> float:
    return moment.timestamp() / 3600


def assert_row(kind: str, pk: int, expected: Factors, votes: list[CastVote]) -> None:
    live = [vote for vote in votes if scoring.weight(int(hours(NOON)) - vote.hour)]
    total = scoring.raw(expected)
    assert rows(
        f"SELECT vote_count, fan_count, {', '.join(NAMES)}, engagement_ratio, raw, score"
        f" FROM trending_{kind}_scores(%s) WHERE {kind}_id = %s",
        NOON,
        pk,
    ) == [
        (
            len(live),
            len({vote.fan for vote in live}),
            *(getattr(expected, name) for name in NAMES),
            expected.engagement_ratio,
            total,
            scoring.score(total),
        )
    ]


def test_i19_what_happens_to_others_changes_nothing_of_mine() -> None:
    mine = make_artist(popularity=50)
    make_vote(make_setlist(make_show(mine), songs=1).setlist_songs.get())
    before = rows("SELECT * FROM trending_artist_scores(%s) WHERE artist_id = %s", NOON, mine.pk)

    for song in make_setlist(make_show(), songs=5).setlist_songs.all():
        make_vote(song)

    assert rows("SELECT * FROM trending_artist_scores(%s) WHERE artist_id = %s", NOON, mine.pk) == before


def test_i10_a_vote_and_its_retraction_leave_every_part_as_it_was() -> None:
    setlist = make_setlist(make_show(), songs=3)
    first, second, third = setlist.setlist_songs.all()
    fan = make_fan()
    make_vote(first, fan=fan, at=hours_before(30))
    before = rows("SELECT * FROM trending_artist_scores(%s)", NOON)

    vote = make_vote(second, fan=fan)
    other = make_vote(third)
    vote.delete()
    other.delete()

    assert rows("SELECT * FROM trending_artist_scores(%s)", NOON) == before
    assert Vote.objects.count() == 1
