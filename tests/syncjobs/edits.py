"""The ways in which a schedule is edited while a scheduler runs: from once a year to each second."""

from django.db import connection
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask


def by_form(client: Client, schedule: PeriodicTask, often: IntervalSchedule) -> None:
    url = reverse("admin:django_celery_beat_periodictask_change", args=[schedule.pk])
    data = {"enabled": "on", "interval": often.pk, "line": "", "timezone": "UTC", "kwargs": "{}"}
    answer = client.post(url, {"job": schedule.name, **data})
    assert answer.status_code == 302, answer.content


def by_update(client: Client, schedule: PeriodicTask, often: IntervalSchedule) -> None:
    PeriodicTask.objects.filter(pk=schedule.pk).update(crontab=None, interval=often)


def by_sql(client: Client, schedule: PeriodicTask, often: IntervalSchedule) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_celery_beat_periodictask SET crontab_id = NULL, interval_id = %s WHERE id = %s",
            [often.pk, schedule.pk],
        )


EDITS = (by_form, by_update, by_sql)
