"""Ask for a run: the run (queued) and its queue job, in one transaction. Every door but a command comes here."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.dateparse import parse_datetime
from django_celery_beat.models import PeriodicTask

from monitoring.cron import command_at, hold_runs, skip_run
from monitoring.models import CronLog
from syncjobs.models import QueueJob
from syncjobs.policies import POLICIES
from syncjobs.queue import enqueue
from syncjobs.schedules import arguments_of
from syncjobs.slots import BadTiming, due_slots, newest_slot

LONGEST_NAME = 150  # characters of whoever asked

RESERVED = frozenset({"job", "queue", "priority", "run_at", "dedup_key", "parent", "run"})  # what enqueue() is told

SLOT_ROW = "SELECT id, status FROM cron_logs WHERE schedule = %s AND slot = %s FOR UPDATE"
LABEL = "UPDATE cron_logs SET trigger = %s, asked_by = %s, schedule = %s, slot = %s WHERE id = %s"
REVIVE = (
    "UPDATE cron_logs SET status = 'queued', trigger = %s, asked_by = %s, started_at = clock_timestamp(),"
    " finished_at = NULL, result = NULL, error_message = '' WHERE id = %s"
)
QUEUED_LIVES = "SELECT run_id FROM queue_jobs WHERE dedup_key = %s AND status IN ('pending', 'delayed', 'active')"
MISS = (
    "WITH missed AS (INSERT INTO cron_logs (job_name, status, trigger, schedule, slot, started_at, finished_at, error_message)"
    " SELECT %(job)s, 'missed', t.trigger, %(schedule)s, t.slot, clock_timestamp(), clock_timestamp(), %(why)s"
    " FROM unnest(%(slots)s::timestamptz[], %(triggers)s::text[]) AS t (slot, trigger)"
    " ON CONFLICT (schedule, slot) WHERE slot IS NOT NULL DO NOTHING RETURNING id)"
    " SELECT count(*) FROM missed"
)
SUM_UP = "SELECT sum_up_runs(%s, (%s::timestamptz AT TIME ZONE 'UTC')::date)"


class CannotRun(ValueError):
    """No run can be asked for like this; `field` says what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


class Overlap(Exception):
    """Another run of this job is queued or running; a skipped run was recorded."""

    def __init__(self, job: str, run: int, skipped: int) -> None:
        super().__init__(f"{job} is already under way (run {run}); this call was skipped (run {skipped}).")
        self.run, self.skipped = run, skipped


