"""update_active_artists: who has shows or votes, not synced for six hours."""

from datetime import timedelta

import pytest

from mysetlist.catalog.models import Artist
from syncjobs.planners.artists import plan_update_active_artists
from tests.factories import NOON, make_artist, make_setlist_song, make_show, make_vote
from tests.syncjobs.planners.planned import jobs_of

pytestmark = pytest.mark.usefixtures("keys")

DAY = timedelta(days=1)


def artist_with_show(number: int, *, days: float = 7, **values: object) -> Artist:
    artist = make_artist(ticketmaster_id=f"K8v{number:04}", **values)
    make_show(artist, starts_at=NOON + days * DAY)
    return artist


def test_shows_within_90_days_and_votes_within_30_make_an_artist_active() -> None:
    soon, _far = artist_with_show(1), artist_with_show(2, days=91)
    voted = make_artist(ticketmaster_id="K8v0003")
    make_vote(make_setlist_song(voted, starts_at=NOON - DAY), at=NOON - 29 * DAY)
    forgotten = make_artist(ticketmaster_id="K8v0004")
    make_vote(make_setlist_song(forgotten, starts_at=NOON - DAY), at=NOON - 31 * DAY)
    plan = plan_update_active_artists(now=NOON)
    assert jobs_of(plan) == [("sync_ticketmaster_artist", soon.pk), ("sync_ticketmaster_artist", voted.pk)]


def test_a_guest_is_as_active_as_the_headliner() -> None:
    guest = make_artist(ticketmaster_id="K8v0001")
    make_show(make_artist(ticketmaster_id="K8v0002"), bill=[guest], starts_at=NOON + DAY)
    assert ("sync_ticketmaster_artist", guest.pk) in jobs_of(plan_update_active_artists(now=NOON))


def test_the_never_synced_come_first_then_the_stalest_and_the_fresh_not_at_all() -> None:
    newer = artist_with_show(1, shows_synced_at=NOON - timedelta(hours=7))
    older = artist_with_show(2, shows_synced_at=NOON - DAY)
    artist_with_show(3, shows_synced_at=NOON - timedelta(hours=5))
    never = artist_with_show(4)
    assert [number for _, number in jobs_of(plan_update_active_artists(now=NOON))] == [never.pk, older.pk, newer.pk]


def test_profile_and_shows_are_refreshed_and_the_unknown_imported() -> None:
    known = artist_with_show(1, spotify_id="0" * 22)
    unknown = make_artist()
    make_show(unknown, starts_at=NOON + DAY)
    assert jobs_of(plan_update_active_artists(now=NOON)) == [
        ("sync_ticketmaster_artist", known.pk),
        ("sync_spotify_artist", known.pk),
        ("import_artist", unknown.pk),
    ]


def test_the_limit_counts_artists_and_says_what_is_left() -> None:
    for number in range(5):
        artist_with_show(number, spotify_id=f"{number:022}")
    plan = plan_update_active_artists(now=NOON, limit=2)
    assert (len(plan.pieces), plan.left) == (4, 3)
