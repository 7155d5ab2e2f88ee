"""What the tests of the queue do to a job, and ask of it, step by step."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from monitoring.models import CronLog
from syncjobs import queue
from syncjobs.models import JobEvent, QueueJob
from syncjobs.queue import Claimed
from syncjobs.runs import request_run


@dataclass(frozen=True)
class Opened:
    """A run that is queued, and the queue job that does it."""

    run: int
    job: QueueJob


def opened_run(job: str, trigger: str = "admin", **arguments: Any) -> Opened:
    run = request_run(job, trigger=CronLog.Trigger(trigger), now=timezone.now(), arguments=arguments).run
    return Opened(run=run, job=QueueJob.objects.get(run=run))


def claimed(job: QueueJob, worker: str = "w") -> Claimed:
    taken = queue.claim(job.pk, worker=worker)
    assert taken is not None
    return taken


def fresh(job: QueueJob) -> QueueJob:
    return QueueJob.objects.get(pk=job.pk)


def silence(job: QueueJob) -> None:
    """Its worker has not spoken for longer than its lease."""
    QueueJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def make_due(job: QueueJob) -> None:
    QueueJob.objects.filter(pk=job.pk).update(run_at=timezone.now() - timedelta(seconds=1))


def end(run: int, status: str = "success") -> None:
    """A queued run and its queue job, as the worker ends them."""
    QueueJob.objects.filter(run=run).update(status="completed", finished_at=timezone.now())
    job = CronLog.objects.values_list("job_name", flat=True).get(pk=run)
    with connection.cursor() as cursor:
        cursor.execute("SELECT log_cron_run(%s, %s, NULL, %s)", [job, status, run])


def kinds(job: QueueJob) -> list[str]:
    return list(JobEvent.objects.filter(job=job).order_by("seq").values_list("kind", flat=True))


def effects_of(job: QueueJob) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT what FROM effects WHERE job = %s ORDER BY at", [job.pk])
        return [what for (what,) in cursor.fetchall()]
