"""Progress as server-sent events: a real server, real connections, a real queue."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest
from django.db import connection

from mysetlist.asgi import AT_WORK
from syncjobs import streams
from syncjobs.models import JobEvent
from syncjobs.queue import cancel, checkpoint, claim, enqueue, finish, retry
from tests.monitoring.runs import another_connection
from tests.syncjobs.stage import eventually

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "s3cret"
MOST_OF_A_JOB = 12
LIMITS = ("PING_SECONDS=0.2", "SLOW_SECONDS=2", f"MOST_OF_A_JOB={MOST_OF_A_JOB}", "BATCH=400")

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def served(*limits: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.syncjobs.web_process", database_name(), str(port), TOKEN, *LIMITS, *limits],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    try:
        eventually(lambda: answers(port), "the server")
        yield port, server
    finally:
        server.kill()
        server.wait()


def database_name() -> str:
    return str(connection.settings_dict["NAME"])


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture(scope="module")
def port(django_db_setup: None) -> Iterator[int]:
    with served() as (number, _):
        yield number


class Client:
    """An EventSource: it remembers the last id."""

    def __init__(self, port: int, job: int, last: int | str | None = None, token: str = TOKEN) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
        headers |= {"Last-Event-ID": str(last)} if last is not None else {}
        self.connection.request("GET", f"/api/jobs/{job}/events/", headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def lines(self) -> Iterator[str]:
        while line := self.response.readline():
            yield line.decode().rstrip("\n")

    def events(self, most: int = 10**6) -> list[dict[str, Any]]:
        """So many, or until the stream ends."""
        found: list[dict[str, Any]] = []
        for line in self.lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == most:
                break
        return found

    def close(self) -> None:
        self.response.close()
        self.connection.close()


@contextmanager
def opened(*clients: Client) -> Iterator[None]:
    try:
        yield
    finally:
        for client in clients:
            client.close()


def claimed(**arguments: Any) -> Any:
    found = claim(enqueue("import_artist", name="Madonna", **arguments).pk, worker="here:1")
    assert found
    return found


def told_of(job: int) -> list[int]:
    return list(JobEvent.objects.filter(job=job).order_by("seq").values_list("seq", flat=True))


def test_a_stream_tells_what_was_and_what_comes_and_ends_with_the_job(port: int) -> None:
    work = claimed()
    client = Client(port, work.id)
    with opened(client):
        assert client.response.getheader("Content-Type") == "text/event-stream"
        assert client.response.getheader("Cache-Control") == "no-cache, no-transform"
        assert client.response.getheader("X-Accel-Buffering") == "no"
        assert [event["kind"] for event in client.events(1)] == ["started"]
        checkpoint(work, "importing-shows", 60, "48 \n listings", {})
        (event,) = client.events(1)
        assert (event["phase"], event["percent"], event["message"]) == ("importing-shows", 60, "48 \n listings")
        assert event["seq"] == told_of(work.id)[-1]
        finish(work, {})
        assert [event["kind"] for event in client.events()] == ["completed"]


def test_a_client_that_comes_back_misses_nothing_and_hears_nothing_twice(port: int) -> None:
    work = claimed()

    def write() -> None:
        for number in range(60):
            checkpoint(work, "counting", number, "", {})
        finish(work, {})
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    heard: list[int] = []
    last: int | None = None
    while True:
        client = Client(port, work.id, last)
        with opened(client):
            if client.status == 204:
                break
            heard += [event["seq"] for event in client.events(9)]
        last = heard[-1] if heard else None
    writer.join()
    assert heard == told_of(work.id)
    assert len(heard) == 62


def test_a_stream_ends_after_a_while_and_says_when_to_come_back() -> None:
    with served("LONGEST_SECONDS=1.5") as (port, _):
        client = Client(port, enqueue("import_artist", name="Quiet").pk)
        with opened(client):
            lines = list(client.lines())
    assert lines[0] == "retry: 2000"
    assert lines.count(": ping") >= 5
    assert not [line for line in lines if line.startswith("data")]


def test_a_job_that_is_over_has_nothing_to_come_until_it_is_retried(port: int) -> None:
    job = enqueue("import_artist", name="Over").pk
    assert cancel([job]) == 1
    client = Client(port, job)
    with opened(client):
        (event,) = client.events()
    assert event["kind"] == "cancelled"
    gone = Client(port, job, event["seq"])
    with opened(gone):
        assert gone.status == 204
    assert retry([job]) == 1
    again = Client(port, job, event["seq"])
    with opened(again):
        assert [each["kind"] for each in again.events(1)] == ["retried"]


def test_many_streams_hold_one_connection_and_hear_each_of_their_job(port: int) -> None:
    works = [claimed() for _ in range(5)]
    clients = [(work, Client(port, work.id)) for work in works for _ in range(MOST_OF_A_JOB)]
    with opened(*(client for _, client in clients)):
        for work in works:
            checkpoint(work, "counting", work.id % 100, "", {})
        for work, client in clients:
            assert [event["percent"] for event in client.events(2)] == [0, work.id % 100]
        assert connections() <= 3  # one for all streams, the others for requests


def test_a_crowd_of_requests_takes_no_more_connections_than_places(port: int) -> None:
    """The database has a hundred for everybody."""
    job, crowd = enqueue("import_artist", name="Asked for").pk, 3 * AT_WORK
    with ThreadPoolExecutor(crowd) as threads, another_connection() as theirs:
        theirs.execute("LOCK TABLE queue_jobs")
        answers = [threads.submit(status_of, port, job) for _ in range(crowd)]
        eventually(lambda: waiting() >= AT_WORK, "the crowd")
        asked = [waiting() for _ in range(50)]
        theirs.rollback()
        assert [answer.result() for answer in answers] == [200] * crowd
    assert max(asked) == AT_WORK


def status_of(port: int, job: int) -> int:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.request("GET", f"/api/jobs/{job}/", headers={"Authorization": f"Bearer {TOKEN}"})
    status = client.getresponse().status
    client.close()
    return status


def waiting() -> int:
    """Connections that stand still for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def connections() -> int:
    """Of all others to this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def test_a_job_has_so_many_streams_and_who_leaves_makes_room(port: int) -> None:
    job = enqueue("import_artist", name="Popular").pk
    clients = [Client(port, job) for _ in range(MOST_OF_A_JOB)]
    with opened(*clients):
        for client in clients:
            next(client.lines())
        one_more = Client(port, job)
        with opened(one_more):
            assert one_more.status == 503
            assert one_more.response.getheader("Retry-After") == "5"
            assert json.loads(one_more.response.read())["code"] == "too_many_streams"
    eventually(lambda: is_let_in(port, job), "room")


def test_a_process_has_so_many_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_STREAMS", 2)
    hub = streams.Hub()
    hub.streams = {cast(streams.Stream, Quiet(job)) for job in (1, 2)}
    assert not hub.has_room(3)
    hub.streams.pop()
    assert hub.has_room(3)


class Quiet:
    """A stream, for those who count."""

    def __init__(self, job: int) -> None:
        self.job = job


def is_let_in(port: int, job: int) -> bool:
    client = Client(port, job)
    with opened(client):
        return client.status == 200


def test_who_does_not_read_is_sent_away(port: int) -> None:
    job = enqueue("import_artist", name="Long").pk
    JobEvent.objects.bulk_create(JobEvent(job_id=job, kind="retrying", error="x" * 2000) for _ in range(5000))
    sleepers: list[Sleeper] = []

    def is_crowded() -> bool:
        # More each time: whoever looks may take the last place, and leaves it again.
        sleepers.extend(Sleeper(port, job) for _ in range(MOST_OF_A_JOB))
        return not is_let_in(port, job)

    try:
        eventually(is_crowded, "the crowd")
        eventually(lambda: is_let_in(port, job), "room")
    finally:
        for sleeper in sleepers:
            sleeper.socket.close()


class Sleeper:
    """Asks, and never reads the answer."""

    def __init__(self, port: int, job: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        head = f"GET /api/jobs/{job}/events/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        self.socket.sendall(head.encode())


def test_a_lost_connection_to_the_database_costs_no_event(port: int) -> None:
    work = claimed()
    client = Client(port, work.id)
    with opened(client):
        client.events(1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = 'mysetlist streams'"
            )
            assert cursor.fetchall() == [(True,)]
        finish(work, {})
        assert [event["kind"] for event in client.events()] == ["completed"]


def test_streams_are_for_operators(port: int) -> None:
    job = enqueue("import_artist", name="Secret").pk
    client = Client(port, job, token="guessed")
    with opened(client):
        assert client.status == 401
        assert client.response.getheader("Content-Type") == "application/problem+json"
    unknown = Client(port, job + 1)
    with opened(unknown):
        assert unknown.status == 404


def test_a_last_event_that_is_no_id_is_refused(port: int) -> None:
    client = Client(port, enqueue("import_artist", name="Odd").pk, "one")
    with opened(client):
        assert client.status == 400
        assert json.loads(client.response.read())["errors"][0]["name"] == "Last-Event-ID"


def test_a_server_that_is_told_to_stop_does_not_wait_for_its_streams() -> None:
    with served() as (port, server):
        client = Client(port, enqueue("import_artist", name="Quiet").pk)
        with opened(client):
            assert next(client.lines())
            server.send_signal(signal.SIGINT)
            server.wait(20)
