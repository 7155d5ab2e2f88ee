"""In front of Django stands what is kept: the same answer as Django's, and only to whom Django would give it."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from mysetlist.front import in_front
from tests.factories import make_artist
from trending.editions import watch
from trending.services import refresh, whole_hour

pytestmark = pytest.mark.django_db

ARTISTS = "/api/trending/artists/"
PASSED_ON = 599


@pytest.fixture(autouse=True)
def _scores() -> None:
    make_artist(popularity=90)
    refresh(as_of=whole_hour(timezone.now()))
    watch.forget()


async def behind(scope: Any, receive: Any, send: Any) -> None:
    """Where Django would be."""
    await send({"type": "http.response.start", "status": PASSED_ON, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def asked(path: str = ARTISTS, method: str = "GET", query: str = "", **headers: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body."""
    sent: list[dict[str, Any]] = []
    given = {"host": "localhost"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {"type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path}
    scope |= {"raw_path": path.encode(), "query_string": query.encode(), "root_path": ""}
    scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in given.items()]

    async def ask() -> None:
        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        await in_front(behind)(scope, receive, send)

    async_to_sync(ask)()
    start, body = sent
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], told, body["body"]


def test_nothing_kept_is_passed_on(client: Client) -> None:
    assert asked()[0] == PASSED_ON


def test_a_kept_answer_is_what_django_answers(client: Client) -> None:
    theirs = client.get(ARTISTS)
    status, headers, body = asked()
    expected = {name.lower(): value for name, value in theirs.headers.items() if name != "Allow"}
    assert {**headers, "x-request-id": ""} == {**expected, "x-request-id": ""}
    assert (status, body) == (200, theirs.content)
    assert headers["x-frame-options"] == "DENY"


def test_who_has_the_answer_gets_304_and_no_body(client: Client) -> None:
    etag = client.get(ARTISTS)["ETag"]
    status, headers, body = asked(if_none_match=etag)
    assert (status, headers["etag"], body) == (304, etag, b"")
    assert "content-type" not in headers


def test_head_has_the_headers_alone(client: Client) -> None:
    length = str(len(client.get(ARTISTS).content))
    status, headers, body = asked(method="HEAD")
    assert (status, headers["content-length"], body) == (200, length, b"")


@pytest.mark.parametrize(
    "other",
    [
        {"method": "POST"},
        {"method": "OPTIONS"},
        {"query": "limit=3"},
        {"path": "/api/trending/shows/"},
        {"path": "/"},
        {"accept": "text/csv"},
        {"host": "elsewhere.example"},
    ],
)
def test_all_else_is_passed_on(client: Client, other: dict[str, str]) -> None:
    client.get(ARTISTS)
    assert asked()[0] == 200
    assert asked(**other)[0] == PASSED_ON


def test_a_page_of_another_origin_may_read_it(client: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    client.get(ARTISTS)
    _, headers, _ = asked(origin="https://app.example")
    assert headers["access-control-allow-origin"] == "https://app.example"


def test_after_a_second_django_looks_whether_there_is_a_new_edition(client: Client) -> None:
    client.get(ARTISTS)
    assert watch.seen is not None
    moment, edition = watch.seen
    watch.seen = (moment - 2, edition)
    assert asked()[0] == PASSED_ON


def test_the_application_of_the_servers_has_it_in_front(client: Client) -> None:
    from mysetlist.asgi import application

    assert application.__qualname__.startswith("in_front")
