"""Procrastinate, in a database of its own on the same cluster. As a process: `python -m bench.queue.theirs CONCURRENCY`.

Its words: `defer` puts a job in (a commit each), `batch_defer` many. A worker hears of them by LISTEN. Jobs are
async functions, as its manual advises for several at a time in one process.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from psycopg.conninfo import make_conninfo

from bench.queue.shared import (
    APART_SECONDS,
    BATCH,
    JOBS,
    LATENCIES,
    PROCESSES,
    SINGLY,
    Figures,
    rate,
    running,
    spread,
    wait,
    weights,
)

DATABASE = "procrastinate"
DSN = "BENCH_PROCRASTINATE"  # the name in the environment of a worker
NAME = f"Procrastinate {version('procrastinate')}"
SHAPES = {  # processes, each with so many jobs at a time
    f"{PROCESSES} processes": (PROCESSES, 1),
    f"1 process, {PROCESSES} at a time": (1, PROCESSES),
}

logging.getLogger("procrastinate").setLevel(logging.ERROR)  # a line for each job would be measured, too


def application(dsn: str) -> tuple[App, Any]:
    app = App(connector=PsycopgConnector(conninfo=dsn))

    @app.task(name="noop")
    async def noop() -> None:
        pass

    return app, noop


def set_up() -> None:
    """Its database, made anew."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    app, _ = application(dsn())
    with app.open():
        app.schema_manager.apply_schema()


@cache
def dsn() -> str:
    from django.db import connection

    with connection.cursor():  # the cluster runs
        told = connection.get_connection_params()
    return make_conninfo(dbname=DATABASE, **{key: told[key] for key in ("host", "port", "user") if told.get(key)})


def fastest_shape() -> tuple[str, dict[str, float]]:
    """It may be run in two ways: the faster one is measured."""
    app, task = application(dsn())
    with app.open():
        found = {name: do_in(shape, task) for name, shape in SHAPES.items()}
    return max(found, key=lambda name: found[name]), found


def do_in(shape: tuple[int, int], task: Any) -> float:
    clear()
    with workers(*shape):
        do(1, task)
        clear()
        return do(JOBS // 2, task)


def measure(shape: str) -> Figures:
    app, task = application(dsn())
    with app.open():
        clear()
        figures = {"singly": rate(SINGLY, lambda: [task.defer() for _ in range(SINGLY)])}
        clear()
        figures["batch"] = rate(BATCH, lambda: task.batch_defer(*[{}] * BATCH))
        clear()
        with workers(*SHAPES[shape]) as numbers:
            do(1, task)
            clear()
            figures["jobs"] = do(JOBS, task)
            clear()
            figures |= latencies(task)
            figures["largest"] = max(weights(numbers))
            figures["together"] = sum(weights(numbers))
    return figures


@contextmanager
def workers(processes: int, concurrency: int) -> Iterator[list[int]]:
    """The numbers of the processes, when all have said that they are there."""
    ask("DELETE FROM procrastinate_workers")
    with ExitStack() as stack:
        started = [
            stack.enter_context(running("bench.queue.theirs", str(concurrency), environment={DSN: dsn()}))
            for _ in range(processes)
        ]
        wait(lambda: ask("SELECT count(*) FROM procrastinate_workers") == processes)
        yield [process.pid for process in started]


def clear() -> None:
    ask("TRUNCATE procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers")


def do(count: int, task: Any) -> float:
    task.batch_defer(*[{}] * count)
    wait_until_done()
    seconds = ask(
        "SELECT extract(epoch FROM max(at) FILTER (WHERE type = 'succeeded') - min(at) FILTER (WHERE type = 'started'))::float"
        " FROM procrastinate_events"
    )
    return count / float(seconds)


def latencies(task: Any) -> Figures:
    for _ in range(LATENCIES):
        task.defer()
        time.sleep(APART_SECONDS)
    wait_until_done()
    return spread(
        ask(
            "SELECT array_agg(extract(epoch FROM started.at - deferred.at)::float * 1000) FROM procrastinate_events started"
            " JOIN procrastinate_events deferred USING (job_id) WHERE started.type = 'started' AND deferred.type = 'deferred'"
        )
    )


def wait_until_done() -> None:
    wait(lambda: ask("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'") == 0)


def ask(sql: str) -> Any:
    cursor = link().execute(sql)
    row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


@cache
def link() -> "psycopg.Connection[Any]":
    return psycopg.connect(dsn(), autocommit=True)


if __name__ == "__main__":
    application(os.environ[DSN])[0].run_worker(concurrency=int(sys.argv[1]))
