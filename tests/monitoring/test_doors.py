"""One job, several doors: each leads through the same wrapper, so none can forget the run log."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command, get_commands
from django.utils.module_loading import import_string

from monitoring.cron import cron_job
from monitoring.models import CronLog
from mysetlist.celery import app

JOBS = settings.CRON_JOBS


def command(job: str) -> Callable[[], Any]:
    return lambda: call_command(job)


def task(job: str) -> Callable[[], Any]:
    path = JOBS[job].partition(".")[0] + f".tasks.{job}"
    return lambda: app.tasks[path].apply(throw=True)


@pytest.mark.parametrize("job", JOBS)
def test_every_job_is_wrapped_outermost_and_has_one_spelling(job: str) -> None:
    wrapped = import_string(JOBS[job])
    assert wrapped.__code__ is cron_job(wrapped).__code__
    assert not hasattr(wrapped.__wrapped__, "__wrapped__")  # nothing between the wrapper and the work
    assert wrapped.__name__ == job == JOBS[job].rpartition(".")[2]
    assert job in get_commands()


@pytest.mark.parametrize("door", [command, task])
@pytest.mark.parametrize("job", JOBS)
@pytest.mark.django_db(transaction=True)
def test_every_door_leaves_one_row_with_the_way_in(
    job: str, door: Callable[[str], Callable[[], Any]], tmp_path: Path, settings: Any
) -> None:
    settings.BACKUP_DIR = tmp_path
    app.loader.import_default_modules()
    door(job)()
    row = CronLog.objects.get()
    assert (row.job_name, row.status) == (job, "success")
    assert row.trigger == ("command" if door is command else "schedule")
    assert row.execution_time_ms is not None
