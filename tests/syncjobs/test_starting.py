"""Runs started over HTTP: by POST, by platforms that can only GET, and what is refused."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from monitoring import heartbeats
from monitoring.models import CronLog
from mysetlist.catalog.models import User
from mysetlist.rights import digest
from syncjobs.models import QueueJob
from syncjobs.starting import wait_asked
from tests.monitoring.runs import wait_until
from tests.syncjobs.steps import end

JOB = "calculate_trending"
URL = "/api/cron/calculate-trending/"
BY_GET = f"{URL}run/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(settings) -> Client:
    settings.OPERATOR_TOKENS = {"railway": digest("s3cret")}
    return Client(headers={"Authorization": "Bearer s3cret"})


def post(client: Client, body: object = None, **headers: str):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(URL, *([body] if body is not None else []), content_type="application/json", headers=headers)


def the_run(answer) -> CronLog:
    return CronLog.objects.get(pk=answer.json()["id"])


def test_a_run_is_accepted_and_can_be_followed(operator):
    answer = post(operator)
    run = the_run(answer)
    assert (answer.status_code, answer["Location"]) == (202, f"/api/cron/runs/{run.pk}/")
    assert answer["Cache-Control"] == "no-store"
    assert (run.status, run.trigger, run.asked_by, run.slot) == ("queued", "http", "token railway", None)
    told = operator.get(answer["Location"]).json()
    assert told == answer.json()
    assert (told["job"], told["status"], told["url"], told["error"]) == (JOB, "queued", answer["Location"], "")
    end(run.pk)
    assert operator.get(answer["Location"]).json()["status"] == "success"


def test_it_says_when_nobody_would_do_the_work(operator):
    assert post(operator).json()["notice"] == (
        "No worker and no relay is alive: the run waits in the queue until one is."
    )
    heartbeats.beat("worker here:1")
    assert operator.get(f"/api/cron/runs/{CronLog.objects.get().pk}/").json()["notice"].startswith("No relay is alive")
    heartbeats.beat("relay here:2")
    assert "notice" not in operator.get(f"/api/cron/runs/{CronLog.objects.get().pk}/").json()


def test_the_latest_slot_has_one_run_however_often_it_is_asked_for(operator):
    first = post(operator, {"slot": "latest"})
    second = post(operator, {"slot": "latest"})
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    run = the_run(first)
    assert (run.schedule, run.slot.minute % 5, run.slot.second) == (JOB, 0, 0)
    assert timedelta(0) <= timezone.now() - run.slot <= timedelta(minutes=6)
    again = post(operator, {"slot": run.slot.isoformat()})
    assert (again.status_code, again.json()["id"]) == (200, run.pk)


def test_a_slot_of_no_schedule_is_the_jobs_own(operator):
    run = the_run(post(operator, {"slot": "2026-07-01T14:03:00+02:00"}))
    assert (run.schedule, run.slot) == (JOB, parse_datetime("2026-07-01T12:03:00Z"))


def test_another_call_during_a_run_is_a_conflict_that_names_the_run(operator):
    running = post(operator).json()
    answer = post(operator)
    told = answer.json()
    skipped = CronLog.objects.get(status="skipped")
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert (told["code"], told["run"], told["skipped"]) == (
        "already_running",
        running["url"],
        f"/api/cron/runs/{skipped.pk}/",
    )
    assert (answer["Location"], skipped.asked_by) == (running["url"], "token railway")
    assert QueueJob.objects.count() == 1


@pytest.mark.parametrize(
    "slot",
    [
        "",
        "soon",
        "2026-07-01",
        "2026-07-01T14:00:00",
        "2026-02-30T14:00:00Z",
        "2026-07-01T14:00:00.5Z",
        "0001-01-01T00:00:00+14:00",
        "2999-01-01T00:00:00Z",
        "x" * 65,
        ["latest"],
        {"at": "latest"},
        None,
    ],
    ids=str,
)
def test_a_slot_that_cannot_be_is_refused_by_name_and_nothing_is_written(operator, slot):
    answer = post(operator, {"slot": slot})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert [error["name"] for error in answer.json()["errors"]] == ["slot"]
    assert not CronLog.objects.exists()
    assert not QueueJob.objects.exists()


@pytest.mark.parametrize(
    ("body", "code", "name"),
    [({"slots": "latest"}, 400, "slots"), ('["latest"]', 400, "slot"), ("{", 400, None), ("null", 400, "slot")],
)
def test_a_body_that_is_no_request_is_refused(operator, body, code, name):
    answer = post(operator, body)
    assert answer.status_code == code
    assert [error["name"] for error in answer.json().get("errors", [])] == ([name] if name else [])
    assert not CronLog.objects.exists()


def test_an_unknown_job_is_not_found(operator):
    answer = operator.post("/api/cron/bake-bread/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert not CronLog.objects.exists()


@pytest.mark.parametrize("token", [None, "wrong"])
def test_who_is_no_operator_starts_nothing_and_leaves_no_trace(operator, settings, token):
    settings.CRON_ALLOW_GET = True
    stranger = Client(headers={"Authorization": f"Bearer {token}"} if token else {})
    answers = [stranger.post(URL), stranger.get(BY_GET), stranger.get("/api/cron/runs/1/")]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert not CronLog.objects.exists()


def test_a_member_of_staff_starts_a_run_with_the_sites_own_form_alone(client, settings):
    staff = User.objects.create_user("ada", password="pw", is_staff=True)
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    assert client.post(URL).status_code == 403
    client = Client()
    client.force_login(staff)
    assert the_run(post(client)).asked_by == "ada"


def test_starting_by_get_is_off_unless_it_is_allowed(operator, settings):
    answer = operator.get(BY_GET)
    assert (answer.status_code, "CRON_ALLOW_GET=1" in answer.json()["detail"]) == (404, True)
    settings.CRON_ALLOW_GET = True
    assert operator.head(BY_GET).status_code == 405
    assert not CronLog.objects.exists()
    first, second = operator.get(BY_GET), operator.get(BY_GET)
    assert (first.status_code, second.status_code) == (202, 200)
    assert the_run(first).slot is not None
    assert second.json()["id"] == first.json()["id"]


def test_a_link_that_a_member_of_staff_follows_starts_nothing(client, settings):
    settings.CRON_ALLOW_GET = True
    client.force_login(User.objects.create_user("ada", is_staff=True))
    assert client.get(BY_GET).status_code == 401
    assert not CronLog.objects.exists()


@pytest.mark.parametrize("url", ["/api/cron/runs/999999/", "/api/cron/runs/1e3/", "/api/cron/runs/-1/"])
def test_a_run_that_is_not_there_is_not_found(operator, url):
    assert operator.get(url).status_code == 404


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("", 0),
        ("wait=5", 5),
        ("respond-async, wait=10", 10),
        ("wait=9999", 30),
        ("wait=-1", 0),
        ("wait=x", 0),
        ("await=5", 0),
    ],
)
def test_the_wait_that_is_asked_for_is_bounded(prefer, seconds):
    assert wait_asked(prefer) == seconds


@pytest.mark.django_db(transaction=True)
def test_an_answer_waits_for_the_end_of_its_run(operator):
    def work() -> None:
        wait_until(CronLog.objects.filter(status="queued").exists, "the run")
        end(CronLog.objects.get().pk, "partial")
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    answer = post(operator, Prefer="wait=20")
    worker.join()
    assert (answer.status_code, answer.json()["status"]) == (200, "partial")
    assert answer["Preference-Applied"] == "wait=20"
