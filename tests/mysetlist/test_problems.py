"""Errors of the API are RFC 9457 problems from every corner, and leak nothing; people get pages."""

from typing import Any

import pytest
from django.db import DataError, OperationalError
from django.test import Client, RequestFactory
from django.urls import resolve
from rest_framework.exceptions import Throttled, ValidationError

from mysetlist import problems
from trending import editions

SECRET = "password=hunter2 host=10.0.0.7"


@pytest.fixture
def anyone() -> Client:
    return Client(raise_request_exception=False)


def read(answer: Any, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]
    return body


def test_an_unknown_address_is_404(anyone: Client) -> None:
    assert read(anyone.get("/api/nothing/"), 404)["code"] == "not_found"


def test_outside_the_api_people_get_a_page(anyone: Client) -> None:
    answer = anyone.get("/nothing/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_wrong_method_is_405_and_says_which_are_right(anyone: Client, method: str) -> None:
    answer = getattr(anyone, method)("/api/trending/formula/")
    assert read(answer, 405)["code"] == "method_not_allowed"
    assert "GET" in answer["Allow"]


def test_a_type_that_is_not_spoken_is_406(anyone: Client) -> None:
    assert read(anyone.get("/api/trending/formula/", headers={"accept": "text/html"}), 406)


def test_a_foreign_host_is_400(anyone: Client) -> None:
    assert read(anyone.get("/api/trending/formula/", headers={"host": "evil.example"}), 400)


def test_a_defect_is_500_and_says_nothing_of_itself(anyone: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(editions, "read_edition", broken)
    answer = anyone.get("/api/trending/formula/")
    assert read(answer, 500)["detail"] == "Something went wrong here. It has been noted."
    assert SECRET not in answer.content.decode()


def test_a_database_that_is_away_is_503_and_says_when_to_come_back(
    anyone: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError(SECRET)

    monkeypatch.setattr(editions, "read_edition", away)
    answer = anyone.get("/api/trending/formula/")
    assert read(answer, 503)["code"] == "unavailable"
    assert answer["Retry-After"] == "5"
    assert "hunter2" not in answer.content.decode()


def test_every_wrong_field_is_named_however_deep() -> None:
    met = ValidationError({"song": ["Unknown."], "place": {"city": ["Too long.", "Odd."]}, "non_field_errors": ["No."]})
    answer = problems.exception_handler(met, {})
    assert answer is not None
    assert b'"detail": "Bad fields: song, place.city."' in answer.content
    assert answer.content.count(b'"name"') == 4


def test_a_wait_is_told_in_whole_seconds_upwards() -> None:
    answer = problems.exception_handler(Throttled(wait=3.2), {})
    assert answer is not None
    assert (answer.status_code, answer["Retry-After"]) == (429, "4")


def test_a_nul_that_reached_the_database_is_the_callers_fault_and_other_bad_data_is_ours() -> None:
    nul = problems.exception_handler(DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), {})
    assert nul is not None
    assert nul.status_code == 400
    assert problems.exception_handler(DataError("value too long"), {}) is None


@pytest.mark.parametrize("handler", [problems.bad_request, problems.forbidden, problems.not_found])
def test_djangos_own_answers_are_problems_for_machines_and_pages_for_people(handler: Any, rf: RequestFactory) -> None:
    met = ValueError(SECRET)
    assert handler(rf.get("/api/x/"), met)["Content-Type"] == "application/problem+json"
    assert handler(rf.get("/x/"), met)["Content-Type"].startswith("text/html")
    assert SECRET not in handler(rf.get("/api/x/"), met).content.decode()


def test_a_missing_slash_leads_to_the_address(anyone: Client) -> None:
    answer = anyone.get("/api/trending/formula")
    assert (answer.status_code, answer["Location"]) == (301, "/api/trending/formula/")
    assert resolve(answer["Location"]).url_name == "trending-formula"
