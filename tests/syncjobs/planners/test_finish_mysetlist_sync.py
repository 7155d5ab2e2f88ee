"""finish_mysetlist_sync: what others left undone."""

from datetime import timedelta

import pytest

from mysetlist.catalog.models import Setlist
from syncjobs.planners.shows import plan_finish_mysetlist_sync, predict_missing
from syncjobs.queue import enqueue
from tests.factories import NOON, make_artist, make_setlist, make_show, make_song
from tests.syncjobs.planners.planned import jobs_of
from tests.syncjobs.services.worlds import MBID

pytestmark = pytest.mark.usefixtures("keys")

IDS = {"ticketmaster_id": "K8v0001", "spotify_id": "1" * 22, "mbid": MBID.format(1)}
WHOLE = {f"{area}_synced_at": NOON - timedelta(days=1) for area in ("profile", "shows", "songs", "setlists")}


def test_upcoming_shows_without_a_prediction_get_one_the_next_first() -> None:
    artist = make_artist()
    make_song(artist)
    later = make_show(artist, starts_at=NOON + timedelta(days=9))
    sooner = make_show(make_artist(), bill=[artist], starts_at=NOON + timedelta(days=2))
    make_show(artist, starts_at=NOON - timedelta(days=2))
    make_setlist(make_show(artist, starts_at=NOON + timedelta(days=1)))
    assert plan_finish_mysetlist_sync(now=NOON).summary()["without_prediction"] == 2
    assert predict_missing(now=NOON, limit=1) == 1
    assert Setlist.objects.get(show=sooner).artist == artist
    assert predict_missing(now=NOON, limit=9) == 1
    assert Setlist.objects.filter(show=later).exists()


def test_a_whole_import_has_nothing_left() -> None:
    make_artist(**IDS, **WHOLE)
    assert jobs_of(plan_finish_mysetlist_sync(now=NOON)) == []


@pytest.mark.parametrize(
    ("area", "job"),
    [("shows", "sync_ticketmaster_artist"), ("songs", "sync_spotify_artist"), ("setlists", "sync_setlists")],
)
def test_an_import_that_is_stuck_is_finished(area: str, job: str) -> None:
    artist = make_artist(**IDS, **{**WHOLE, f"{area}_synced_at": None})
    assert jobs_of(plan_finish_mysetlist_sync(now=NOON)) == [(job, artist.pk)]


def test_an_import_that_is_still_queued_is_not_stuck() -> None:
    artist = make_artist(**IDS, **{**WHOLE, "songs_synced_at": None})
    enqueue("import_artist", artist=artist.pk)
    assert jobs_of(plan_finish_mysetlist_sync(now=NOON)) == []


def test_an_artist_that_a_source_does_not_know_is_looked_up_again_after_a_week() -> None:
    lacking = {**IDS, "mbid": None}
    artist = make_artist(**lacking, **{**WHOLE, "profile_synced_at": NOON - timedelta(days=8)})
    assert jobs_of(plan_finish_mysetlist_sync(now=NOON)) == [("import_artist", artist.pk)]
    assert jobs_of(plan_finish_mysetlist_sync(now=NOON - timedelta(days=2))) == []
