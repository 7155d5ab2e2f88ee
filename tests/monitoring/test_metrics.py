"""/metrics: read from the tables, so that every process says the same; for operators."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from monitoring.metrics import scrape
from monitoring.models import Alert, CronLog, CronMetric, SystemHealth
from mysetlist.rights import digest
from syncjobs.metrics import sum_up_queues
from syncjobs.models import QueueJob, QueueMetric, SourceState
from tests.factories import NOON
from tests.monitoring.runs import log_cron_run

pytestmark = pytest.mark.django_db


def samples() -> dict[tuple[str, ...], float]:
    """Every sample: its name and its labels' values, as a parser of Prometheus' reads them."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(scrape().decode())
        for sample in family.samples
    }


def test_runs_are_counted_by_job_and_how_they_ended() -> None:
    for status in ("success", "success", "partial", "failed", "skipped", "missed"):
        log_cron_run("calculate_trending", status, {"artists_updated": 3})
    found = samples()
    for status, number in (("success", 3), ("failed", 1), ("skipped", 1), ("missed", 1)):
        assert found["mysetlist_cron_runs_total", "calculate_trending", status] == number
    assert found["mysetlist_cron_rows_written_total", "calculate_trending"] == 18


def test_counters_do_not_go_back_when_old_runs_are_cleaned_up() -> None:
    CronMetric.objects.create(job_name="x", day=date(2026, 1, 1), runs=5, failures=2, skipped=0, missed=0)
    log_cron_run("x", "success")
    CronLog.objects.all().delete()
    assert samples()["mysetlist_cron_runs_total", "x", "success"] == 4


def test_the_last_success_is_told_however_many_failed_since() -> None:
    run = log_cron_run("calculate_trending", "success")
    log_cron_run("calculate_trending", "failed")
    at = CronLog.objects.get(pk=run).finished_at
    found = samples()
    assert found["mysetlist_cron_last_success_timestamp_seconds", "calculate_trending"] == pytest.approx(at.timestamp())
    assert ("mysetlist_cron_last_success_timestamp_seconds", "backup_logs") not in found


def test_open_runs_today_s_times_health_and_alerts_are_told() -> None:
    now = timezone.now()
    log_cron_run("backup_logs", "running")
    CronMetric.objects.create(
        job_name="x", day=now.date(), runs=1, failures=0, skipped=0, missed=0, p50_ms=100, p95_ms=2000, max_ms=3000
    )
    SystemHealth.objects.create(
        component="cache", status="degraded", latency_ms=1, checked_at=now - timedelta(seconds=30), since=now
    )
    Alert.objects.create(rule="failed", subject="x", severity="critical", says="", opened_at=now, last_seen_at=now)
    found = samples()
    assert found["mysetlist_cron_open_runs", "backup_logs", "running"] == 1
    assert found["mysetlist_cron_run_duration_seconds", "x", "0.95"] == 2
    assert found["mysetlist_health_status", "cache"] == 0.5
    assert 30 <= found["mysetlist_health_checked_age_seconds", "cache"] < 60
    assert found["mysetlist_alerts", "failed", "critical", "open"] == 1


def make_job(status: str = "pending", **values: Any) -> QueueJob:
    return QueueJob.objects.create(queue_name="images", job_name="sync_artist_image", status=status, **values)


def test_queues_and_sources_are_told() -> None:
    now = timezone.now()
    make_job(run_at=now - timedelta(seconds=90))
    make_job("delayed", run_at=now + timedelta(hours=1))
    SourceState.objects.update_or_create(name="spotify", defaults={"answered_count": 7})
    SourceState.objects.update(breaker="open")
    SourceState.objects.filter(name="setlistfm").update(breaker="closed")
    found = samples()
    assert found["mysetlist_queue_jobs", "images", "pending"] == 1
    assert found["mysetlist_queue_jobs", "images", "delayed"] == 1
    assert 90 <= found["mysetlist_queue_oldest_ready_age_seconds", "images"] < 120
    assert found["mysetlist_api_requests_total", "spotify", "answered"] == 7
    assert found["mysetlist_api_breaker_open", "spotify"] == 1
    opened = SourceState.objects.get(name="spotify").opened_at
    assert opened
    assert found["mysetlist_api_breaker_opened_timestamp_seconds", "spotify"] == pytest.approx(opened.timestamp())
    assert ("mysetlist_api_breaker_opened_timestamp_seconds", "setlistfm") not in found


def ended(minutes: float, waited: float, status: str = "completed") -> None:
    """A job that ended so many minutes after noon, claimed a moment before, after waiting so many seconds."""
    started = NOON + timedelta(minutes=minutes)
    make_job(status, run_at=started - timedelta(seconds=waited), started_at=started, finished_at=started)


def test_each_queue_and_hour_has_its_figures_computed_anew() -> None:
    for waited in range(1, 101):
        ended(1, waited, "dead" if waited > 97 else "completed")
    ended(-1, 500)  # of the hour before
    make_job(run_at=NOON)
    for minutes in (10, 20):
        sum_up_queues(now=NOON + timedelta(minutes=minutes))
    row = QueueMetric.objects.get()
    assert (row.queue_name, row.hour) == ("images", NOON)
    assert (row.depth, row.started, row.failed, row.p95_wait_ms) == (1, 100, 3, 95_000)


def test_the_depth_is_the_deepest_seen_and_the_last_hour_is_summed_up_once_more() -> None:
    waiting = [make_job(run_at=NOON) for _ in range(5)]
    sum_up_queues(now=NOON + timedelta(minutes=10))
    QueueJob.objects.filter(pk__in=[job.pk for job in waiting]).delete()
    ended(59.5, 1)
    sum_up_queues(now=NOON + timedelta(minutes=61))
    rows = QueueMetric.objects.order_by("hour").values_list("hour", "depth", "started")
    assert rows[0] == (NOON, 5, 1)


def test_every_name_starts_with_ours_and_has_help() -> None:
    text = scrape().decode()
    names = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(names) > 12
    assert all(name.startswith("mysetlist_") for name in names)
    assert re.findall(r"^# HELP (\S+) .", text, re.MULTILINE) == names


def test_operators_get_everything_and_others_whether_all_is_well(client: Any, settings: Any) -> None:
    settings.OPERATOR_TOKENS = {"prometheus": digest("a-token")}
    log_cron_run("calculate_trending", "success")
    accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
    public = client.get("/metrics", headers=accept)
    assert public.content.decode().splitlines()[2:] == ["mysetlist_up 1"]
    told = client.get("/metrics", headers={**accept, "Authorization": "Bearer a-token"})
    assert told["Content-Type"].startswith("text/plain; version=")
    assert b'mysetlist_cron_runs_total{job="calculate_trending",status="success"} 1.0' in told.content
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_part_that_is_down_is_told_to_everybody(client: Any) -> None:
    now = datetime.now(UTC)
    SystemHealth.objects.create(component="database", status="down", latency_ms=1, checked_at=now, since=now)
    assert client.get("/metrics").content.decode().splitlines()[2:] == ["mysetlist_up 0"]
