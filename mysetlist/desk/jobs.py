"""The jobs on the desk: when each ran last and runs next, how its last thirty days were, how long it takes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django_celery_beat.models import PeriodicTask

from monitoring.durations import Figures, of_runs, plural
from monitoring.models import CronLog, CronMetric
from mysetlist.charts import Cell
from mysetlist.desk import links
from mysetlist.desk.slots import Day
from syncjobs.schedules import job_of
from syncjobs.slots import BadTiming, next_runs

DAYS = 30
RUNS = 20  # in the small chart of how long they took

# A step through the index for each run that is shown. What a run gave back may be long, and is not read.
LATEST = """
SELECT run.* FROM unnest(%s::text[]) AS job (name) CROSS JOIN LATERAL (
  SELECT id, job_name, status, started_at, finished_at, execution_time_ms, left(error_message, 200) AS error_message
    FROM cron_logs l WHERE l.job_name = job.name AND l.status <> 'skipped'
   ORDER BY l.started_at DESC LIMIT %s) run
 ORDER BY run.job_name, run.started_at DESC, run.id DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """When a schedule wants its job next."""

    name: str
    url: str
    at: datetime | None
    says: str  # when there is no such moment: why
    day: Day | None  # of its slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    name: str
    runs_url: str
    days_url: str
    last: CronLog | None
    last_url: str
    schedules: Sequence[Next]
    days: Sequence[Cell]
    days_say: str
    figures: Figures

    @property
    def is_wrong(self) -> bool:
        return self.last is not None and self.last.status in CronLog.WENT_WRONG


def all_schedules() -> list[PeriodicTask]:
    """Those of our jobs, whether on or off."""
    schedules = PeriodicTask.objects.select_related("crontab", "interval", "clocked", "solar", "state")
    return [schedule for schedule in schedules.order_by("name") if not schedule.task.startswith("celery.")]


def jobs(schedules: Sequence[PeriodicTask], days: Mapping[str, Day], now: datetime) -> list[Job]:
    """Every job; those whose last run went wrong first."""
    of_job: dict[str, list[PeriodicTask]] = {name: [] for name in settings.CRON_JOBS}
    for schedule in schedules:
        of_job.setdefault(job_of(schedule), []).append(schedule)
    runs, metrics = _latest(list(of_job)), _days(list(of_job), now.astimezone(UTC).date())
    listed = [
        _job(name, runs[name], metrics[name], [_next(schedule, days, now) for schedule in wanted], now)
        for name, wanted in of_job.items()
    ]
    return sorted(listed, key=lambda job: not job.is_wrong)


def _latest(names: list[str]) -> dict[str, list[CronLog]]:
    runs: dict[str, list[CronLog]] = defaultdict(list)
    for run in CronLog.objects.raw(LATEST, [names, RUNS]):
        runs[run.job_name].append(run)
    return runs


def _days(names: list[str], today: date) -> dict[str, dict[date, CronMetric]]:
    days: dict[str, dict[date, CronMetric]] = defaultdict(dict)
    for metric in CronMetric.objects.filter(job_name__in=names, day__gt=today - timedelta(days=DAYS)):
        days[metric.job_name][metric.day] = metric
    return days


def _job(name: str, runs: list[CronLog], metrics: dict[date, CronMetric], schedules: list[Next], now: datetime) -> Job:
    today = now.astimezone(UTC).date()
    last = runs[0] if runs else None
    return Job(
        name=name,
        runs_url=links.rows("monitoring.cronlog", job_name=name),
        days_url=links.rows("monitoring.cronmetric", job_name=name),
        last=last,
        last_url=links.row("monitoring.cronlog", last.pk) if last else "",
        schedules=schedules,
        days=[_cell(day, metrics.get(day)) for day in (today - timedelta(days=ago) for ago in reversed(range(DAYS)))],
        days_say=_sum_up(list(metrics.values())),
        figures=of_runs(runs),
    )


def _cell(day: date, metric: CronMetric | None) -> Cell:
    if metric is None:
        return Cell(kind="none", says=f"{day}: nothing")
    kind = "good" if metric.runs else "warn"  # skipped alone
    return Cell(kind="bad" if metric.failures or metric.missed else kind, says=f"{day}: {_counted([metric])}")


def _sum_up(days: list[CronMetric]) -> str:
    return f"{plural(len(days), 'day')}: {_counted(days)}" if days else "no run yet"


def _counted(days: list[CronMetric]) -> str:
    """So many runs, and what else there was."""
    names = {"failures": "failed", "missed": "missed", "skipped": "skipped"}
    counts = {word: sum(getattr(day, name) for day in days) for name, word in names.items()}
    others = [f"{count:,} {word}" for word, count in counts.items() if count]
    return ", ".join([plural(sum(day.runs for day in days), "run"), *others])


def _next(schedule: PeriodicTask, days: Mapping[str, Day], now: datetime) -> Next:
    at, says = None, "switched off"
    if schedule.enabled:
        try:
            at = next(iter(next_runs(schedule, now, 1)), None)
            says = "" if at else "no more"
        except BadTiming as problem:
            says = f"never: {problem}"
    return Next(
        name=schedule.name,
        url=links.row("django_celery_beat.periodictask", schedule.pk),
        at=at,
        says=says,
        day=days.get(schedule.name),
    )
