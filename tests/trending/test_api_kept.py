"""Kept answers leave the house early: with all that other answers carry, and for nobody who has no business here."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_artist
from trending.editions import watch
from trending.services import refresh, whole_hour

pytestmark = pytest.mark.django_db

ARTISTS = "/api/trending/artists/"
ITS_OWN = {"X-Request-ID"}  # of each request
OF_THE_VIEW = {"Allow"}


@pytest.fixture(autouse=True)
def _scores() -> None:
    make_artist(popularity=90)
    refresh(as_of=whole_hour(timezone.now()))
    watch.forget()


def test_a_kept_answer_carries_what_the_first_one_did(client: Client) -> None:
    first, again = client.get(ARTISTS), client.get(ARTISTS)
    assert {"X-Request-ID", "X-Content-Type-Options", "X-Frame-Options", "Content-Length", "ETag"} <= set(again.headers)
    drop = ITS_OWN | OF_THE_VIEW
    first_headers, again_headers = (
        {name: value for name, value in response.headers.items() if name not in drop} for response in (first, again)
    )
    assert again_headers == first_headers
    assert again.content == first.content


def test_a_page_of_another_origin_may_read_a_kept_answer(client: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    for _ in range(2):
        response = client.get(ARTISTS, headers={"origin": "https://app.example"})
        assert response["Access-Control-Allow-Origin"] == "https://app.example"
        assert response["Vary"] == "Origin"


def test_a_kept_answer_needs_no_session_and_no_fan(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.get(ARTISTS)

    def unexpected(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("django.contrib.sessions.middleware.SessionMiddleware.process_request", unexpected)
    assert client.get(ARTISTS).status_code == 200
    with pytest.raises(AssertionError):
        client.get("/livez")


def test_a_host_that_is_not_ours_gets_no_kept_answer(client: Client) -> None:
    assert client.get(ARTISTS).status_code == 200
    assert client.get(ARTISTS, headers={"host": "elsewhere.example"}).status_code == 400


def test_a_kept_answer_is_not_for_who_cannot_read_it_or_does_something_else(client: Client) -> None:
    client.get(ARTISTS)
    assert client.get(ARTISTS, headers={"accept": "text/csv"}).status_code == 406
    assert client.post(ARTISTS).status_code == 405


def test_a_kept_answer_goes_stale_without_a_look_at_the_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get(ARTISTS).json()["stale"] is False
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert client.get(ARTISTS).json()["stale"] is True
