"""Parents wait for their children, runs for their jobs; a command does them all itself."""

from typing import Any

import pytest

from monitoring.models import CronLog
from syncjobs import queue
from syncjobs.models import QueueJob
from syncjobs.queue import enqueue
from syncjobs.running import drive, run_job, run_jobs
from tests.monitoring.runs import at_once, the_run
from tests.syncjobs.steps import claimed, fresh, kinds, opened_run, silence

pytestmark = pytest.mark.usefixtures("effects")

Status = QueueJob.Status


# --- parents, children, runs ---


def test_a_parent_waits_for_its_children_and_counts_what_they_counted() -> None:
    parent = enqueue("fan_out", rows=[{"shows": 1}, {"shows": 2, "failed": 1}])
    run_job(claimed(parent))
    row = fresh(parent)
    assert (row.status, row.outcome, row.children_left, row.finished_at) == (Status.DELAYED, "completed", 2, None)
    assert queue.claim(parent.pk, worker="w") is None
    for child in parent.children.order_by("id"):
        run_job(claimed(child))
    row = fresh(parent)
    assert (row.status, row.outcome, row.children_left) == (Status.COMPLETED, None, 0)
    assert row.result == {"planned": 2, "shows": 3, "failed": 1}
    assert kinds(parent) == ["started", "progress", "waiting", "completed"]


def test_a_parent_counts_children_that_end_before_it_does() -> None:
    parent = enqueue("fan_out")
    taken = claimed(parent)
    for shows in (1, 2):
        run_job(claimed(enqueue("count", parent=parent, shows=shows)))
    queue.finish(taken, {"planned": 2})
    assert (fresh(parent).status, fresh(parent).result) == (Status.COMPLETED, {"planned": 2, "shows": 3})


def test_a_child_that_failed_is_counted_as_failed() -> None:
    parent = enqueue("fan_out", child="refuse", rows=[{}, {}])
    run_job(claimed(parent))
    for child in parent.children.all():
        run_job(claimed(child))
    assert (fresh(parent).status, fresh(parent).result) == (Status.COMPLETED, {"planned": 2, "failed": 2})


def test_a_parent_that_failed_is_final_after_its_children() -> None:
    parent = enqueue("fan_out", rows=[{}], then="no more artists")
    run_job(claimed(parent))
    assert (fresh(parent).status, fresh(parent).outcome) == (Status.DELAYED, "failed")
    run_job(claimed(parent.children.get()))
    assert (fresh(parent).status, fresh(parent).last_error) == (Status.FAILED, "Permanent: no more artists")


def test_last_children_that_end_at_once_complete_their_parent_once() -> None:
    parent = enqueue("fan_out", rows=[{"shows": 1}] * 8)
    run_job(claimed(parent))
    children = [claimed(child) for child in parent.children.all()]
    assert at_once(*[lambda child=child: run_job(child) for child in children]) == [None] * 8
    assert (fresh(parent).status, fresh(parent).result["shows"]) == (Status.COMPLETED, 8)
    assert kinds(parent).count("completed") == 1


def test_grandchildren_hold_up_everyone_above() -> None:
    parent = enqueue("fan_out")
    taken = claimed(parent)
    child = enqueue("fan_out", parent=parent)
    grandchild = enqueue("count", parent=child, shows=5)
    queue.finish(taken, {})
    queue.finish(claimed(child), {"seen": 1})
    assert {fresh(parent).status, fresh(child).status} == {Status.DELAYED}
    run_job(claimed(grandchild))
    assert fresh(child).result == {"seen": 1, "shows": 5}
    assert (fresh(parent).status, fresh(parent).result) == (Status.COMPLETED, {"seen": 1, "shows": 5})


@pytest.mark.parametrize(
    ("job", "given", "status", "result", "error"),
    [
        ("count", {"shows": 3}, "success", {"shows": 3}, ""),
        ("count", {"shows": 3, "failed": 1}, "partial", {"shows": 3, "failed": 1}, ""),
        ("refuse", {}, "failed", {"error": "Permanent: no such artist"}, "Permanent: no such artist"),
    ],
)
def test_a_run_closes_with_its_job(job: str, given: Any, status: str, result: Any, error: str) -> None:
    opened = opened_run(job, trigger="http", **given)
    taken = claimed(opened.job)
    assert the_run(opened.run).status == "running"
    run_job(taken)
    row = the_run(opened.run)
    assert (row.status, row.result, row.error_message) == (status, result, error)
    assert row.execution_time_ms is not None


def test_a_run_stays_open_until_the_last_child_and_through_retries() -> None:
    opened = opened_run("fan_out", trigger="admin", rows=[{"shows": 2}])
    run_job(claimed(opened.job))
    assert the_run(opened.run).status == "running"
    child = opened.job.children.get()
    queue.retry_later(claimed(child), "x", chance=0)
    assert the_run(opened.run).status == "running"
    run_job(claimed(child))
    assert (the_run(opened.run).status, the_run(opened.run).result) == ("success", {"planned": 1, "shows": 2})


def test_a_run_of_a_dead_worker_is_not_forgotten() -> None:
    opened = opened_run("apply", trigger="schedule")
    for _ in range(3):
        claimed(opened.job)
        silence(opened.job)
        queue.rescue()
    row = the_run(opened.run)
    assert (row.status, row.error_message) == ("failed", "Its worker fell silent.")


def test_the_scheduled_job_runs_inside_its_run() -> None:
    opened = opened_run("calculate_trending", trigger="schedule")
    run_jobs(opened.job.pk)
    row = CronLog.objects.get()
    assert (row.pk, row.status, row.trigger) == (opened.run, "success", "schedule")
    assert row.result["artists_scored"] == 0


def test_a_child_lost_from_the_count_is_found_again() -> None:
    parent = enqueue("fan_out", rows=[{"shows": 1}])
    run_job(claimed(parent))
    QueueJob.objects.filter(pk=parent.pk).update(children_left=7)
    assert queue.recount_children() == 1
    assert fresh(parent).children_left == 1
    run_job(claimed(parent.children.get()))
    assert fresh(parent).status == Status.COMPLETED


# --- a command does it all itself ---


def test_a_command_does_all_queue_jobs_of_its_run() -> None:
    told = []
    run = opened_run("fan_out", trigger="command", rows=[{"shows": 1}] * 3).run
    other = enqueue("count")
    assert drive(run, on_progress=lambda *each: told.append(each)) == {"planned": 3, "shows": 3}
    assert told == [("planning", 10, "")]
    assert the_run(run).status == "success"
    assert fresh(other).status == Status.PENDING
