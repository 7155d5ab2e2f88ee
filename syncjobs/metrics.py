"""Figures of queues and sources for Prometheus, and those of each queue and hour."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection
from prometheus_client.core import Metric

from monitoring.metrics import ask, counter, gauge
from syncjobs.models import SourceState

LIVE = """
SELECT queue_name, status, count(*) FROM queue_jobs WHERE status IN ('pending', 'delayed', 'active') GROUP BY 1, 2
"""
OLDEST = """
SELECT queue_name, extract(epoch FROM %s - min(run_at)) FROM queue_jobs
 WHERE status = 'pending' AND run_at <= %s GROUP BY 1
"""
LAST_HOUR = "SELECT queue_name, depth, started, failed, p95_wait_ms FROM queue_metrics WHERE hour = %s"
# Jobs that began and ended within the hour; a wait is from when a job was due until it was claimed.
SUM_UP = """
INSERT INTO queue_metrics AS m (queue_name, hour, depth, started, failed, p95_wait_ms)
SELECT name, %(hour)s, coalesce(live.depth, 0), coalesce(done.started, 0), coalesce(done.failed, 0), done.p95_wait_ms
  FROM (SELECT DISTINCT queue_name AS name FROM queue_jobs
         WHERE status IN ('pending', 'delayed', 'active') OR finished_at >= %(hour)s) queues
  LEFT JOIN (SELECT queue_name, count(*) AS depth FROM queue_jobs
              WHERE status = 'pending' AND run_at <= %(now)s AND %(now)s < %(end)s GROUP BY 1) live ON live.queue_name = name
  LEFT JOIN (SELECT queue_name, count(*) FILTER (WHERE started_at >= %(hour)s) AS started,
                    count(*) FILTER (WHERE status IN ('failed', 'dead')) AS failed,
                    percentile_disc(0.95) WITHIN GROUP (
                      ORDER BY round(extract(epoch FROM greatest(started_at - run_at, interval '0')) * 1000)::bigint
                    ) FILTER (WHERE started_at >= %(hour)s) AS p95_wait_ms
               FROM queue_jobs
              WHERE finished_at >= %(hour)s AND finished_at < %(end)s
                 OR status = 'active' AND started_at < %(end)s
              GROUP BY 1) done ON done.queue_name = name
    ON CONFLICT (queue_name, hour) DO UPDATE
   SET depth = greatest(m.depth, excluded.depth), started = excluded.started, failed = excluded.failed,
       p95_wait_ms = excluded.p95_wait_ms
"""


def sum_up_queues(*, now: datetime) -> None:
    """Each queue's figures of this hour, and once more of the last, computed anew; the depth is the deepest seen."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        for begin in (hour - timedelta(hours=1), hour) if now - hour < timedelta(minutes=5) else (hour,):
            cursor.execute(SUM_UP, {"hour": begin, "end": begin + timedelta(hours=1), "now": now})


def queues(*, now: datetime) -> Iterator[Metric]:
    """What waits, and how long."""
    live = gauge("queue_jobs", "Queue jobs that are not final.", ["queue", "state"])
    for queue, status, number in ask(LIVE):
        live.add_metric([queue, status], number)
    oldest = gauge("queue_oldest_ready_age_seconds", "How long the oldest due job has waited.", ["queue"])
    for queue, seconds in ask(OLDEST, [now, now]):
        oldest.add_metric([queue], float(seconds))
    wait = gauge(
        "queue_job_wait_seconds", "How long jobs of the last full hour waited: the 95th percentile.", ["queue"]
    )
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    for queue, _, _, _, milliseconds in ask(LAST_HOUR, [hour]):
        if milliseconds is not None:
            wait.add_metric([queue], milliseconds / 1000)
    yield from (live, oldest, wait)


def sources(*, now: datetime) -> Iterator[Metric]:
    """What was asked, and whether it may be."""
    asked = counter("api_requests", "Calls to a source by how they ended.", ["api", "outcome"])
    breaker = gauge("api_breaker_open", "1 while the source's breaker lets nothing, or only probes, pass.", ["api"])
    opened = gauge("api_breaker_opened_timestamp_seconds", "Since when, while it does not.", ["api"])
    used = gauge("api_quota_used", "Calls of the source's day.", ["api"])
    for state in SourceState.objects.order_by("name"):
        for outcome in ("answered", "busy", "unavailable", "refused"):
            asked.add_metric([state.name, outcome], getattr(state, f"{outcome}_count"))
        breaker.add_metric([state.name], float(state.is_shut(now)))
        if since := state.shut_since(now):
            opened.add_metric([state.name], since.timestamp())
        is_over = state.quota_resets_at is None or state.quota_resets_at <= now
        used.add_metric([state.name], 0 if is_over else state.quota_used)
    yield from (asked, breaker, opened, used)
