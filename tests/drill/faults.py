"""What goes wrong in the drill, for real, and what must be said of it."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from django.utils import timezone

from monitoring.models import CronLog
from syncjobs.clients.errors import Source, SourceError
from syncjobs.models import SourceState
from syncjobs.queue import pause, resume
from syncjobs.sources import ticketmaster
from tests.drill.house import House, wait
from tests.standin.faults import Fault as Outage
from tests.standin.faults import Kind
from tests.standin.outside import Outside

BREAKER = r"Ticketmaster's breaker is open since \d\d:\d\d, HTTP 50\d × \d[^.]*"
NO_WORKER = r"no worker has been alive since \d\d:\d\d"
NO_SCHEDULER = r"no scheduler has been alive since \d\d:\d\d"
NO_RUN = r"advance_shows has no run for (its slot|\d slots, the first) of \d\d:\d\d"
SKIPPED = r"advance_shows skipped (its slot|\d slots, the last) of \d\d:\d\d: run \d+ was under way"
PAUSED = r"the queue cron is paused since \d\d:\d\d: The drill"
WAITS = r"advance_shows was wanted at \d\d:\d\d and has not started \(run \d+\)"


@dataclass(kw_only=True)
class Fault:
    """Something that goes wrong, what is to be read of it, and how long that took."""

    name: str
    says: str  # a pattern, for the desk and the alerts
    health: str  # … and for health
    begin: Callable[[], float]  # when it began, which may be a slot to come
    end: Callable[[], None]
    told: dict[str, float] = field(default_factory=dict)
    words: str = ""
    over: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hand:
    """That breaks things, and mends them."""

    ours: House
    standin: Outside

    def kill_worker(self) -> float:
        self.ours.kill("worker")
        return time.time()

    def kill_worker_before_a_slot(self) -> float:
        self.ours.kill("worker")
        return next_minute()

    def start_worker(self) -> None:
        self.ours.start("worker")

    def kill_scheduler_before_a_slot(self) -> float:
        self.ours.kill("scheduler")
        return next_minute()

    def start_scheduler(self) -> None:
        self.ours.start("scheduler")

    def break_source(self) -> float:
        self.standin.fails(Outage(kind=Kind.ERROR, source=Source.TICKETMASTER))
        for _ in range(6):
            ask()
        opened = SourceState.objects.get(name="ticketmaster").opened_at
        assert opened
        return opened.timestamp()

    def mend_source(self) -> None:
        self.standin.fails()
        wait(has_closed, "that the breaker closes")

    def break_both(self) -> float:
        self.kill_worker()
        return self.break_source()

    def mend_both(self) -> None:
        self.start_worker()
        self.mend_source()

    def pause_until_a_slot_is_skipped(self) -> float:
        skipped = CronLog.objects.filter(status=CronLog.Status.SKIPPED, started_at__gt=timezone.now())
        pause("cron", reason="The drill")
        wait(skipped.exists, "a slot that is skipped")
        return skipped.earliest("started_at").started_at.timestamp()

    def resume(self) -> None:
        resume("cron")


def faults(hand: Hand) -> list[Fault]:
    return [
        Fault(
            name="the worker's tree is killed",
            says=NO_WORKER,
            health="No worker is alive",
            begin=hand.kill_worker,
            end=hand.start_worker,
        ),
        Fault(
            name="Ticketmaster answers 50x",
            says=BREAKER,
            health=BREAKER,
            begin=hand.break_source,
            end=hand.mend_source,
        ),
        Fault(
            name="the scheduler is killed, a slot comes",
            says=f"{NO_RUN} because {NO_SCHEDULER}",
            health=f"{NO_RUN} because {NO_SCHEDULER}",
            begin=hand.kill_scheduler_before_a_slot,
            end=hand.start_scheduler,
        ),
        Fault(
            name="the queue is paused, a slot is skipped",
            says=f"{SKIPPED} because {PAUSED}",
            health=SKIPPED,
            begin=hand.pause_until_a_slot_is_skipped,
            end=hand.resume,
        ),
        Fault(
            name="the worker is killed and Ticketmaster answers 50x",
            says=BREAKER,
            health=BREAKER,
            begin=hand.break_both,
            end=hand.mend_both,
        ),
        Fault(
            name="the worker is killed, a slot comes",
            says=f"{WAITS} because {NO_WORKER}",
            health=f"{WAITS} because {NO_WORKER}",
            begin=hand.kill_worker_before_a_slot,
            end=hand.start_worker,
        ),
    ]


def next_minute() -> float:
    return time.time() // 60 * 60 + 60


def ask() -> None:
    with suppress(SourceError):
        ticketmaster().search_artists("Madonna")


def has_closed() -> bool:
    ask()
    return SourceState.objects.get(name="ticketmaster").breaker == SourceState.Breaker.CLOSED
