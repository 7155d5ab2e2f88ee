"""How long jobs took, as charts show it: run by run, and day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from statistics import median_low
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from monitoring.models import CronLog, CronMetric
from mysetlist.charts import Point

LATEST = 60  # runs of one job, or days, in a chart
BEFORE, AFTER = 40, 20  # the runs round one run
SMALL = 30  # runs, or days, in the small chart of each job

# One step through the index for each job, and one for each of its latest rows: a log of millions is not read.
JOBS = (
    "WITH RECURSIVE job AS ((SELECT min(job_name) AS name FROM {table}) UNION ALL"
    " SELECT (SELECT min(job_name) FROM {table} WHERE job_name > job.name) FROM job WHERE name IS NOT NULL)"
)
JOB_NAMES = JOBS + " SELECT name FROM job WHERE name IS NOT NULL"
LATEST_OF_EACH = JOBS + (
    " SELECT latest.* FROM job CROSS JOIN LATERAL (SELECT * FROM {table} one WHERE one.job_name = job.name"
    " ORDER BY one.{newest} DESC LIMIT %s) latest ORDER BY latest.job_name, latest.{newest} DESC, latest.id DESC"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a chart shows, and the same in numbers beside it."""

    job: str
    rows: list[Any]  # newest first, for a table
    points: list[Point]  # oldest first, for bars
    scale: float  # what the points' values are multiples of, in ms
    unit: str
    says: str


def job_names(table: str) -> list[str]:
    """The jobs that have a row in this table."""
    with connection.cursor() as cursor:
        cursor.execute(JOB_NAMES.format(table=table))
        return [name for (name,) in cursor.fetchall()]


def of_runs(runs: Sequence[CronLog], *, marked: int | None = None) -> Figures:
    """Runs of one job, given newest first."""
    scale, unit = fitting([run.execution_time_ms for run in runs])
    points = [
        Point(
            at=run.started_at,
            value=None if run.execution_time_ms is None else run.execution_time_ms / scale,
            says=f"#{run.pk}, {run.started_at:%Y-%m-%d %H:%M} UTC: {run.status}, {spoken(run.execution_time_ms)}",
            kind=run.status,
            is_marked=run.pk == marked,
        )
        for run in reversed(runs)
    ]
    job = runs[0].job_name if runs else ""
    return Figures(job=job, rows=list(runs), points=points, scale=scale, unit=unit, says=sum_up(runs))


def of_days(days: Sequence[CronMetric], *, marked: int | None = None) -> Figures:
    """Days of one job, given newest first: the median as a bar, and above it a line up to the 95th percentile."""
    scale, unit = fitting([day.p95_ms for day in days])
    points = [
        Point(
            at=datetime.combine(day.day, time(), UTC),
            value=None if day.p50_ms is None else day.p50_ms / scale,
            upto=None if day.p95_ms is None else day.p95_ms / scale,
            says=f"{day.day}: {plural(day.runs, 'run')}, {day.failures} failed,"
            f" median {spoken(day.p50_ms)}, p95 {spoken(day.p95_ms)}",
            kind="failed" if day.failures else "success",
            is_marked=day.pk == marked,
        )
        for day in reversed(days)
    ]
    job = days[0].job_name if days else ""
    runs, failures = sum(day.runs for day in days), sum(day.failures for day in days)
    says = f"{plural(len(days), 'day')}, {plural(runs, 'run')}, {failures} failed."
    return Figures(job=job, rows=list(days), points=points, scale=scale, unit=unit, says=says)


def latest_runs(runs: QuerySet[Any]) -> Figures:
    return of_runs(list(runs.order_by("-started_at", "-pk")[:LATEST]))


def runs_round(run: CronLog) -> Figures:
    """The runs of the same job before and after a run, which is marked."""
    same = CronLog.objects.filter(job_name=run.job_name).exclude(pk=run.pk)
    after = list(same.filter(started_at__gt=run.started_at).order_by("started_at", "pk")[:AFTER])
    before = list(same.filter(started_at__lte=run.started_at).order_by("-started_at", "-pk")[: BEFORE - 1])
    return of_runs([*reversed(after), run, *before], marked=run.pk)


def latest_days(days: QuerySet[Any]) -> Figures:
    return of_days(list(days.order_by("-day")[:LATEST]))


def days_round(day: CronMetric) -> Figures:
    """The days of the same job before and after a day, which is marked."""
    same = CronMetric.objects.filter(job_name=day.job_name)
    after = list(same.filter(day__gt=day.day).order_by("day")[:AFTER])
    before = list(same.filter(day__lte=day.day).order_by("-day")[:BEFORE])
    return of_days([*reversed(after), *before], marked=day.pk)


def runs_of_each_job() -> list[Figures]:
    rows = CronLog.objects.raw(LATEST_OF_EACH.format(table="cron_logs", newest="started_at"), [SMALL])
    return [of_runs(runs) for runs in by_job(rows)]


def days_of_each_job() -> list[Figures]:
    rows = CronMetric.objects.raw(LATEST_OF_EACH.format(table="cron_metrics", newest="day"), [SMALL])
    return [of_days(days) for days in by_job(rows)]


def by_job(rows: Any) -> list[list[Any]]:
    jobs: dict[str, list[Any]] = {}
    for row in rows:
        jobs.setdefault(row.job_name, []).append(row)
    return list(jobs.values())


def sum_up(runs: Sequence[CronLog]) -> str:
    """So many runs, how many of them went wrong, and how long they took."""
    wrong = sum(run.status in CronLog.WENT_WRONG for run in runs)
    took = sorted(run.execution_time_ms for run in runs if run.execution_time_ms is not None)
    words = f"{plural(len(runs), 'run')}, {wrong} failed"
    return f"{words}, median {spoken(median_low(took))}, longest {spoken(took[-1])}." if took else f"{words}."


def fitting(values: Sequence[int | None]) -> tuple[float, str]:
    """The unit in which the longest is a number people read with ease."""
    longest = max((value for value in values if value is not None), default=0)
    if longest >= 10 * 60_000:
        return 60_000, " min"
    return (1000, " s") if longest >= 10_000 else (1, " ms")


def spoken(ms: int | None) -> str:
    """A duration in words: 128 ms, 12.3 s, 4 min 5 s, 2 h 3 min."""
    if ms is None:
        return "unknown"
    if ms < 10_000:
        return f"{ms:,} ms"
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
