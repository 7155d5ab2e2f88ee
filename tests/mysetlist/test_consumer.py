"""What a worker does when its broker is gone for a while."""

from types import SimpleNamespace
from typing import Any

import pytest
from celery.utils.imports import instantiate
from kombu.utils import functional

from mysetlist.celery import app
from tests.syncjobs.stage import redis_server

AWAY_SECONDS = 60
LONGEST_WAIT_SECONDS = 3


def test_a_worker_asks_every_few_seconds_for_a_broker_that_is_gone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or work would stand still for up to half a minute after the broker is back."""
    waited: list[float] = []

    def wait(seconds: float) -> None:
        was = sum(waited)
        waited.append(seconds)
        if was < AWAY_SECONDS <= sum(waited):
            server.start()

    monkeypatch.setattr(functional, "sleep", wait)
    with redis_server() as server:
        worker = SimpleNamespace(use_eventloop=False)
        consumer: Any = instantiate(app.conf.worker_consumer, print, app=app, controller=worker)
        link = app.connection_for_read(url=server.url)
        server.kill()
        consumer.ensure_connected(link)
        assert link.connected
        link.release()
    tries = [record for record in caplog.records if "Cannot connect" in record.message]
    assert len(tries) >= AWAY_SECONDS / LONGEST_WAIT_SECONDS
    assert sum(waited) <= AWAY_SECONDS + LONGEST_WAIT_SECONDS
