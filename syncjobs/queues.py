"""How each queue stands, for people: a few steps through indexes, whatever waits."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from monitoring.durations import spoken
from mysetlist.charts import Point
from syncjobs.models import PausedQueue, QueueJob, QueueMetric
from syncjobs.policies import QUEUES

MOST_COUNTED = 10_000  # "more than" beyond
SHOWN_HOURS = 48

STANDING = """
WITH later AS (
  SELECT queue_name, count(*) AS number FROM (
    SELECT queue_name FROM queue_jobs WHERE status = 'delayed' AND outcome IS NULL LIMIT %(most)s) l GROUP BY 1),
finished AS (
  SELECT queue_name, count(*) AS number FROM (
    SELECT queue_name FROM queue_jobs WHERE finished_at > %(now)s - interval '1 minute' LIMIT %(most)s) f GROUP BY 1),
active AS (SELECT queue_name, count(*) AS number FROM queue_jobs WHERE status = 'active' GROUP BY 1)
SELECT q.name,
       (SELECT count(*) FROM (
          SELECT FROM queue_jobs j WHERE j.status = 'pending' AND j.queue_name = q.name LIMIT %(most)s) ready),
       coalesce(active.number, 0), coalesce(later.number, 0), coalesce(finished.number, 0),
       (SELECT min(first.run_at) FROM unnest(%(priorities)s::int[]) AS p (priority) CROSS JOIN LATERAL (
          SELECT j.run_at FROM queue_jobs j
           WHERE j.status = 'pending' AND j.queue_name = q.name AND j.priority = p.priority
           ORDER BY j.run_at LIMIT 1) first)
  FROM unnest(%(names)s::text[]) WITH ORDINALITY AS q (name, place)
  LEFT JOIN active ON active.queue_name = q.name
  LEFT JOIN later ON later.queue_name = q.name
  LEFT JOIN finished ON finished.queue_name = q.name
 ORDER BY q.place
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One queue, now and in the last hours."""

    name: str
    concurrency: int
    ready: int
    active: int
    later: int
    finished: int  # in the last minute
    oldest_seconds: float | None
    paused: PausedQueue | None
    hours: Sequence[QueueMetric]  # newest first

    @property
    def most(self) -> int:
        """Counted up to here; one more means that there are others."""
        return MOST_COUNTED

    @property
    def oldest(self) -> str:
        """How long the first has waited."""
        return "none waits" if self.oldest_seconds is None else spoken(round(max(self.oldest_seconds, 0) * 1000))

    @property
    def failed(self) -> int:
        """In the hours that are shown."""
        return sum(hour.failed for hour in self.hours)

    @property
    def points(self) -> list[Point]:
        """A bar for each hour in which something was begun."""
        return [
            Point(
                at=hour.hour,
                value=hour.started,
                says=f"{hour.hour:%Y-%m-%d %H:00} UTC: {hour.started:,} begun, {hour.failed:,} failed",
                kind="failed" if hour.failed else "completed",
            )
            for hour in reversed(self.hours)
        ]

    @property
    def says(self) -> str:
        if not self.hours:
            return f"There are no figures of the last {SHOWN_HOURS} hours yet."
        begun = sum(hour.started for hour in self.hours)
        return f"Begun by hour, the last {SHOWN_HOURS}: {begun:,}; {self.failed:,} failed."


def standings(*, now: datetime) -> list[Standing]:
    """Every queue, in three queries."""
    paused = {each.name: each for each in PausedQueue.objects.all()}
    hours = defaultdict(list)
    for metric in QueueMetric.objects.filter(hour__gt=now - timedelta(hours=SHOWN_HOURS)).order_by("-hour"):
        hours[metric.queue_name].append(metric)
    values: dict[str, Any] = {
        "names": list(QUEUES),
        "priorities": QueueJob.Priority.values,
        "most": MOST_COUNTED + 1,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(STANDING, values)
        rows = cursor.fetchall()
    return [
        Standing(
            name=name,
            concurrency=QUEUES[name].concurrency,
            ready=ready,
            active=active,
            later=later,
            finished=finished,
            oldest_seconds=(now - oldest).total_seconds() if oldest else None,
            paused=paused.get(name),
            hours=hours[name],
        )
        for name, ready, active, later, finished, oldest in rows
    ]
