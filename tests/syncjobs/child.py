"""Not a test: a worker or a relay in a process of its own, on the database of the test that starts it.

Called as `python -m tests.syncjobs.child <database> <lease seconds> worker <concurrency>`, `… scheduler` or
`… relay [<where it dies> [<how many times>]]`. TEST_PLACES is the concurrency of the queue, TEST_CLOCK by how many
seconds the clock of the process is wrong, TEST_STANDIN where the stand-in for the sources is.
"""

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import django
import requests
import time_machine

RENEWALS_A_LEASE = 4


def main(database: str, lease_seconds: str, what: str, *arguments: str) -> None:
    if wrong := float(os.environ.get("TEST_CLOCK", 0)):
        time_machine.travel(datetime.now(UTC) + timedelta(seconds=wrong)).start()
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from mysetlist import broker
    from mysetlist.celery import app
    from syncjobs import relay
    from syncjobs.queue import attempts, publishing
    from tests.syncjobs import handlers

    connection.settings_dict["NAME"] = database
    handlers.register(int(os.environ.get("TEST_PLACES", 4)))
    attempts.LEASE_SECONDS = float(lease_seconds)
    attempts.RENEW_SECONDS = attempts.LEASE_SECONDS / RENEWALS_A_LEASE
    publishing.REPUBLISH_SECONDS = 1.0
    relay.RESCUE_SECONDS = relay.TICK_SECONDS = 0.2
    if standin := os.environ.get("TEST_STANDIN"):
        ask_instead(standin)
    url = os.environ["TEST_REDIS_URL"]
    app.conf.update(
        broker_url=url or "pgmq://localhost",
        broker_transport_options=broker.transport_options(url, connection.settings_dict),
        worker_prefetch_multiplier=broker.PREFETCH["redis" if url else "pgmq"],
    )
    if what == "worker":
        app.worker_main(
            ["worker", "--without-gossip", "--without-mingle", "--concurrency", *arguments, "--loglevel", "WARNING"]
        )
    elif what == "scheduler":
        call_command("scheduler")
    else:
        if arguments and is_survivor(*arguments[1:]):
            return
        if arguments:
            die(arguments[0], relay)
        call_command("relay")


def ask_instead(url: str) -> None:
    """The sources are here, and as fast as one likes."""
    from django.conf import settings

    from tests.syncjobs.outsiders import FAST

    for name, value in requests.get(f"{url}/standin/settings", timeout=10).json().items():
        setattr(settings, name, value)
    settings.SOURCE_LIMITS = FAST


def is_survivor(times: str = "") -> bool:
    """Start so many of itself, one after the other; this is the one that watches them die."""
    for _ in range(int(times or 0)):
        child = os.fork()
        if not child:
            return False
        if os.waitpid(child, 0)[1] != signal.SIGKILL:
            sys.exit("One was not killed.")
    return bool(times)


def die(where: str, relay: Any) -> None:
    """Be killed at this step of publishing."""

    def dead(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if where == "after-commit":
        relay.publish = lambda due, broker: due and dead()
        return
    send, sent = relay.celery().send_task, []

    def send_task(*args: Any, **options: Any) -> None:
        if where == "mid-batch" and len(sent) == 1:
            dead()
        send(*args, **options)
        sent.append(1)
        if where == "after-send":
            dead()

    if where == "after-select":  # the transaction has not been committed
        from syncjobs.queue import publishing

        publishing.sorted = lambda rows: (rows and dead()) or []  # type: ignore[attr-defined]
    else:
        relay.celery().send_task = send_task


if __name__ == "__main__":
    main(*sys.argv[1:])
