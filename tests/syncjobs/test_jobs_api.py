"""Queue jobs over HTTP: how one is, and imports that operators start."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from monitoring import heartbeats
from mysetlist.rights import digest
from syncjobs.imports.asking import request_import
from syncjobs.models import QueueJob
from syncjobs.queue import checkpoint, claim, enqueue, enqueue_many, finish
from syncjobs.runs import request_run
from tests.factories import make_fan

IMPORT = "/api/artists/import/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(settings) -> Client:
    settings.OPERATOR_TOKENS = {"railway": digest("s3cret")}
    return Client(headers={"Authorization": "Bearer s3cret"})


def post(client: Client, body: object):
    return client.post(IMPORT, json.dumps(body), content_type="application/json")


def wrong(answer) -> set[str]:
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert not QueueJob.objects.exists()
    return {error["name"] for error in answer.json()["errors"]}


def test_an_import_is_accepted_and_can_be_followed(operator):
    answer = post(operator, {"name": " Sigur\u0301  Rós "})
    job = QueueJob.objects.get()
    assert (answer.status_code, answer["Location"]) == (202, f"/api/jobs/{job.pk}/")
    assert (job.job_name, job.job_data, job.priority) == ("import_artist", {"name": "Siguŕ Rós"}, 5)
    told = operator.get(answer["Location"]).json()
    assert told == answer.json()
    assert (told["status"], told["percent"], told["attempts"], told["events"]) == (
        *("pending", 0, 0),
        f"/api/jobs/{job.pk}/events/",
    )
    assert told["notice"].startswith("No worker and no relay is alive")
    heartbeats.beat("worker here:1")
    heartbeats.beat("relay here:2")
    assert "notice" not in operator.get(answer["Location"]).json()


def test_an_artist_who_is_being_imported_is_not_imported_twice(operator):
    mbid = "79239441-BFD5-4981-A70C-55C3F15C1287"
    first, second = post(operator, {"mbid": mbid}), post(operator, {"mbid": mbid.lower()})
    assert (first.status_code, second.status_code) == (202, 200)
    assert first["Location"] == second["Location"]
    assert not request_import("mbid", mbid.lower()).is_new  # as the command asks
    assert post(operator, {"name": "Madonna"}).status_code == 202


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"ticketmaster_id", "mbid", "spotify_id", "name"}),
        ({"name": "Madonna", "mbid": "79239441-bfd5-4981-a70c-55c3f15c1287"}, {"name", "mbid"}),
        ({"artist": "Madonna"}, {"artist", "ticketmaster_id", "mbid", "spotify_id", "name"}),
        ({"name": "Madonna", "share": "rest"}, {"share"}),
        ({"mbid": "Madonna"}, {"mbid"}),
        ({"spotify_id": "too-short"}, {"spotify_id"}),
        ({"ticketmaster_id": "K8v Z9171ob7"}, {"ticketmaster_id"}),
        ({"name": "x" * 256}, {"name"}),
        ({"name": "\u202e"}, {"name"}),
        ({"name": None}, {"name"}),
        ({"name": ["Madonna"]}, {"name"}),
        (["Madonna"], {""}),
    ],
)
def test_what_names_nobody_is_refused_by_field(operator, body, fields):
    assert wrong(post(operator, body)) == fields


def test_a_job_tells_what_became_of_it_and_of_its_children(operator):
    run = request_run("master_sync", trigger="http", now=timezone.now()).run
    parent = QueueJob.objects.get()
    claimed = claim(parent.pk, worker="here:1")
    checkpoint(claimed, "planning", 40, "2 artists", {})
    enqueue_many("import_artist", [{"name": "One"}, {"name": "Other"}], parent=parent.pk)
    child = QueueJob.objects.filter(parent=parent).first()
    finish(claim(child.pk, worker="here:1"), {"seen": 3})
    told = operator.get(f"/api/jobs/{parent.pk}/").json()
    assert (told["phase"], told["percent"], told["message"], told["attempts"]) == ("planning", 40, "2 artists", 1)
    assert told["run"] == f"/api/cron/runs/{run}/"
    assert told["children"] == {"total": 2, "live": 1, "cancelled": 0, "completed": 1, "dead": 0, "failed": 0}
    told = operator.get(f"/api/jobs/{child.pk}/").json()
    assert (told["status"], told["result"], told["parent"]) == ("completed", {"seen": 3}, f"/api/jobs/{parent.pk}/")


def test_an_answer_that_one_has_is_not_sent_again(operator):
    job = enqueue("import_artist", name="Madonna")
    url = f"/api/jobs/{job.pk}/"
    first = operator.get(url)
    assert "private" in first["Cache-Control"]
    assert "Authorization" in first["Vary"]
    again = operator.get(url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    claim(job.pk, worker="here:1")
    changed = operator.get(url, headers={"If-None-Match": first["ETag"]})
    assert (changed.status_code, changed.json()["status"]) == (200, "active")


def test_a_job_takes_as_many_queries_with_many_children_as_with_few(operator, django_assert_max_num_queries):
    parent = enqueue("master_sync")
    enqueue_many("import_artist", [{"name": str(number)} for number in range(40)], parent=parent.pk)
    with django_assert_max_num_queries(4):
        assert operator.get(f"/api/jobs/{parent.pk}/").json()["children"]["live"] == 40


@pytest.mark.parametrize("path", ["/api/jobs/1/", "/api/jobs/1/events/"])
def test_jobs_are_for_operators(operator, client, path):
    assert client.get(path).status_code == 401
    client.force_login(make_fan())
    assert client.get(path).status_code == 403
    assert operator.get(path).status_code == 404


def test_imports_are_for_operators(client):
    assert post(client, {"name": "Madonna"}).status_code == 401
    client.force_login(make_fan())
    assert post(client, {"name": "Madonna"}).status_code == 403
    assert not QueueJob.objects.exists()


def test_a_server_that_cannot_stream_says_so(operator):
    job = enqueue("import_artist", name="Madonna")
    answer = operator.get(f"/api/jobs/{job.pk}/events/", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
