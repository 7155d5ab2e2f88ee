"""The queue of record: the only writer of QueueJob. Celery's messages only wake workers up."""

from syncjobs.queue.attempts import (
    Claimed,
    cancelled,
    checkpoint,
    claim,
    claim_next,
    claim_of_run,
    fail,
    finish,
    renew,
    retry_later,
    snooze,
)
from syncjobs.queue.entering import (
    BadArguments,
    CannotEnqueue,
    UnknownJob,
    UnknownQueue,
    enqueue,
    enqueue_many,
)
from syncjobs.queue.operating import cancel, pause, resume, retry, run_now
from syncjobs.queue.publishing import forget_lost_messages, promote, recount_children, rescue, take_back, take_due

__all__ = [
    "BadArguments",
    "CannotEnqueue",
    "Claimed",
    "UnknownJob",
    "UnknownQueue",
    "cancel",
    "cancelled",
    "checkpoint",
    "claim",
    "claim_next",
    "claim_of_run",
    "enqueue",
    "enqueue_many",
    "fail",
    "finish",
    "forget_lost_messages",
    "pause",
    "promote",
    "recount_children",
    "renew",
    "rescue",
    "resume",
    "retry",
    "retry_later",
    "run_now",
    "snooze",
    "take_back",
    "take_due",
]
