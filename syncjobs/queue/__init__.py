"""The queue of record: the only writer of QueueJob. Celery's messages only wake workers up."""

from syncjobs.queue.entering import (
    BadArguments,
    CannotEnqueue,
    Opened,
    UnknownJob,
    UnknownQueue,
    enqueue,
    enqueue_many,
    open_run,
)

__all__ = [
    "BadArguments",
    "CannotEnqueue",
    "Opened",
    "UnknownJob",
    "UnknownQueue",
    "enqueue",
    "enqueue_many",
    "open_run",
]
