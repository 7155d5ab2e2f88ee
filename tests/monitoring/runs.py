"""What the tests of this room share: calls as another system makes them, and calls at the same moment."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

from monitoring.models import CronLog

PATIENCE_SECONDS = 20  # a slow machine's time for what takes a fraction of a second


def log_cron_run(job: str | None, status: str | None, result: Any = None, run: int | None = None) -> int:
    """Call the SQL function as its users do."""
    body = None if result is None else json.dumps(result)
    with connection.cursor() as cursor:
        cursor.execute("SELECT log_cron_run(%s, %s, %s::jsonb, %s)", [job, status, body, run])
        (number,) = cursor.fetchone()
    return int(number)


def the_run(number: int) -> CronLog:
    return CronLog.objects.get(pk=number)


def open_leased(job: str, *, seconds: float) -> int:
    """A run as a process of ours holds it: alive for so many seconds, or silent since."""
    run = log_cron_run(job, "running")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cron_logs SET lease_until = clock_timestamp() + make_interval(secs => %s) WHERE id = %s",
            [seconds, run],
        )
    return run


@contextmanager
def another_connection(**options: Any) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    """The test database, as somebody else sees it."""
    where = connection.settings_dict
    with psycopg.connect(
        dbname=where["NAME"], user=where["USER"], host=where["HOST"], port=where["PORT"], **options
    ) as theirs:
        yield theirs


def at_once(*calls: Callable[[], Any], patience: float = PATIENCE_SECONDS) -> list[Any]:
    """What calls give, or raise, that start at the same moment, each on a connection of its own."""
    gate = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def answer(place: int, call: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            gate.wait(PATIENCE_SECONDS)
            answers[place] = call()
        except Exception as problem:  # noqa: BLE001 (a test looks at it)
            answers[place] = problem
        finally:
            connection.close()

    threads = [threading.Thread(target=answer, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience)
    return answers


def wait_until(is_so: Callable[[], Any], what: str = "it", seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)


def somebody_waits_for_a_lock() -> bool:
    """A statement in this database stands still."""
    with another_connection(autocommit=True) as theirs:
        found = theirs.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return bool(found and found[0])
