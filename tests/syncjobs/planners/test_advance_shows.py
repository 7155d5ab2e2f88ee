"""advance_shows: upcoming, ongoing, completed; predicted setlists are locked at the start."""

from datetime import timedelta

import pytest
from django.core.management import call_command

from monitoring.models import CronLog
from mysetlist.catalog.models import Activity, Setlist, Show
from syncjobs.planners.shows import advance_shows
from tests.factories import NOON, make_setlist, make_show
from tests.syncjobs.services.worlds import physical

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


def status_of(show: Show) -> str:
    show.refresh_from_db()
    return show.status


@pytest.mark.parametrize(
    ("hours", "status"),
    [(0.01, "upcoming"), (0, "ongoing"), (-3.99, "ongoing"), (-4, "completed"), (-5000, "completed")],
)
@pytest.mark.parametrize("stored", ["upcoming", "ongoing", "completed"])
def test_the_clock_says_whether_a_show_goes_on(stored: str, hours: float, status: str) -> None:
    show = make_show(starts_at=NOON + hours * HOUR, status=stored)
    advance_shows(now=NOON)
    assert status_of(show) == status


@pytest.mark.parametrize("status", ["cancelled", "postponed"])
def test_a_show_called_off_stays_so(status: str) -> None:
    show = make_show(starts_at=NOON - HOUR, status=status)
    advance_shows(now=NOON)
    assert status_of(show) == status


def test_a_show_without_a_date_stays_upcoming() -> None:
    show = make_show(starts_at=None)
    advance_shows(now=NOON)
    assert status_of(show) == "upcoming"


def test_predicted_setlists_are_locked_at_the_start() -> None:
    begun, later = make_setlist(make_show(starts_at=NOON - HOUR)), make_setlist(make_show(starts_at=NOON + HOUR))
    played = make_setlist(begun.show, kind=Setlist.Kind.ACTUAL)
    result = advance_shows(now=NOON).result
    for setlist in (begun, later, played):
        setlist.refresh_from_db()
    assert (begun.locked_at, later.locked_at, played.locked_at) == (NOON - HOUR, None, None)
    assert result == {"ongoing": 1, "completed": 0, "upcoming": 0, "locked": 1, "unlocked": 0}


def test_a_lock_set_by_hand_keeps_its_time() -> None:
    setlist = make_setlist(make_show(starts_at=NOON - HOUR), locked_at=NOON - 9 * HOUR)
    advance_shows(now=NOON)
    setlist.refresh_from_db()
    assert setlist.locked_at == NOON - 9 * HOUR


def test_a_show_that_is_moved_on_takes_votes_again() -> None:
    setlist = make_setlist(make_show(starts_at=NOON - HOUR))
    advance_shows(now=NOON)
    Show.objects.update(starts_at=NOON + 48 * HOUR)
    assert advance_shows(now=NOON).result["unlocked"] == 1
    setlist.refresh_from_db()
    assert (setlist.locked_at, status_of(setlist.show)) == (None, "upcoming")


def test_twice_writes_nothing() -> None:
    make_setlist(make_show(starts_at=NOON - HOUR))
    make_setlist(make_show(starts_at=NOON - 9 * HOUR))
    advance_shows(now=NOON)
    Activity.objects.all().delete()
    before = physical(Show, Setlist)
    advance_shows(now=NOON)
    assert physical(Show, Setlist) == before
    assert not Activity.objects.exists()


def test_the_command_records_its_run_without_any_source() -> None:
    make_show(starts_at=NOON - HOUR)
    call_command("advance_shows")
    assert CronLog.objects.get().status == "success"
    assert Show.objects.get().status == "completed"
