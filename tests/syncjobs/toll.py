"""What is lost and what was done twice: the effects of jobs, counted."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from syncjobs.models import JobEvent, QueueJob


def rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def lost_and_doubled(jobs: Iterable[int] | None = None) -> tuple[int, int]:
    """Effects that are missing of these jobs (all, if none are named), and effects there once too often."""
    if jobs is None:
        jobs = QueueJob.objects.filter(job_name="apply").values_list("pk", flat=True)
    seen: dict[tuple[int, str], int] = {}
    for job, what, count in rows("SELECT job, what, count(*) FROM effects GROUP BY 1, 2"):
        seen[job, what] = count
    lost = sum((job, what) not in seen for job in jobs for what in ("first", "second"))
    return lost, sum(count - 1 for (_, what), count in seen.items() if what in ("first", "second"))


def done() -> int:
    return QueueJob.objects.filter(status=QueueJob.Status.COMPLETED).count()


def all_done() -> bool:
    return not QueueJob.objects.live().exists()


def before_the_last(priority: int, others: int, arrived: datetime) -> int:
    """How many of the others began after these had arrived, and before the last of these did."""
    begun = JobEvent.objects.filter(kind="started")
    last = begun.filter(job__priority=priority).order_by("seq").last()
    assert last is not None
    return begun.filter(job__priority=others, created_at__gt=arrived, seq__lt=last.seq).count()
