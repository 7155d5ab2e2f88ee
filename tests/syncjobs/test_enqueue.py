"""What is put into the queue: inside the caller's transaction, once per key, or refused with the field named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.forms import model_to_dict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from syncjobs.models import QueueJob
from syncjobs.policies import POLICIES, QUEUES
from syncjobs.queue import BadArguments, CannotEnqueue, UnknownJob, UnknownQueue, enqueue, enqueue_many
from tests.monitoring.runs import at_once
from tests.syncjobs.crowds import committed_of_mixed, with_one_key
from tests.syncjobs.steps import opened_run

JOB = "calculate_trending"
Status = QueueJob.Status
circle: list[Any] = []
circle.append(circle)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_job_is_inserted_with_what_its_policy_says() -> None:
    job = enqueue(JOB, shows=3, name="Björk")
    assert job.is_new
    job = QueueJob.objects.get()
    assert (job.job_name, job.queue_name, job.status, job.priority) == (JOB, "cron", "pending", 10)
    assert job.job_data == {"shows": 3, "name": "Björk"}
    assert (job.attempts, job.max_attempts, job.lease_token) == (0, QUEUES["cron"].attempts, 0)


def test_what_is_handed_out_is_what_was_written() -> None:
    parent = opened_run(JOB).job
    with CaptureQueriesContext(connection) as one:
        job = enqueue(JOB, priority=5, dedup_key="k", n=1)
        assert (job.status, job.run_at) == ("pending", job.created_at)
    assert len(one) == 1
    child = enqueue(JOB, parent=parent, run_at=timezone.now() + timedelta(hours=1))
    for made in (job, child):
        assert model_to_dict(made) == model_to_dict(QueueJob.objects.get(pk=made.pk))


def test_a_job_may_wait_for_its_time() -> None:
    later = timezone.now() + timedelta(hours=1)
    assert enqueue(JOB, run_at=later).status == "delayed"
    assert enqueue(JOB, run_at=timezone.now() - timedelta(hours=1)).status == "pending"


def test_what_is_rolled_back_was_never_enqueued() -> None:
    with transaction.atomic():
        enqueue(JOB)
        transaction.set_rollback(True)
    assert not QueueJob.objects.exists()


def test_a_live_job_of_the_same_key_is_given_instead() -> None:
    first, second = enqueue(JOB, dedup_key="k", n=1), enqueue(JOB, dedup_key="k", n=2)
    assert (second.pk, second.is_new, second.job_data) == (first.pk, False, {"n": 1})


def test_a_key_is_free_again_when_its_job_is_final() -> None:
    first = enqueue(JOB, dedup_key="k")
    QueueJob.objects.update(status=Status.COMPLETED, finished_at=timezone.now())
    assert enqueue(JOB, dedup_key="k").pk != first.pk


def test_sixteen_callers_of_one_key_at_once_make_one_job_each_time() -> None:
    """R11, smaller."""
    answers = with_one_key(JOB, callers=16, rounds=25)
    assert answers == [answers[0]] * 16
    assert QueueJob.objects.count() == 25


def test_of_mixed_commits_and_rollbacks_exactly_the_committed_are_there() -> None:
    """R10, smaller: four callers, 250 of each."""

    committed = committed_of_mixed(JOB, callers=4, each=500)
    assert set(QueueJob.objects.values_list("dedup_key", flat=True)) == committed


def test_many_are_inserted_at_once_and_the_new_ones_counted() -> None:
    enqueue(JOB, dedup_key="7")
    made = enqueue_many(JOB, [{"n": n} for n in range(2500)], dedup_key=lambda each: str(each["n"]))
    assert (made, QueueJob.objects.count()) == (2499, 2500)


def test_two_callers_of_the_same_many_in_opposite_order_do_not_wait_for_each_other() -> None:
    rows = [{"n": n} for n in range(300)]

    def call(some: list[dict[str, int]]) -> int:
        return enqueue_many(JOB, some, dedup_key=lambda each: str(each["n"]))

    answers = at_once(lambda: call(rows), lambda: call(rows[::-1]))
    assert sum(answers) == 300


def test_a_child_belongs_to_its_parents_run_and_is_counted() -> None:
    parent = opened_run(JOB).job
    child = enqueue(JOB, parent=parent)
    assert enqueue_many(JOB, [{}, {}], parent=parent.pk) == 2
    parent.refresh_from_db()
    assert (child.run_id, parent.children_left) == (parent.run_id, 3)
    assert set(parent.children.values_list("run_id", flat=True)) == {parent.run_id}


def test_a_final_parent_takes_no_children() -> None:
    parent = enqueue(JOB)
    QueueJob.objects.update(status=Status.COMPLETED, finished_at=timezone.now())
    with pytest.raises(CannotEnqueue, match=f"parent: queue job {parent.pk} is final"):
        enqueue(JOB, parent=parent)
    assert QueueJob.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "error", "job", "given"),
    [
        ("job", UnknownJob, "calculate-trending", {}),
        ("job", UnknownJob, None, {}),
        ("queue", UnknownQueue, JOB, {"queue": "fast"}),
        ("arguments", BadArguments, JOB, {"when": datetime(2026, 7, 1, tzinfo=UTC)}),
        ("arguments", BadArguments, JOB, {"names": {"a"}}),
        ("arguments", BadArguments, JOB, {"number": float("nan")}),
        ("arguments", BadArguments, JOB, {"text": "a\0b"}),
        ("arguments", BadArguments, JOB, {"text": "\ud800"}),
        ("arguments", BadArguments, JOB, {"deep": circle}),
        ("arguments", BadArguments, JOB, {"text": "x" * 65_536}),
        ("priority", CannotEnqueue, JOB, {"priority": 3}),
        ("run_at", CannotEnqueue, JOB, {"run_at": datetime(2026, 7, 1)}),  # noqa: DTZ001
        ("dedup_key", CannotEnqueue, JOB, {"dedup_key": ""}),
        ("dedup_key", CannotEnqueue, JOB, {"dedup_key": "x" * 201}),
        ("dedup_key", CannotEnqueue, JOB, {"dedup_key": "a\nb"}),
        ("parent", CannotEnqueue, JOB, {"parent": 12345}),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_field_named(field: str, error: Any, job: Any, given: Any) -> None:
    with pytest.raises(error) as caught:
        enqueue(job, **given)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")
    assert not QueueJob.objects.exists()


def test_arguments_may_fill_what_is_allowed() -> None:
    enqueue(JOB, text="x" * (65_536 - len('{"text": ""}')))
    assert QueueJob.objects.count() == 1


def test_a_listener_hears_of_a_job_when_it_is_committed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("LISTEN queue_jobs")
    enqueue(JOB)
    assert [told.channel for told in connection.connection.notifies(timeout=5, stop_after=1)] == ["queue_jobs"]


@pytest.mark.parametrize("job", POLICIES)
def test_every_policy_names_a_queue(job: str) -> None:
    policy = POLICIES[job]
    assert policy.queue in QUEUES
    assert policy.max_attempts >= 1
