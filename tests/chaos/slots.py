"""No scheduler for hours; clocks that are put forward and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from monitoring.models import CronLog
from syncjobs.models import QueueJob, ScheduleState
from syncjobs.policies import POLICIES, CatchUp
from syncjobs.scheduler import account_for_all
from tests.chaos.ground import EMPTY, Ground, Toll, ask
from tests.chaos.workers import WORKER
from tests.syncjobs.handlers import CAUGHT_UP
from tests.syncjobs.steps import end
from tests.syncjobs.walls import once_a_day, whole_hours

DOWN_HOURS = (1, 3, 8, 30)
LATE = timedelta(minutes=20)  # the newest slot is later than any start margin, the next one far
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
LINES = ("0 * * * *", "0 0 * * *", "30 2 * * *")
YEARS = (2024, 2025, 2026, 2027, 2028)
AROUND = timedelta(hours=30)  # before and behind a change of the clock
TICK = timedelta(minutes=17)


def cron(job: str, line: str, zone: str = "UTC") -> PeriodicTask:
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    crontab = CrontabSchedule.objects.create(**dict(zip(names, line.split(), strict=True)), timezone=zone)
    return PeriodicTask.objects.create(name=job, task=f"tests.{job}", crontab=crontab)


def r19(ground: Ground, size: float) -> Toll:
    """No scheduler for 1, 3, 8 and 30 hours: each catch-up policy has exactly its runs."""
    ground.relay()
    ground.start(*WORKER)
    slots = lost = twice = 0
    for hours in DOWN_HOURS:
        PeriodicTask.objects.all().delete()
        ask(EMPTY)
        now = timezone.now()
        for job in CAUGHT_UP:
            cron(job, f"{(now - LATE).minute} * * * *")
        ScheduleState.objects.update(accounted_until=now - timedelta(hours=hours))
        scheduler = ground.start("scheduler")
        expected = len(CAUGHT_UP) * hours
        ground.wait(lambda n=expected: CronLog.objects.count() == n and _is_calm(), "what was missed")
        scheduler.kill()
        for job, how in CAUGHT_UP.items():
            ran = CronLog.objects.filter(job_name=job, status="success", trigger="catch_up").count()
            expected = {CatchUp.NONE: 0, CatchUp.LATEST: 1, CatchUp.ALL: hours}[how]
            slots, lost, twice = slots + hours, lost + max(expected - ran, 0), twice + max(ran - expected, 0)
        effects = QueueJob.objects.filter(status="completed").count()
        twice += max(effects - CronLog.objects.filter(status="success").count(), 0)
    PeriodicTask.objects.all().delete()
    told = f"{len(DOWN_HOURS)} absences × {len(CAUGHT_UP)} policies"
    return Toll(killed="the scheduler, for hours", jobs=slots, lost=lost, twice=twice, remark=told)


def _is_calm() -> bool:
    return not (QueueJob.objects.live().exists() or CronLog.objects.to_catch_up().exists())


def r20(ground: Ground, size: float) -> Toll:
    """Clocks put forward and back in three zones, five years long: one run for each slot that was meant."""
    PeriodicTask.objects.all().delete()
    meant = lost = twice = changes = 0
    with _jobs() as jobs:
        for year in YEARS[: max(round(len(YEARS) * size), 1)]:
            for zone in ZONES:
                mine = {job: line for job, (of, line) in jobs.items() if of == zone}
                for change in _changes(ZoneInfo(zone), year):
                    start, until = change - AROUND, change + AROUND
                    found = _walk(mine, start, until)
                    changes += 1
                    for job, line in mine.items():
                        slots, ran = _meant(ZoneInfo(zone), line, start, until), found[job]
                        meant, lost = meant + len(slots), lost + len(set(slots) - set(ran))
                        twice += len(ran) - len(set(ran) & set(slots))
    return Toll(killed=f"{changes} changes of clocks", jobs=meant, lost=lost, twice=twice, remark=", ".join(ZONES))


@contextmanager
def _jobs() -> Iterator[dict[str, tuple[str, str]]]:
    """A schedule for each zone and line, each of a job of its own, so that none overlaps with another."""
    jobs = {f"shown_{n}": pair for n, pair in enumerate((zone, line) for zone in ZONES for line in LINES)}
    for job, (zone, line) in jobs.items():
        POLICIES[job] = replace(POLICIES["note"], start_margin=TICK * 2)
        cron(job, line, zone)
    try:
        yield jobs
    finally:
        PeriodicTask.objects.all().delete()
        for job in jobs:
            del POLICIES[job]


def _changes(zone: ZoneInfo, year: int) -> list[datetime]:
    """The whole hours behind which the zone's clock is put forward or back."""
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(366 * 24)]
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    return [hours[n] for n in range(len(hours) - 1) if offsets[n] != offsets[n + 1]]


def _walk(jobs: dict[str, str], start: datetime, until: datetime) -> dict[str, list[datetime]]:
    """Let the scheduler account for this time, tick by tick, and every run end; the slots that ran."""
    ask(EMPTY)
    PeriodicTask.objects.update(enabled=False)
    PeriodicTask.objects.filter(name__in=jobs).update(enabled=True)
    ScheduleState.objects.update(accounted_until=start)
    now = start
    while now < until:
        now = min(now + TICK, until)
        account_for_all(now)
        for run in CronLog.objects.filter(status="queued").values_list("pk", flat=True):
            end(run)
    ran = CronLog.objects.filter(status="success", trigger="schedule")
    return {job: list(ran.filter(job_name=job).values_list("slot", flat=True)) for job in jobs}


def _meant(zone: ZoneInfo, line: str, start: datetime, until: datetime) -> list[datetime]:
    minute, hour, *_ = line.split()
    if hour == "*":
        return whole_hours(zone, start, until)
    return once_a_day(zone, int(hour), int(minute), start, until)
