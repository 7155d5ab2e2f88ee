"""The incremental refresh ends where a full recompute does, to the integer (I16)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mysetlist.catalog.models import Artist, Billing, Follow, SetlistSong, Show, User, Venue, Vote
from tests.factories import NOON, make_artist, make_fan, make_setlist, make_show, make_venue
from trending.models import COLUMNS, TrendState
from trending.services import refresh

pytestmark = pytest.mark.django_db

ROLLUPS = {
    "artist_hours": "artist_id, hour, votes, counted, fans",
    "artist_fans": "artist_id, fan_id, hour",
    "show_hours": "show_id, hour, votes, counted, fans",
    "show_fans": "show_id, fan_id, hour",
}


def rows(sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def assert_equals_full_recompute() -> None:
    as_of = TrendState.objects.get().as_of
    for kind in ("artist", "show"):
        columns = ", ".join((f"{kind}_id", *COLUMNS))
        stored = rows(f"SELECT {columns} FROM {kind}_trends ORDER BY 1")
        assert stored == rows(f"SELECT {columns} FROM trending_{kind}_scores(%s) ORDER BY 1", as_of)


def rollups(since: datetime) -> dict[str, list[tuple[Any, ...]]]:
    """What the rollups say of the hours that count; a row of zeros says nothing."""
    return {
        table: rows(
            f"SELECT {columns} FROM {table} WHERE hour >= %s"
            + (" AND (votes, counted, fans) <> (0, 0, 0)" if table.endswith("hours") else "")
            + " ORDER BY 1, 2",
            since,
        )
        for table, columns in ROLLUPS.items()
    }


class World:
    """A small catalogue, and what can happen to it. Every step takes three small numbers."""

    def __init__(self) -> None:
        self.as_of = NOON
        for _ in range(6):
            make_fan()
        artists = [make_artist(popularity=10) for _ in range(3)]
        for artist in artists:
            bill = [] if artist is artists[0] else artists[:1]
            for days in (-29.9, 0.02, 7):
                make_setlist(make_show(artist, starts_at=NOON + timedelta(days=days), bill=bill), songs=3)

    def vote(self, a: int, b: int, c: int) -> None:
        fans, songs = User.objects.order_by("pk"), SetlistSong.objects.order_by("pk")
        if not fans or not songs:
            return
        song = songs[b % len(songs)]
        minutes = (-3, 10, 61, -60 * 24, -60 * 200, -60 * 503, -60 * 504, -1)[c % 8]
        vote = Vote(
            fan=fans[a % len(fans)],
            setlist_song=song,
            show_id=song.setlist.show_id,
            artist_id=song.setlist.artist_id,
            created_at=self.as_of + timedelta(minutes=minutes),
            counted=bool(c % 3),
        )
        Vote.objects.bulk_create([vote], ignore_conflicts=True)

    def retract(self, a: int, b: int, c: int) -> None:
        votes = Vote.objects.order_by("pk")
        if votes:
            votes[a % len(votes)].delete()

    def move(self, a: int, b: int, c: int) -> None:
        """A corrected headliner: the vote now counts for another artist. Or another flag, or another hour."""
        votes, artists = Vote.objects.order_by("pk"), Artist.objects.order_by("pk")
        if votes and artists:
            vote = Vote.objects.filter(pk=votes[a % len(votes)].pk)
            if c % 3 == 0:
                vote.update(counted=bool(b % 2))
            elif c % 3 == 1:
                vote.update(created_at=self.as_of - timedelta(hours=(0, 1, 30, 503, 504, -1)[b % 6]))
            else:
                vote.update(artist=artists[b % len(artists)])

    def ban(self, a: int, b: int, c: int) -> None:
        fans = User.objects.order_by("pk")
        if len(fans) > 2:
            fans[a % len(fans)].delete()

    def follow(self, a: int, b: int, c: int) -> None:
        fans, artists = User.objects.order_by("pk"), Artist.objects.order_by("pk")
        if fans and artists:
            follow, made = Follow.objects.get_or_create(fan=fans[a % len(fans)], artist=artists[b % len(artists)])
            if not made:
                follow.delete()

    def edit_show(self, a: int, b: int, c: int) -> None:
        shows, artists = Show.objects.order_by("pk"), Artist.objects.order_by("pk")
        if not shows or not artists:
            return
        show = shows[a % len(shows)]
        if b % 4 == 0:
            show.status = ("upcoming", "cancelled", "postponed", "completed")[c % 4]
        elif b % 4 == 1:
            show.starts_at = self.as_of + timedelta(hours=(-721, -720, -719, -1, 0, 1, 900)[c % 7])
        elif b % 4 == 2:
            show.headliner = artists[c % len(artists)]
        else:
            Billing.objects.filter(show=show, position__gt=0).delete()
        show.save()

    def edit_bills(self, a: int, b: int, c: int) -> None:
        """Shows come and go, guests and songs too; a venue gets its zone."""
        shows, artists = Show.objects.order_by("pk"), Artist.objects.order_by("pk")
        if not shows or not artists:
            return
        show, artist = shows[a % len(shows)], artists[c % len(artists)]
        if b % 5 == 0:
            Billing.objects.get_or_create(show=show, artist=artist, defaults={"position": 1 + c})
        elif b % 5 == 1:
            make_setlist(make_show(artist, starts_at=self.as_of + timedelta(hours=c - 20)), songs=1)
        elif b % 5 == 2 and len(shows) > 2:
            show.delete()
        elif b % 5 == 3:
            SetlistSong.objects.filter(setlist__show=show).delete()
        else:
            show.starts_at, show.local_date = None, self.as_of.date()
            show.venue = show.venue or make_venue()
            show.save()
            Venue.objects.filter(pk=show.venue.pk).update(timezone=("Asia/Tokyo", "America/Lima", None)[c % 3])

    def edit_artist(self, a: int, b: int, c: int) -> None:
        artists = Artist.objects.order_by("pk")
        if b % 5 == 0:
            make_artist()
        elif b % 5 == 1 and len(artists) > 1:
            artists[a % len(artists)].delete()
        elif artists:
            Artist.objects.filter(pk=artists[a % len(artists)].pk).update(popularity=c if c % 2 else None)

    def wait(self, a: int, b: int, c: int) -> None:
        self.as_of += timedelta(hours=(1, 1, 2, 24, 100, 503)[c % 6])

    def refresh(self, a: int, b: int, c: int) -> None:
        refresh(as_of=self.as_of, full=c % 10 == 0)
        assert_equals_full_recompute()


Step = Callable[[World, int, int, int], None]
STEPS: list[Step] = [
    *[World.vote] * 3,
    World.retract,
    World.move,
    World.ban,
    World.follow,
    *[World.edit_show] * 2,
    World.edit_bills,
    World.edit_artist,
    World.wait,
    *[World.refresh] * 2,
]
small = st.integers(0, 40)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(STEPS), small, small, small), min_size=5, max_size=40))
def test_i16_an_incremental_refresh_equals_a_full_recompute_after_any_mix_of_events(
    steps: list[tuple[Step, int, int, int]],
) -> None:
    with transaction.atomic():
        world = World()
        refresh(as_of=world.as_of)
        for step, a, b, c in steps:
            step(world, a, b, c)
        refresh(as_of=world.as_of)
        assert_equals_full_recompute()
        since = world.as_of - timedelta(hours=503)
        kept = rollups(since)
        rows("SELECT trending_rebuild(%s)", world.as_of)
        assert kept == rollups(since)
        transaction.set_rollback(True)


def test_within_the_hour_only_what_was_touched_is_scored() -> None:
    world = World()
    refresh(as_of=NOON)
    world.vote(0, 0, 0)

    result = refresh(as_of=NOON)

    assert (result["artists_scored"], result["shows_scored"]) == (1, 1)
    assert result["activity"] == {"vote": 1}


def test_truncated_votes_are_forgotten() -> None:
    world = World()
    world.vote(0, 0, 0)
    refresh(as_of=NOON)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE catalog_vote")

    refresh(as_of=NOON + timedelta(hours=1))

    assert_equals_full_recompute()


def test_a_vote_of_the_hour_to_come_waits_for_it() -> None:
    world = World()
    refresh(as_of=NOON)
    world.vote(0, 0, 2)  # 61 minutes ahead

    assert refresh(as_of=NOON)["activity"] == {}
    assert refresh(as_of=NOON + timedelta(hours=1))["activity"] == {"vote": 1}
    assert_equals_full_recompute()
