"""Long-lived processes say that they live, and the silent are found out."""

from datetime import timedelta

import pytest
from django.db.models import F

from monitoring.heartbeats import SILENT_SECONDS, beat, leave, living
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
