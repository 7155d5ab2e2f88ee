"""An attempt: claimed once, fenced by its lease, ended with what it counted or why it failed."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from syncjobs import queue
from syncjobs.models import JobEvent, QueueJob
from syncjobs.progress import LeaseLost
from syncjobs.queue import Claimed, attempts, enqueue
from syncjobs.running import Leased, run_jobs
from tests.monitoring.runs import at_once
from tests.syncjobs.steps import claimed, effects_of, fresh, kinds, make_due, silence

pytestmark = pytest.mark.usefixtures("effects")

Status = QueueJob.Status


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


def test_a_worker_whose_claim_the_server_forgot_is_fenced_out_though_it_has_the_same_token() -> None:
    """A claim does not wait for the disk: a crash of the server may take it back, and give its token again."""
    job = enqueue("apply")
    stale = claimed(job, "before the crash")
    QueueJob.objects.update(status="pending", attempts=0, lease_token=0, lease_until=None, worker="")
    newer = claimed(job, "after it")
    assert newer.token == stale.token
    with pytest.raises(LeaseLost):
        queue.finish(stale, {})
    queue.finish(newer, {})
    assert fresh(job).status == Status.COMPLETED


def test_an_end_that_effects_are_committed_with_waits_for_the_disk_as_ever() -> None:
    taken = claimed(enqueue("apply"))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = local")
        queue.finish(taken, {})
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("local",)


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
