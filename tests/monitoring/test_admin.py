"""Of a retention, an operator says how long; runs are found by job, status and time."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from monitoring.models import CronLog, Retention

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
