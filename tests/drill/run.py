"""Each fault: when it is told on the desk, by health and by alerts, in which words, and when they say that it is over."""

import argparse
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from monitoring.models import CronLog
from syncjobs.clients.errors import Source, SourceError
from syncjobs.models import SourceState
from syncjobs.queue import pause, resume
from syncjobs.sources import ticketmaster
from tests.drill.house import House, house, wait
from tests.standin.faults import Fault as Outage
from tests.standin.faults import Kind
from tests.standin.outside import Outside

WITHIN_SECONDS = 60
LONGEST_SECONDS = 200.0
QUIET = re.compile(r"no (worker|scheduler|relay)|has no run|skipped|breaker|paused|wanted", re.IGNORECASE)


@dataclass(kw_only=True)
class Fault:
    """Something that goes wrong for real, and what must be said of it."""

    name: str
    says: str  # a pattern, for the desk and the alerts
    health: str  # … and for health
    begin: Callable[[], float]  # when it began, which may be a slot to come
    end: Callable[[], None]
    told: dict[str, float] = field(default_factory=dict)
    words: str = ""
    over: dict[str, float] = field(default_factory=dict)


def drill(standin: Outside, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("only", nargs="*", help="numbers of faults; default: all")
    only = {int(number) for number in parser.parse_args(arguments).only}
    with house() as ours:
        each_minute()
        wait(lambda: not QUIET.search(ours.alerts()), "calm")
        say(f"The house is at {ours.url}/admin/")
        listed = [fault for number, fault in enumerate(faults(ours, standin), 1) if not only or number in only]
        for fault in listed:
            suffer(ours, fault)
            say(line(fault))
    is_late = any(fault.told.get(place, 999) > WITHIN_SECONDS for fault in listed for place in PLACES)
    return int(is_late or any(len(fault.over) < 2 for fault in listed))


def faults(ours: House, standin: Outside) -> list[Fault]:
    def worker_dies() -> float:
        ours.kill("worker")
        return time.time()

    def scheduler_dies() -> float:
        ours.kill("scheduler")
        return next_minute()

    def source_dies() -> float:
        standin.fails(Outage(kind=Kind.ERROR, source=Source.TICKETMASTER))
        ask(6)
        opened = SourceState.objects.get(name="ticketmaster").opened_at
        assert opened
        return opened.timestamp()

    def source_answers() -> None:
        standin.fails()
        wait(lambda: ask(1) or not is_open(), "that the breaker closes")

    def queue_pauses() -> float:
        pause("cron", reason="The drill")
        since = timezone.now()
        skipped = CronLog.objects.filter(status=CronLog.Status.SKIPPED, started_at__gt=since)
        wait(skipped.exists, "a slot that is skipped", LONGEST_SECONDS)
        return skipped.earliest("started_at").started_at.timestamp()

    def both_die() -> float:
        worker_dies()
        return source_dies()

    def worker_is_missed() -> float:
        worker_dies()
        return next_minute()

    def both_live() -> None:
        ours.start("worker")
        source_answers()

    breaker = r"Ticketmaster's breaker is open since \d\d:\d\d, HTTP 50\d × \d[^.]*"
    late = r"advance_shows was wanted at [\d:]+ and has not started \(run \d+\) because no worker has been alive since [\d:]+"
    return [
        Fault(
            name="the worker's tree is killed",
            says=r"no worker has been alive since [\d:]+",
            health=r"No worker is alive",
            begin=worker_dies,
            end=lambda: ours.start("worker"),
        ),
        Fault(name="Ticketmaster answers 50x", says=breaker, health=breaker, begin=source_dies, end=source_answers),
        Fault(
            name="the scheduler is killed, a slot comes",
            says=r"advance_shows has no run for (its slot|\d slots, the first) of [\d:]+ because no scheduler has been alive since [\d:]+",
            health=r"advance_shows has no run for",
            begin=scheduler_dies,
            end=lambda: ours.start("scheduler"),
        ),
        Fault(
            name="the queue is paused, a slot is skipped",
            says=r"advance_shows skipped (its slot|\d slots, the last) of [\d:]+: run \d+ was under way because the queue cron is paused since [\d:]+: The drill",
            health=r"advance_shows skipped",
            begin=queue_pauses,
            end=lambda: resume("cron") and None,
        ),
        Fault(
            name="the worker is killed and Ticketmaster answers 50x",
            says=breaker,
            health=breaker,
            begin=both_die,
            end=both_live,
        ),
        Fault(
            name="the worker is killed, a slot comes",
            says=late,
            health=late,
            begin=worker_is_missed,
            end=lambda: ours.start("worker"),
        ),
    ]


PLACES = ("desk", "health", "alert")


def suffer(ours: House, fault: Fault) -> None:
    """Let it happen; look each second until all have told; end it, and look until all have said so."""
    began = fault.begin()
    until = time.time() + LONGEST_SECONDS
    while len(fault.told) < len(PLACES) and time.time() < until:
        for place, look, pattern in looks(ours, fault):
            if place not in fault.told and (found := re.search(pattern, look())):
                fault.told[place] = max(time.time() - began, 0)
                fault.words = found[0] if place == "alert" else fault.words
        time.sleep(1)
    ended = timezone.now()
    fault.end()
    until = time.time() + LONGEST_SECONDS
    while len(fault.over) < 2 and time.time() < until:
        for place, look, pattern in looks(ours, fault)[1:]:
            if place not in fault.over and not re.search(pattern, look()):
                fault.over[place] = time.time() - ended.timestamp()
        time.sleep(1)
    wait(lambda: not QUIET.search(ours.alerts()), "calm")


def looks(ours: House, fault: Fault) -> list[tuple[str, Callable[[], str], str]]:
    return [
        ("desk", ours.desk, fault.says),
        ("health", ours.health, fault.health),
        ("alert", ours.alerts, fault.says),
    ]


def line(fault: Fault) -> str:
    told = " | ".join(f"{fault.told[place]:.0f} s" if place in fault.told else "never" for place in PLACES)
    over = " | ".join(f"{fault.over[place]:.0f} s" if place in fault.over else "never" for place in PLACES[1:])
    return f"| {fault.name} | {told} | {fault.words} | {over} |"


def each_minute() -> None:
    """A schedule with a slot each minute, besides those that there are."""
    crontab, _ = CrontabSchedule.objects.get_or_create(
        minute="*", hour="*", day_of_month="*", month_of_year="*", day_of_week="*", timezone="UTC"
    )
    PeriodicTask.objects.create(name="advance_shows each minute", task="syncjobs.tasks.advance_shows", crontab=crontab)


def next_minute() -> float:
    return time.time() // 60 * 60 + 60


def ask(times: int) -> None:
    for _ in range(times):
        with suppress(SourceError):
            ticketmaster().search_artists("Madonna")


def is_open() -> bool:
    return SourceState.objects.get(name="ticketmaster").breaker != SourceState.Breaker.CLOSED


def say(text: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stdout.flush()
