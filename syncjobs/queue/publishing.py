"""What the relay does to the queue: choose what is due, send it again, take it back from dead workers."""

from typing import Any

from django.db import connection, transaction

from syncjobs.policies import QUEUES
from syncjobs.queue.ending import complete_if_childless, settle

REPUBLISH_SECONDS = 60.0  # a message that nobody has taken by then is taken for lost
MOST_LOST = 3  # workers that die at one job before it is dead
BATCH = 500  # rows a statement

# Batches are chosen as arrays: a plan may ask a subquery again for each row, and its limit is none then.
PROMOTE = """
UPDATE queue_jobs SET status = 'pending'
 WHERE id = ANY (ARRAY(SELECT id FROM queue_jobs WHERE status = 'delayed' AND outcome IS NULL
                          AND run_at <= statement_timestamp() ORDER BY run_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
"""
# A queue's free places: its concurrency less what is at work or in a message.
TAKE = """
WITH busy AS (
  SELECT queue_name, count(*) AS places FROM (
    SELECT queue_name FROM queue_jobs WHERE status = 'active' UNION ALL
    SELECT queue_name FROM queue_jobs WHERE status = 'pending' AND published_at IS NOT NULL) jobs
   GROUP BY queue_name),
free AS (
  SELECT q.name, greatest(q.concurrency - coalesce(b.places, 0), 0) AS places
    FROM unnest(%(names)s::text[], %(concurrency)s::int[]) AS q (name, concurrency)
    LEFT JOIN busy b ON b.queue_name = q.name
   WHERE NOT EXISTS (SELECT FROM paused_queues p WHERE p.name = q.name)),
due AS (
  SELECT first.id FROM free CROSS JOIN LATERAL (
    SELECT id FROM queue_jobs WHERE queue_name = free.name AND status = 'pending' AND published_at IS NULL
     ORDER BY priority, run_at, id LIMIT free.places FOR UPDATE SKIP LOCKED) first)
UPDATE queue_jobs j SET published_at = clock_timestamp(), publish_count = publish_count + 1
 WHERE j.id = ANY (ARRAY(SELECT id FROM due)) RETURNING j.priority, j.id, j.job_name
"""
FORGET = """
UPDATE queue_jobs SET published_at = NULL
 WHERE id = ANY (ARRAY(SELECT id FROM queue_jobs WHERE status = 'pending'
                          AND published_at < statement_timestamp() - make_interval(secs => %(seconds)s)
                        LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
"""
RESCUE = """
WITH lost AS (
  UPDATE queue_jobs
     SET lost_count = lost_count + 1, max_attempts = max_attempts + 1,  -- what its worker lost is no failure of it
         status = CASE WHEN cancel_requested THEN 'cancelled' WHEN lost_count + 1 >= %(most)s THEN 'dead'
                       ELSE 'pending' END,
         finished_at = CASE WHEN cancel_requested OR lost_count + 1 >= %(most)s THEN clock_timestamp() END,
         last_error = 'Its worker fell silent.', lease_until = NULL, published_at = NULL
   WHERE id = ANY (ARRAY(SELECT id FROM queue_jobs WHERE status = 'active' AND lease_until < statement_timestamp()
                          LIMIT %(batch)s FOR UPDATE SKIP LOCKED))
  RETURNING *),
noted AS (
  INSERT INTO job_events (job_id, kind, phase, percent, attempt, worker, error)
  SELECT id, e.kind, phase, percent, attempts, worker, last_error
    FROM lost, LATERAL (VALUES (1, 'lost'), (2, status)) e (place, kind) WHERE e.kind <> 'pending' ORDER BY id, place)
SELECT id, status FROM lost
"""
DRIFTED = """
SELECT p.id FROM queue_jobs p
 WHERE p.status = 'delayed' AND p.outcome IS NOT NULL
   AND (p.children_left = 0 OR p.children_left <> (SELECT count(*) FROM queue_jobs c
                            WHERE c.parent_id = p.id AND c.status IN ('pending', 'delayed', 'active')))
"""


def promote() -> int:
    """Make due what waited for its time; how many."""
    return _count(PROMOTE, {"batch": BATCH})


def take_due() -> list[tuple[int, str]]:
    """Mark what may be published now, in order of priority within each queue's concurrency; its ids and jobs.

    Relays take turns; the one that comes too soon gets nothing.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('syncjobs.relay', 0))")
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(
            TAKE,
            {"names": list(QUEUES), "concurrency": [queue.concurrency for queue in QUEUES.values()]},
        )
        return [(number, job) for _, number, job in sorted(cursor.fetchall())]


def forget_lost_messages() -> int:
    """Let what was published but never begun be published again; how many."""
    return _count(FORGET, {"seconds": REPUBLISH_SECONDS, "batch": BATCH})


def take_back(jobs: list[int]) -> int:
    """These could not be sent after all."""
    return _count(
        "UPDATE queue_jobs SET published_at = NULL WHERE id = ANY (%(jobs)s) AND status = 'pending'", {"jobs": jobs}
    )


def rescue() -> int:
    """Take back jobs whose worker fell silent; dead when three have. How many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(RESCUE, {"most": MOST_LOST, "batch": BATCH})
        lost = cursor.fetchall()
        for number, status in sorted(lost):
            if status != "pending":
                settle(number)
    return len(lost)


def recount_children() -> int:
    """Put right what parents count of their children, should it ever have drifted; how many."""
    with connection.cursor() as cursor:
        cursor.execute(DRIFTED)
        drifted = [number for (number,) in cursor.fetchall()]
    return sum(_recount(number) for number in drifted)


def _recount(parent: int) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT children_left FROM queue_jobs WHERE id = %s FOR UPDATE SKIP LOCKED", [parent])
        row = cursor.fetchone()
        if row is None:
            return False
        cursor.execute(  # a second statement sees what was committed until the lock was had
            "UPDATE queue_jobs SET children_left = (SELECT count(*) FROM queue_jobs c WHERE c.parent_id = %(id)s"
            " AND c.status IN ('pending', 'delayed', 'active')) WHERE id = %(id)s RETURNING children_left",
            {"id": parent},
        )
        changed: bool = cursor.fetchone() != row
        complete_if_childless(parent)
    return changed


def _count(sql: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)
