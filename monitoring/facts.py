"""What the rules must know, read from the tables."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from monitoring import heartbeats, rules
from monitoring.models import CronLog, SystemHealth

NEWEST = 10  # runs of a job that are looked at

PAST = """
SELECT job.name, run.status, coalesce(run.slot, run.started_at), run.error_message, rows_written(run.result)
  FROM unnest(%s::text[]) AS job(name)
 CROSS JOIN LATERAL (
   SELECT * FROM cron_logs l WHERE l.job_name = job.name AND l.finished_at IS NOT NULL AND l.status <> 'skipped'
    ORDER BY l.started_at DESC LIMIT %s) run
"""
# A run that skipped itself was started and knows why: BACKUP_DIR is not set. Whoever ended well has done the work.
SKIPS = """
SELECT job.name, skip.slot, coalesce('run ' || (skip.result ->> 'running') || ' was under way', skip.error_message)
  FROM unnest(%(names)s::text[]) AS job(name)
 CROSS JOIN LATERAL (
   SELECT * FROM cron_logs l
    WHERE l.job_name = job.name AND l.status = 'skipped' AND l.slot IS NOT NULL AND NOT l.result ? 'skipped_because'
      AND l.started_at > greatest(%(since)s, (
        SELECT max(finished_at) FROM cron_logs well
         WHERE well.job_name = job.name AND well.status IN ('success', 'partial') AND well.finished_at > %(since)s))
    ORDER BY l.started_at DESC LIMIT %(newest)s) skip
"""
STARTED = """
SELECT job_name, count(*) FROM cron_logs
 WHERE started_at > %s AND started_at <= %s AND status NOT IN ('queued', 'skipped', 'missed') GROUP BY job_name
"""


def job_findings(*, now: datetime) -> Iterator[rules.Finding]:
    """What is wrong with the jobs of settings.CRON_JOBS."""
    for job in jobs(now):
        yield from rules.judge_job(job, now)


def part_findings(*, now: datetime) -> Iterator[rules.Finding]:
    """What is wrong with the parts and processes of system_health."""
    parts = [
        rules.Part(name=row.component, status=row.status, detail=row.detail, since=row.since, seen=row.checked_at)
        for row in SystemHealth.objects.order_by("component")
    ]
    yield from rules.judge_parts(parts, now)


def jobs(now: datetime) -> list[rules.Job]:
    names = list(settings.CRON_JOBS)
    past, present, skips = _past(names), _present(names), _skips(names, now)
    started = _started(now)
    is_stranded = not (heartbeats.living("worker") and heartbeats.living("relay"))
    policies: Mapping[str, rules.Policy] = import_string(settings.JOB_POLICIES)()
    return [
        rules.Job(
            name=name,
            policy=policies.get(name, rules.Policy()),
            past=past[name],
            present=present[name],
            skips=skips[name],
            started_last_hour=started.get(name, 0),
            is_stranded=is_stranded,
        )
        for name in names
    ]


def _past(names: list[str]) -> dict[str, list[rules.Past]]:
    runs: dict[str, list[rules.Past]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(PAST, [names, NEWEST])
        for name, status, at, error, rows in cursor.fetchall():
            runs[name].append(rules.Past(status=status, at=at, error=error[:300], rows=rows))
    return runs


def _present(names: list[str]) -> dict[str, list[rules.Present]]:
    runs: dict[str, list[rules.Present]] = defaultdict(list)
    for run in CronLog.objects.filter(status__in=CronLog.OPEN, job_name__in=names).order_by("started_at", "pk"):
        since = run.slot or run.started_at if run.status == CronLog.Status.QUEUED else run.started_at
        runs[run.job_name].append(rules.Present(run=run.pk, status=run.status, since=since))
    return runs


def _skips(names: list[str], now: datetime) -> dict[str, list[rules.Past]]:
    runs: dict[str, list[rules.Past]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(SKIPS, {"names": names, "since": now - timedelta(days=1), "newest": NEWEST})
        for name, slot, why in cursor.fetchall():
            runs[name].append(rules.Past(status="skipped", at=slot, error=why[:300]))
    return runs


def _started(now: datetime) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(STARTED, [now - timedelta(hours=1), now])
        return dict(cursor.fetchall())
