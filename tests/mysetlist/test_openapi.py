"""The OpenAPI document says what the API does: reviewed, with true examples, and tried with a few hundred odd calls."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from jsonschema import Draft202012Validator
from rest_framework.authtoken.models import Token
from schemathesis.specs.openapi.checks import positive_data_acceptance, unsupported_method

from mysetlist.schema import DOCUMENT, reviewed
from mysetlist.throttles import AddressThrottle, FanThrottle
from mysetlist.wsgi import application
from tests.factories import make_artist, make_fan, make_setlist, make_show, make_venue
from trending.services import refresh, whole_hour

HOW = "manage.py spectacular --file mysetlist/openapi.yaml"

ANSWERS = [
    pytest.param(body, id=f"{method} {path} {code}")
    for path, methods in reviewed()["paths"].items()
    for method, operation in methods.items()
    for code, answer in operation["responses"].items()
    for body in answer.get("content", {}).values()
]


def test_the_document_is_reviewed(tmp_path: Path) -> None:
    call_command("spectacular", "--file", str(tmp_path / "now.yaml"), "--validate", "--fail-on-warn")
    now = (tmp_path / "now.yaml").read_text()
    assert now == DOCUMENT.read_text(), f"The API's document has changed. Look at the change, then: {HOW}"


@pytest.mark.parametrize("body", ANSWERS)
def test_every_answer_has_an_example_that_fits_its_schema(body: dict[str, Any]) -> None:
    assert body["examples"]
    schema = {**body["schema"], "components": reviewed()["components"]}
    for example in body["examples"].values():
        Draft202012Validator(schema).validate(example["value"])


def test_examples_of_explanations_add_up() -> None:
    told = [body.values[0] for body in ANSWERS if body.id and "/trend/ 200" in str(body.id)]
    assert len(told) == 2
    for body in told:
        example = body["examples"]["Example"]["value"]
        assert sum(line["units"] for line in example["factors"]) == example["raw_units"]
        assert sum(line["points"] for line in example["factors"]) == pytest.approx(example["score"])


def test_every_address_of_the_api_is_in_the_document() -> None:
    documented = set(reviewed()["paths"])
    apart = {"/api/schema/", "/api/docs/"}
    assert {path for path in addresses() if path.startswith(("/api/", "/livez", "/readyz"))} - apart == documented


def addresses() -> Iterator[str]:
    for included in get_resolver().url_patterns:
        for pattern in getattr(included, "url_patterns", [included]):
            prefix = str(included.pattern) if pattern is not included else ""
            # cron/<slug:slug>/ is cron/{slug}/
            yield re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{prefix}{pattern.pattern}").replace("{pk}", "{id}")


def test_the_document_is_handed_out_as_json_and_as_yaml(client: Client) -> None:
    assert client.get("/api/schema/").json() == reviewed()
    text = client.get("/api/schema/", headers={"accept": "application/yaml"}).content
    assert yaml.safe_load(text) == reviewed()
    assert client.get("/api/schema/?version=a%0Ab&lang=x").status_code == 200


def test_the_page_of_the_document_needs_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get("/api/docs/")
    page = answer.content.decode()
    assert answer.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    assert all(address.startswith("/static/drf_spectacular_sidecar/") for address in loaded)
    assert "/api/schema/" in page


# --- odd calls ---


@pytest.fixture
def _catalogue(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small catalogue, a fan whose token goes with every call, and no pace to keep."""
    artist = make_artist(name="Madonna", slug="madonna", genres=["pop"])
    show = make_show(artist, slug="madonna", venue=make_venue(), starts_at=timezone.now() + timedelta(days=3))
    make_setlist(show, songs=2)
    refresh(as_of=whole_hour(timezone.now()))
    for throttle in (FanThrottle, AddressThrottle):
        monkeypatch.setattr(throttle, "rate", "1000000/minute")
    monkeypatch.setattr(Token, "generate_key", classmethod(lambda cls: "f" * 40))
    Token.objects.create(user=make_fan())
    for signal in (request_started, request_finished):  # the calls share the connection of the test
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


odd = schemathesis.openapi.from_wsgi("/api/schema/", application)


@pytest.mark.usefixtures("_catalogue")
@odd.parametrize()
@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_odd_calls_get_documented_answers_and_never_a_5xx(case: schemathesis.Case) -> None:
    fan = "/follow/" in case.path or "/votes/" in case.path
    case.call_and_validate(
        headers={"Authorization": f"Token {'f' * 40}"} if fan else {},
        excluded_checks=[positive_data_acceptance, unsupported_method],  # a cursor of the right form may be of no list
    )
