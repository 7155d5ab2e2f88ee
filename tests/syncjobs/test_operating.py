"""What operators do to queue jobs, and what the relay may publish."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from syncjobs import queue
from syncjobs.models import QueueJob
from syncjobs.progress import Cancelled
from syncjobs.queue import attempts, enqueue, publishing
from syncjobs.running import Leased, run_job
from tests.monitoring.runs import at_once, the_run
from tests.syncjobs.steps import claimed, fresh, kinds, opened_run

pytestmark = pytest.mark.usefixtures("effects")

Status = QueueJob.Status


# --- operators ---


def test_failed_and_dead_jobs_can_be_retried_one_or_many() -> None:
    failed, completed, dead = enqueue("refuse"), enqueue("count"), enqueue("fail_always")
    QueueJob.objects.filter(pk=dead.pk).update(max_attempts=1)
    for job in (failed, completed, dead):
        run_job(claimed(job))
    assert queue.retry(QueueJob.objects.all()) == 2
    assert (fresh(failed).status, fresh(failed).attempts) == (Status.PENDING, 0)
    assert fresh(completed).status == Status.COMPLETED
    assert queue.retry([dead.pk]) == 0
    assert kinds(dead)[-1] == "retried"


def test_a_child_that_is_retried_holds_its_parent_up_again() -> None:
    parent = enqueue("fan_out", child="refuse", rows=[{}, {}])
    run_job(claimed(parent))
    first, second = parent.children.order_by("id")
    run_job(claimed(first))
    assert fresh(parent).children_left == 1
    assert queue.retry([first.pk]) == 1
    assert fresh(parent).children_left == 2
    run_job(claimed(second))
    assert fresh(parent).status == Status.DELAYED
    queue.finish(claimed(first), {"shows": 4})
    assert fresh(parent).result == {"planned": 2, "failed": 1, "shows": 4}


def test_a_job_is_not_retried_beside_a_live_one_of_its_key() -> None:
    old = enqueue("refuse", dedup_key="k")
    run_job(claimed(old))
    enqueue("refuse", dedup_key="k")
    assert queue.retry([old.pk]) == 0


def test_what_has_not_begun_is_cancelled_at_once_with_its_children() -> None:
    parent = enqueue("fan_out", rows=[{}, {}])
    run_job(claimed(parent))
    assert queue.cancel([parent.pk]) == 1
    assert set(QueueJob.objects.values_list("status", flat=True)) == {Status.CANCELLED}
    assert queue.cancel([parent.pk]) == 0


def test_what_is_at_work_stops_at_its_next_checkpoint() -> None:
    job = enqueue("apply")
    work = Leased(claimed(job))
    assert queue.cancel(QueueJob.objects.all()) == 1
    assert fresh(job).status == Status.ACTIVE
    with pytest.raises(Cancelled), work.checkpoint("more", 50):
        pass
    queue.cancelled(work.claimed)
    assert (fresh(job).status, fresh(job).phase) == (Status.CANCELLED, "")


def test_a_cancelled_run_says_so() -> None:
    queued, begun = opened_run("apply", trigger="admin"), opened_run("count", trigger="admin")
    taken = claimed(begun.job)
    queue.cancel([queued.job.pk, begun.job.pk])
    queue.cancelled(taken)
    assert the_run(queued.run).status == "skipped"
    assert (the_run(begun.run).status, the_run(begun.run).error_message) == ("failed", "Cancelled.")


def test_a_paused_queue_gives_nothing_until_it_is_resumed() -> None:
    job = enqueue("count")
    assert queue.pause("line", reason="upstream is down")
    assert not queue.pause("line")
    assert queue.take_due() == []
    assert queue.claim(job.pk, worker="w") is None
    assert queue.claim_next("line", worker="w", jobs=["count"]) is None
    assert queue.resume("line")
    assert not queue.resume("line")
    assert queue.take_due() == [(job.pk, "count")]


@pytest.mark.parametrize("act", [queue.pause, queue.resume])
def test_an_unknown_queue_cannot_be_paused_or_resumed(act: Any) -> None:
    with pytest.raises(queue.UnknownQueue, match="queue: 'fast' is none of"):
        act("fast")


# --- publishing ---


def test_no_more_is_published_than_a_queue_has_places_highest_first() -> None:
    low = [enqueue("count", priority=20) for _ in range(6)]
    high = [enqueue("count", priority=1) for _ in range(2)]
    first = [number for number, _ in queue.take_due()]
    assert first == [*(job.pk for job in high), low[0].pk, low[1].pk]
    assert queue.take_due() == []
    run_job(claimed(high[0]))
    assert queue.take_due() == [(low[2].pk, "count")]


def test_a_lost_message_is_sent_again_and_one_in_time_is_not() -> None:
    job = enqueue("count")
    queue.take_due()
    assert queue.forget_lost_messages() == 0
    QueueJob.objects.update(published_at=timezone.now() - timedelta(seconds=61))
    assert queue.forget_lost_messages() == 1
    assert queue.take_due() == [(job.pk, "count")]
    assert fresh(job).publish_count == 2


def test_relays_take_turns() -> None:
    for _ in range(3):
        enqueue("count")
    answers = at_once(*[queue.take_due] * 4)
    assert sorted(number for answer in answers for number, _ in answer) == sorted(
        QueueJob.objects.values_list("pk", flat=True)
    )


def test_a_job_in_a_transaction_that_is_not_committed_is_not_seen() -> None:
    with transaction.atomic():
        enqueue("count")
        assert at_once(queue.take_due) == [[]]
    assert len(queue.take_due()) == 1


@pytest.mark.parametrize(
    "statement",
    [
        (publishing.TAKE, {"names": ["line"], "concurrency": [4]}),
        (
            attempts.CLAIM.format(chosen=attempts.NEXT),
            {"queue": "line", "worker": "w", "jobs": ["count"], "lease": 60},
        ),
        (publishing.RESCUE, {"most": 3, "batch": 500}),
        (publishing.PROMOTE, {"batch": 500}),
    ],
    ids=["take", "claim next", "rescue", "promote"],
)
def test_no_statement_reads_a_long_queue_from_end_to_end(statement: Any) -> None:
    queue.enqueue_many("count", [{}] * 5000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE queue_jobs")
        cursor.execute(f"EXPLAIN {statement[0]}", statement[1])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on queue_jobs" not in plan, plan
