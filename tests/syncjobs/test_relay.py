"""What the relay asks of the broker."""

import threading
from collections.abc import Iterator

import psycopg
import pytest
from celery import Celery
from django.conf import settings
from django.db import connection
from kombu.exceptions import OperationalError
from kombu.simple import SimpleQueue

from mysetlist import broker
from syncjobs import relay
from tests.syncjobs.stage import redis_server

pytestmark = pytest.mark.usefixtures("effects")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[relay.Relay]:
    """One on PGMQ, in the database of this test."""
    app = Celery(broker="pgmq://localhost")
    app.conf.task_default_queue = settings.CELERY_TASK_DEFAULT_QUEUE
    app.conf.broker_transport_options = broker.transport_options("", connection.settings_dict)
    monkeypatch.setattr(relay, "celery", lambda: app)
    made = relay.Relay(threading.Event())
    yield made
    made.broker.release()


@pytest.fixture
def consumer(made: relay.Relay) -> Iterator[SimpleQueue]:
    """Who takes the messages, as a worker does."""
    with relay.celery().connection_for_read() as link, link.SimpleQueue(settings.CELERY_TASK_DEFAULT_QUEUE) as queue:
        yield queue


def ask(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_messages_that_a_worker_took_and_never_acknowledged_do_not_lie_in_the_broker(made: relay.Relay) -> None:
    ask("SELECT pgmq.drop_queue('jobs') FROM pgmq.meta WHERE queue_name = 'jobs'")
    assert relay.waiting(made.broker) == 0
    relay.publish([(number, "note") for number in range(3)], made.broker)
    assert relay.waiting(made.broker) == 3
    assert ask("SELECT count(*) FROM pgmq.read('jobs', 3600, 2)") == [(2,)]
    assert relay.waiting(made.broker) == 1


def test_counting_the_messages_changes_nothing_that_others_use(made: relay.Relay, consumer: SimpleQueue) -> None:
    relay.publish([(1, "note")], made.broker)
    trigger = "SELECT oid FROM pg_trigger WHERE tgrelid = 'pgmq.q_jobs'::regclass"
    before = ask(trigger)
    assert relay.waiting(made.broker) == 1
    assert ask(trigger) == before != []


def test_every_message_wakes_the_workers_however_fast_they_come(made: relay.Relay, consumer: SimpleQueue) -> None:
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as listener:
        listener.autocommit = True
        listener.execute('LISTEN "pgmq.q_jobs.INSERT"')
        relay.publish([(number, "note") for number in range(3)], made.broker)
        assert len(list(listener.notifies(timeout=5, stop_after=3))) == 3


def test_a_relay_does_not_listen_to_what_it_never_reads(made: relay.Relay) -> None:
    listeners = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN \"pgmq%'"
    )
    before = ask(listeners)
    relay.publish([(1, "note")], made.broker)
    assert ask(listeners) == before


def test_a_relay_that_has_hung_up_sends_again(made: relay.Relay) -> None:
    relay.publish([(1, "note")], made.broker)
    made.hang_up()
    relay.publish([(2, "note")], made.broker)
    assert relay.waiting(made.broker) == 2


@pytest.mark.parametrize(
    "problem", [psycopg.errors.DeadlockDetected("deadlock"), OperationalError("gone"), ConnectionResetError("reset")]
)
def test_a_failure_of_the_database_or_the_broker_does_not_end_a_relay(
    problem: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, turns = threading.Event(), []

    def turn(self: relay.Relay) -> None:
        turns.append(1)
        if len(turns) == 1:
            raise problem
        stop.set()

    monkeypatch.setattr(relay.Relay, "turn", turn)
    monkeypatch.setattr(relay.Relay, "wait", lambda self: None)
    monkeypatch.setattr(relay, "PAUSE_SECONDS", 0)
    relay.Relay(stop).run()
    assert len(turns) == 2


def test_a_relay_outlives_the_loss_of_redis_whatever_it_was_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it only counts what waits there, between two messages."""
    stop, turns, turn = threading.Event(), [], relay.Relay.turn
    for name, seconds in {"RESCUE_SECONDS": 0, "TICK_SECONDS": 0.01, "PAUSE_SECONDS": 0.01}.items():
        monkeypatch.setattr(relay, name, seconds)
    with redis_server() as server:
        app = Celery(broker=server.url)
        app.conf.broker_transport_options = broker.transport_options(server.url, connection.settings_dict)
        monkeypatch.setattr(relay, "celery", lambda: app)

        def counted(self: relay.Relay) -> None:
            turns.append(1)
            if len(turns) == 2:
                server.kill()
            elif len(turns) == 3:
                server.start()
            elif len(turns) == 5:
                stop.set()
            turn(self)

        monkeypatch.setattr(relay.Relay, "turn", counted)
        relay.Relay(stop).run()
    assert len(turns) == 5
