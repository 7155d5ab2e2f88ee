"""Put work into the queue, inside the caller's transaction. Nothing here talks to the broker."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from syncjobs.models import QueueJob
from syncjobs.policies import POLICIES, QUEUES, Policy

LARGEST_ARGUMENTS = 64 * 1024  # bytes of JSON
LONGEST_KEY = 200  # characters
BATCH = 1000  # rows a statement
TRIES = 5  # a live job may end between the two looks at its key

Priority = QueueJob.Priority

INSERT = """
INSERT INTO queue_jobs (queue_name, job_name, job_data, priority, status, attempts, max_attempts, run_at,
                        dedup_key, parent_id, run_id, last_error, state)
SELECT %(queue)s, %(job)s, n.data::jsonb, %(priority)s,
       CASE WHEN %(run_at)s::timestamptz > statement_timestamp() THEN 'delayed' ELSE 'pending' END,
       0, %(max_attempts)s, coalesce(%(run_at)s, statement_timestamp()), n.key, %(parent)s, %(run)s, '', '{}'
  FROM unnest(%(data)s::text[], %(keys)s::text[]) AS n (data, key)
ON CONFLICT (dedup_key) WHERE status IN ('pending', 'delayed', 'active') DO NOTHING
RETURNING pg_notify('queue_jobs', '')"""
# Whoever enqueues one looks at little of it, and reading all of it back took a fifth of the time. The rest is
# fetched when it is asked for, as of any deferred field.
READ_BACK = (  # in the order of the model's fields, as from_db() wants them
    "id",
    "queue_name",
    "job_name",
    "priority",
    "status",
    "max_attempts",
    "run_at",
    "dedup_key",
    "created_at",
    "run_id",
    "parent_id",
)
INSERT_ONE = f"{INSERT}, {', '.join(READ_BACK)}"


class CannotEnqueue(ValueError):
    """A queue job that cannot be; `field` says what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class UnknownJob(CannotEnqueue):
    """There is no such job."""


class UnknownQueue(CannotEnqueue):
    """There is no such queue."""


class BadArguments(CannotEnqueue):
    """What a handler would be called with is no JSON, or too much of it."""


def enqueue(
    job: str,
    *,
    queue: str | None = None,
    priority: int = Priority.NORMAL,
    run_at: datetime | None = None,
    dedup_key: str | None = None,
    parent: QueueJob | int | None = None,
    run: int | None = None,
    **arguments: Any,
) -> QueueJob:
    """Insert one queue job; the live one with the same dedup key if there is one (`is_new` tells).

    With a parent it belongs to the parent's run, and the parent waits for it.
    Raises CannotEnqueue, with nothing written.
    """
    values = _values(job, queue=queue, priority=priority, run_at=run_at, parent=parent, run=run)
    values |= {"data": [_as_json(arguments)], "keys": [_checked_key(dedup_key)]}
    # Without a parent it is one statement, and needs no savepoint of its own.
    with transaction.atomic() if values["parent"] else nullcontext():
        _meet_parent(values)
        for _ in range(TRIES):
            if made := _insert_one(values):
                _count_children(values["parent"], 1)
                return made
            live = QueueJob.objects.live().filter(dedup_key=dedup_key).first()
            if live:
                return live
    raise CannotEnqueue("dedup_key", f"{dedup_key!r} is taken and given up too fast to follow; try again.")


def enqueue_many(
    job: str,
    arguments: Iterable[Mapping[str, Any]],
    *,
    queue: str | None = None,
    priority: int = Priority.NORMAL,
    run_at: datetime | None = None,
    dedup_key: Callable[[Mapping[str, Any]], str] | None = None,
    parent: QueueJob | int | None = None,
    run: int | None = None,
) -> int:
    """Insert a queue job for each set of arguments; how many are new. Raises CannotEnqueue, with nothing written."""
    values = _values(job, queue=queue, priority=priority, run_at=run_at, parent=parent, run=run)
    rows = [(_checked_key(dedup_key(each) if dedup_key else None), _as_json(each)) for each in arguments]
    rows.sort(key=lambda row: row[0] or "")  # in one order everywhere: two callers cannot wait for each other
    made = 0
    with transaction.atomic(), connection.cursor() as cursor:
        _meet_parent(values)
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            values |= {"keys": [key for key, _ in some], "data": [data for _, data in some]}
            cursor.execute(INSERT, values)
            made += cursor.rowcount
        _count_children(values["parent"], made)
    return made


def _insert_one(values: dict[str, Any]) -> QueueJob | None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT_ONE, values)
        row = cursor.fetchone()
    if row is None:
        return None
    made = QueueJob.from_db(connection.alias, READ_BACK, row[1:])
    made.is_new = True
    return made


def _values(
    job: str, *, queue: str | None, priority: int, run_at: datetime | None, parent: Any, run: int | None
) -> dict[str, Any]:
    policy = _policy(job)
    queue = queue or policy.queue
    if queue not in QUEUES:
        raise UnknownQueue("queue", f"{queue!r} is none of {', '.join(sorted(QUEUES))}.")
    if priority not in Priority.values:
        raise CannotEnqueue("priority", f"{priority!r} is none of {', '.join(map(str, Priority.values))}.")
    if run_at is not None and run_at.tzinfo is None:
        raise CannotEnqueue("run_at", "the time has no zone.")
    return {
        "job": job,
        "queue": queue,
        "priority": int(priority),
        "run_at": run_at,
        "max_attempts": policy.attempts or QUEUES[queue].attempts,
        "parent": (parent.pk if isinstance(parent, QueueJob) else parent) or None,
        "run": run,
    }


def _policy(job: str) -> Policy:
    try:
        return POLICIES[job]
    except (KeyError, TypeError):
        raise UnknownJob("job", f"{job!r} is none of {', '.join(sorted(POLICIES))}.") from None


def _as_json(arguments: Mapping[str, Any]) -> str:
    try:
        body = json.dumps(arguments, allow_nan=False, ensure_ascii=False)
        size = len(body.encode())
    except (TypeError, ValueError) as problem:  # UnicodeEncodeError, a circle, NaN
        raise BadArguments("arguments", f"cannot be stored as JSON ({problem}).") from None
    except RecursionError:
        raise BadArguments("arguments", "are nested too deeply.") from None
    if "\\u0000" in body:
        raise BadArguments("arguments", "hold a NUL character.")
    if size > LARGEST_ARGUMENTS:
        raise BadArguments("arguments", f"take {size:,} bytes; at most {LARGEST_ARGUMENTS:,} are allowed.")
    return body


def _checked_key(key: str | None) -> str | None:
    if key is not None and (not key or len(key) > LONGEST_KEY or not key.isprintable()):
        raise CannotEnqueue("dedup_key", f"must be 1 to {LONGEST_KEY} printable characters.")
    return key


def _meet_parent(values: dict[str, Any]) -> None:
    """A child belongs to its parent's run."""
    if values["parent"] is None:
        return
    found = QueueJob.objects.live().filter(pk=values["parent"]).values_list("run_id", flat=True)
    if not found:
        raise CannotEnqueue("parent", f"queue job {values['parent']} is final or unknown.")
    values["run"] = values["run"] or found[0]


def _count_children(parent: int | None, made: int) -> None:
    if parent is None or not made:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE queue_jobs SET children_left = children_left + %s"
            " WHERE id = %s AND status IN ('pending', 'delayed', 'active')",
            [made, parent],
        )
        if not cursor.rowcount:  # it ended this moment
            raise CannotEnqueue("parent", f"queue job {parent} is final.")
