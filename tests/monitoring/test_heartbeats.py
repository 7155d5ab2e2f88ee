"""Long-lived processes say that they live, and the silent are found out."""

from datetime import timedelta

import pytest
from django.db.models import F

from monitoring.heartbeats import FORGET_LAST_SECONDS, FORGET_SECONDS, SILENT_SECONDS, beat, leave, living, sweep
from monitoring.models import SystemHealth

pytestmark = pytest.mark.django_db


def test_a_process_that_speaks_lives_and_has_one_row() -> None:
    beat("relay here:1", "12 published")
    beat("relay here:1", "13 published")
    beat("worker here:2")
    row = SystemHealth.objects.get(component="relay here:1")
    assert (row.status, row.detail) == ("healthy", "13 published")
    assert row.since <= row.checked_at == row.last_good_at
    assert living("relay") == ["relay here:1"]


def test_a_silent_process_is_not_among_the_living() -> None:
    beat("relay here:1")
    SystemHealth.objects.update(checked_at=F("checked_at") - timedelta(seconds=SILENT_SECONDS))
    assert living("relay") == []


def test_a_process_that_leaves_takes_its_row_with_it() -> None:
    beat("relay here:1")
    leave("relay here:1")
    assert not SystemHealth.objects.exists()


def silent(component: str, seconds: float) -> None:
    beat(component)
    SystemHealth.objects.filter(component=component).update(checked_at=F("checked_at") - timedelta(seconds=seconds))


def statuses() -> dict[str, str]:
    sweep()
    return dict(SystemHealth.objects.values_list("component", "status"))


def test_the_silent_are_down_since_they_fell_silent_and_what_is_no_process_is_left_alone() -> None:
    silent("relay here:1", SILENT_SECONDS + 1)
    silent("relay here:2", SILENT_SECONDS - 5)
    silent("database", 10_000)
    assert statuses() == {"relay here:1": "down", "relay here:2": "healthy", "database": "healthy"}
    row = SystemHealth.objects.get(component="relay here:1")
    assert row.since == row.checked_at
    assert row.detail == f"Silent since {row.checked_at:%Y-%m-%d %H:%M:%S} UTC."


def test_the_dead_are_forgotten_when_another_lives() -> None:
    silent("worker here:1", FORGET_SECONDS + 1)
    silent("worker here:2", FORGET_SECONDS - 5)
    beat("worker here:3")
    beat("relay here:9")
    assert statuses() == {"worker here:2": "down", "worker here:3": "healthy", "relay here:9": "healthy"}


def test_that_none_is_left_is_remembered_for_days() -> None:
    silent("worker here:1", FORGET_LAST_SECONDS - 60)
    silent("worker here:2", FORGET_LAST_SECONDS + 60)
    beat("relay here:9")
    assert statuses() == {"worker here:1": "down", "relay here:9": "healthy"}
