"""Do a claimed queue job: call its handler, keep its lease, say how it ended. Workers and commands come through here."""

import inspect
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, connection
from django.db.transaction import atomic
from django.utils.module_loading import import_string
from structlog.contextvars import bound_contextvars

from monitoring.cron import AlreadyRunning, Counts, describe
from syncjobs import queue
from syncjobs.clients.errors import BadRequest, RecordNotFound, SourceBusy, SourceRefused
from syncjobs.models import QueueJob
from syncjobs.policies import POLICIES
from syncjobs.progress import Cancelled, LeaseLost, OnProgress, Permanent, Snooze
from syncjobs.queue import Claimed, attempts

logger = logging.getLogger(__name__)

CHAIN_SECONDS = 10.0  # a worker goes on with the next job of its queue for so long, without another message
LOOK_SECONDS = 0.5  # how often a command looks for what workers, or the clock, left it to do


class Leased:
    """A claimed row, as its handler sees it (progress.Work)."""

    def __init__(self, claimed: Claimed, on_progress: OnProgress | None = None) -> None:
        self.claimed = claimed
        self.job = claimed.id
        self.run = claimed.run
        self.state: Mapping[str, Any] = claimed.state
        self.is_finished = False
        self.on_progress = on_progress

    @contextmanager
    def checkpoint(self, phase: str, percent: int, message: str = "", **state: Any) -> Iterator[None]:
        with atomic():
            yield
            remembered = queue.checkpoint(self.claimed, phase, percent, message, state)
        self.state = remembered
        if self.on_progress:
            self.on_progress(phase, percent, message)

    @contextmanager
    def finish(self, **counts: Any) -> Iterator[None]:
        with atomic():
            yield
            queue.finish(self.claimed, counts)
        self.is_finished = True


def this_process() -> str:
    """How a worker signs what it claims."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run_jobs(number: int) -> int:
    """Do this job if it is due, then those that wait behind it in its queue for a while; how many."""
    worker, until, done = this_process(), time.monotonic() + CHAIN_SECONDS, 0
    claimed = queue.claim(number, worker=worker)
    while claimed:
        run_job(claimed)
        done += 1
        if time.monotonic() > until:
            break
        # The message's time limit is this job's: none that may take longer.
        claimed = queue.claim_next(claimed.queue, worker=worker, jobs=_no_longer_than(claimed.job))
    if done:
        wake_relay()
    return done


def drive(run: int, *, on_progress: OnProgress | None = None) -> Counts:
    """Do all queue jobs of a run in this process, beside workers if there are any; what they counted.

    Returns when all are final.
    """
    worker = this_process()
    while True:
        queue.promote()
        claimed = queue.claim_of_run(run, worker=worker)
        if claimed:
            run_job(claimed, on_progress)
        elif QueueJob.objects.live().filter(run=run).exists():
            time.sleep(LOOK_SECONDS)
            queue.rescue()
            queue.recount_children()
        else:
            return counted(run)


def driven(on_progress: OnProgress | None = None) -> Callable[[int, Counts], Counts]:
    """The last step of a command's run (monitoring.cron.followed_by): do what it enqueued, add what that counted."""

    def step(run: int, result: Counts) -> Counts:
        counts = dict(result)
        for name, count in drive(run, on_progress=on_progress).items():
            counts[name] = counts.get(name, 0) + count
        return counts

    return step


def counted(run: int) -> dict[str, int]:
    """What the queue jobs of a run counted together; one that was not completed counts as failed."""
    counts: dict[str, int] = {}
    for status, result in QueueJob.objects.filter(run=run, parent=None).values_list("status", "result"):
        if status != QueueJob.Status.COMPLETED:
            counts["failed"] = counts.get("failed", 0) + 1
        for name, count in (result or {}).items():
            if isinstance(count, int) and not isinstance(count, bool):
                counts[name] = counts.get(name, 0) + count
    return counts


def run_job(claimed: Claimed, on_progress: OnProgress | None = None) -> None:
    """Call the handler of a claimed job; whatever happens, its row says so."""
    with bound_contextvars(job=claimed.job, run=claimed.run, queue_job=claimed.id):  # in every line of the log
        _do(claimed, on_progress)


def _do(claimed: Claimed, on_progress: OnProgress | None) -> None:
    work = Leased(claimed, on_progress)
    try:
        try:
            with _kept(claimed):
                result = _handler(claimed)(work, **claimed.arguments)
            if not work.is_finished:
                queue.finish(claimed, result or {})
        except Exception as problem:  # the one place where a job's failure becomes its row's
            if work.is_finished:
                raise
            connection.close_if_unusable_or_obsolete()
            _end(claimed, problem)
    except LeaseLost as problem:
        logger.warning("%s of %s: %s", claimed.job, this_process(), problem)


def _end(claimed: Claimed, problem: Exception) -> None:
    match problem:
        case LeaseLost():
            raise problem
        case Cancelled():
            queue.cancelled(claimed)
        case Snooze():
            queue.snooze(claimed, problem.seconds, str(problem))
        case AlreadyRunning() | SourceBusy():
            queue.snooze(claimed, problem.retry_after, describe(problem))
        case Permanent():
            logger.error("Queue job %s (%s) failed: %s", claimed.id, claimed.job, problem)
            queue.fail(claimed, describe(problem))
        case RecordNotFound() | BadRequest() | SourceRefused():  # the same question gets the same answer
            logger.error("Queue job %s (%s) failed: %s", claimed.id, claimed.job, problem)
            queue.fail(claimed, describe(problem))
        case _:
            logger.exception(
                "Queue job %s (%s), attempt %s", claimed.id, claimed.job, claimed.attempt, exc_info=problem
            )
            queue.retry_later(claimed, describe(problem), chance=random.random())


def _handler(claimed: Claimed) -> Callable[..., Counts | None]:
    if claimed.job not in POLICIES:
        raise Permanent(f"There is no job {claimed.job} any more.")
    handler: Callable[..., Counts | None] = import_string(POLICIES[claimed.job].path)
    try:
        inspect.signature(handler).bind(None, **claimed.arguments)
    except TypeError as problem:
        raise Permanent(f"{claimed.job} cannot be called like this: {problem}.") from None
    return handler


def _no_longer_than(job: str) -> list[str]:
    longest = POLICIES[job].longest if job in POLICIES else None
    return [name for name, policy in POLICIES.items() if longest and policy.longest <= longest]


@contextmanager
def _kept(claimed: Claimed) -> Iterator[None]:
    """Keep the lease from a thread with a connection of its own; it ends when another worker has the job."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(attempts.RENEW_SECONDS):
            try:
                queue.renew(claimed)
            except LeaseLost:
                return
            except DatabaseError:  # a restart of the server: the next turn has a new connection
                logger.exception("Unable to renew the lease of queue job %s", claimed.id)
            finally:
                connection.close()

    thread = threading.Thread(target=renew, name=f"lease of queue job {claimed.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def wake_relay() -> None:
    """A place is free: the relay need not wait for its tick."""
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY queue_jobs")
