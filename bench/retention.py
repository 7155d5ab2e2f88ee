"""Clean up while jobs are claimed: python -m bench.retention [rows]. On an embedded cluster of its own.

Tells how long a claim takes before and during the cleanup, and how many rows a second go.
"""

import statistics
import sys
import threading
import time
from collections.abc import Callable

from bench.machine import Told, cluster, load, machine

JOBS = 20_000


def main(count: int) -> None:
    cluster("retention")
    say = Told("retention.md")
    from django.db import connection
    from django.utils import timezone

    from monitoring import services

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE cron_logs, queue_jobs, job_events CASCADE")
        cursor.execute(
            "INSERT INTO cron_logs (job_name, status, finished_at, result)"
            " SELECT 'old', 'success', now() - interval '91 days', '{\"seen\": 1}' FROM generate_series(1, %s)",
            [count],
        )
        cursor.execute(
            "INSERT INTO queue_jobs (queue_name, job_name, job_data, priority, status, attempts, max_attempts, last_error, state)"
            " SELECT 'bench', 'bench', '{}', 10, 'pending', 0, 1, '', '{}' FROM generate_series(1, %s)",
            [JOBS],
        )
        cursor.execute("ANALYZE")
    say(f"# Claims while rows go\n\n{machine()}; `python -m bench.retention`; {load()}\n")
    say(told("claims alone", claims(lambda: False, least=500)))
    cleaning = threading.Thread(target=lambda: services.cleanup_old_data(now=timezone.now()))
    began = time.perf_counter()
    cleaning.start()
    during = claims(cleaning.is_alive, least=0)
    cleaning.join()
    say(told(f"while {count:,} rows went ({count / (time.perf_counter() - began):,.0f} a second)", during))


def claims(is_on: Callable[[], bool], *, least: int) -> list[float]:
    """How many milliseconds each claim took, for as long as `is_on` says."""
    from syncjobs import queue

    taken: list[float] = []
    while len(taken) < least or is_on():
        began = time.perf_counter()
        queue.claim_next("bench", worker="bench:1", jobs=["bench"])
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def told(what: str, taken: list[float]) -> str:
    p50, p99 = statistics.median(taken), statistics.quantiles(taken, n=100)[98]
    return f"- {what}: {len(taken):,} claims, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
