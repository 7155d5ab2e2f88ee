"""One attempt at a queue job: claimed under a lease, told of at checkpoints, ended once. Each is one statement.

Whoever holds the newest lease token is the one who may write; all others are fenced out.

A claim, and an end that nothing else is committed with, do not wait for the disk: were the server to
crash within that moment, it would be as if the worker had died just before. (A token can then be given
twice, so the worker's name is asked for, too.)
"""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from monitoring.cron import storable
from syncjobs.progress import Cancelled, LeaseLost
from syncjobs.queue.ending import complete_if_childless, settle

LEASE_SECONDS = 60.0  # a worker silent for so long is taken for dead …
RENEW_SECONDS = 20.0  # … so a living one speaks three times as often
LONGEST_SNOOZE_SECONDS = 24 * 3600.0
FIRST_BACKOFF_SECONDS = 5.0
LONGEST_BACKOFF_SECONDS = 15 * 60.0
LONGEST_MESSAGE = 200  # characters
LONGEST_PHASE = 50

# What is due: promote() has made it pending. The name of a paused queue has a row.
CLAIMABLE = """
 (status = 'pending' OR status = 'delayed' AND outcome IS NULL AND run_at <= statement_timestamp())
 AND NOT EXISTS (SELECT FROM paused_queues p WHERE p.name = j.queue_name)
"""
THIS = f"SELECT id FROM queue_jobs j WHERE id = %(id)s AND {CLAIMABLE} FOR UPDATE"
NEXT = """
SELECT id FROM (
  SELECT id, job_name FROM queue_jobs j
   WHERE queue_name = %(queue)s AND status = 'pending' AND published_at IS NULL
     AND NOT EXISTS (SELECT FROM paused_queues p WHERE p.name = %(queue)s)
   ORDER BY priority, run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) first
 WHERE job_name = ANY (%(jobs)s)
"""
OF_RUN = f"""
SELECT id FROM queue_jobs j WHERE run_id = %(run)s AND {CLAIMABLE}
 ORDER BY priority, run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
CLAIM = """
WITH chosen AS MATERIALIZED ({chosen}),
claimed AS (
  UPDATE queue_jobs j
     SET status = 'active', attempts = attempts + 1, lease_token = lease_token + 1, worker = %(worker)s,
         lease_until = clock_timestamp() + make_interval(secs => %(lease)s), started_at = clock_timestamp()
    FROM chosen WHERE j.id = chosen.id RETURNING j.*),
noted AS (
  INSERT INTO job_events (job_id, kind, phase, percent, attempt, worker)
  SELECT id, 'started', phase, percent, attempts, worker FROM claimed)
SELECT id, job_name, queue_name, job_data::text, state::text, attempts, max_attempts, lease_token, parent_id, run_id,
       (SELECT log_cron_run(l.job_name, 'running', null, l.id) FROM cron_logs l
         WHERE l.id = claimed.run_id AND claimed.parent_id IS NULL AND l.status = 'queued'),
       set_config('synchronous_commit', 'off', true)
  FROM claimed
"""
CHECKPOINT = """
WITH kept AS (
  UPDATE queue_jobs
     SET phase = %(phase)s, percent = %(percent)s, message = %(message)s, state = state || %(state)s::jsonb,
         lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
   WHERE id = %(id)s AND lease_token = %(token)s AND worker = %(worker)s AND status = 'active'
  RETURNING *),
noted AS (
  INSERT INTO job_events (job_id, kind, phase, percent, message, attempt, worker)
  SELECT id, 'progress', phase, percent, message, attempts, worker FROM kept)
SELECT cancel_requested, state::text FROM kept
"""
# One that has children is final when they are, and counts what they counted.
END = """
WITH ended AS (
  UPDATE queue_jobs
     SET status = CASE WHEN has_children THEN 'delayed' ELSE %(status)s END,
         outcome = CASE WHEN has_children THEN %(status)s END,
         finished_at = CASE WHEN NOT has_children THEN clock_timestamp() END,
         percent = CASE WHEN %(status)s = 'completed' AND NOT has_children THEN 100 ELSE percent END,
         phase = CASE WHEN %(status)s = 'completed' AND NOT has_children THEN 'completed' ELSE phase END,
         result = coalesce(%(result)s::jsonb, result), last_error = %(error)s, lease_until = NULL, published_at = NULL
    FROM (SELECT EXISTS (SELECT FROM queue_jobs c WHERE c.parent_id = %(id)s) AS has_children) family
   WHERE id = %(id)s AND lease_token = %(token)s AND worker = %(worker)s AND status = 'active'
  RETURNING *),
noted AS (
  INSERT INTO job_events (job_id, kind, phase, percent, message, attempt, worker, error)
  SELECT id, CASE WHEN status = 'delayed' THEN 'waiting' ELSE status END, phase, percent, message, attempts, worker,
         last_error FROM ended)
SELECT status, set_config('synchronous_commit', CASE WHEN %(alone)s THEN 'off' ELSE current_setting('synchronous_commit')
                          END, true) FROM ended
"""
PUT_OFF = """
WITH put AS (
  UPDATE queue_jobs
     SET status = 'delayed', run_at = clock_timestamp() + make_interval(secs => %(seconds)s),
         attempts = attempts - %(back)s, snooze_count = snooze_count + %(back)s,
         last_error = %(error)s, lease_until = NULL, published_at = NULL
   WHERE id = %(id)s AND lease_token = %(token)s AND worker = %(worker)s AND status = 'active'
  RETURNING *),
