"""Long-lived processes say that they live, and the silent are found out."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from monitoring.heartbeats import (
    FORGET_LAST_SECONDS,
    FORGET_SECONDS,
    SILENT_SECONDS,
    STOPPED_SECONDS,
    beat,
    is_part_lost,
    leave,
    living,
    sweep,
)
from monitoring.models import Alert, SystemHealth

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


def test_nobody_misses_a_process_that_leaves_while_another_of_its_part_lives() -> None:
    beat("relay here:1")
    beat("relay here:2")
    leave("relay here:1")
    assert [row.component for row in SystemHealth.objects.all()] == ["relay here:2"]


def test_the_last_of_a_part_that_leaves_says_so_until_another_comes() -> None:
    beat("relay here:1")
    beat("worker here:2")
    leave("relay here:1")
    assert living("relay") == []
    row = SystemHealth.objects.get(component="relay here:1")
    assert row.status == "down"
    assert row.detail == f"Stopped at {row.since:%Y-%m-%d %H:%M:%S} UTC."
    beat("relay here:3")
    assert statuses() == {"relay here:3": "healthy", "worker here:2": "healthy"}


@pytest.mark.parametrize(
    ("status", "seconds", "is_lost"),
    [
        ("healthy", SILENT_SECONDS - 5, False),
        ("healthy", SILENT_SECONDS + 1, True),
        ("down", STOPPED_SECONDS - 5, False),  # it may be on its way back
        ("down", STOPPED_SECONDS + 1, True),
    ],
)
def test_a_part_is_lost_when_its_last_process_is_silent_or_stopped(status: str, seconds: float, is_lost: bool) -> None:
    silent("worker here:1", seconds)
    SystemHealth.objects.update(status=status)
    beat("relay here:2")
    assert is_part_lost() == is_lost


def test_a_part_of_which_another_lives_or_that_was_told_of_is_not_news() -> None:
    silent("worker here:1", SILENT_SECONDS + 1)
    assert is_part_lost()
    beat("worker here:2")
    assert not is_part_lost()
    silent("worker here:2", SILENT_SECONDS + 1)
    Alert.objects.create(
        rule="nobody_lives", subject="worker", says="no worker", opened_at=timezone.now(), last_seen_at=timezone.now()
    )
    assert not is_part_lost()


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
