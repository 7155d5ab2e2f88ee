"""Figures for Prometheus, read from the tables at each scrape: right whichever of several processes answers."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitoring.models import SystemHealth

# Both walk their indexes; neither counts a row of cron_logs that has ended, of which there may be millions.
LAST_SUCCESS = """
SELECT job.name, run.finished_at, run.execution_time_ms FROM unnest(%s::text[]) AS job(name)
 CROSS JOIN LATERAL (SELECT finished_at, execution_time_ms FROM cron_logs l
                      WHERE l.job_name = job.name AND l.status = 'success' ORDER BY finished_at DESC LIMIT 1) run
"""
OPEN_RUNS = "SELECT job_name, status, count(*) FROM cron_logs WHERE status IN ('queued', 'running') GROUP BY 1, 2"
# The days' figures outlive the runs: counters that never go back. What is past their retention is two years old.
TOTALS = """
SELECT job_name, sum(runs - failures), sum(failures), sum(skipped), sum(missed), sum(rows) FROM cron_metrics GROUP BY 1
"""
TODAY = "SELECT job_name, p50_ms, p95_ms, max_ms FROM cron_metrics WHERE day = %s AND max_ms IS NOT NULL"


def scrape() -> bytes:
    """Everything, in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Tables())
    return generate_latest(registry)


def up(status: str) -> bytes:
    """The one figure for everybody: 1 unless something is down."""
    said = 0 if status == "fail" else 1
    return f"# HELP mysetlist_up 1 unless something is down.\n# TYPE mysetlist_up gauge\nmysetlist_up {said}\n".encode()


class Tables(Collector):
    """The metrics of settings.METRICS: functions that take `now` and yield metric families."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        for path in settings.METRICS:
            yield from import_string(path)(now=now)


def runs(*, now: datetime) -> Iterator[Metric]:
    """All runs that ever ended, and what they wrote."""
    count = counter("cron_runs", "Runs that ended.", ["job", "status"])
    rows = counter("cron_rows_written", "Rows that runs said they wrote.", ["job"])
    for job, well, failed, skipped, missed, written in ask(TOTALS):
        for status, number in (("success", well), ("failed", failed), ("skipped", skipped), ("missed", missed)):
            count.add_metric([job, status], float(number))
        if written is not None:
            rows.add_metric([job], float(written))
    yield from (count, rows)


def latest_runs(*, now: datetime) -> Iterator[Metric]:
    """Each job's last success, what is under way, and today's times."""
    last = gauge("cron_last_success_timestamp_seconds", "When the job last succeeded.", ["job"])
    took = gauge("cron_last_success_duration_seconds", "How long that took.", ["job"])
    for job, at, milliseconds in ask(LAST_SUCCESS, [list(settings.CRON_JOBS)]):
        last.add_metric([job], at.timestamp())
        if milliseconds is not None:
            took.add_metric([job], milliseconds / 1000)
    yield from (last, took)
    live = gauge("cron_open_runs", "Runs that are queued or running.", ["job", "status"])
    for job, status, number in ask(OPEN_RUNS):
        live.add_metric([job, status], number)
    yield live
    today = gauge("cron_run_duration_seconds", "How long today's runs (UTC) took.", ["job", "quantile"])
    for job, *figures in ask(TODAY, [now.date()]):
        for quantile, milliseconds in zip(("0.5", "0.95", "1"), figures, strict=True):
            today.add_metric([job, quantile], milliseconds / 1000)
    yield today


def parts(*, now: datetime) -> Iterator[Metric]:
    """Health, signs of life and alerts."""
    status = gauge("health_status", "1 healthy, 0.5 degraded, 0 down.", ["component"])
    age = gauge("health_checked_age_seconds", "Since the component was last heard of.", ["component"])
    value = {SystemHealth.Status.HEALTHY: 1.0, SystemHealth.Status.DEGRADED: 0.5, SystemHealth.Status.DOWN: 0.0}
    for row in SystemHealth.objects.order_by("component"):
        status.add_metric([row.component], value[SystemHealth.Status(row.status)])
        age.add_metric([row.component], max((now - row.checked_at).total_seconds(), 0.0))
    yield from (status, age)
    live = gauge("alerts", "Alerts that are not resolved.", ["rule", "severity", "state"])
    for rule, severity, state, number in ask(
        "SELECT rule, severity, state, count(*) FROM alerts WHERE state <> 'resolved' GROUP BY 1, 2, 3"
    ):
        live.add_metric([rule, severity, state], number)
    yield live
    waiting = gauge("alert_messages_waiting", "Messages about alerts that were not sent yet.", ["channel"])
    for channel, number in ask("SELECT channel, count(*) FROM alert_messages WHERE sent_at IS NULL GROUP BY 1"):
        waiting.add_metric([channel], number)
    yield waiting


def ask(sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def counter(name: str, says: str, labels: list[str]) -> CounterMetricFamily:
    return CounterMetricFamily(f"mysetlist_{name}", says, labels=labels)


def gauge(name: str, says: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"mysetlist_{name}", says, labels=labels)
