"""@cron_job: the one wrapper round every job. Each call is one run, recorded in one CronLog row."""

import json
import logging
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from time import perf_counter
from types import FrameType
from typing import Any, ParamSpec, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models.functions import Now
from structlog.contextvars import bound_contextvars

from monitoring.models import CronLog

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Counts = Mapping[str, Any]
Step = Callable[[int, Counts], Counts]

LEASE_SECONDS = 60.0  # a process silent for so long is taken for dead …
RENEW_SECONDS = 20.0  # … so a living one speaks three times as often
LONGEST_ERROR = 2000  # characters
OPENED = (
    "UPDATE cron_logs SET status = 'running', trigger = %s, schedule = %s, slot = %s, started_at = clock_timestamp(),"
    " finished_at = NULL, error_message = '', lease_until = clock_timestamp() + make_interval(secs => %s) WHERE id = %s"
)
SKIPPED_BECAUSE = "skipped_because"  # in the result of a run that was skipped by its own job
STOPS = frozenset({signal.SIGINT, signal.SIGTERM})

current_run: ContextVar[int | None] = ContextVar("current_run", default=None)
_trigger: ContextVar[CronLog.Trigger] = ContextVar("trigger", default=CronLog.Trigger.COMMAND)
_slot: ContextVar[tuple[str, datetime] | None] = ContextVar("slot", default=None)
_given_run: ContextVar[int | None] = ContextVar("given_run", default=None)
_last_step: ContextVar[Step | None] = ContextVar("last_step", default=None)


class AlreadyRunning(Exception):
    """This job is running already."""

    retry_after = RENEW_SECONDS

    def __init__(self, job: str, run: int) -> None:
        super().__init__(f"{job} is already running (run {run}); this call was skipped.")
        self.run = run


class SlotTaken(Exception):
    """Somebody has started this slot of the schedule already."""

    def __init__(self, job: str, run: int) -> None:
        super().__init__(f"{job}: this slot has its run already (run {run}).")
        self.run = run


class Skipped(Exception):
    """Raised by a job that does nothing this time, on purpose; the message says why."""


class Terminated(KeyboardInterrupt):
    """SIGTERM. A KeyboardInterrupt, since psycopg cancels the running statement for those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished run: its number, its status and what the job counted."""

    job: str
    run: int
    status: str
    duration_ms: int
    result: Counts


def cron_job(func: Callable[P, Counts]) -> Callable[P, Run]:
    """Record each call of `func` in one CronLog row; its errors pass through.

    The row is committed before any work and closed by `log_cron_run`: success, or partial when the
    result's `failed` is not 0; skipped when it raises Skipped; failed when it raises anything else, is
    told to stop or runs out of time. Raises AlreadyRunning, and records a skipped run, while another call
    of the same job is alive. Inside a run of the queue (see `inside`) it writes no row.
    """
    job = func.__name__

    @wraps(func)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Run:
        given, step = _taken(_given_run), _taken(_last_step)
        if given is not None:
            return _within(job, given, lambda: func(*args, **kwargs))
        connection.ensure_connection()  # may start a server: not while signals wait
        with _terminable(), _masked(signal.SIG_BLOCK, STOPS) as usual:
            run = _open(job)
            token = current_run.set(run)
            try:
                with (
                    bound_contextvars(job=job, run=run),
                    _lease(run),
                    _masked(signal.SIG_SETMASK, usual),
                ):  # stopped is the work, not its record
                    result = func(*args, **kwargs)
                    if step:
                        result = step(run, result)
                return _close(job, _status(result), result, run)
            except Skipped as reason:
                return _close(job, "skipped", {SKIPPED_BECAUSE: str(reason)}, run)
            except BaseException as problem:  # a time limit, Ctrl-C or a result that is no JSON fails a run, too
                _close(job, "failed", {"error": describe(problem)}, run)
                raise
            finally:
                current_run.reset(token)

    return wrapper


