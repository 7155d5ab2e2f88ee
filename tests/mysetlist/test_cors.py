"""Other origins: those that are named may ask the API, and nobody else."""

from typing import Any

import pytest
from django.test import Client

URL, OURS = "/api/schema/", "https://app.example"


@pytest.fixture(autouse=True)
def _origins(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [OURS]


def test_a_named_origin_may_read(client: Client) -> None:
    answer = client.get(URL, headers={"origin": OURS})
    assert answer["Access-Control-Allow-Origin"] == OURS
    assert "Origin" in answer["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer


def test_errors_can_be_read_too(client: Client) -> None:
    assert client.get("/api/nothing/", headers={"origin": OURS})["Access-Control-Allow-Origin"] == OURS


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "*", "https://app.example.evil", "http://app.example"]
)
def test_any_other_may_not(client: Client, origin: str) -> None:
    answer = client.get(URL, headers={"origin": origin})
    assert "Access-Control-Allow-Origin" not in answer
    assert "Origin" in answer["Vary"]


def test_who_asks_first_is_told_what_may_be_sent(client: Client) -> None:
    answer = client.options("/api/votes/", headers={"origin": OURS, "access-control-request-method": "POST"})
    assert answer.status_code == 204
    assert "Authorization" in answer["Access-Control-Allow-Headers"]
    assert "POST" in answer["Access-Control-Allow-Methods"]


def test_what_is_no_api_is_left_alone(client: Client) -> None:
    assert "Access-Control-Allow-Origin" not in client.get("/livez", headers={"origin": OURS})


def test_with_none_named_nothing_is_said(client: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = []
    answer = client.get(URL, headers={"origin": OURS})
    assert "Access-Control-Allow-Origin" not in answer
    assert "Origin" not in answer.get("Vary", "")
