"""Each fault: when it is told on the desk, by health and by alerts, in which words, and when they say that it is over."""

import argparse
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from django_celery_beat.models import CrontabSchedule, PeriodicTask

from tests.drill.faults import Fault, Hand, faults
from tests.drill.house import House, house, wait
from tests.standin.outside import Outside

WITHIN_SECONDS = 60
LONGEST_SECONDS = 200.0
LOOK_SECONDS = 1.0
PLACES = ("desk", "health", "alert")
OVER = PLACES[1:]  # the desk goes on to say what was
TROUBLE = re.compile(r"no (worker|scheduler|relay)|has no run|skipped|breaker|paused|wanted", re.IGNORECASE)


def drill(standin: Outside, arguments: list[str]) -> int:
    """1 when anything was told too late, or never."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("only", nargs="*", type=int, help="numbers of faults; default: all")
    only = parser.parse_args(arguments).only
    with house() as ours:
        each_minute()
        be_calm(ours)
        say(f"The house is at {ours.url}/admin/")
        say("| fault | desk | health | alert | words | health: over | alert: over |")
        suffered = [fault for number, fault in enumerate(faults(Hand(ours, standin)), 1) if not only or number in only]
        for fault in suffered:
            suffer(ours, fault)
            say(line(fault))
            be_calm(ours)
    return int(not all(is_told(fault) for fault in suffered))


def suffer(ours: House, fault: Fault) -> None:
    """Let it happen, and look until all have told; end it, and look until all say so."""
    looks: dict[str, tuple[Callable[[], str], str]] = {
        "desk": (ours.desk, fault.says),
        "health": (ours.health, fault.health),
        "alert": (ours.alerts, fault.says),
    }
    began = fault.begin()
    until = time.time() + LONGEST_SECONDS
    while len(fault.told) < len(PLACES) and time.time() < until:
        for place in looks.keys() - fault.told.keys():
            look, pattern = looks[place]
            if found := re.search(pattern, look()):
                fault.told[place] = max(time.time() - began, 0)
                fault.words = found[0] if place == "alert" else fault.words
        time.sleep(LOOK_SECONDS)
    ended = time.time()
    fault.end()
    until = time.time() + LONGEST_SECONDS
    while len(fault.over) < len(OVER) and time.time() < until:
        for place in set(OVER) - fault.over.keys():
            look, pattern = looks[place]
            if not re.search(pattern, look()):
                fault.over[place] = time.time() - ended
        time.sleep(LOOK_SECONDS)


def is_told(fault: Fault) -> bool:
    return all(fault.told.get(place, LONGEST_SECONDS) <= WITHIN_SECONDS for place in PLACES) and len(fault.over) == 2


def line(fault: Fault) -> str:
    told = [f"{fault.told[place]:.0f} s" if place in fault.told else "never" for place in PLACES]
    over = [f"{fault.over[place]:.0f} s" if place in fault.over else "never" for place in OVER]
    return f"| {' | '.join([fault.name, *told, fault.words, *over])} |"


def be_calm(ours: House) -> None:
    wait(lambda: not TROUBLE.search(ours.alerts()), "calm")


def each_minute() -> None:
    """A schedule with a slot each minute, besides those that there are."""
    crontab, _ = CrontabSchedule.objects.get_or_create(
        minute="*", hour="*", day_of_month="*", month_of_year="*", day_of_week="*", timezone="UTC"
    )
    PeriodicTask.objects.create(name="advance_shows each minute", task="syncjobs.tasks.advance_shows", crontab=crontab)


def say(text: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stdout.flush()