@contextmanager
def triggered_by(what: CronLog.Trigger) -> Iterator[None]:
    """Runs that start in here say what started them; anywhere else it is a command."""
    token = _trigger.set(what)
    try:
        yield
    finally:
        _trigger.reset(token)


@contextmanager
def for_slot(schedule: str, slot: datetime) -> Iterator[None]:
    """The next call of a job in here is that slot's run. It raises SlotTaken if the slot has one."""
    token = _slot.set((schedule, slot))
    try:
        yield
    finally:
        _slot.reset(token)


@contextmanager
def inside(run: int | None) -> Iterator[None]:
    """The next call of a job in here is this run's, which who opened it closes. None: a run of its own, as ever."""
    token = _given_run.set(run)
    try:
        yield
    finally:
        _given_run.reset(token)


@contextmanager
def followed_by(step: Step) -> Iterator[None]:
    """The next call of a job in here ends with this step, within its run; the step's result is the run's."""
    token = _last_step.set(step)
    try:
        yield
    finally:
        _last_step.reset(token)


def _taken(variable: ContextVar[T | None]) -> T | None:
    """What one call is given is not given to the calls that it makes."""
    value = variable.get()
    variable.set(None)
    return value


def _within(job: str, run: int, work: Callable[[], Counts]) -> Run:
    """Work inside a run of the queue, put off while a command is at the same job."""
    with transaction.atomic(), connection.cursor() as cursor:
        living = command_at(cursor, job)
    if living is not None:
        raise AlreadyRunning(job, living)
    token, began = current_run.set(run), perf_counter()
    try:
        with bound_contextvars(job=job, run=run):
            result = work()
    except Skipped as reason:
        result = {SKIPPED_BECAUSE: str(reason)}  # the queue, which closes the run, knows the word
    finally:
        current_run.reset(token)
    duration_ms = round((perf_counter() - began) * 1000)
    return Run(job=job, run=run, status=_status(result), duration_ms=duration_ms, result=result)


def _status(result: Counts) -> str:
    if result.get(SKIPPED_BECAUSE):
        return "skipped"
    return "partial" if result.get("failed") else "success"


def skip_run(
    cursor: CursorWrapper,
    job: str,
    living: int,
    *,
    trigger: str,
    by: str = "",
    schedule: str = "",
    slot: datetime | None = None,
) -> int:
    """Record that a run was asked for in vain. Not by log_cron_run(): that would close a run that is queued."""
    cursor.execute(
        "INSERT INTO cron_logs (job_name, status, started_at, finished_at, result, trigger, asked_by, schedule, slot)"
        " VALUES (%s, 'skipped', clock_timestamp(), clock_timestamp(), %s::jsonb, %s, %s, %s, %s) RETURNING id",
        [job, json.dumps({"running": living}), trigger, by, schedule, slot],
    )
    (skipped,) = cursor.fetchone()
    cursor.execute("SELECT sum_up_runs(%s, (clock_timestamp() AT TIME ZONE 'UTC')::date)", [job])
    return int(skipped)


def hold_runs(cursor: CursorWrapper, job: str) -> None:
    """Until the commit nobody else opens a run of this job. Whoever writes a slot's row holds it first, or two deadlock."""
    cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('cron_logs ' || %s, 0))", [job])


def command_at(cursor: CursorWrapper, job: str) -> int | None:
    """The living run of a command; closes those whose process fell silent. Nobody opens one until the commit."""
    hold_runs(cursor, job)
    cursor.execute(
        "SELECT id, lease_until < clock_timestamp() FROM cron_logs"
        " WHERE job_name = %s AND status = 'running' AND lease_until IS NOT NULL"
        " FOR UPDATE",  # one that is closing this moment is no longer silent
        [job],
    )
    living = None
    for run, silent in cursor.fetchall():
        if silent:
            _log(cursor, job, "abandoned", {"error": "Its process fell silent."}, run)
            logger.error("Run %s of %s was abandoned: its process fell silent.", run, job)
        else:
            living = run
    return living


