"""The scheduler: each second it gives every slot that has come its run. It publishes nothing.

Several may run; the one whose database session holds a lock leads. The lock goes with the session, so
a leader that dies, hangs or loses its database leads no longer, and what it had not committed is not there.
"""

import logging
import os
import socket
import time
from datetime import datetime
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connection, transaction
from django.db.models import F
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from monitoring import heartbeats
from monitoring.models import CronLog
from syncjobs import runs
from syncjobs.models import ScheduleState
from syncjobs.policies import POLICIES, CatchUp
from syncjobs.schedules import arguments_of, job_of
from syncjobs.slots import BadTiming, due_slots

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0  # slots are whole seconds
SILENT_SECONDS = 10  # a session idle for so long is ended by the server, and with it the lead
LEADER_LOCK = "hashtextextended('scheduler leads', 0)"

# A machine that vanishes sends no goodbye: let the server ask whether we are there. (Unix sockets ignore it.)
SESSION = (
    f"SET idle_session_timeout = '{SILENT_SECONDS}s'; SET idle_in_transaction_session_timeout = '{SILENT_SECONDS}s';"
    " SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
)


class SlotScheduler(DatabaseScheduler):  # type: ignore[misc]
    """django-celery-beat's scheduler, with its rows and admin, but a tick of our own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._session: object = None  # that holds the lock
        self._is_leader = False
        self._next_beat = 0.0
        self.component = f"scheduler {socket.gethostname()}:{os.getpid()}"
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Nothing: schedules are seeded by migrations, and every tick reads them anew."""

    def enabled_models_qs(self) -> Any:
        """All that are on. The parent leaves out those whose hour is far, and so never catches up."""
        return self.Model.objects.enabled()

    def schedule_changed(self) -> bool:
        return False

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Account for all slots until now, if we lead; the seconds until the next tick."""
        try:
            now = self._meet()
            if self._is_leader:
                account_for_all(now)
        except (DatabaseError, InterfaceError) as problem:  # a restart of the server; the next tick looks again
            logger.warning("No tick: %s", str(problem).strip())
            self._part()
            return TICK_SECONDS
        return TICK_SECONDS - now.microsecond / 1e6 % TICK_SECONDS

    def _meet(self) -> datetime:
        """Be heard, take the lead if nobody has it; the moment by the database's clock, the same for all."""
        if self._session is None or self._session is not connection.connection:
            connection.ensure_connection()
            with connection.cursor() as cursor:
                cursor.execute(SESSION)
            self._session, self._is_leader, self._next_beat = connection.connection, False, 0.0
        with connection.cursor() as cursor:
            if not self._is_leader:
                cursor.execute(f"SELECT pg_try_advisory_lock({LEADER_LOCK})")
                (self._is_leader,) = cursor.fetchone()
                if self._is_leader:
                    self._next_beat = 0.0
                    logger.info("%s leads", self.component)
            if time.monotonic() >= self._next_beat:
                heartbeats.beat(self.component, "leads" if self._is_leader else "stands by")
                self._next_beat = time.monotonic() + heartbeats.EVERY_SECONDS
            cursor.execute("SELECT clock_timestamp()")
            now: datetime = cursor.fetchone()[0]
        return now

    def _part(self) -> None:
        self._session, self._is_leader = None, False
        connection.close()

    def should_sync(self) -> bool:
        return False

    def sync(self) -> None:
        """Nothing: what a tick found out is committed with its runs."""

    def close(self) -> None:
        """Give up the lead and say goodbye."""
        try:
            heartbeats.leave(self.component)
        except (DatabaseError, InterfaceError) as problem:
            logger.warning("No goodbye: %s", str(problem).strip())
        self._part()


def account_for_all(now: datetime) -> None:
    """Give each slot until now its run; start one missed slot of each job that is to catch up."""
    schedules = PeriodicTask.objects.enabled().select_related("crontab", "interval", "clocked", "solar", "state")
    listed = list(schedules.order_by("pk"))
    for schedule in listed:
        try:
            account_for(schedule, now)
        except (BadTiming, DataError, IntegrityError) as problem:  # put there by SQL: the form refuses it
            logger.error("Schedule %s has no runs: %s", schedule.name, str(problem).strip())
    for job in _to_catch_up():
        runs.catch_up(job, now=now)


def account_for(schedule: PeriodicTask, now: datetime) -> int:
    """Give each slot of one schedule until now its run, queued or missed; how many slots there were."""
    state = getattr(schedule, "state", None)
    if state is None:
        ScheduleState.objects.get_or_create(schedule=schedule, defaults={"accounted_until": now})
        return 0
    slots = due_slots(schedule, state.accounted_until, now)
    if schedule.one_off:
        slots = slots[:1]
    if not slots:
        return 0
    with transaction.atomic():
        locked = ScheduleState.objects.select_for_update().get(pk=schedule.pk)
        if locked.accounted_until != state.accounted_until:
            return 0  # another scheduler was here, or the schedule was edited this moment
        _give_runs(schedule, slots, now)
        ScheduleState.objects.filter(pk=schedule.pk).update(accounted_until=slots[-1])
        PeriodicTask.objects.filter(pk=schedule.pk).update(
            last_run_at=slots[-1], total_run_count=F("total_run_count") + len(slots)
        )
        if schedule.one_off:
            PeriodicTask.objects.filter(pk=schedule.pk).update(enabled=False)
    return len(slots)


def _give_runs(schedule: PeriodicTask, slots: list[datetime], now: datetime) -> None:
    job = job_of(schedule)
    policy = POLICIES.get(job)
    if policy is None:
        runs.miss(job, schedule.name, slots, to_catch_up=set(), why=f"There is no job {job}.")
        return
    late = [slot for slot in slots if now - slot > policy.start_margin]
    if late:
        runs.miss(job, schedule.name, late, to_catch_up=_chosen(policy.catch_up, late, is_last=late == slots))
        logger.warning("%d slots of %s were missed, %s to %s", len(late), schedule.name, late[0], late[-1])
    for slot in slots[len(late) :]:
        try:
            runs.request_run(
                job,
                trigger=CronLog.Trigger.SCHEDULE,
                now=now,
                slot=slot,
                schedule=schedule.name,
                arguments=arguments_of(schedule),
            )
        except runs.Overlap as problem:
            logger.info("%s", problem)
        except ValueError as problem:
            runs.miss(job, schedule.name, [slot], to_catch_up=set(), why=str(problem))


def _chosen(policy: CatchUp, late: list[datetime], *, is_last: bool) -> set[datetime]:
    """Which of the missed slots are run all the same. The newest alone is moot when a newer slot is punctual."""
    if policy == CatchUp.ALL:
        return set(late)
    if policy == CatchUp.LATEST and is_last:
        return {late[-1]}
    return set()


def _to_catch_up() -> list[str]:
    marked = CronLog.objects.to_catch_up().order_by("job_name").values_list("job_name", flat=True).distinct()
    return [job for job in marked if job in POLICIES]
