"""What an operator does to queue jobs. Each acts only on rows in the right state and says how many."""

from collections.abc import Iterable

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from syncjobs.models import PausedQueue, QueueJob
from syncjobs.policies import QUEUES
from syncjobs.queue.ending import settle
from syncjobs.queue.entering import UnknownQueue

# One whose key a live job has by now stays as it is.
RETRY = """
WITH again AS (
  UPDATE queue_jobs j
     SET status = 'pending', attempts = 0, lost_count = 0, run_at = statement_timestamp(), finished_at = NULL,
         published_at = NULL, cancel_requested = false, result = NULL,
         children_left = (SELECT count(*) FROM queue_jobs c
                           WHERE c.parent_id = j.id AND c.status IN ('pending', 'delayed', 'active'))
   WHERE id = %(id)s AND status IN ('failed', 'dead', 'cancelled')
     AND NOT EXISTS (SELECT FROM queue_jobs o WHERE o.dedup_key = j.dedup_key AND o.id <> j.id
                        AND o.status IN ('pending', 'delayed', 'active'))
  RETURNING *),
noted AS (
  INSERT INTO job_events (job_id, kind, phase, percent) SELECT id, 'retried', phase, percent FROM again),
counted AS (
  UPDATE queue_jobs p SET children_left = p.children_left + 1 FROM again
   WHERE p.id = again.parent_id AND p.status IN ('pending', 'delayed', 'active'))
SELECT pg_notify('queue_jobs', '') FROM again
"""
CANCEL = """
WITH stopped AS (
  UPDATE queue_jobs
     SET status = 'cancelled', outcome = NULL, finished_at = clock_timestamp(), published_at = NULL,
         last_error = 'Cancelled.'
   WHERE id = %(id)s AND status IN ('pending', 'delayed') RETURNING *)
INSERT INTO job_events (job_id, kind, phase, percent) SELECT id, 'cancelled', phase, percent FROM stopped
RETURNING job_id
"""
HURRY = """
UPDATE queue_jobs SET status = 'pending', run_at = statement_timestamp()
 WHERE id = %(id)s AND status = 'delayed' AND outcome IS NULL RETURNING pg_notify('queue_jobs', '')
"""


def retry(jobs: QuerySet[QueueJob] | Iterable[int]) -> int:
    """Do final jobs that were not completed once more; how many.

    A run that has closed stays closed.
    """
    return sum(_retry(number) for number in _numbers(jobs))


def _retry(number: int) -> bool:
    try:
        with transaction.atomic():
            return _each(RETRY, number)
    except IntegrityError:  # another one took its key this moment
        return False


def cancel(jobs: QuerySet[QueueJob] | Iterable[int]) -> int:
    """End jobs that have not begun, with their children; ask those at work to stop at their next checkpoint."""
    return sum(_cancel(number) for number in _numbers(jobs))


def _cancel(number: int) -> bool:
    waiting = QueueJob.objects.waiting().filter(pk=number)
    is_waiting = bool(waiting.update(outcome=QueueJob.Status.CANCELLED, last_error="Cancelled."))
    for child in QueueJob.objects.live().filter(parent=number).order_by("id").values_list("pk", flat=True):
        _cancel(child)
    with transaction.atomic():
        if not is_waiting and _each(CANCEL, number):
            settle(number)
            return True
        asked = QueueJob.objects.filter(pk=number, status=QueueJob.Status.ACTIVE, cancel_requested=False)
        return bool(asked.update(cancel_requested=True)) or is_waiting


def run_now(jobs: QuerySet[QueueJob] | Iterable[int]) -> int:
    """Make due what waits for its time; how many."""
    return sum(_each(HURRY, number) for number in _numbers(jobs))


def pause(queue: str, *, reason: str = "") -> bool:
    """Publish and claim nothing of this queue until it is resumed; what is at work goes on. Raises UnknownQueue."""
    _known(queue)
    return PausedQueue.objects.get_or_create(name=queue, defaults={"reason": reason})[1]


def resume(queue: str) -> bool:
    """Go on with a paused queue. Raises UnknownQueue."""
    _known(queue)
    with transaction.atomic(), connection.cursor() as cursor:
        deleted, _ = PausedQueue.objects.filter(name=queue).delete()
        # Messages that came in the meantime found nothing to do.
        QueueJob.objects.filter(queue_name=queue, status=QueueJob.Status.PENDING).update(published_at=None)
        cursor.execute("NOTIFY queue_jobs")
    return bool(deleted)


def _known(queue: str) -> None:
    if queue not in QUEUES:
        raise UnknownQueue("queue", f"{queue!r} is none of {', '.join(sorted(QUEUES))}.")


def _numbers(jobs: QuerySet[QueueJob] | Iterable[int]) -> list[int]:
    if isinstance(jobs, QuerySet):
        return list(jobs.order_by("id").values_list("pk", flat=True))
    return sorted(jobs)


def _each(sql: str, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"id": number})
        return cursor.fetchone() is not None
