"""Who is an operator: bearers of a token of the settings, and staff who have signed in. Nobody else."""

from typing import Any

import pytest
from django.test import Client
from django.urls import path
from rest_framework.authtoken.models import Token
from rest_framework.request import Request
from rest_framework.response import Response

from monitoring.models import CronLog
from mysetlist import doors
from mysetlist.rights import Operator, digest, token_name
from tests.factories import make_fan
from tests.mysetlist.test_settings import read


class Who(doors.OperatorView):
    def get(self, request: Request) -> Response:
        return Response({"auth": request.auth, "user": request.user.get_username()})


urlpatterns = [path("api/who/", Who.as_view())]


@pytest.fixture(autouse=True)
def _tokens(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.OPERATOR_TOKENS = {"deploy": digest("s3cret-one"), "secret": digest("s3cret-two")}


def ask(header: str | None, **client: Any) -> Any:
    return Client(headers={"authorization": header} if header else {}, **client).get("/api/who/")


@pytest.mark.parametrize(("header", "name"), [("Bearer s3cret-one", "deploy"), ("bearer  s3cret-two", "secret")])
def test_a_token_opens_the_door_and_says_its_name(header: str, name: str) -> None:
    assert ask(header).json() == {"auth": name, "user": ""}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer s3cret-on",
        "Bearer s3cret-one ü",
        "Basic s3cret-one",
        "s3cret-one",
        "Bearer deploy",
    ],
)
def test_any_other_is_401_and_told_how(header: str | None) -> None:
    answer = ask(header)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert b"s3cret" not in answer.content


@pytest.mark.parametrize("header", [None, "Bearer x", "Bearer ", "Bearer None"])
def test_with_no_token_set_the_door_is_closed(header: str | None, settings: Any) -> None:
    settings.OPERATOR_TOKENS = {}
    assert ask(header).status_code == 401


@pytest.mark.django_db
class TestPeople:
    def signed_in(self, **values: Any) -> Any:
        client = Client()
        client.force_login(make_fan(**values))
        return client.get("/api/who/")

    def test_staff_who_signed_in_may(self) -> None:
        assert self.signed_in(is_staff=True, username="ann").json() == {"auth": None, "user": "ann"}

    def test_a_fan_who_signed_in_may_not(self) -> None:
        assert self.signed_in().status_code == 403

    def test_a_fans_token_is_no_operators_even_of_staff(self) -> None:
        token = Token.objects.create(user=make_fan(is_staff=True))
        assert ask(f"Token {token.key}").status_code == 401
        assert ask(f"Bearer {token.key}").status_code == 401

    def test_a_call_without_rights_leaves_no_trace_in_the_run_log(self) -> None:
        ask(None)
        ask("Bearer x")
        assert not CronLog.objects.exists()


def test_all_tokens_are_compared_whichever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(given: bytes, known: bytes) -> bool:
        compared.append(known)
        return given == known

    monkeypatch.setattr("mysetlist.rights.hmac.compare_digest", compare)
    assert token_name("s3cret-one") == Operator("deploy")
    assert len(compared) == 2


def test_settings_keep_digests_alone() -> None:
    done = read("OPERATOR_TOKENS", CRON_TOKENS="deploy:one-token, cron:two:token", CRON_SECRET="three-token")
    assert done.returncode == 0, done.stderr
    assert "token" not in done.stdout
    assert done.stdout.strip() == str(
        {"deploy": digest("one-token"), "cron": digest("two:token"), "secret": digest("three-token")}
    )


@pytest.mark.parametrize(
    "tokens", ["hunter2", "a:hunter2,:hunter2", "a:hunter2,b:", "a:hunter2,a:hunter3", "secret:hunter2"]
)
def test_settings_that_cannot_be_are_refused_and_no_token_is_said(tokens: str) -> None:
    done = read("OPERATOR_TOKENS", CRON_TOKENS=tokens, CRON_SECRET="hunter4")
    assert done.returncode != 0
    assert "CRON_TOKENS" in done.stderr
    assert "hunter" not in done.stderr.splitlines()[-1]
