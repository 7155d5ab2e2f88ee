"""Not a test: the jobs that the tests of the queue put into it. What they do is seen in the table `effects`."""

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection

from syncjobs.clients.errors import RecordNotFound, Source, SourceBusy
from syncjobs.policies import POLICIES, QUEUES, CatchUp, Policy, Queue
from syncjobs.progress import Counts, Permanent, Snooze, Work
from syncjobs.queue import enqueue_many
from syncjobs.sources import client_for

DO = "tests.syncjobs.handlers."
HANDLERS: dict[str, tuple[str, int]] = {  # job: queue, attempts
    "apply": ("line", 3),
    "apply_plainly": ("line", 3),
    "apply_slowly": ("line", 3),
    "count": ("line", 3),
    "fan_out": ("line", 3),
    "fail_always": ("line", 3),
    "fail_once": ("line", 3),
    "refuse": ("line", 3),
    "not_found": ("line", 3),
    "busy": ("line", 3),
    "later": ("line", 3),
    "poison": ("line", 3),
    "die_in_finish": ("line", 3),
    "note": ("line", 3),
    "inquire": ("line", 8),
    "tell": ("line", 3),
}
CAUGHT_UP = {f"caught_up_{how}": how for how in CatchUp}  # one for each way


def register(concurrency: int = 4) -> None:
    QUEUES["line"] = Queue(concurrency=concurrency, attempts=3)
    for job, (queue, attempts) in HANDLERS.items():
        POLICIES[job] = Policy(path=DO + job, queue=queue, attempts=attempts, longest=timedelta(minutes=1))
    for job, how in CAUGHT_UP.items():
        POLICIES[job] = Policy(path=DO + "note", queue="line", longest=timedelta(minutes=1), catch_up=how)


def unregister() -> None:
    del QUEUES["line"]
    for job in (*HANDLERS, *CAUGHT_UP):
        del POLICIES[job]


def effect(what: str, work: Work) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO effects (what, job) VALUES (%s, %s)", [what, work.job])


def apply(work: Work, pause: float = 0) -> Counts:
    """Two effects, each with a checkpoint of its own; a retry goes on after the first."""
    if "first" not in work.state:
        with work.checkpoint("first", 50, first=True):
            effect("first", work)
    time.sleep(pause)
    with work.finish(applied=1):
        effect("second", work)
    return {}


def apply_plainly(work: Work, pause: float = 0) -> Counts:
    """The same effects, each remembered; nothing is committed with its end."""
    for step in ("first", "second"):
        if step not in work.state:
            with work.checkpoint(step, 50, **{step: True}):
                effect(step, work)
            time.sleep(pause)
    return {"applied": 1}


def apply_slowly(work: Work, seconds: float) -> Counts:
    """Says when it began, then takes its time; the effect is the last thing it does."""
    effect("begun", work)
    time.sleep(seconds)
    with work.finish(applied=1):
        effect("second", work)
    return {}


def note(work: Work) -> Counts:
    """One effect, told at once."""
    effect("noted", work)
    return {}


def inquire(work: Work, source: str, what: str, of: str) -> Counts:
    """One question to a source, its effect when it is answered."""
    getattr(client_for(Source(source)), what)(of)
    with work.finish(applied=1):
        effect("answered", work)
    return {}


def tell(work: Work, steps: int, pause: float) -> Counts:
    """Progress, step by step."""
    for step in range(steps):
        with work.checkpoint("telling", step * 100 // steps, f"step {step}"):
            pass
        time.sleep(pause)
    return {}


def count(work: Work, **counts: int) -> Counts:
    return counts


def fan_out(work: Work, child: str = "count", rows: Any = (), then: str = "") -> Counts:
    if "children" not in work.state:
        with work.checkpoint("planning", 10, children=len(rows)):
            enqueue_many(child, rows, parent=work.job)
    if then:
        raise Permanent(then)
    return {"planned": len(rows)}


def fail_always(work: Work) -> Counts:
    raise ValueError("no disk")


def fail_once(work: Work) -> Counts:
    if "tried" not in work.state:
        with work.checkpoint("trying", 20, "first try", tried=True):
            pass
        raise ValueError("no disk")
    return {"done": 1}


def refuse(work: Work) -> Counts:
    raise Permanent("no such artist")


def not_found(work: Work) -> Counts:
    raise RecordNotFound(Source.SPOTIFY)


def busy(work: Work) -> Counts:
    raise SourceBusy(Source.SPOTIFY, 40)


def later(work: Work) -> Counts:
    raise Snooze(30, "the source is busy")


def poison(work: Work) -> Counts:
    """Kills its worker's process."""
    effect("poisoned", work)
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def die_in_finish(work: Work, step: str) -> Counts:
    """Is killed inside the finishing transaction: before or after the effect, or just after its commit."""
    lives: Callable[[], bool] = lambda: "died" in work.state  # noqa: E731
    if not lives():
        with work.checkpoint("once", 50, died=step):
            pass
        with work.finish(applied=1):
            if step == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            effect("second", work)
            if step == "after":
                os.kill(os.getpid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    with work.finish(applied=1):
        effect("second", work)
    return {}
