"""A line of the log says when, who, whose request and whose run, and no secret."""

import asyncio
import gzip
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from monitoring.cron import cron_job
from monitoring.logs import HEADER, logging_config, without_secrets
from monitoring.models import CronLog
from monitoring.redaction import redact
from tests.monitoring.receiver import receiver

logger = logging.getLogger("monitoring.tests")


@pytest.fixture
def written() -> Any:
    """What is written while the product's own handler listens; each call gives the lines since the last."""
    shape = logging_config("json")["formatters"]["ours"]
    sink = StringIO()
    handler = logging.StreamHandler(sink)
    handler.setFormatter(shape["()"](foreign_pre_chain=shape["foreign_pre_chain"], processors=shape["processors"]))
    logging.getLogger().addHandler(handler)

    def lines() -> list[dict[str, Any]]:
        said = [json.loads(line) for line in sink.getvalue().splitlines()]
        sink.truncate(sink.seek(0))
        return said

    yield lines
    logging.getLogger().removeHandler(handler)


Written = Callable[[], list[dict[str, Any]]]


def test_a_line_is_one_json_object(written: Written) -> None:
    logger.warning("%s is späte", "import")
    (line,) = written()
    assert line["event"] == "import is späte"
    assert (line["level"], line["logger"]) == ("warning", "monitoring.tests")
    assert line["timestamp"].endswith("Z")


def test_a_traceback_stays_in_its_line_without_secrets(written: Written, settings: Any) -> None:
    settings.SPOTIFY_CLIENT_SECRET = "open-sesame"
    try:
        raise ValueError("GET /token?client_secret=x&x=open-sesame")
    except ValueError:
        logger.exception("Unable")
    (line,) = written()
    assert "ValueError: GET /token" in line["exception"]
    assert "sesame" not in line["exception"]


def test_extra_values_with_a_secret_s_name_are_hidden() -> None:
    event = without_secrets({"headers": {"Authorization": "abc", "Accept": "*/*"}, "list": ["token=abc"]}, {})
    assert event == {"headers": {"Authorization": "[hidden]", "Accept": "*/*"}, "list": ["token=[hidden]"]}


SECRETS = [
    ("Authorization: Bearer abc.def-123", "Authorization: [hidden]"),
    ("sent Bearer abcdefgh12345", "sent Bearer [hidden]"),
    ("api_key=abc123, next", "api_key=[hidden], next"),
    ('{"client_secret": "abc 123", "n": 1}', '{"client_secret": [hidden], "n": 1}'),
    ("password='a b'", "password=[hidden]"),
    ("GET /events?apikey=abc123&size=3", "GET /events?apikey=[hidden]&size=3"),
    ("postgres://me:pass@host/db", "postgres://me:[hidden]@host/db"),
    ("x-api-key: abc", "x-api-key: [hidden]"),
    ("the value is known-secret-value.", "the value is [hidden]."),
    ("POST /services/T000/known-in-the-path failed", "POST [hidden] failed"),
    ("nothing to hide: 3 tokens left, key 7", "nothing to hide: 3 tokens left, key 7"),
]


@pytest.mark.parametrize(("text", "expected"), SECRETS)
def test_secrets_are_hidden_and_nothing_else(text: str, expected: str, settings: Any) -> None:
    settings.SETLISTFM_API_KEY = "known-secret-value"
    settings.ALERT_WEBHOOK_URL = "https://hooks.example/services/T000/known-in-the-path"
    assert redact(text) == expected


def test_short_values_do_not_blot_out_the_log(settings: Any) -> None:
    settings.TICKETMASTER_API_KEY = "a"
    assert redact("a banana") == "a banana"


def say(request: HttpRequest) -> HttpResponse:
    logger.warning("here")
    return HttpResponse("ok")


urlpatterns = [path("say", say)]


@pytest.mark.urls(__name__)
def test_a_request_has_an_id_in_its_answer_and_in_every_line_about_it(written: Written) -> None:
    first = Client().get("/say", headers={HEADER: "from-the-proxy-1"})
    second, third = Client().get("/say"), Client().get("/say", headers={HEADER: "bad id\u00e9 {}"})
    said = [line["request_id"] for line in written()]
    assert said == [answer[HEADER] for answer in (first, second, third)]
    assert said[0] == "from-the-proxy-1"
    assert len(set(said)) == 3
    assert len(said[2]) == 32
    logger.warning("after")
    assert "request_id" not in written()[0]


@pytest.mark.urls(__name__)
def test_it_has_one_under_asgi_too(written: Written) -> None:
    answer = asyncio.run(AsyncClient().get("/say"))
    assert [line["request_id"] for line in written()] == [answer[HEADER]]


@pytest.mark.django_db(transaction=True)
def test_what_a_job_logs_names_its_run(written: Written) -> None:
    @cron_job
    def nightly() -> dict[str, int]:
        logger.warning("at work")
        return {}

    run = nightly().run
    assert [(line["job"], line["run"]) for line in written()] == [("nightly", run)]
    assert CronLog.objects.get().pk == run


def test_another_format_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT must be json or console, not 'xml'"):
        logging_config("xml")


FAILING = """
import logging, django, requests
django.setup()
logging.getLogger("at.work").warning("GET /events?apikey=known-secret-value")
try:
    secret = "known-" + "secret-value"
    raise ValueError("Bearer abcdefgh12345 was not taken, nor " + secret)
except ValueError:
    logging.getLogger("at.work").exception("The import failed")
"""


def test_what_sentry_gets_is_what_the_log_gets(tmp_path: Path) -> None:
    with receiver() as sentry:
        environment = {
            "DJANGO_SETTINGS_MODULE": "mysetlist.settings",
            "SENTRY_DSN": sentry.url.replace("//", "//key@") + "/1",
            "SETLISTFM_API_KEY": "known-secret-value",
            "MYSETLIST_DATA_DIR": str(tmp_path),
        }
        subprocess.run(
            [sys.executable, "-c", FAILING], cwd=settings.BASE_DIR, env={**os.environ, **environment}, check=True
        )
    told = b"".join(gzip.decompress(body) for body in sentry.bodies).decode()
    assert "The import failed" in told
    assert "ValueError" in told
    assert "Bearer [hidden] was not taken, nor [hidden]" in told
    assert not any(secret in told for secret in ("known-secret", "abcdefgh"))
