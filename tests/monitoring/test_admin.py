"""Runs are found by job, status and time, and charts tell how long they took; of a retention, one says how long."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from monitoring.models import CronLog, CronMetric, Retention, SystemHealth

pytestmark = pytest.mark.django_db

RUNS = reverse("admin:monitoring_cronlog_changelist")


def make_run(job="calculate_trending", status="success", **values):
    with connection.cursor() as cursor:
        cursor.execute("SELECT log_cron_run(%s, %s)", [job, status])
        (run,) = cursor.fetchone()
    CronLog.objects.filter(pk=run).update(**values)
    return CronLog.objects.get(pk=run)


def found(client, **parameters):
    return list(client.get(RUNS, parameters).context["cl"].result_list)


def test_runs_are_found_by_job_status_and_time(admin_client):
    now = timezone.now()
    old = make_run(started_at=now - timedelta(days=9))
    failed = make_run(status="failed")
    other = make_run("master_sync")
    assert found(admin_client) == [other, failed, old]
    assert found(admin_client, job_name="master_sync") == [other]
    assert found(admin_client, status__exact="failed") == [failed]
    day = f"{now - timedelta(days=2):%Y-%m-%d}"
    assert found(admin_client, started_at_to_0=day, started_at_to_1="00:00") == [old]


@override_settings(TIME_ZONE="America/New_York")
def test_the_time_filter_speaks_the_time_of_the_pages(admin_client):
    runs = [make_run(started_at=datetime(2026, 7, 1, hour, tzinfo=UTC)) for hour in (3, 4, 5, 6)]
    asked = {"started_at_from_0": "2026-07-01", "started_at_from_1": "00:00"}  # 04:00 UTC
    asked |= {"started_at_to_0": "2026-07-01", "started_at_to_1": "01:30"}
    assert found(admin_client, **asked) == [runs[2], runs[1]]


def test_a_day_without_a_time_is_the_whole_day(admin_client):
    moments = [datetime(2026, 7, day, hour, 59, 59, tzinfo=UTC) for day, hour in ((1, 23), (2, 0), (2, 23), (3, 0))]
    runs = [make_run(started_at=moment) for moment in moments]
    assert found(admin_client, started_at_from_0="2026-07-02", started_at_to_0="2026-07-02") == [runs[2], runs[1]]


@pytest.mark.parametrize("text", ["soon", "2026-02-30", "0000-00-00", "\0"])
def test_what_is_no_date_is_named_and_filters_nothing(admin_client, text):
    make_run()
    response = admin_client.get(RUNS, {"started_at_from_0": text, "started_at_from_1": "25:00"})
    assert len(response.context["cl"].result_list) == 1
    assert "Enter a valid date." in response.content.decode()


def test_every_input_of_the_filters_has_a_name(admin_client):
    page = admin_client.get(RUNS).content.decode()
    inputs = re.findall(r'<input[^>]*name="started_at_[^>]*>', page)
    assert len(inputs) == 4
    names = [re.search(r'aria-label="([^"]*)"', tag).group(1) for tag in inputs]
    assert names[0] == "Started at from: date, UTC"
    assert len(set(names)) == 4


# --- charts ---


def bars(page):
    return re.findall(r'<g class="kind-(\w+)"><title>([^<]*)</title>', page)


def test_the_list_of_runs_has_a_small_chart_of_each_job(admin_client):
    make_run("one_job", execution_time_ms=100, status="success")
    failed = make_run("one_job", "failed", execution_time_ms=900)
    make_run("other_job", execution_time_ms=20)
    page = admin_client.get(RUNS).content.decode()
    assert page.count('class="small-bars"') == 2
    assert "2 runs, 1 failed, median 100 ms, longest 900 ms." in page
    assert "?job_name=other_job" in page
    assert ("failed", f"#{failed.pk}") in [(kind, says.split(",")[0]) for kind, says in bars(page)]


def test_the_list_of_one_job_has_its_chart_and_the_numbers_of_what_was_asked_for(admin_client):
    kept = make_run("one_job", execution_time_ms=12_345, started_at=datetime(2026, 7, 1, tzinfo=UTC))
    make_run("one_job", "failed", execution_time_ms=900)
    make_run("other_job", execution_time_ms=20)
    response = admin_client.get(RUNS, {"job_name": "one_job", "status__exact": "success"})
    page = response.content.decode()
    assert [says for _, says in bars(page)] == [f"#{kept.pk}, 2026-07-01 00:00 UTC: success, 12.3 s"]
    assert "<desc" in page
    assert "<td>12,345</td>" in page


def test_the_page_of_a_run_marks_it_among_its_job_s_runs(admin_client):
    moments = [datetime(2026, 7, 1, hour, tzinfo=UTC) for hour in range(5)]
    runs = [make_run("one_job", execution_time_ms=n * 10, started_at=at) for n, at in enumerate(moments)]
    make_run("other_job", execution_time_ms=5)
    page = admin_client.get(reverse("admin:monitoring_cronlog_change", args=[runs[2].pk])).content.decode()
    assert [says.split(",")[0] for _, says in bars(page)] == [f"#{run.pk}" for run in runs]
    assert page.count('class="chart-mark"') == 1
    assert re.search(rf'<tr class="is-marked" aria-current="true">.*?>#{runs[2].pk}<', page)


def test_the_page_of_a_failed_run_says_what_went_wrong_in_escaped_words(admin_client):
    run = make_run("one_job", "failed", error_message="OSError: <no disk>", result={"name": "Björk"})
    page = admin_client.get(reverse("admin:monitoring_cronlog_change", args=[run.pk])).content.decode()
    assert "OSError: &lt;no disk&gt;" in page
    assert "&quot;name&quot;: &quot;Björk&quot;" in page


def make_day(day, **values):
    figures = {"runs": 3, "failures": 0, "skipped": 0, "missed": 0, "p50_ms": 100, "p95_ms": 300, "max_ms": 400}
    return CronMetric.objects.create(**{"job_name": "one_job", "day": day, **figures, **values})


def test_daily_figures_have_a_chart_for_each_job_for_one_and_for_a_day(admin_client):
    days = [make_day(date(2026, 7, day), failures=day % 2) for day in (1, 2, 3)]
    make_day(date(2026, 7, 1), job_name="other_job")
    url = reverse("admin:monitoring_cronmetric_changelist")
    assert admin_client.get(url).content.decode().count('class="small-bars"') == 2
    one = admin_client.get(url, {"job_name": "one_job"}).content.decode()
    assert [kind for kind, _ in bars(one)] == ["failed", "success", "failed"]
    assert one.count('class="chart-upto"') == 3
    page = admin_client.get(reverse("admin:monitoring_cronmetric_change", args=[days[0].pk])).content.decode()
    assert page.count('class="chart-mark"') == 1
    assert "started_at_from_0=2026-07-01&amp;started_at_to_0=2026-07-01" in page


def test_a_day_leads_to_its_runs(admin_client):
    run = make_run("one_job", started_at=datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
    day = make_day(date(2026, 7, 1))
    page = admin_client.get(reverse("admin:monitoring_cronmetric_change", args=[day.pk])).content.decode()
    link = re.search(r'href="([^"]*started_at_from_0[^"]*)"', page).group(1).replace("&amp;", "&")
    assert list(admin_client.get(link).context["cl"].result_list) == [run]


# --- health ---

HEALTH = reverse("admin:monitoring_systemhealth_changelist")


def make_part(component, status="healthy", age=timedelta()):
    moment = timezone.now() - age
    SystemHealth.objects.create(
        component=component, status=status, detail="", latency_ms=1.5, checked_at=moment, since=moment
    )


def test_the_page_of_health_says_the_worst_first(admin_client):
    make_part("database")
    make_part("trending", "degraded")
    page = admin_client.get(HEALTH).content.decode()
    assert re.search(r"All parts</span>\s*<strong>.*Degraded", page)
    assert "1 not healthy" in page
    assert "Not asked" not in page


def test_an_old_answer_is_not_called_healthy(admin_client):
    make_part("database", age=timedelta(minutes=6))
    page = admin_client.get(HEALTH).content.decode()
    assert "Healthy, but not asked since" in page
    assert "Not asked for five minutes: database." in page


def test_before_the_first_check_the_page_of_health_says_how_to_make_it(admin_client):
    assert "manage.py check_health" in admin_client.get(HEALTH).content.decode()


def test_the_filter_offers_each_job_that_ever_ran_once(admin_client):
    for job in ("b_job", "a_job", "b_job"):
        make_run(job)
    filters = admin_client.get(RUNS).context["cl"].filter_specs
    assert filters[0].lookup_choices == [("a_job", "a_job"), ("b_job", "b_job")]


def keep(client, retention, value):
    return client.post(reverse("admin:monitoring_retention_change", args=[retention.pk]), {"keep": value})


def test_only_how_long_is_edited(admin_client):
    retention = Retention.objects.first()
    before = (retention.table_name, retention.condition, retention.time_column)
    url = reverse("admin:monitoring_retention_change", args=[retention.pk])
    data = {"keep": "40 00:00:00", "table_name": "catalog_artist", "condition": "true", "time_column": "id"}
    assert admin_client.post(url, data).status_code == 302
    retention.refresh_from_db()
    assert retention.keep == timedelta(days=40)
    assert (retention.table_name, retention.condition, retention.time_column) == before


@pytest.mark.parametrize("value", ["0", "-5 00:00:00", "23:00:00", "soon"])
def test_rows_are_kept_for_at_least_a_day(admin_client, value):
    retention = Retention.objects.first()
    assert keep(admin_client, retention, value).status_code == 200
    assert Retention.objects.get(pk=retention.pk).keep == retention.keep
