"""Commands die at their start, amid their work, and while they write down their end."""

import signal
import time
from collections.abc import Callable

from monitoring.cron import AlreadyRunning, cron_job
from monitoring.models import CronLog
from tests.chaos.ground import Ground, Toll, unmet
from tests.monitoring import processes
from tests.monitoring.processes import Process, Stage
from tests.monitoring.runs import another_connection, somebody_waits_for_a_lock, wait_until

LEASE_SECONDS = 1.5
LOOK_SECONDS = 0.02
GRACE_SECONDS = 0.5  # for who looks


def at_start(stage: Stage) -> None:
    """Its row is not committed yet."""
    process = stage.start("work", lease_seconds=LEASE_SECONDS).hear("ready")
    with another_connection() as theirs:
        theirs.execute("LOCK TABLE cron_logs IN EXCLUSIVE MODE")
        process.tell("go")
        wait_until(somebody_waits_for_a_lock, "the opening")
        kill(process)
        theirs.rollback()


def amid(stage: Stage) -> None:
    kill(stage.working(lease_seconds=LEASE_SECONDS))


def at_end(stage: Stage) -> None:
    """The work is done, and its run is being closed."""
    process = stage.working(lease_seconds=LEASE_SECONDS)
    with another_connection() as theirs:
        theirs.execute("SELECT id FROM cron_logs WHERE status = 'running' FOR UPDATE")
        process.tell("")
        wait_until(somebody_waits_for_a_lock, "the closing")
        kill(process)
        theirs.rollback()


def kill(process: Process) -> None:
    process.signal(signal.SIGKILL).end()


def r23(ground: Ground, size: float) -> Toll:
    """A command dies at its start, amid its work, or while its run is closed: abandoned in time, never two open."""
    rounds, steps = max(int(10 * size), 1), (at_start, amid, at_end)
    longest, most, stuck = 0.0, 0, 0
    for step in steps * rounds:
        died, opened = _died(step)
        most, longest = max(most, opened), max(longest, died)
        stuck += CronLog.objects.filter(job_name="work", status__in=CronLog.OPEN).count()
    ends = CronLog.objects.filter(job_name="work").values_list("status", flat=True)
    return Toll(
        killed=f"{len(steps) * rounds} commands",
        jobs=len(steps) * rounds,
        lost=stuck,
        twice=max(most - 1, 0),
        remark=f"{list(ends).count('abandoned')} abandoned, {longest:.1f} s after their death at most; their lease: {LEASE_SECONDS} s",
        missed=unmet({"abandoned within a lease": longest <= LEASE_SECONDS + GRACE_SECONDS}),
    )


@cron_job
def work() -> dict[str, int]:
    """The next one: how many are open when it is let in."""
    return {"open": CronLog.objects.filter(job_name="work", status="running").count()}


def _died(step: Callable[[Stage], None]) -> tuple[float, int]:
    """How long after its death the next run was let in, and the most runs that were open then."""
    with processes.stage() as stage:
        step(stage)
        began = time.monotonic()
        while True:
            try:
                counted = work().result
                break
            except AlreadyRunning:
                time.sleep(LOOK_SECONDS)
    return time.monotonic() - began, int(counted["open"])
