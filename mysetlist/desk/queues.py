"""The queues on the desk: what waits and for how long, what is at work, what gave up, how fast it goes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import QuerySet

from mysetlist.charts import Point
from mysetlist.desk import links
from syncjobs.models import PausedQueue, QueueJob, QueueMetric
from syncjobs.policies import QUEUES

HOURS = 24
BROKEN_FOR = timedelta(days=1)

LIVE = """
SELECT queue_name, status, count(*), min(run_at) FROM queue_jobs
 WHERE status IN ('pending', 'active') OR status = 'delayed' GROUP BY 1, 2
"""
BROKEN = """
SELECT queue_name, status, count(*) FROM queue_jobs
 WHERE status IN ('failed', 'dead') AND finished_at > %s GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many jobs of a queue are in one status, and where they are listed."""

    number: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    url: str
    places: int  # jobs that may be at work at once; 0: nobody declared this queue
    ready: Count
    later: Count
    active: Count
    failed: Count
    dead: Count
    oldest: datetime | None  # since when its oldest job is due
    paused: PausedQueue | None
    hours: Sequence[Point]  # jobs started, hour by hour
    last_hour: int | None  # started in the last full hour
    p95_wait_ms: int | None  # in the newest hour that knows
    says: str


def queues(now: datetime) -> list[Line]:
    """Each queue that is declared, and any other that still has jobs."""
    live: dict[tuple[str, str], tuple[int, datetime]] = {}
    with connection.cursor() as cursor:
        cursor.execute(LIVE)
        for queue, status, number, since in cursor.fetchall():
            live[queue, status] = number, since
        cursor.execute(BROKEN, [now - BROKEN_FOR])
        broken = {(queue, status): number for queue, status, number in cursor.fetchall()}
    paused = {queue.name: queue for queue in PausedQueue.objects.all()}
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    metrics: dict[str, list[QueueMetric]] = defaultdict(list)
    for metric in _metrics(this_hour):
        metrics[metric.queue_name].append(metric)
    others = {queue for queue, _ in live.keys() | broken.keys()} - QUEUES.keys()
    return [
        _line(name, live, broken, paused.get(name), metrics[name], this_hour) for name in [*QUEUES, *sorted(others)]
    ]


def _metrics(this_hour: datetime) -> QuerySet[QueueMetric]:
    return QueueMetric.objects.filter(hour__gt=this_hour - timedelta(hours=HOURS)).order_by("hour")


def _line(
    name: str,
    live: Mapping[tuple[str, str], tuple[int, datetime]],
    broken: Mapping[tuple[str, str], int],
    paused: PausedQueue | None,
    metrics: Sequence[QueueMetric],
    this_hour: datetime,
) -> Line:
    def count(status: str) -> Count:
        number = broken.get((name, status)) or live.get((name, status), (0,))[0]
        return Count(number=number, url=links.rows("syncjobs.queuejob", queue_name=name, status__exact=status))

    by_hour = {metric.hour: metric for metric in metrics}
    hours = [_point(this_hour - timedelta(hours=ago), by_hour) for ago in reversed(range(HOURS))]
    last = by_hour.get(this_hour - timedelta(hours=1))
    waits = [metric.p95_wait_ms for metric in metrics if metric.p95_wait_ms is not None]
    started = sum(metric.started for metric in metrics)
    return Line(
        name=name,
        url=links.rows("syncjobs.queuejob", queue_name=name),
        places=QUEUES[name].concurrency if name in QUEUES else 0,
        ready=count(QueueJob.Status.PENDING),
        later=count(QueueJob.Status.DELAYED),
        active=count(QueueJob.Status.ACTIVE),
        failed=count(QueueJob.Status.FAILED),
        dead=count(QueueJob.Status.DEAD),
        oldest=live.get((name, QueueJob.Status.PENDING), (0, None))[1],
        paused=paused,
        hours=hours,
        last_hour=last.started if last else 0,
        p95_wait_ms=waits[-1] if waits else None,
        says=f"{started:,} started in {HOURS} hours",
    )


def _point(hour: datetime, by_hour: Mapping[datetime, QueueMetric]) -> Point:
    metric = by_hour.get(hour)
    started, failed = (metric.started, metric.failed) if metric else (0, 0)
    says = f"{hour:%H:%M}: {started:,} started" + (f", {failed:,} failed" if failed else "")
    return Point(at=hour, value=float(started), says=says, kind="bad" if failed else "busy")
