"""An attempt: claimed once, fenced by its lease, ended with what follows for parents and runs."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from monitoring.models import CronLog
from syncjobs import queue
from syncjobs.models import JobEvent, QueueJob
from syncjobs.progress import Cancelled, LeaseLost
from syncjobs.queue import Claimed, attempts, enqueue, open_run
from syncjobs.running import Leased, drive, run_job, run_jobs
from tests.monitoring.runs import at_once, the_run

pytestmark = pytest.mark.usefixtures("effects")

Status = QueueJob.Status


def claimed(job: QueueJob, worker: str = "w") -> Claimed:
    taken = queue.claim(job.pk, worker=worker)
    assert taken is not None
    return taken


def fresh(job: QueueJob) -> QueueJob:
    return QueueJob.objects.get(pk=job.pk)


def silence(job: QueueJob) -> None:
    """Its worker has not spoken for longer than its lease."""
    QueueJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def make_due(job: QueueJob) -> None:
    QueueJob.objects.filter(pk=job.pk).update(run_at=timezone.now() - timedelta(seconds=1))


def kinds(job: QueueJob) -> list[str]:
    return list(JobEvent.objects.filter(job=job).order_by("seq").values_list("kind", flat=True))


def effects_of(job: QueueJob) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT what FROM effects WHERE job = %s ORDER BY at", [job.pk])
        return [what for (what,) in cursor.fetchall()]


# --- claiming ---


def test_a_claim_takes_an_attempt_a_lease_and_a_new_token() -> None:
    job = enqueue("count", n=1)
    taken = claimed(job, "host:1")
    assert (taken.job, taken.arguments, taken.attempt, taken.token) == ("count", {"n": 1}, 1, 1)
    job = fresh(job)
    assert (job.status, job.worker, job.attempts) == (Status.ACTIVE, "host:1", 1)
    left = (job.lease_until - timezone.now()).total_seconds()
    assert 50 < left <= attempts.LEASE_SECONDS


def test_of_many_who_claim_at_once_one_has_it() -> None:
    job = enqueue("count")
    answers = at_once(*[lambda: queue.claim(job.pk, worker="w")] * 8)
    assert sum(isinstance(answer, Claimed) for answer in answers) == 1
    assert fresh(job).attempts == 1


def test_what_waits_for_its_time_is_not_claimed_before() -> None:
    job = enqueue("count", run_at=timezone.now() + timedelta(minutes=1))
    assert queue.claim(job.pk, worker="w") is None
    assert queue.promote() == 0
    make_due(job)
    assert queue.promote() == 1
    assert fresh(job).status == Status.PENDING
    assert queue.claim(job.pk, worker="w")


def test_the_next_of_a_queue_is_the_first_by_priority_then_time() -> None:
    low, high = enqueue("count", priority=20), enqueue("count", priority=1)
    normal = [enqueue("count") for _ in range(2)]
    order = [queue.claim_next("line", worker="w", jobs=["count"]) for _ in range(4)]
    assert [taken.id for taken in order if taken] == [high.pk, normal[0].pk, normal[1].pk, low.pk]


def test_a_worker_does_not_pass_over_a_job_that_it_may_not_take() -> None:
    enqueue("apply", priority=1), enqueue("count")
    assert queue.claim_next("line", worker="w", jobs=["count"]) is None


# --- the lease ---


def test_a_stale_worker_is_fenced_out_of_everything() -> None:
    job = enqueue("apply")
    stale = claimed(job, "frozen")
    silence(job)
    assert queue.rescue() == 1
    newer = claimed(job, "other")
    assert newer.token > stale.token
    work = Leased(stale)
    for attempt in (work.checkpoint("second", 90), work.finish(applied=1)):
        with pytest.raises(LeaseLost), attempt, connection.cursor() as cursor:
            cursor.execute("INSERT INTO effects (what, job) VALUES ('stale', %s)", [job.pk])
    for act in (
        lambda: queue.renew(stale),
        lambda: queue.fail(stale, "x"),
        lambda: queue.retry_later(stale, "x", chance=1),
        lambda: queue.snooze(stale, 5, "x"),
        lambda: queue.cancelled(stale),
        lambda: queue.finish(stale, {}),
    ):
        with pytest.raises(LeaseLost, match="no longer this worker's"):
            act()
    assert effects_of(job) == []
    assert (fresh(job).status, fresh(job).worker) == (Status.ACTIVE, "other")


def test_a_checkpoint_writes_all_or_nothing_and_renews_the_lease() -> None:
    job = enqueue("apply")
    work = Leased(claimed(job))
    silence(job)
    with work.checkpoint("importing-shows", 40, "20 of 50", page=2):
        pass
    job = fresh(job)
    assert (job.phase, job.percent, job.message, job.state) == ("importing-shows", 40, "20 of 50", {"page": 2})
    assert job.lease_until > timezone.now()
    with pytest.raises(ZeroDivisionError), work.checkpoint("more", 60, page=3):
        _ = 1 / 0
    assert (fresh(job).phase, work.state) == ("importing-shows", {"page": 2})
    event = JobEvent.objects.get(kind="progress")
    assert (event.phase, event.percent, event.message, event.attempt) == ("importing-shows", 40, "20 of 50", 1)


def test_a_renewed_lease_keeps_the_job() -> None:
    job = enqueue("apply")
    taken = claimed(job)
    silence(job)
    assert queue.renew(taken)
    assert queue.rescue() == 0


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_lost_worker_costs_no_attempt_but_three_make_a_job_dead(times: int) -> None:
    job = enqueue("apply")
    for _ in range(times):
        claimed(job)
        silence(job)
        assert queue.rescue() == 1
    job = fresh(job)
    assert (job.lost_count, job.max_attempts - job.attempts) == (times, 3)
    assert job.status == (Status.DEAD if times == 3 else Status.PENDING)
    assert kinds(job)[-1] == ("dead" if times == 3 else "lost")


# --- how an attempt ends ---


def test_a_completed_job_keeps_what_it_counted() -> None:
    job = enqueue("count", shows=3)
    run_jobs(job.pk)
    job = fresh(job)
    assert (job.status, job.result, job.percent) == (Status.COMPLETED, {"shows": 3}, 100)
    assert job.finished_at
    assert job.lease_until is None
    assert kinds(job) == ["started", "completed"]


def test_a_failed_attempt_is_tried_again_later_and_resumes() -> None:
    job = enqueue("fail_once")
    run_jobs(job.pk)
    row = fresh(job)
    assert (row.status, row.attempts, row.last_error) == (Status.DELAYED, 1, "ValueError: no disk")
    make_due(job)
    run_jobs(job.pk)
    row = fresh(job)
    assert (row.status, row.attempts, row.last_error, row.result) == (Status.COMPLETED, 2, "", {"done": 1})
    assert kinds(job) == ["started", "progress", "retrying", "started", "completed"]


@pytest.mark.parametrize(("attempt", "longest"), [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (30, 900)])
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(attempt: int, longest: float) -> None:
    job = enqueue("count")
    QueueJob.objects.update(attempts=attempt - 1, max_attempts=40)
    queue.retry_later(claimed(job), "x", chance=1)
    wait = (fresh(job).run_at - timezone.now()).total_seconds()
    assert longest - 5 < wait <= longest


def test_the_wait_is_a_random_part() -> None:
    job = enqueue("count")
    queue.retry_later(claimed(job), "x", chance=0)
    assert fresh(job).run_at <= timezone.now()


def test_a_job_is_dead_when_its_attempts_are_used_up() -> None:
    job = enqueue("fail_always")
    for _ in range(3):
        make_due(job)
        run_jobs(job.pk)
    job = fresh(job)
    assert (job.status, job.attempts, job.last_error) == (Status.DEAD, 3, "ValueError: no disk")
    assert kinds(job)[-1] == "dead"


@pytest.mark.parametrize(("job", "said"), [("refuse", "no such artist"), ("not_found", "has no such record")])
def test_what_no_retry_would_help_fails_at_once(job: str, said: str) -> None:
    row = enqueue(job)
    run_jobs(row.pk)
    row = fresh(row)
    assert (row.status, row.attempts) == (Status.FAILED, 1)
    assert said in row.last_error


def test_arguments_that_do_not_fit_fail_at_once() -> None:
    job = enqueue("apply", speed=3)
    run_jobs(job.pk)
    assert fresh(job).status == Status.FAILED
    assert "unexpected keyword argument 'speed'" in fresh(job).last_error


@pytest.mark.parametrize(("job", "seconds"), [("later", 30), ("busy", 40)])
def test_a_snooze_costs_no_attempt(job: str, seconds: int) -> None:
    row = enqueue(job)
    for times in (1, 2, 3, 4, 5):
        make_due(row)
        run_jobs(row.pk)
        row = fresh(row)
        assert (row.status, row.attempts, row.snooze_count) == (Status.DELAYED, 0, times)
        assert seconds - 5 < (row.run_at - timezone.now()).total_seconds() <= seconds


def test_a_worker_goes_on_with_what_waits_behind() -> None:
    first, *_ = [enqueue("count", n=1) for _ in range(5)]
    assert run_jobs(first.pk) == 5
    assert not QueueJob.objects.live().exists()
    assert run_jobs(first.pk) == 0  # the same message again finds nothing


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
    opened = open_run(job, trigger="http", **given)
    taken = claimed(opened.job)
    assert the_run(opened.run).status == "running"
    run_job(taken)
    row = the_run(opened.run)
    assert (row.status, row.result, row.error_message) == (status, result, error)
    assert row.execution_time_ms is not None


def test_a_run_stays_open_until_the_last_child_and_through_retries() -> None:
    opened = open_run("fan_out", trigger="admin", rows=[{"shows": 2}])
    run_job(claimed(opened.job))
    assert the_run(opened.run).status == "running"
    child = opened.job.children.get()
    queue.retry_later(claimed(child), "x", chance=0)
    assert the_run(opened.run).status == "running"
    run_job(claimed(child))
    assert (the_run(opened.run).status, the_run(opened.run).result) == ("success", {"planned": 1, "shows": 2})


def test_a_run_of_a_dead_worker_is_not_forgotten() -> None:
    opened = open_run("apply", trigger="schedule")
    for _ in range(3):
        claimed(opened.job)
        silence(opened.job)
        queue.rescue()
    row = the_run(opened.run)
    assert (row.status, row.error_message) == ("failed", "Its worker fell silent.")


def test_the_scheduled_job_runs_inside_its_run() -> None:
    opened = open_run("calculate_trending", trigger="schedule")
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
    run = open_run("fan_out", trigger="command", rows=[{"shows": 1}] * 3).run
    other = enqueue("count")
    assert drive(run, on_progress=lambda *each: told.append(each)) == {"planned": 3, "shows": 3}
    assert told == [("planning", 10, "")]
    assert the_run(run).status == "success"
    assert fresh(other).status == Status.PENDING


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
    queued, begun = open_run("apply", trigger="admin"), open_run("count", trigger="admin")
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
