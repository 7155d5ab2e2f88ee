"""The default schedules. A row is made when its job is registered; from then on it is the operator's."""

import json
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from syncjobs.policies import POLICIES


def add_missing_schedules() -> list[str]:
    """Make the row of each job that has none; the names of those made. Rows that exist stay as they are."""
    made = []
    for job, policy in POLICIES.items():
        if policy.schedule is None or PeriodicTask.objects.filter(name=job).exists():
            continue
        minute, hour, day_of_month, month_of_year, day_of_week = policy.schedule.split()
        crontab, _ = CrontabSchedule.objects.get_or_create(
            minute=minute,
            hour=hour,
            day_of_month=day_of_month,
            month_of_year=month_of_year,
            day_of_week=day_of_week,
            timezone="UTC",
        )
        PeriodicTask.objects.create(
            name=job,
            task=task_of(job),
            crontab=crontab,
            description="Switch it off here; do not delete it.",
        )
        made.append(job)
    return made


def task_of(job: str) -> str:
    """The name of the Celery task that is the job's door: it lives in the room of the service."""
    room = settings.CRON_JOBS[job].partition(".")[0]
    return str(import_string(f"{room}.tasks.{job}").name)


def job_of(schedule: PeriodicTask) -> str:
    """The job that a schedule starts. Its task is named after it: `trending.tasks.calculate_trending`."""
    return str(schedule.task).rpartition(".")[2]


def arguments_of(schedule: PeriodicTask) -> dict[str, Any]:
    """What its runs are called with. Raises ValueError."""
    arguments = json.loads(schedule.kwargs or "{}")
    if not isinstance(arguments, dict):
        raise ValueError("the arguments are no JSON object.")
    return arguments
