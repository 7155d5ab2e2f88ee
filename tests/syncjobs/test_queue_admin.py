"""The pages of the queue: what they show, whom they find, and what an operator does there."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mysetlist.catalog.models import User
from syncjobs import queue_admin
from syncjobs.models import JobEvent, PausedQueue, QueueJob, QueueMetric
from syncjobs.policies import QUEUES
from syncjobs.queue import cancel, checkpoint, claim, enqueue, enqueue_many, fail, finish, retry_later

LIST = reverse("admin:syncjobs_queuejob_changelist")
QUEUES_PAGE = reverse("admin:syncjobs_pausedqueue_changelist")

pytestmark = pytest.mark.django_db


def page_of(job: int) -> str:
    return reverse("admin:syncjobs_queuejob_change", args=[job])


def work_on(job: QueueJob):
    claimed = claim(job.pk, worker="here:1")
    assert claimed
    return claimed


def failed(**arguments) -> QueueJob:
    job = enqueue("import_artist", **arguments)
    fail(work_on(job), "No such <b>artist</b>.")
    return job


def later(**arguments) -> QueueJob:
    return enqueue("import_artist", run_at=timezone.now() + timedelta(hours=2), **arguments)


def found(client: Client, **asked: str) -> set[int]:
    return {job.pk for job in client.get(LIST, asked).context["cl"].result_list}


def act(client: Client, action: str, *jobs: QueueJob, **more: str) -> list[str]:
    data = {"action": action, "_selected_action": [job.pk for job in jobs], **more}
    answer = client.post(LIST, data)
    assert answer.status_code == 302
    return said(answer)


def said(answer) -> list[str]:
    """The newest message."""
    return [str(message) for message in get_messages(answer.wsgi_request)][-1:]


def statuses(*jobs: QueueJob) -> list[str]:
    return [QueueJob.objects.get(pk=job.pk).status for job in jobs]


def test_a_page_shows_attempts_events_arguments_error_parent_and_children(admin_client):
    parent = enqueue("master_sync")
    work = work_on(parent)
    checkpoint(work, "planning", 40, "2 artists", {})
    enqueue_many("import_artist", [{"name": "Sigur Rós"}, {"name": "Other"}], parent=parent.pk)
    child = QueueJob.objects.filter(parent=parent).order_by("pk")[0]
    retry_later(work_on(child), "No disk.", chance=0)
    fail(work_on(QueueJob.objects.get(pk=child.pk)), "No such <b>artist</b>.")
    text = admin_client.get(page_of(child.pk)).content.decode()
    assert "No such &lt;b&gt;artist&lt;/b&gt;." in text
    assert "Sigur Rós" in text
    assert f'href="{page_of(parent.pk)}"' in text
    attempts = admin_client.get(page_of(child.pk)).context["attempts"]
    assert [(attempt.began.attempt, attempt.kind, attempt.end.error) for attempt in attempts] == [
        (2, "failed", "No such <b>artist</b>."),
        (1, "retrying", "No disk."),
    ]
    page = admin_client.get(page_of(parent.pk))
    assert "Children: 2" in page.content.decode()
    assert f'href="{page_of(child.pk)}"' in page.content.decode()
    assert [event.kind for event in page.context["events"]] == ["progress", "started"]


def test_a_long_history_is_shown_in_part_in_as_many_queries(admin_client):
    job = enqueue("master_sync")
    admin_client.get(page_of(job.pk))
    with CaptureQueriesContext(connection) as few:
        admin_client.get(page_of(job.pk))
    JobEvent.objects.bulk_create(JobEvent(job=job, kind="progress", phase=str(n)) for n in range(400))
    enqueue_many("import_artist", [{"name": str(n)} for n in range(60)], parent=job.pk)
    with CaptureQueriesContext(connection) as many:
        page = admin_client.get(page_of(job.pk))
    assert len(many) == len(few)
    assert (len(page.context["events"]), len(page.context["children"])) == (300, 50)
    assert page.context["events"][0].phase == "399"


def test_jobs_are_found_by_number_by_key_and_by_words_of_their_arguments(admin_client):
    wanted = enqueue("import_artist", dedup_key="import_artist name Sigur Rós", name="Sigur Rós")
    other = enqueue("import_artist", name="Madonna", ticketmaster_id="K8vZ9171ob7")
    assert found(admin_client, q=str(wanted.pk)) == {wanted.pk}
    assert found(admin_client, q="import_artist name Sigur Rós") == {wanted.pk}
    assert found(admin_client, q="rós sigur") == {wanted.pk}
    assert found(admin_client, q="K8vZ9171ob7") == {other.pk}
    assert found(admin_client, q="100%") == set()


def test_a_search_reads_only_the_newest_jobs_but_finds_any_number(admin_client, monkeypatch):
    monkeypatch.setattr(queue_admin, "SEARCHED", 2)
    old = enqueue("import_artist", dedup_key="an old key", name="Oldest")
    jobs = [enqueue("import_artist", name="Oldest") for _ in range(2)]
    assert found(admin_client, q="oldest") == {job.pk for job in jobs}
    assert found(admin_client, q=str(old.pk)) == {old.pk}
    assert found(admin_client, q="an old key") == {old.pk}  # it lives


def test_jobs_are_filtered_by_queue_job_status_priority_and_end(admin_client):
    one = failed(name="One")
    two = enqueue("sync_artist_image", priority=50, artist=1)
    assert found(admin_client, queue_name="images") == {two.pk}
    assert found(admin_client, job_name="import_artist") == {one.pk}
    assert found(admin_client, status__exact="failed") == {one.pk}
    assert found(admin_client, priority="50") == {two.pk}
    today = f"{timezone.now():%Y-%m-%d}"
    assert found(admin_client, finished_at_from_0=today) == {one.pk}
    assert found(admin_client, finished_at_to_0="2020-01-01") == set()


def test_retry_acts_on_what_was_not_completed_and_says_how_many(admin_client):
    jobs = [failed(name="One"), enqueue("import_artist", name="Live"), enqueue("import_artist", name="Done")]
    finish(work_on(jobs[2]), {})
    assert act(admin_client, "retry", *jobs) == ["1 retried. 2 left alone: not in a state for it."]
    assert statuses(*jobs) == ["pending", "pending", "completed"]
    assert [entry.object_id for entry in LogEntry.objects.all()] == [str(jobs[0].pk)]
    assert act(admin_client, "retry", jobs[2]) == ["0 retried. 1 left alone: not in a state for it."]


def test_run_now_makes_due_what_waits_for_its_time(admin_client):
    waiting, over = later(name="Later"), failed(name="Over")
    assert act(admin_client, "run_now", waiting, over) == ["1 due now. 1 left alone: not in a state for it."]
    assert statuses(waiting, over) == ["pending", "failed"]
    assert claim(waiting.pk, worker="here:1")


def test_a_parent_that_waits_for_its_children_is_not_hurried(admin_client):
    parent = enqueue("master_sync")
    work = work_on(parent)
    enqueue_many("import_artist", [{"name": "One"}], parent=parent.pk)
    finish(work, {})
    assert act(admin_client, "run_now", parent) == ["0 due now. 1 left alone: not in a state for it."]
    assert statuses(parent) == ["delayed"]


def test_cancel_asks_first_and_ends_what_is_not_final(admin_client):
    waiting, active, over = later(name="Later"), enqueue("import_artist", name="Active"), failed(name="Over")
    work_on(active)
    jobs = [waiting, active, over]
    asked = admin_client.post(LIST, {"action": "cancel", "_selected_action": [job.pk for job in jobs]})
    assert asked.status_code == 200
    assert "2 will be cancelled" in asked.content.decode()
    assert "1 of those you chose is final already" in asked.content.decode()
    assert statuses(*jobs) == ["delayed", "active", "failed"]
    assert act(admin_client, "cancel", *jobs, confirmed="1") == ["2 cancelled. 1 left alone: not in a state for it."]
    assert statuses(*jobs) == ["cancelled", "active", "failed"]
    assert QueueJob.objects.get(pk=active.pk).cancel_requested


def test_a_page_offers_what_its_state_allows(admin_client):
    def offered(job: QueueJob) -> list[str]:
        return [name for name, _ in admin_client.get(page_of(job.pk)).context["can"]]

    assert offered(failed(name="Over")) == ["retry"]
    assert offered(later(name="Later")) == ["run_now", "cancel"]
    job = enqueue("import_artist", name="Done")
    assert offered(job) == ["cancel"]
    finish(work_on(job), {})
    assert offered(job) == []


@pytest.fixture
def looker(client, django_user_model) -> Client:
    """A member of staff who may see the queue, and no more."""
    user: User = django_user_model.objects.create_user("looker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_queuejob", "view_pausedqueue"]))
    client.force_login(user)
    return client


def test_who_may_only_look_changes_nothing(looker):
    job = failed(name="Over")
    assert looker.get(page_of(job.pk)).context["can"] == []
    looker.post(LIST, {"action": "retry", "_selected_action": [job.pk]})
    assert statuses(job) == ["failed"]
    assert looker.post(QUEUES_PAGE, {"pause": "images", "reason": "Why not."}).status_code == 403
    assert "Pause images" not in looker.get(QUEUES_PAGE).content.decode()
    assert not PausedQueue.objects.exists()


def standing(client: Client, name: str):
    (found,) = [queue for queue in client.get(QUEUES_PAGE).context["queues"] if queue.name == name]
    return found


def test_each_queue_tells_how_it_stands(admin_client):
    now = timezone.now()
    for number in range(3):
        enqueue("sync_artist_image", priority=(50, 10, 20)[number], artist=number)
    QueueJob.objects.filter(priority=20).update(run_at=now - timedelta(minutes=5))
    QueueJob.objects.filter(priority=50).update(run_at=now - timedelta(minutes=3))
    work_on(QueueJob.objects.get(priority=10))
    enqueue("sync_artist_image", run_at=now + timedelta(hours=1), artist=4)
    over = enqueue("sync_artist_image", artist=5)
    cancel([over.pk])
    for hours in range(3):
        QueueMetric.objects.create(
            queue_name="images", hour=now - timedelta(hours=hours), depth=9, started=7, failed=hours, p95_wait_ms=12
        )
    QueueMetric.objects.create(
        queue_name="images", hour=now - timedelta(days=3), depth=9, started=7, failed=99, p95_wait_ms=12
    )
    images = standing(admin_client, "images")
    assert (images.ready, images.active, images.later, images.finished) == (2, 1, 1, 1)
    assert 300 <= images.oldest_seconds < 400
    assert images.failed == 3
    assert [point.value for point in images.points] == [7, 7, 7]
    assert "begun, 2 failed" in admin_client.get(QUEUES_PAGE).content.decode()
    assert [queue.name for queue in admin_client.get(QUEUES_PAGE).context["queues"]] == list(QUEUES)


def test_a_queue_is_paused_with_a_reason_and_resumed(admin_client):
    def switch(**data: str) -> list[str]:
        return said(admin_client.post(QUEUES_PAGE, data))

    assert switch(pause="images", reason=" They asked <us>. ") == ["images is paused."]
    assert "They asked &lt;us&gt;." in admin_client.get(QUEUES_PAGE).content.decode()
    assert claim(enqueue("sync_artist_image", artist=1).pk, worker="here:1") is None
    assert switch(pause="images", reason="Again.") == ["images was paused already."]
    assert switch(resume="images") == ["images goes on."]
    assert switch(resume="images") == ["images was not paused."]
    assert switch(pause="nowhere", reason="x")[0].startswith("queue: 'nowhere' is none of")
    assert switch() == ["Nothing was asked for."]


def test_the_queues_take_as_many_queries_for_many_jobs_as_for_few(admin_client, django_assert_num_queries):
    enqueue_many("sync_artist_image", [{"artist": n} for n in range(50)])
    admin_client.get(QUEUES_PAGE)
    with django_assert_num_queries(5):  # session, user, and the three of the page
        admin_client.get(QUEUES_PAGE)


def test_an_artist_is_imported_from_the_page_of_the_queues_once_while_it_is_at_it(admin_client):
    assert "Import an artist" in admin_client.get(QUEUES_PAGE).content.decode()
    answer = admin_client.post(QUEUES_PAGE, {"by": "name", "import": " Björk "})
    job = QueueJob.objects.get()
    assert answer.url == reverse("admin:syncjobs_queuejob_change", args=[job.pk])
    assert (job.job_name, job.job_data) == ("import_artist", {"name": "Björk"})
    assert "already" in said(admin_client.post(QUEUES_PAGE, {"by": "name", "import": "Björk"}))[0]
    assert QueueJob.objects.get() == job


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"by": "mbid", "import": "Björk"}, "mbid"),
        ({"by": "name", "import": ""}, "name"),
        ({"by": "shoe size", "import": "44"}, "shoe size"),
    ],
)
def test_a_wrong_import_names_the_field_and_queues_nothing(wrong, field, admin_client):
    assert f"{field}: " in said(admin_client.post(QUEUES_PAGE, wrong))[0]
    assert not QueueJob.objects.exists()


def test_who_may_only_look_imports_nothing(looker):
    assert looker.post(QUEUES_PAGE, {"by": "name", "import": "Björk"}).status_code == 403
    assert "Import an artist" not in looker.get(QUEUES_PAGE).content.decode()
