"""A scrape of /metrics and a turn of the watch at a million runs: python -m bench.scrape [runs].

On an embedded cluster of its own, emptied first: rows rolled back would lie in the indexes as dead ones.
"""

import statistics
import sys
import time
from typing import Any

from bench.machine import Told, cluster, load, machine

JOBS = 12
FILL = """
INSERT INTO cron_logs (job_name, status, started_at, finished_at, execution_time_ms, result)
SELECT (%s::text[])[1 + n %% array_length(%s::text[], 1)],
       CASE WHEN n %% 50 = 0 THEN 'failed' WHEN n %% 20 = 0 THEN 'skipped' ELSE 'success' END,
       now() - n * interval '30 seconds', now() - n * interval '30 seconds' + interval '2 seconds', n %% 5000,
       '{"artists_updated": 3}'
  FROM generate_series(1, %s) n
"""
FIGURES = """
INSERT INTO cron_metrics (job_name, day, runs, failures, skipped, missed, p50_ms, p95_ms, max_ms, rows)
SELECT job, current_date - d, 288, 5, 3, 1, 900, 2000, 4000, 5000
  FROM unnest(%s::text[]) job, generate_series(0, 729) d
"""


def main(count: int) -> None:
    cluster("scrape")
    say = Told("scrape.md")
    from django.conf import settings
    from django.db import connection
    from django.utils import timezone

    from monitoring import metrics
    from monitoring.facts import job_findings

    jobs = [*settings.CRON_JOBS, *(f"other_job_{n}" for n in range(JOBS))]
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE cron_logs, cron_metrics, queue_jobs, job_events CASCADE")
        cursor.execute(FILL, [jobs, jobs, count])
        cursor.execute(FIGURES, [jobs])
        cursor.execute("VACUUM ANALYZE")
        say(f"# /metrics\n\n{machine()}; `python -m bench.scrape`; {load()}")
        say(f"\n{count:,} runs of {len(jobs)} jobs, {730 * len(jobs):,} daily figures\n")
        say(f"- a scrape: {timed(metrics.scrape)}")
        say(f"- the jobs' facts and rules: {timed(lambda: list(job_findings(now=timezone.now())))}")
        for name, sql, values in (
            ("last success", metrics.LAST_SUCCESS, [jobs]),
            ("open runs", metrics.OPEN_RUNS, None),
            ("totals", metrics.TOTALS, None),
        ):
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}", values)
            say(f"\n{name}:\n\n" + "\n".join(f"    {line}" for (line,) in cursor.fetchall()))


def timed(call: Any) -> str:
    """The median and the worst of twenty calls, after one that warms up."""
    call()
    taken, own = [], []
    for _ in range(20):
        began, worked = time.perf_counter(), time.process_time()
        call()
        taken.append((time.perf_counter() - began) * 1000)
        own.append((time.process_time() - worked) * 1000)
    return f"{statistics.median(taken):.1f} ms (worst of 20: {max(taken):.1f} ms), of which {statistics.median(own):.1f} ms are Python's"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
