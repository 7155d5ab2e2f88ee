"""What keeps the house in order runs through the queue like any other job."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from monitoring.models import CronLog
from syncjobs import queue, running, runs

pytestmark = pytest.mark.django_db(transaction=True)


def ran(job: str) -> CronLog:
    """The run that the queue made of a job."""
    number = runs.request_run(job, trigger=CronLog.Trigger.SCHEDULE, now=timezone.now()).run
    claimed = queue.claim_of_run(number, worker="here:1")
    assert claimed
    running.run_job(claimed)
    return CronLog.objects.get(pk=number)


def test_a_backup_without_a_folder_is_a_skipped_run_that_says_why() -> None:
    row = ran("backup_logs")
    assert row.status == "skipped"
    assert row.result["skipped_because"].startswith("BACKUP_DIR is not set.")


def test_with_a_folder_it_is_done(tmp_path: Path, settings: Any) -> None:
    settings.BACKUP_DIR = tmp_path
    assert ran("backup_logs").status == "success"
    assert ran("cleanup_old_data").status == "success"
    assert len(list(tmp_path.rglob("*.jsonl.gz"))) == 2
