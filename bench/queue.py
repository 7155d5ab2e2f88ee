"""What the queue does in a second, beside bare Celery on the same broker in the same run. Run:

    .venv/bin/python -m bench.queue [pgmq] [redis]

On an embedded cluster of its own. Jobs do nothing: what is measured is enqueuing, publishing, claiming and
finishing, with one relay and one worker of four processes.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Any

from bench.machine import RESULTS, ROOT, load, machine

PROCESSES = 4
JOBS = 4000
SINGLY = 1000
BATCH = 16_000
LATENCIES = 200
BARE = 4000
PATIENCE_SECONDS = 300


def noop(work: Any) -> dict[str, int]:
    return {"done": 1}


def bare() -> None:
    """What bare Celery does: nothing."""


def main() -> None:
    set_up()
    if sys.argv[1:2] in (["worker"], ["relay"]):
        serve(sys.argv[1])
        return
    for broker in sys.argv[1:] or ["pgmq", "redis"]:
        if broker == "pgmq":
            report(broker, "")
            continue
        from tests.syncjobs.stage import real_redis

        with real_redis() as url:
            report(broker, url)


def set_up() -> None:
    os.environ.update(MYSETLIST_DATA_DIR=str(ROOT / ".data" / "bench" / "queue"), DATABASE_URL="")
    os.environ.setdefault("REDIS_URL", "")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysetlist.settings")
    import django

    django.setup()
    from mysetlist.celery import app
    from syncjobs.policies import POLICIES, QUEUES, Policy, Queue

    QUEUES["bench"] = Queue(concurrency=PROCESSES, attempts=3)
    POLICIES["noop"] = Policy(path="bench.queue.noop", queue="bench", longest=timedelta(minutes=1))
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


@contextmanager
def running(what: str, url: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.queue", what],
        cwd=ROOT,
        env={**os.environ, "REDIS_URL": url},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def report(broker: str, url: str) -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    ask("TRUNCATE queue_jobs, job_events, system_health")
    ask("DO $$ BEGIN TRUNCATE pgmq.q_jobs; EXCEPTION WHEN undefined_table THEN END $$")
    lines = [
        f"# The queue on {broker}",
        "",
        f"{machine()}; `python -m bench.queue {broker}`; {load()}",
        "",
        "| what | figure |",
        "|---|---|",
        f"| enqueued singly, a commit each | {enqueue_singly():,.0f}/s |",
        f"| enqueued in a batch of {BATCH:,} | {enqueue_batch():,.0f}/s |",
    ]
    ask("TRUNCATE queue_jobs, job_events")
    with running("worker", url) as worker:
        wait(lambda: ask("SELECT count(*) FROM system_health WHERE component LIKE 'worker %'") == 1)
        bare = bare_celery(url)
        with running("relay", url):
            ours = no_op_jobs()
            lines += [
                f"| no-op jobs, {PROCESSES} processes | {ours:,.0f}/s |",
                f"| no-op tasks of bare Celery, the same worker | {bare:,.0f}/s ({ours / bare:.2f} of it is ours) |",
                f"| ready → start | {latencies()} |",
                f"| largest process of the worker after {JOBS + LATENCIES:,} jobs and {BARE:,} tasks | {memory(worker.pid)} MB |",
            ]
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    (RESULTS / f"queue-{broker}.md").write_text(text)


def enqueue_singly() -> float:
    from syncjobs.queue import enqueue

    started = perf_counter()
    for _ in range(SINGLY):
        enqueue("noop")
    return SINGLY / (perf_counter() - started)


def enqueue_batch() -> float:
    from syncjobs.queue import enqueue_many

    started = perf_counter()
    enqueue_many("noop", [{}] * BATCH)
    return BATCH / (perf_counter() - started)


def no_op_jobs() -> float:
    from syncjobs.queue import enqueue_many

    enqueue_many("noop", [{}] * JOBS)
    wait(lambda: ask("SELECT count(*) FROM queue_jobs WHERE status <> 'completed'") == 0)
    return float(
        ask(
            "SELECT count(*) / extract(epoch FROM max(finished_at) - min(started_at)) FROM queue_jobs WHERE job_name = 'noop'"
        )
    )


def latencies() -> str:
    from syncjobs.queue import enqueue

    ask("TRUNCATE queue_jobs, job_events")
    for _ in range(LATENCIES):
        enqueue("noop")
        time.sleep(0.03)
    wait(lambda: ask("SELECT count(*) FROM queue_jobs WHERE status <> 'completed'") == 0)
    waits = ask("SELECT array_agg(extract(epoch FROM started_at - created_at)::float * 1000) FROM queue_jobs")
    cuts = quantiles(waits, n=20)
    return f"p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms, longest {max(waits):.0f} ms"


def bare_celery(url: str) -> float:
    from django.conf import settings
    from kombu import Connection

    from mysetlist import broker
    from mysetlist.celery import app

    options = broker.transport_options(url, settings.DATABASES["default"])
    with Connection(url or "pgmq://localhost", transport_options=options) as link, app.amqp.Producer(link) as producer:
        app.send_task("bench.bare", producer=producer)
        time.sleep(1)  # the worker is warm
        for _ in range(BARE):
            app.send_task("bench.bare", producer=producer)
        left = unfinished(url)
        started = perf_counter()
        wait(lambda: unfinished(url) == 0)
        return left / (perf_counter() - started)


def unfinished(url: str) -> int:
    if not url:
        return int(ask("SELECT count(*) FROM pgmq.q_jobs"))
    import redis

    with redis.Redis.from_url(url) as client:
        return int(client.llen("jobs")) + int(client.hlen("unacked"))


def memory(parent: int) -> int:
    """The most that the worker or a child of it has, in MB."""
    sizes = []
    for status in Path("/proc").glob("[0-9]*/status"):
        text = status.read_text()
        if status.parent.name == str(parent) or f"PPid:\t{parent}\n" in text:
            sizes += [int(size) for size in re.findall(r"VmRSS:\s+(\d+)", text)]
    return max(sizes) // 1024


def ask(sql: str) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def wait(is_so: Callable[[], bool]) -> None:
    deadline = perf_counter() + PATIENCE_SECONDS
    while not is_so():
        if perf_counter() > deadline:
            raise TimeoutError
        time.sleep(0.02)


if __name__ == "__main__":
    main()
