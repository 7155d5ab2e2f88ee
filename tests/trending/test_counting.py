"""SQL equals the pure reference, integer for integer: the formula, and the counting of rows (I17)."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from mysetlist.catalog.models import Artist, Billing, Setlist, SetlistSong, Show, User, Vote
from mysetlist.catalog.services import cast_vote, retract_vote
from tests.factories import (
    NOON,
    hours_before,
    make_artist,
    make_fan,
    make_follow,
    make_setlist,
    make_show,
    make_song,
    make_venue,
    make_vote,
)
from tests.trending.world import (
    EPOCH,
    HOUR,
    INSTANT,
    Row,
    as_row,
    column,
    counted,
    hour_of,
    make_crowd,
    make_followers,
    make_shows,
    make_votes,
    reference,
    rows,
    run_sql,
    session_in,
    stored,
)
from trending import scoring
from trending.scoring import SCALE, Factors
from trending.services import refresh

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
ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]  # half hours, and clocks that jump


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


EXTREME = [
    Factors(),
    Factors(recent_votes=10**6 * SCALE, active_users=10**6 * SCALE, recency_boost=SCALE),
    Factors(recent_votes=559_240 * SCALE, active_users=0),
    Factors(recent_votes=559_241 * SCALE, active_users=0),  # votes * 15 * SCALE passes 64 bits
    Factors(recent_votes=10**8 * SCALE, active_users=1),
    *(Factors(upcoming_shows=shows, recent_shows=shows) for shows in (9, 10, 11, 10**6)),
    *(Factors(followers=followers) for followers in (499, 500, 501, 362_000, 10**8, 10**10)),
    *(Factors(recent_votes=votes * SCALE // 15) for votes in (499, 500, 501)),
]


def test_the_formula_in_sql_equals_the_reference_on_20000_inputs() -> None:
    dice = random.Random(20)
    cases = EXTREME + [some_factors(dice) for _ in range(20_000)]
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


def test_the_parts_in_sql_are_those_of_the_reference() -> None:
    dice = random.Random(13)
    cases = EXTREME + [some_factors(dice) for _ in range(500)]
    given = ", ".join(f"%s::bigint AS {name}" for name in NAMES)
    for case in cases:
        ((parts,),) = rows(
            f"SELECT trending_units({', '.join(NAMES)}) FROM (SELECT {given}) f",
            *(getattr(case, name) for name in NAMES),
        )
        assert json.loads(parts) == scoring.units(case)


def test_the_soft_cap_in_sql_is_that_of_the_reference() -> None:
    dice = random.Random(4)
    cases = []
    for _ in range(5_000):
        knee, gap = dice.randrange(1, 10 ** dice.randrange(1, 10)), dice.randrange(1, 10 ** dice.randrange(1, 10))
        x = dice.choice((knee - 1, knee, knee + 1, knee + gap, dice.randrange(10 ** dice.randrange(1, 16))))
        cases.append((x, knee, knee + gap))
    answers = rows(
        "SELECT trending_softcap(x, knee, cap) FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])"
        " WITH ORDINALITY AS c (x, knee, cap, n) ORDER BY n",
        *(list(values) for values in zip(*cases, strict=True)),
    )
    assert [answer for (answer,) in answers] == [scoring.softcap(*case) for case in cases]


def test_i1_the_score_in_sql_is_bounded_whatever_the_raw() -> None:
    sizes = [0, 1, *(10**digits for digits in range(1, 18)), *(500 * scoring.POINT + step for step in (-1, 0, 1))]
    for units, shown in rows("SELECT u, trending_score(u) FROM unnest(%s::bigint[]) u", sizes):
        assert 0 <= shown < 1000
        assert shown == scoring.score(units)


def test_the_weights_in_sql_are_those_of_the_reference() -> None:
    assert rows("SELECT age, trending_weight(age) FROM generate_series(-10, 600) age") == [
        (age, scoring.weight(age)) for age in range(-10, 601)
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_an_age_is_counted_in_hours_of_utc_whatever_the_zone_of_the_connection(zone: str) -> None:
    dice = random.Random(zone)
    moments = [NOON + step * INSTANT + hours * HOUR for hours in range(-510, 4) for step in (-1, 0, 1)]
    moments += [NOON - timedelta(microseconds=dice.randrange(-(10**10), 2 * 10**12)) for _ in range(2_000)]
    with session_in(zone):
        assert rows("SHOW timezone") == [(zone,)]
        answers = rows(
            "SELECT trending_age(%s, m) FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS u (m, n) ORDER BY n",
            NOON,
            moments,
        )
    assert [age for (age,) in answers] == [hour_of(NOON) - hour_of(moment) for moment in moments]


OFFSETS = [
    *(2 * HOUR, HOUR, HOUR - INSTANT, HOUR / 3, 0 * HOUR),  # ahead, ahead, and still this hour
    *(-INSTANT, -HOUR / 2, -HOUR, -HOUR - INSTANT, -72 * HOUR, -168.3 * HOUR),
    *(-503 * HOUR + INSTANT, -503 * HOUR, -503 * HOUR - INSTANT, -504 * HOUR, -600 * HOUR),
]
STARTS = [
    *(-721 * HOUR, -720 * HOUR - INSTANT, -720 * HOUR, -720 * HOUR + INSTANT, -24 * HOUR, -INSTANT),
    *(0 * HOUR, INSTANT, 900 * HOUR, None),
]


@dataclass
class Events:
    """What happens in an example: artists, fans and shows are numbers that wrap around."""

    shows: list[tuple[timedelta | None, int, int, str]]  # start, headliner, guest, status
    votes: list[tuple[int, int, int, timedelta, bool]]  # fan, show, place on the bill, when, counted
    follows: set[tuple[int, int]]  # fan, artist
    popularity: list[int | None]


class World:
    """The rows of some events, and what the reference says of them."""

    def __init__(self, events: Events) -> None:
        self.artists = [make_artist(popularity=popularity) for popularity in events.popularity]
        self.fans = list(make_crowd(9))
        self.song = make_song()
        self.happened = events

    def happen(self) -> None:
        self.shows = [
            make_show(
                self.artists[headliner],
                starts_at=None if offset is None else NOON + offset,
                status=status,
                bill=[self.artists[guest]] if guest != headliner else [],
            )
            for offset, headliner, guest, status in self.happened.shows
        ]
        bills = [list(Billing.objects.filter(show=show).order_by("position")) for show in self.shows]
        self.votes = self.vote(bills)
        for fan, artist in sorted(self.happened.follows):
            make_follow(self.artists[artist], self.fans[fan])

    def vote(self, bills: list[list[Billing]]) -> list[Vote]:
        setlists: dict[tuple[int, int], Setlist] = {}
        places = []
        for _, show, place, _, _ in self.happened.votes:
            billing = bills[show % len(bills)][place % len(bills[show % len(bills)])]
            key = (billing.show_id, billing.artist_id)
            setlists[key] = setlists.get(key) or make_setlist(billing.show, billing.artist)
            places.append(setlists[key])
        songs = SetlistSong.objects.bulk_create(
            SetlistSong(setlist=setlist, song=self.song, position=n) for n, setlist in enumerate(places)
        )
        return Vote.objects.bulk_create(
            Vote(
                fan=self.fans[fan],
                setlist_song=song,
                show_id=song.setlist.show_id,
                artist_id=song.setlist.artist_id,
                created_at=NOON + offset,
                counted=counted,
            )
            for (fan, _, _, offset, counted), song in zip(self.happened.votes, songs, strict=True)
        )

    def artist_rows(self) -> dict[int, Row]:
        bills = {(b.show_id, b.artist_id) for b in Billing.objects.all()}
        return {
            artist.pk: reference(
                [vote for vote in self.votes if vote.artist_id == artist.pk],
                [show for show in self.shows if (show.pk, artist.pk) in bills],
                artist,
            )
            for artist in self.artists
        }

    def show_rows(self) -> dict[int, Row]:
        return {
            show.pk: reference([vote for vote in self.votes if vote.show_id == show.pk], [show], show.headliner)
            for show in self.shows
            if show.start is None or show.start >= NOON - 720 * HOUR
        }


events = st.builds(
    Events,
    shows=st.lists(
        st.tuples(
            st.sampled_from(STARTS), st.integers(0, 2), st.integers(0, 2), st.sampled_from(Show.Status.values * 2)
        ),
        min_size=1,
        max_size=9,
    ),
    votes=st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 1), st.sampled_from(OFFSETS), st.booleans()),
        max_size=60,
    ),
    follows=st.sets(st.tuples(st.integers(0, 8), st.integers(0, 2)), max_size=9),
    popularity=st.lists(st.none() | st.integers(0, 100), min_size=3, max_size=3),
)


@settings(max_examples=50)
@given(events, st.sampled_from(ZONES), st.sampled_from([0, 1, 30, 600]))
def test_i17_what_is_counted_and_what_is_stored_equal_the_reference_on_any_rows(
    events: Events, zone: str, hours_since_the_last_refresh: int
) -> None:
    with session_in(zone), transaction.atomic():
        world = World(events)
        refresh(as_of=NOON - hours_since_the_last_refresh * HOUR)
        world.happen()

        assert counted("artist", NOON) == world.artist_rows()
        assert counted("show", NOON) == world.show_rows()
        refresh(as_of=NOON)
        assert stored("artist") == world.artist_rows()
        assert stored("show") == world.show_rows()
        transaction.set_rollback(True)


@settings(max_examples=25)
@given(events, st.integers(-5000, 5000), st.sampled_from(ZONES))
def test_i6_moving_history_and_clock_together_changes_no_part(events: Events, hours: int, zone: str) -> None:
    with session_in(zone), transaction.atomic():
        world = World(events)
        world.happen()
        before = [counted(kind, NOON) for kind in ("artist", "show")]
        move = "+ make_interval(hours => %s)"
        run_sql(f"UPDATE catalog_vote SET created_at = created_at {move}", hours)
        run_sql(f"UPDATE catalog_show SET starts_at = starts_at {move}", hours)
        assert [counted(kind, NOON + hours * HOUR) for kind in ("artist", "show")] == before
        transaction.set_rollback(True)


@settings(max_examples=25)
@given(events)
def test_i19_another_artists_data_never_changes_mine(events: Events) -> None:
    with transaction.atomic():
        world = World(events)
        mine, song = make_artist(popularity=50), make_song()
        show = make_show(mine, starts_at=NOON + HOUR)
        place = SetlistSong.objects.create(setlist=make_setlist(show), song=song, position=1)
        make_votes([place], world.fans[:4], at=hours_before(5))
        before = [counted("artist", NOON)[mine.pk], counted("show", NOON)[show.pk]]
        world.happen()
        assert [counted("artist", NOON)[mine.pk], counted("show", NOON)[show.pk]] == before
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (NOON, (1, 0)),
        (NOON + 9000 * HOUR, (1, 0)),
        (NOON - INSTANT, (0, 1)),
        (NOON - 720 * HOUR, (0, 1)),
        (NOON - 720 * HOUR - INSTANT, (0, 0)),
        (None, (0, 0)),
    ],
)
def test_a_show_is_upcoming_or_recent_or_neither_and_never_both(start: Any, expected: tuple[int, int]) -> None:
    show = make_show(starts_at=start)
    row = counted("artist", NOON)[show.headliner_id]
    assert (column(row, "upcoming_shows"), column(row, "recent_shows")) == expected


@pytest.mark.parametrize("status", Show.Status.values)
def test_the_clock_decides_unless_the_show_is_called_off(status: str) -> None:
    """An ongoing or completed show that starts tomorrow is upcoming: statuses may lag behind, or be wrong."""
    show = make_show(starts_at=NOON + 24 * HOUR, status=status)
    stands = status not in {"cancelled", "postponed"}
    for row in (counted("artist", NOON)[show.headliner_id], counted("show", NOON)[show.pk]):
        assert (column(row, "upcoming_shows"), column(row, "recent_shows")) == (int(stands), 0)


def test_a_show_without_an_hour_starts_at_eight_in_the_evening_at_its_venue() -> None:
    tokyo = make_venue(timezone="Asia/Tokyo")  # 20:00 there is 11:00 UTC
    show = make_show(starts_at=None, local_date=date(2026, 7, 1), venue=tokyo)
    at = {hour: counted("show", EPOCH.replace(2026, 7, 1, hour))[show.pk] for hour in (11, 12)}
    assert {hour: column(row, "upcoming_shows") for hour, row in at.items()} == {11: 1, 12: 0}


@pytest.mark.parametrize(
    ("moment", "weight"),
    [
        (NOON.replace(hour=14, minute=59, second=59, microsecond=999_999), scoring.weight(1)),
        (NOON.replace(hour=15), scoring.weight(0)),
        (NOON.replace(hour=15, minute=59, second=59, microsecond=999_999), scoring.weight(0)),
        (NOON.replace(hour=16), 0),
    ],
)
def test_a_vote_belongs_to_the_hour_of_the_clock_that_it_was_cast_in(moment: Any, weight: int) -> None:
    vote = make_vote(make_setlist(make_show(), songs=1).setlist_songs.get(), at=moment)
    as_of = NOON.replace(hour=15)
    assert column(counted("artist", as_of)[vote.artist_id], "recent_votes") == weight
    refresh(as_of=as_of)
    assert column(stored("artist")[vote.artist_id], "recent_votes") == weight


def voted(artist: Artist, fans: Sequence[User], *, each: int, at: Any = NOON, starts_at: Any = None) -> None:
    """So many votes of each fan, on a show that counts for nothing itself unless it has a date."""
    setlist = make_setlist(make_show(artist, starts_at=starts_at), songs=each)
    make_votes(setlist.setlist_songs.select_related("setlist"), fans, at=at)


def test_the_golden_vectors_hold_for_rows_in_the_tables() -> None:
    one, literal, famous, full, older, huge = [
        make_artist(popularity=popularity) for popularity in (None, 40, 85, 100, None, None)
    ]
    voted(one, make_crowd(1), each=1)

    voted(literal, make_crowd(3), each=2)
    make_shows(literal, 2, NOON + HOUR)
    make_shows(literal, 1, NOON - HOUR)
    make_followers(literal, 10)

    make_shows(famous, 40, NOON + HOUR)
    make_shows(famous, 15, NOON - HOUR)
    make_followers(famous, 5000)

    voted(full, make_crowd(10), each=1)
    make_shows(full, 10, NOON + HOUR)
    make_shows(full, 10, NOON - HOUR)
    make_followers(full, 500)

    voted(older, make_crowd(100), each=1, at=NOON - 72 * HOUR)

    voted(huge, make_crowd(1000), each=1)
    make_shows(huge, 12, NOON + HOUR)
    make_followers(huge, 3)

    refresh(as_of=NOON)

    found = stored("artist")
    assert [(column(found[a.pk], "raw"), column(found[a.pk], "score")) for a in (one, literal, famous)] == [
        (243793920, Decimal("46.50")),
        (977797120, Decimal("186.50")),
        (1909282133, Decimal("364.16")),
    ]
    assert [(column(found[a.pk], "raw"), column(found[a.pk], "score")) for a in (full, older, huge)] == [
        (2635738763, Decimal("502.71")),
        (6621449035, Decimal("802.04")),
        (131687590920, Decimal("990.04")),
    ]


def test_a_fan_counts_once_by_the_latest_vote_counted_or_not() -> None:
    fan, setlist = make_fan(), make_setlist(make_show(starts_at=None), songs=3)
    old, older, declined = setlist.setlist_songs.all()
    make_vote(old, fan=fan, at=hours_before(72))
    make_vote(older, fan=fan, at=hours_before(144))
    make_vote(declined, fan=fan, at=hours_before(1), counted=False)
    row = counted("artist", NOON)[setlist.artist_id]
    assert row == as_row(
        Factors(recent_votes=SCALE // 2 + SCALE // 4, active_users=scoring.weight(1), recency_boost=scoring.weight(1)),
        vote_count=3,
        fan_count=1,
    )


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 300)), max_size=12, unique_by=lambda v: v[:2]
    ),
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(6, 9), st.integers(0, 300)), max_size=6, unique_by=lambda v: v[:2]
    ),
    st.integers(0, 300),
)
def test_i10_a_vote_cast_and_taken_back_leaves_every_part_with_refreshes_and_other_voters_in_between(
    before: list[tuple[int, int, int]], meanwhile: list[tuple[int, int, int]], age: int
) -> None:
    """The fan's latest vote is remembered right when a later one goes."""
    with transaction.atomic():
        show = make_show(starts_at=NOON + 9000 * HOUR)
        songs = list(make_setlist(show, songs=11).setlist_songs.order_by("position"))
        fans = list(make_crowd(4))
        for fan, song, hours in before:
            make_vote(songs[song], fan=fans[fan], at=hours_before(hours))
        refresh(as_of=NOON)
        for fan, song, hours in meanwhile:
            if fan:  # the fan of the vote that goes does nothing else meanwhile
                make_vote(songs[song], fan=fans[fan], at=hours_before(hours))
        expected = [counted(kind, NOON) for kind in ("artist", "show")]

        cast_vote(fan=fans[0], setlist_song=songs[10], now=hours_before(age))
        refresh(as_of=NOON)
        assert [stored("artist"), stored("show")] != expected
        assert retract_vote(fan=fans[0], setlist_song=songs[10], now=NOON)
        refresh(as_of=NOON)
        assert [stored("artist"), stored("show")] == expected
        transaction.set_rollback(True)
