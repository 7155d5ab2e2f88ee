"""What follows when a queue job is final: its parent may be, and its run may close."""

from django.db import connection

# The numbers that children counted are added to their parent's; one that was not completed counts as failed.
COMPLETE = """
WITH sums AS (
  SELECT key, sum(value::text::numeric) AS total FROM (
    SELECT key, value FROM queue_jobs c, jsonb_each(c.result)
     WHERE c.parent_id = %(id)s AND jsonb_typeof(c.result) = 'object' AND jsonb_typeof(value) = 'number'
    UNION ALL
    SELECT 'failed', to_jsonb(count(*)) FROM queue_jobs c
     WHERE c.parent_id = %(id)s AND c.status IN ('failed', 'dead', 'cancelled') HAVING count(*) > 0
    UNION ALL
    SELECT key, value FROM queue_jobs p, jsonb_each(p.result)
     WHERE p.id = %(id)s AND jsonb_typeof(p.result) = 'object' AND jsonb_typeof(value) = 'number') counts
   GROUP BY key),
ended AS (
  UPDATE queue_jobs
     SET status = outcome, outcome = NULL, finished_at = clock_timestamp(),
         percent = CASE WHEN outcome = 'completed' THEN 100 ELSE percent END,
         phase = CASE WHEN outcome = 'completed' THEN 'completed' ELSE phase END,
         result = CASE WHEN jsonb_typeof(result) = 'object' THEN result ELSE '{}' END
                  || coalesce((SELECT jsonb_object_agg(key, total) FROM sums), '{}')
   WHERE id = %(id)s AND status = 'delayed' AND outcome IS NOT NULL AND children_left = 0
  RETURNING *)
INSERT INTO job_events (job_id, kind, phase, percent, attempt, worker, error)
SELECT id, status, phase, percent, attempts, worker, last_error FROM ended RETURNING job_id
"""

# Only a run without a lease: a command closes its own. A job that others of the run outlive leaves it open.
CLOSE_RUN = """
SELECT log_cron_run(l.job_name,
         CASE WHEN j.status = 'completed' AND j.result ? 'skipped_because' THEN 'skipped'
              WHEN j.status = 'completed' AND coalesce((j.result ->> 'failed')::numeric, 0) = 0 THEN 'success'
              WHEN j.status = 'completed' THEN 'partial'
              WHEN j.status = 'cancelled' AND l.status = 'queued' THEN 'skipped'
              ELSE 'failed' END,
         CASE WHEN j.status = 'completed' THEN j.result
              ELSE coalesce(j.result, '{}') || jsonb_build_object('error', j.last_error) END,
         l.id)
  FROM queue_jobs j JOIN cron_logs l ON l.id = j.run_id
 WHERE j.id = %(id)s AND l.status IN ('queued', 'running') AND l.lease_until IS NULL
   AND NOT EXISTS (SELECT FROM queue_jobs o WHERE o.run_id = j.run_id AND o.status IN ('pending', 'delayed', 'active'))
"""


def settle(job: int) -> None:
    """A queue job has become final in this transaction: count it off its parent, or close its run.

    Locks children before parents, as everything here does.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT parent_id, run_id FROM queue_jobs WHERE id = %s", [job])
        parent, run = cursor.fetchone()
        if parent is None:
            if run is not None:
                cursor.execute(CLOSE_RUN, {"id": job})
            return
        cursor.execute(
            "UPDATE queue_jobs SET children_left = children_left - 1"
            " WHERE id = %s AND status IN ('pending', 'delayed', 'active') AND children_left > 0",
            [parent],
        )
    complete_if_childless(parent)


def complete_if_childless(parent: int) -> None:
    """A parent that waits for no child any more is final, too."""
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE, {"id": parent})
        ended = cursor.fetchone()
    if ended:
        settle(parent)
