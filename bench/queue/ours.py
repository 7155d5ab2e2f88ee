"""The ledger, one relay, and one worker of four processes. As a process: `python -m bench.queue.ours worker|relay`."""

import os
import sys
import time
from datetime import timedelta
from typing import Any

from bench.machine import ROOT
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


def noop(work: Any) -> dict[str, int]:
    return {"done": 1}


def bare() -> None:
    """What bare Celery does: nothing."""


def set_up() -> None:
    """Django on a cluster of its own, and a job that does nothing."""
    os.environ.update(MYSETLIST_DATA_DIR=str(ROOT / ".data" / "bench" / "queue"), DATABASE_URL="")
    os.environ.setdefault("REDIS_URL", "")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysetlist.settings")
    import django

    django.setup()
    from mysetlist.celery import app
    from syncjobs.policies import POLICIES, QUEUES, Policy, Queue

    QUEUES["bench"] = Queue(concurrency=PROCESSES, attempts=3)
    POLICIES["noop"] = Policy(path="bench.queue.ours.noop", queue="bench", longest=timedelta(minutes=1))
    app.task(name="bench.bare")(bare)


def serve(what: str) -> None:
    from django.core.management import call_command

    from mysetlist.celery import app

    if what == "relay":
        call_command("relay")
    else:
        app.worker_main(
            ["worker", "--without-gossip", "--without-mingle", f"--concurrency={PROCESSES}", "--loglevel=WARNING"]
        )


def measure(url: str) -> Figures:
    """One turn: first without anybody who works, then with."""
    from syncjobs.queue import enqueue, enqueue_many

    clear()
    figures = {"singly": rate(SINGLY, lambda: [enqueue("noop") for _ in range(SINGLY)])}
    clear()
    figures["batch"] = rate(BATCH, lambda: enqueue_many("noop", [{}] * BATCH))
    clear()
    with worker(url) as working, running("bench.queue.ours", "relay", environment={"REDIS_URL": url}) as relay:
        do(1)
        ask("TRUNCATE queue_jobs, job_events")
        figures["jobs"] = do(JOBS)
        ask("TRUNCATE queue_jobs, job_events")
        figures |= latencies()
        figures["largest"] = max(weights([working.pid]))
        figures["together"] = sum(weights([working.pid, relay.pid]))
    return figures


def worker(url: str) -> Any:
    """A worker that is ready when it is handed out: all its processes, and its first heartbeat."""
    from contextlib import contextmanager

    @contextmanager
    def started() -> Any:
        ask("DELETE FROM system_health WHERE component LIKE 'worker %'")
        with running("bench.queue.ours", "worker", environment={"REDIS_URL": url}) as process:
            wait(lambda: ask("SELECT count(*) FROM system_health WHERE component LIKE 'worker %'") > 0)
            yield process

    return started()


def clear() -> None:
    ask("TRUNCATE queue_jobs, job_events")
    ask("DO $$ BEGIN TRUNCATE pgmq.q_jobs; EXCEPTION WHEN undefined_table THEN END $$")


def do(count: int) -> float:
    """So many jobs, put in at once: how many were done in a second, from the first start to the last end."""
    from syncjobs.queue import enqueue_many

    enqueue_many("noop", [{}] * count)
    wait_until_done()
    seconds = ask("SELECT extract(epoch FROM max(finished_at) - min(started_at))::float FROM queue_jobs")
    return count / float(seconds)


def latencies() -> Figures:
    from syncjobs.queue import enqueue

    for _ in range(LATENCIES):
        enqueue("noop")
        time.sleep(APART_SECONDS)
    wait_until_done()
    return spread(ask("SELECT array_agg(extract(epoch FROM started_at - created_at)::float * 1000) FROM queue_jobs"))


def wait_until_done() -> None:
    wait(lambda: ask("SELECT count(*) FROM queue_jobs WHERE status <> 'completed'") == 0)


def ask(sql: str) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


if __name__ == "__main__":
    set_up()
    serve(sys.argv[1])