class _Overtaken(Exception):
    """An operator retried an older queue job of this kind in the same moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The run that was asked for; not new when somebody asked for its slot before."""

    run: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What started a run, and for which slot."""

    trigger: CronLog.Trigger
    by: str = ""
    schedule: str = ""
    slot: datetime | None = None


def request_run(
    job: str,
    *,
    trigger: CronLog.Trigger,
    now: datetime,
    slot: datetime | None = None,
    schedule: str = "",
    by: str = "",
    arguments: Mapping[str, Any] | None = None,
) -> Asked:
    """Insert a queued run and its queue job. A slot that has its run gives that one; a missed one is started.

    `schedule` says whose slot it is; left out, that of the job's own schedule. Raises Overlap, with a
    skipped run, while another run of the job is queued or running; CannotRun or
    syncjobs.queue.CannotEnqueue with nothing written.
    """
    if job not in POLICIES:
        raise CannotRun("job", f"{job!r} is none of {', '.join(sorted(POLICIES))}.")
    if slot is not None:
        _check_has_come(slot, now)
    cause = Cause(trigger=trigger, by=by[:LONGEST_NAME], schedule=(schedule or job) if slot else "", slot=slot)
    _check_names(arguments or {})
    with suppress(_Overtaken):
        return _ask(job, cause, arguments or {})
    return _ask(job, cause, arguments or {})


def _ask(job: str, cause: Cause, arguments: Mapping[str, Any]) -> Asked:
    with transaction.atomic(), connection.cursor() as cursor:
        living = _living(cursor, job)  # and from here on nobody else opens a run
        known = _run_of(cursor, cause)
        if known and known[1] != CronLog.Status.MISSED:
            return Asked(run=known[0], is_new=False)
        if living is None:
            run = _queue(cursor, job, cause, known and known[0])
            if not enqueue(job, run=run, priority=QueueJob.Priority.HIGH, dedup_key=_key(job), **arguments).is_new:
                raise _Overtaken
            return Asked(run=run, is_new=True)
        own: dict[str, Any] = {"schedule": cause.schedule, "slot": cause.slot} if known is None else {}
        skipped = skip_run(cursor, job, living, trigger=cause.trigger, by=cause.by, **own)  # what was missed stays so
    raise Overlap(job, living, skipped)


def _key(job: str) -> str:
    return f"run of {job}"


def _check_has_come(slot: datetime, now: datetime) -> None:
    if slot > now:
        raise CannotRun("slot", f"lies ahead; it is {now:%Y-%m-%dT%H:%M:%SZ}.")


def _check_names(arguments: Mapping[str, Any]) -> None:
    if taken := sorted(RESERVED & arguments.keys()):
        raise CannotRun("arguments", f"{', '.join(taken)} cannot be the name of an argument.")


def miss(job: str, schedule: str, slots: Sequence[datetime], *, to_catch_up: set[datetime], why: str = "") -> int:
    """Record slots that nobody started; those to catch up are marked. How many there were."""
    triggers = [CronLog.Trigger.CATCH_UP if slot in to_catch_up else CronLog.Trigger.SCHEDULE for slot in slots]
    with transaction.atomic(), connection.cursor() as cursor:
        hold_runs(cursor, job)
        cursor.execute(MISS, {"job": job, "schedule": schedule, "slots": list(slots), "triggers": triggers, "why": why})
        (count,) = cursor.fetchone()
        if count:
            cursor.execute("SELECT sum_up_runs(%s, (clock_timestamp() AT TIME ZONE 'UTC')::date)", [job])
        return int(count)


def catch_up(job: str, *, now: datetime) -> Asked | None:
    """Start the oldest missed slot that is to be caught up, unless another run of the job is under way."""
    oldest = CronLog.objects.to_catch_up().filter(job_name=job).order_by("slot").first()
    with transaction.atomic(), connection.cursor() as cursor:
        if oldest is None or _living(cursor, job) is not None:
            return None
        schedule = PeriodicTask.objects.filter(name=oldest.schedule).first()
        try:
            return request_run(
                job,
                trigger=CronLog.Trigger.CATCH_UP,
                now=now,
                slot=oldest.slot,
                schedule=oldest.schedule,
                arguments=arguments_of(schedule) if schedule else None,
            )
        except ValueError as problem:  # it stays missed
            CronLog.objects.filter(pk=oldest.pk).update(trigger=CronLog.Trigger.SCHEDULE, error_message=str(problem))
            return None


def _run_of(cursor: CursorWrapper, cause: Cause) -> tuple[int, str] | None:
    if cause.slot is None:
        return None
    cursor.execute(SLOT_ROW, [cause.schedule, cause.slot])
    found = cursor.fetchone()
    return (int(found[0]), str(found[1])) if found else None


def _living(cursor: CursorWrapper, job: str) -> int | None:
    """The run of this job that a command holds or whose queue job is not final."""
    held = command_at(cursor, job)
    if held is not None:
        return held
    cursor.execute(QUEUED_LIVES, [_key(job)])
    found = cursor.fetchone()
    return int(found[0]) if found else None


def _queue(cursor: CursorWrapper, job: str, cause: Cause, missed: int | None) -> int:
    if missed is None:
        cursor.execute("SELECT log_cron_run(%s, 'queued')", [job])
        (run,) = cursor.fetchone()
        cursor.execute(LABEL, [cause.trigger, cause.by, cause.schedule, cause.slot, run])
        return int(run)
    finished_at = CronLog.objects.values_list("finished_at", flat=True).get(pk=missed)
    cursor.execute(REVIVE, [cause.trigger, cause.by, missed])
    cursor.execute(SUM_UP, [job, finished_at])  # it is missed no longer
    return missed


def slot_said(job: str, said: str, now: datetime) -> tuple[str, datetime]:
    """The slot that somebody names, by its moment or as "latest", and the schedule whose it is.

    Raises CannotRun, which names the field `slot`.
    """
    schedules = PeriodicTask.objects.filter(task__endswith=f".{job}")
    schedules = schedules.select_related("crontab", "interval", "clocked", "solar").order_by("-enabled", "pk")
    if said == "latest":
        wanted = [schedule for schedule in schedules if schedule.enabled] or list(schedules)
        found = newest_slot(wanted, now)
        if found is None:
            raise CannotRun("slot", f"{job} has no slot that has come.")
        return found[0].name, found[1]
    slot = _moment(said)
    _check_has_come(slot, now)
    for schedule in schedules:
        with suppress(BadTiming):
            if due_slots(schedule, slot - timedelta(seconds=1), slot):
                return schedule.name, slot
    return job, slot  # the caller keeps a schedule of its own


def _moment(said: str) -> datetime:
    try:
        moment = parse_datetime(said)
        moment = moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):  # no such day, or none in UTC
        moment = None
    if moment is None:
        raise CannotRun("slot", 'must be a moment with its zone, such as 2026-07-01T14:00:00Z, or "latest".')
    if moment.microsecond:
        raise CannotRun("slot", "must be a whole second.")
    return moment
