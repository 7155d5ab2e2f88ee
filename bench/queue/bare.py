"""Celery alone, on the same broker, in the same worker: a message for each task, no ledger."""

import time
from collections.abc import Callable

from bench.queue.ours import ask, clear, worker
from bench.queue.shared import Figures, rate, wait

TASKS = 4000
WARM_SECONDS = 1.0


def measure(url: str) -> Figures:
    from django.conf import settings
    from kombu import Connection

    from mysetlist import broker
    from mysetlist.celery import app

    options = broker.transport_options(url, settings.DATABASES["default"]) | {"use_notify": False}  # it only sends
    clear()
    with Connection(url or "pgmq://localhost", transport_options=options) as link, app.amqp.Producer(link) as producer:

        def send() -> None:
            app.send_task("bench.bare", producer=producer)

        send()  # makes the queue
        figures = {"singly": rate(TASKS, lambda: [send() for _ in range(TASKS)])}
        with worker(url):
            time.sleep(WARM_SECONDS)  # it works meanwhile
            figures["jobs"] = done_in_a_second(lambda: unfinished(url))
    return figures


def done_in_a_second(left: Callable[[], int]) -> float:
    at_first = left()
    return rate(at_first, lambda: wait(lambda: left() == 0))


def unfinished(url: str) -> int:
    if not url:
        return int(ask("SELECT count(*) FROM pgmq.q_jobs"))
    import redis

    with redis.Redis.from_url(url) as client:
        return int(client.llen("jobs")) + int(client.hlen("unacked"))
