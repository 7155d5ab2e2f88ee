"""What happens to queue jobs, as server-sent events. One connection of each process listens for all its streams.

A stream knows the last event that it has sent. Whatever it is woken by, what is newer is read from `job_events`:
a client that comes back misses nothing, and a slow one costs one batch of events and its place, no more.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg
from django.db import connection

from syncjobs.models import JobEvent, QueueJob

logger = logging.getLogger(__name__)

MOST_STREAMS = 250  # of one process
MOST_OF_A_JOB = 25
LONGEST_SECONDS = 600.0  # then the client comes back
PING_SECONDS = 15.0
SLOW_SECONDS = 60.0  # who has not taken for so long what was sent is sent away
TICK_SECONDS = 0.25  # until a new stream gets its first events; news wakes at once
PAUSE_SECONDS = 1.0  # after the database failed
RETRY_MS = 2000  # what a client waits before it comes back
BATCH = 200  # events

FINAL = QueueJob.TERMINAL
OURS_ALONE = ("context", "cursor_factory", "prepare_threshold")  # what Django adds for itself

READ = """
SELECT w.place, e.* FROM unnest(%(places)s::int[], %(jobs)s::bigint[], %(after)s::bigint[]) AS w (place, job, after)
 CROSS JOIN LATERAL (
   SELECT seq, kind, phase, percent, message, attempt, worker, left(error, 2000), created_at FROM job_events
    WHERE job_id = w.job AND seq > w.after ORDER BY seq LIMIT %(most)s) e
 ORDER BY w.place, e.seq
"""


class Event(NamedTuple):
    """A row of job_events."""

    seq: int
    kind: str
    phase: str
    percent: int
    message: str
    attempt: int
    worker: str
    error: str
    at: datetime


class Stream:
    """One client's: how far it is, and what it sends next."""

    def __init__(self, job: int, after: int) -> None:
        self.job, self.last = job, after
        self.events: Sequence[Event] = ()
        self.is_behind = True  # there may be more to read
        self.is_over = False
        self.news = asyncio.Event()
        self.task = _this_task()
        self.asked_at = asyncio.get_running_loop().time()

    def take(self, found: Sequence[Event]) -> None:
        """These come next; one more than a batch says that there are others."""
        self.is_behind = len(found) > BATCH
        self.events = found[:BATCH]
        if self.events:
            self.last = self.events[-1].seq
            self.is_over = self.events[-1].kind in FINAL  # unless an operator retries it
        if self.events or self.is_over:
            self.news.set()

    async def next(self, seconds: float) -> Sequence[Event]:
        """The next events; none when there were none for so long."""
        self.asked_at = asyncio.get_running_loop().time()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.news.wait()
        self.news.clear()
        events, self.events = self.events, ()
        return events


class Hub:
    """All streams of this process. It has a connection while there are any."""

    def __init__(self) -> None:
        self.streams: set[Stream] = set()
        self.task: asyncio.Task[None] | None = None

    def has_room(self, job: int) -> bool:
        streams = list(self.streams)
        return len(streams) < MOST_STREAMS and sum(stream.job == job for stream in streams) < MOST_OF_A_JOB

    @contextmanager
    def joined(self, stream: Stream) -> Iterator[None]:
        self.streams.add(stream)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            self.streams.discard(stream)

    async def run(self) -> None:
        """Until there is no stream any more."""
        while self.streams:
            try:
                async with await _connect() as listener:
                    await self._follow(listener)
            except (psycopg.Error, OSError):
                logger.exception("Unable to follow job_events; trying again")
                await asyncio.sleep(PAUSE_SECONDS)

    async def _follow(self, listener: psycopg.AsyncConnection[Any]) -> None:
        await listener.execute("LISTEN job_events")
        for stream in self.streams:  # what came before we listened
            stream.is_behind = True
        while self.streams:
            await self._hand_out(listener)
            told = {int(news.payload) async for news in listener.notifies(timeout=TICK_SECONDS, stop_after=1)}
            for stream in self.streams:
                stream.is_behind |= stream.job in told
            self._send_away()

    def _send_away(self) -> None:
        """Those who do not read. Of those who left, Django closes the answer, but not always what it was made of."""
        slow = asyncio.get_running_loop().time() - SLOW_SECONDS
        for stream in list(self.streams):
            if stream.task.done():
                self.streams.discard(stream)
            elif stream.asked_at < slow:
                stream.task.cancel()

    async def _hand_out(self, listener: psycopg.AsyncConnection[Any]) -> None:
        """Read what is new for each stream that has sent what it had."""
        wanted = [stream for stream in self.streams if stream.is_behind and not stream.events]
        if not wanted:
            return
        values = {
            "places": list(range(len(wanted))),
            "jobs": [stream.job for stream in wanted],
            "after": [stream.last for stream in wanted],
            "most": BATCH + 1,
        }
        found: list[list[Event]] = [[] for _ in wanted]
        for place, *event in await (await listener.execute(READ, values)).fetchall():
            found[place].append(Event(*event))
        for stream, events in zip(wanted, found, strict=True):
            stream.take(events)


hub = Hub()


def is_over(job: QueueJob, after: int) -> bool:
    """Nothing will be told of this job any more: it is final, and all of it was told."""
    return job.status in FINAL and not JobEvent.objects.filter(job=job.pk, seq__gt=after).exists()


async def stream(job: int, after: int) -> AsyncIterator[str]:
    """The job's events after this one, as they come, until it is final or the client is to come back."""
    yield f"retry: {RETRY_MS}\n\n"
    if not hub.has_room(job):  # others came at the same moment
        return
    clock = asyncio.get_running_loop().time
    until = clock() + LONGEST_SECONDS
    own = Stream(job, after)
    with hub.joined(own):
        while (left := until - clock()) > 0:
            events = await own.next(min(PING_SECONDS, left))
            if own.is_over and not events:
                return
            yield "".join(map(as_text, events)) or ": ping\n\n"
            if own.is_over and not own.is_behind:
                return


def as_text(event: Event) -> str:
    """An event as EventSource reads it."""
    body = event._asdict() | {"at": event.at.astimezone(UTC).isoformat()}
    return f"id: {event.seq}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n"


def _this_task() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    assert task
    return task


async def _connect() -> psycopg.AsyncConnection[Any]:
    where = {name: value for name, value in connection.get_connection_params().items() if name not in OURS_ALONE}
    return await psycopg.AsyncConnection.connect(**where, autocommit=True, application_name="mysetlist streams")