def _queue_at(cursor: CursorWrapper, job: str) -> int | None:
    """The run that the queue is at. It has no lease: the queue watches over it itself."""
    cursor.execute(
        "SELECT max(id) FROM cron_logs WHERE job_name = %s AND status = 'running' AND lease_until IS NULL"
        " AND trigger <> 'sql'",  # those are other systems'
        [job],
    )
    run: int | None = cursor.fetchone()[0]
    return run


def _open(job: str) -> int:
    """A row for a new run of the job."""
    if connection.in_atomic_block:
        raise RuntimeError(f"{job} was called inside a transaction: its record would be rolled back with it.")
    schedule, slot = _taken(_slot) or ("", None)
    with transaction.atomic(), connection.cursor() as cursor:
        living = command_at(cursor, job) or _queue_at(cursor, job)
        missed = _missed(cursor, job, schedule, slot)
        if living is None:
            run = missed[0] if missed else _log(cursor, job, "running", None, None)
            cursor.execute(OPENED, [_trigger.get(), schedule, slot, LEASE_SECONDS, run])
            if missed:  # no longer, and the figures of that day say so
                cursor.execute("SELECT sum_up_runs(%s, (%s::timestamptz AT TIME ZONE 'UTC')::date)", [job, missed[1]])
            return run
        own: dict[str, Any] = (
            {"schedule": schedule, "slot": slot} if missed is None else {}
        )  # a missed slot stays missed
        skip_run(cursor, job, living, trigger=_trigger.get(), **own)
    raise AlreadyRunning(job, living)


def _missed(cursor: CursorWrapper, job: str, schedule: str, slot: datetime | None) -> tuple[int, datetime] | None:
    """The record that nobody started this slot, and when it was made. Raises SlotTaken when somebody did."""
    if slot is None:
        return None
    cursor.execute(
        "SELECT id, finished_at, status FROM cron_logs WHERE schedule = %s AND slot = %s FOR UPDATE", [schedule, slot]
    )
    found = cursor.fetchone()
    if found and found[2] != CronLog.Status.MISSED:
        raise SlotTaken(job, found[0])
    return (int(found[0]), found[1]) if found else None


def _close(job: str, status: str, result: Counts, run: int) -> Run:
    # On a new connection: the server may have gone, or a time limit have struck amid a statement.
    connection.close()
    with connection.cursor() as cursor:
        _log(cursor, job, status, result, run)
        cursor.execute("SELECT execution_time_ms FROM cron_logs WHERE id = %s", [run])
        (duration_ms,) = cursor.fetchone()
    return Run(job=job, run=run, status=status, duration_ms=duration_ms, result=result)


def _log(cursor: CursorWrapper, job: str, status: str, result: Counts | None, run: int | None) -> int:
    body = None if result is None else json.dumps(result, cls=DjangoJSONEncoder)
    cursor.execute("SELECT log_cron_run(%s, %s, %s::jsonb, %s)", [job, status, body, run])
    (number,) = cursor.fetchone()
    return int(number)


def describe(problem: BaseException) -> str:
    """What went wrong, as PostgreSQL takes it: without NUL and half characters, not too long."""
    return storable(f"{type(problem).__name__}: {problem}".removesuffix(": "))


def storable(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\0", "")[:LONGEST_ERROR]


@contextmanager
def _lease(run: int) -> Iterator[None]:
    """Keep saying that the run's process lives, from a thread with a connection of its own."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_SECONDS):
            try:
                CronLog.objects.filter(pk=run, status=CronLog.Status.RUNNING).update(
                    lease_until=Now() + timedelta(seconds=LEASE_SECONDS)
                )
            except DatabaseError:  # a restart of the server: the next turn has a new connection
                logger.exception("Unable to renew the lease of run %s", run)
            connection.close()

    thread = threading.Thread(target=renew, name=f"lease of run {run}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def _masked(how: int, signals: Iterable[int]) -> Iterator[set[int | signal.Signals]]:
    """Change what signals wait, as pthread_sigmask does; gives what waited before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(how, signals)  # one that waited strikes here
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _terminable() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that the run is closed. Signals reach the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated("told to stop (SIGTERM)")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
