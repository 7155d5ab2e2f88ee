"""sync_artist_data: who was never synced, or not for a week."""

from datetime import timedelta

import pytest

from syncjobs.planners.artists import plan_sync_artist_data
from tests.factories import NOON, make_artist
from tests.syncjobs.planners.planned import jobs_of

pytestmark = pytest.mark.usefixtures("keys")


def test_the_never_synced_are_imported_and_the_old_refreshed() -> None:
    old = make_artist(spotify_id="1" * 22, profile_synced_at=NOON - timedelta(days=8))
    make_artist(spotify_id="2" * 22, profile_synced_at=NOON - timedelta(days=6))
    new = make_artist()
    plan = plan_sync_artist_data(now=NOON)
    assert jobs_of(plan) == [("import_artist", new.pk), ("sync_spotify_artist", old.pk)]
    assert plan.pieces[1].arguments["catalogue"] is False


def test_what_the_budget_cannot_pay_is_left(settings: object) -> None:
    settings.SOURCE_LIMITS = {**settings.SOURCE_LIMITS, "setlistfm": (2.0, 20)}  # type: ignore[attr-defined]
    for _ in range(10):
        make_artist()
    plan = plan_sync_artist_data(now=NOON)
    assert (len(plan.pieces), plan.left) == (3, 7)  # 30 % of 20 calls, two an import


def test_what_only_a_source_could_do_that_is_not_set_up_is_left_out(settings: object) -> None:
    settings.SPOTIFY_CLIENT_ID = ""  # type: ignore[attr-defined]
    make_artist(spotify_id="1" * 22, profile_synced_at=NOON - timedelta(days=8))
    new = make_artist()
    plan = plan_sync_artist_data(now=NOON)
    assert jobs_of(plan) == [("import_artist", new.pk)]
    assert plan.summary()["not_set_up"] == ["Spotify"]
