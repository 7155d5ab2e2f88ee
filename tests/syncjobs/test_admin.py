"""Schedules are switched off, never deleted; their pages tell beat what changed."""

import pytest
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from syncjobs.schedules import add_missing_schedules

pytestmark = pytest.mark.django_db

SCHEDULES = reverse("admin:django_celery_beat_periodictask_changelist")


@pytest.fixture
def schedule():
    add_missing_schedules()
    return PeriodicTask.objects.get(name="calculate_trending")


def test_a_schedule_cannot_be_deleted(admin_client, schedule):
    url = reverse("admin:django_celery_beat_periodictask_delete", args=[schedule.pk])
    assert admin_client.post(url, {"post": "yes"}).status_code == 403
    admin_client.post(SCHEDULES, {"action": "delete_selected", "_selected_action": [schedule.pk], "post": "yes"})
    assert PeriodicTask.objects.filter(pk=schedule.pk).exists()


def test_the_timing_of_a_schedule_cannot_be_deleted_under_it(admin_client, schedule):
    url = reverse("admin:django_celery_beat_crontabschedule_delete", args=[schedule.crontab_id])
    assert admin_client.post(url, {"post": "yes"}).status_code == 403
    unused = CrontabSchedule.objects.create(minute="7")
    url = reverse("admin:django_celery_beat_crontabschedule_delete", args=[unused.pk])
    assert admin_client.post(url, {"post": "yes"}).status_code == 302
    assert not CrontabSchedule.objects.filter(pk=unused.pk).exists()


def test_switching_a_schedule_off_tells_beat(admin_client, schedule):
    before = PeriodicTasks.last_change()
    admin_client.post(SCHEDULES, {"action": "disable_tasks", "_selected_action": [schedule.pk]})
    schedule.refresh_from_db()
    assert not schedule.enabled
    assert PeriodicTasks.last_change() > before


def test_a_schedule_is_edited_by_its_form(admin_client, schedule):
    url = reverse("admin:django_celery_beat_periodictask_change", args=[schedule.pk])
    form = admin_client.get(url).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if value is not None}
    data |= {"description": "Every five minutes.", "args": "[]", "kwargs": "{}", "headers": "{}"}
    assert admin_client.post(url, data).status_code == 302
    schedule.refresh_from_db()
    assert (schedule.description, schedule.task) == ("Every five minutes.", "trending.tasks.calculate_trending")