noted AS (
  INSERT INTO job_events (job_id, kind, phase, percent, message, attempt, worker, error)
  SELECT id, %(kind)s, phase, percent, %(message)s, attempts + %(back)s, worker, last_error FROM put)
SELECT pg_notify('queue_jobs', '') FROM put
"""
RENEW = """
UPDATE queue_jobs SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
 WHERE id = %(id)s AND lease_token = %(token)s AND worker = %(worker)s AND status = 'active' RETURNING cancel_requested
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A queue job that this process may work on while its lease lasts."""

    id: int
    job: str
    queue: str
    arguments: Mapping[str, Any]
    state: Mapping[str, Any]
    attempt: int
    max_attempts: int
    token: int
    worker: str
    parent: int | None
    run: int | None


def claim(job: int, *, worker: str) -> Claimed | None:
    """Take this job if it is due. None: someone else has it, it is over, or its queue is paused."""
    return _claim(THIS, {"id": job, "worker": worker})


def claim_next(queue: str, *, worker: str, jobs: list[str]) -> Claimed | None:
    """Take the first due job of the queue that is in no message; none when it is not one of these jobs."""
    return _claim(NEXT, {"queue": queue, "worker": worker, "jobs": jobs})


def claim_of_run(run: int, *, worker: str) -> Claimed | None:
    """Take the first due job of a run."""
    return _claim(OF_RUN, {"run": run, "worker": worker})


def _claim(chosen: str, values: dict[str, Any]) -> Claimed | None:
    row = _one(CLAIM.format(chosen=chosen), values | {"lease": LEASE_SECONDS})
    if row is None:
        return None
    number, job, queue, arguments, state, attempt, max_attempts, token, parent, run, *_ = row
    return Claimed(
        id=number,
        job=job,
        queue=queue,
        arguments=json.loads(arguments),
        state=json.loads(state),
        attempt=attempt,
        max_attempts=max_attempts,
        token=token,
        worker=values["worker"],
        parent=parent,
        run=run,
    )


def renew(claimed: Claimed) -> bool:
    """Say that its worker lives. False: cancelled. Raises LeaseLost."""
    row = _one(RENEW, _values(claimed))
    if row is None:
        raise LeaseLost(_lost(claimed))
    return not row[0]


def checkpoint(claimed: Claimed, phase: str, percent: int, message: str, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Note how far it is, in the caller's transaction; all that is remembered by now.

    Raises LeaseLost or Cancelled: the caller's writes must not be committed then.
    """
    row = _one(
        CHECKPOINT,
        _values(claimed)
        | {
            "phase": storable(phase)[:LONGEST_PHASE],
            "percent": min(max(int(percent), 0), 100),
            "message": storable(message)[:LONGEST_MESSAGE],
            "state": _as_json(state),
        },
    )
    if row is None:
        raise LeaseLost(_lost(claimed))
    if row[0]:
        raise Cancelled("It was cancelled.")
    remembered: Mapping[str, Any] = json.loads(row[1])
    return remembered


def finish(claimed: Claimed, result: Mapping[str, Any]) -> None:
    """It is completed, once its children are final. Raises LeaseLost."""
    _end(claimed, "completed", result=_as_json(result))


def fail(claimed: Claimed, error: str) -> None:
    """No retry would help. Raises LeaseLost."""
    _end(claimed, "failed", error=error)


def cancelled(claimed: Claimed) -> None:
    """It stopped where an operator asked it to. Raises LeaseLost."""
    _end(claimed, "cancelled", error="Cancelled.")


def retry_later(claimed: Claimed, error: str, *, chance: float) -> None:
    """Try again after a random part of a wait that doubles each time; dead when its attempts are used up.

    `chance` in 0..1 is that part. Raises LeaseLost.
    """
    if claimed.attempt >= claimed.max_attempts:
        _end(claimed, "dead", error=error)
        return
    longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (claimed.attempt - 1))
    _put_off(claimed, "retrying", longest * chance, error=error)


def snooze(claimed: Claimed, seconds: float, why: str) -> None:
    """Put it off without using up an attempt. Raises LeaseLost."""
    _put_off(claimed, "snoozed", min(max(seconds, 0), LONGEST_SNOOZE_SECONDS), why=why)


def _end(claimed: Claimed, status: str, *, result: str | None = None, error: str = "") -> None:
    # A statement is a transaction: only one that others wait for needs more.
    alone = claimed.parent is None and claimed.run is None and not connection.in_atomic_block
    values = _values(claimed) | {"status": status, "result": result, "error": error, "alone": alone}
    with nullcontext() if alone else transaction.atomic():
        row = _one(END, values)
        if row is None:
            raise LeaseLost(_lost(claimed))
        if row[0] == "delayed":
            complete_if_childless(claimed.id)
        elif not alone:
            settle(claimed.id)


def _put_off(claimed: Claimed, kind: str, seconds: float, *, error: str = "", why: str = "") -> None:
    values = {"kind": kind, "seconds": seconds, "error": error or why, "message": why[:LONGEST_MESSAGE]}
    if _one(PUT_OFF, _values(claimed) | values | {"back": int(kind == "snoozed")}) is None:
        raise LeaseLost(_lost(claimed))


def _values(claimed: Claimed) -> dict[str, Any]:
    return {"id": claimed.id, "token": claimed.token, "worker": claimed.worker, "lease": LEASE_SECONDS}


def _lost(claimed: Claimed) -> str:
    return f"Queue job {claimed.id} is no longer this worker's (token {claimed.token})."


def _as_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder).replace("\\u0000", "")


def _one(sql: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
