"""The operator's desk at a million runs: python -m bench.desk [runs].

On an embedded cluster of its own, emptied first: rows rolled back would lie in the indexes as dead ones.
"""

import sys
from typing import Any

from bench.machine import Told, cluster, load, machine
from bench.scrape import timed

# Every job each minute: far more slots within a day than our schedules have.
FILL = """
INSERT INTO cron_logs (job_name, schedule, slot, trigger, status, started_at, finished_at, execution_time_ms, error_message)
SELECT job, job, slot, 'schedule', status, slot + interval '1 second', slot + interval '2 seconds',
       CASE WHEN status IN ('success', 'failed') THEN 300 + n %% 1000 END,
       CASE WHEN status = 'failed' THEN 'OperationalError: the connection is gone' ELSE '' END
  FROM unnest(%s::text[]) job, generate_series(1, %s) n,
       LATERAL (SELECT date_trunc('minute', now()) - make_interval(mins => n) AS slot,
                       CASE WHEN n %% 97 = 0 THEN 'failed' WHEN n %% 211 = 0 THEN 'missed'
                            WHEN n %% 307 = 0 THEN 'skipped' ELSE 'success' END AS status) one
"""
FIGURES = """
INSERT INTO cron_metrics (job_name, day, runs, failures, skipped, missed, p50_ms, p95_ms, max_ms)
SELECT job, current_date - d, 1440, 15, 4, 7, 300, 1000, 1300 FROM unnest(%s::text[]) job, generate_series(0, 729) d
"""
QUEUE = """
INSERT INTO queue_jobs (queue_name, job_name, job_data, priority, status, attempts, max_attempts, run_at, finished_at, last_error, state)
SELECT (%s::text[])[1 + n %% array_length(%s::text[], 1)], 'sync_artist_image', '{}', 10, status, 1, 3, at,
       CASE WHEN status <> 'pending' THEN at END, '', '{}'
  FROM generate_series(1, 300000) n,
       LATERAL (SELECT now() - make_interval(secs => n) AS at,
                       CASE WHEN n %% 30 = 0 THEN 'pending' WHEN n %% 500 = 1 THEN 'dead' ELSE 'completed' END AS status) one
"""


def main(count: int) -> None:
    cluster("desk")
    say = Told("desk.md")
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from mysetlist.catalog.models import User
    from syncjobs.policies import QUEUES

    jobs, queues = list(settings.CRON_JOBS), list(QUEUES)
    settings.ALLOWED_HOSTS = ["*"]
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE cron_logs, cron_metrics, queue_jobs, job_events CASCADE")
        cursor.execute(FILL, [jobs, count // len(jobs)])
        cursor.execute(FIGURES, [jobs])
        cursor.execute(QUEUE, [queues, queues])
        cursor.execute("VACUUM ANALYZE")
    client = Client()
    client.force_login(User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)[0])

    def desk() -> Any:
        return client.get("/admin/")

    say(f"# The desk\n\n{machine()}; `python -m bench.desk`; {load()}\n")
    say(f"{count:,} runs of {len(jobs)} jobs, {1440 * len(jobs):,} slots in a day, 300,000 queue jobs\n")
    say(f"- the page: {timed(desk)}")
    with CaptureQueriesContext(connection) as captured:
        size = len(desk().content)
    slowest = max(float(query["time"]) for query in captured.captured_queries)
    say(f"- {len(captured)} queries, the slowest {slowest * 1000:.0f} ms; {size // 1024} kB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
