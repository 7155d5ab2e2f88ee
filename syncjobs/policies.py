"""What is declared of each job, in code: who does it, how often it is tried, how long it may take."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class CatchUp(StrEnum):
    """What becomes of slots that passed while no scheduler was alive."""

    NONE = "none"  # they stay missed
    LATEST = "latest"  # the newest is run, late
    ALL = "all"  # each is run, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One line of jobs of a kind."""

    concurrency: int  # jobs at work at once, on all machines together
    attempts: int  # of a job that says nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How one job is done."""

    path: str  # dotted path of its handler, (work, **arguments) -> counts
    queue: str
    longest: timedelta  # one attempt; past it the worker is stopped
    attempts: int | None = None  # as its queue says
    schedule: str | None = None  # a cron line (minute, hour, day of month, month, day of week; UTC)
    start_margin: timedelta = timedelta(minutes=5)  # later than this is late
    failures: int = 1  # in a row, until an alert
    catch_up: CatchUp = CatchUp.LATEST

    @property
    def max_attempts(self) -> int:
        return self.attempts or QUEUES[self.queue].attempts


QUEUES: dict[str, Queue] = {
    "cron": Queue(concurrency=4, attempts=1),
    "artist_import": Queue(concurrency=5, attempts=3),
    "spotify_sync": Queue(concurrency=3, attempts=5),
    "ticketmaster_sync": Queue(concurrency=3, attempts=4),
    "setlist_sync": Queue(concurrency=2, attempts=4),
    "images": Queue(concurrency=3, attempts=2),
    "maintenance": Queue(concurrency=1, attempts=3),
}

POLICIES: dict[str, Policy] = {
    "calculate_trending": Policy(
        path="syncjobs.jobs.calculate_trending",
        queue="cron",
        longest=timedelta(minutes=4),
        schedule="*/5 * * * *",
        start_margin=timedelta(minutes=2),
        failures=2,
    ),
    "backup_logs": Policy(
        path="syncjobs.jobs.backup_logs", queue="cron", longest=timedelta(minutes=30), schedule="15 1 * * *"
    ),
    "cleanup_old_data": Policy(
        path="syncjobs.jobs.cleanup_old_data", queue="cron", longest=timedelta(hours=1), schedule="30 1 * * *"
    ),
}
