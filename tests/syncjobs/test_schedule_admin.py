"""The page of a schedule: its next runs before one saves, what it refuses, its last result, and running it now."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from monitoring.models import CronLog
from mysetlist.catalog.models import User
from syncjobs.models import QueueJob
from syncjobs.runs import miss, request_run
from syncjobs.schedules import add_missing_schedules
from tests.monitoring.runs import log_cron_run
from tests.syncjobs.steps import end
from tests.syncjobs.test_runs import NOW, SLOT

JOB = "calculate_trending"
LIST = reverse("admin:django_celery_beat_periodictask_changelist")
ADD = reverse("admin:django_celery_beat_periodictask_add")
RUNS = reverse("admin:monitoring_cronlog_changelist")

pytestmark = pytest.mark.django_db


@pytest.fixture
def schedule() -> PeriodicTask:
    add_missing_schedules()
    return PeriodicTask.objects.get(name=JOB)


def page(schedule: PeriodicTask) -> str:
    return reverse("admin:django_celery_beat_periodictask_change", args=[schedule.pk])


def filled(**changes: str) -> dict[str, str]:
    return {"job": JOB, "enabled": "on", "line": "*/5 * * * *", "timezone": "UTC", "kwargs": "{}"} | changes


def errors(answer) -> dict[str, list[str]]:
    return dict(answer.context["adminform"].form.errors)


def said(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_a_preview_shows_the_next_ten_runs_and_saves_nothing(admin_client, schedule):
    answer = admin_client.post(page(schedule), filled(line="30 2 29 2 *", timezone="Europe/Berlin", _preview="1"))
    assert answer.status_code == 200
    assert len(answer.context["coming"]) == 10
    assert answer.context["coming"][0] == ("Tue 2028-02-29 01:30:00", "Tue 2028-02-29 02:30:00")
    body = answer.content.decode()
    assert "Tue 2028-02-29 01:30:00" in body
    assert "Europe/Berlin" in body
    assert "nothing is saved yet" in body
    assert "Please correct" not in body
    schedule.refresh_from_db()
    assert schedule.crontab.minute == "*/5"
    assert not CrontabSchedule.objects.filter(minute="30", hour="2").exists()


def test_the_page_shows_the_next_runs_of_what_is_saved(admin_client, schedule):
    assert len(admin_client.get(page(schedule)).context["coming"]) == 10
    assert admin_client.get(ADD).context["coming"] == []


def test_a_preview_of_a_new_schedule_works_before_it_has_a_name(admin_client):
    answer = admin_client.post(ADD, filled(name="weekends", line="0 8 * * 6,0", _preview="1"))
    assert len(answer.context["coming"]) == 10
    assert not PeriodicTask.objects.filter(name="weekends").exists()


def test_a_cron_line_is_saved_as_it_was_previewed_and_beat_is_told(admin_client, schedule):
    before = PeriodicTasks.last_change()
    assert (
        admin_client.post(page(schedule), filled(line=" 15  3 * * 1-5 ", timezone="America/New_York")).status_code
        == 302
    )
    schedule.refresh_from_db()
    assert str(schedule.crontab) == "15 3 * * 1-5 (m/h/dM/MY/d) America/New_York"
    assert schedule.task == "trending.tasks.calculate_trending"
    assert PeriodicTasks.last_change() > before


def test_other_schedules_of_the_same_line_are_left_as_they_are(admin_client, schedule):
    other = PeriodicTask.objects.create(name="other", task="x.other", crontab=schedule.crontab)
    admin_client.post(page(schedule), filled(line="0 0 1 1 *"))
    other.refresh_from_db()
    assert other.crontab.minute == "*/5"


@pytest.mark.parametrize(
    ("changes", "field", "why"),
    [
        ({"line": "61 * * * *"}, "line", "Minute"),
        ({"line": "0 25 * * *"}, "line", "Hour"),
        ({"line": "0 0 32 * *"}, "line", "Day of month"),
        ({"line": "0 0 31 2 *"}, "line", "day-of-month"),
        ({"line": "0 0 * 13 *"}, "line", "Month of year"),
        ({"line": "0 0 * * frog"}, "line", "Day of week"),
        ({"line": "*/0 * * * *"}, "line", "Minute"),
        ({"line": "5-1 * * * *"}, "line", "Minute"),
        ({"line": "* * * *"}, "line", "five parts"),
        ({"line": "* * * * * *"}, "line", "five parts"),
        ({"line": "@daily"}, "line", "five parts"),
        ({"line": ""}, "line", "Say when"),
        ({"timezone": "Mars/Olympus"}, "timezone", "valid choice"),
        ({"job": "bake_bread"}, "job", "valid choice"),
        ({"kwargs": "[1]"}, "kwargs", "JSON object"),
        ({"kwargs": "{"}, "kwargs", "JSON object"),
    ],
)
@pytest.mark.parametrize("button", [{}, {"_preview": "1"}], ids=["save", "preview"])
def test_what_cannot_be_is_refused_by_its_field_and_nothing_is_saved(
    changes, field, why, button, admin_client, schedule
):
    answer = admin_client.post(page(schedule), filled(**changes, **button))
    assert answer.status_code == 200
    assert why in " ".join(errors(answer)[field])
    schedule.refresh_from_db()
    assert str(schedule.crontab).startswith("*/5 * * * * ")


def test_when_can_be_said_in_one_way_alone(admin_client, schedule):
    often = IntervalSchedule.objects.create(every=1, period="hours")
    assert set(errors(admin_client.post(page(schedule), filled(interval=often.pk)))) == {"line", "interval"}
    assert admin_client.post(page(schedule), filled(interval=often.pk, line="")).status_code == 302
    schedule.refresh_from_db()
    assert (schedule.crontab, schedule.interval) == (None, often)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        ("crontabschedule", {"minute": "61"}),
        ("crontabschedule", {"day_of_month": "31", "month_of_year": "2"}),
        ("intervalschedule", {"every": "5", "period": "microseconds"}),
    ],
)
def test_a_timing_without_times_is_refused(model, values, admin_client):
    usual = {"minute": "0", "hour": "0", "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}
    inline = {"periodictask_set-TOTAL_FORMS": "0", "periodictask_set-INITIAL_FORMS": "0"}
    url = reverse(f"admin:django_celery_beat_{model}_add")
    answer = admin_client.post(url, usual | {"timezone": "UTC"} | inline | values)
    assert answer.status_code == 200
    assert errors(answer)


def test_a_schedule_keeps_its_name(admin_client, schedule):
    admin_client.post(page(schedule), filled(name="another"))
    schedule.refresh_from_db()
    assert schedule.name == JOB


def test_the_last_result_is_shown_with_a_link(admin_client, schedule):
    assert "It has not run yet." in admin_client.get(page(schedule)).content.decode()
    run = log_cron_run(JOB, "failed", {"error": "no disk"})
    log_cron_run(JOB, "skipped")
    for url in (page(schedule), LIST):
        body = admin_client.get(url).content.decode()
        assert reverse("admin:monitoring_cronlog_change", args=[run]) in body
        assert "no disk" in body


def test_a_schedule_is_run_now(admin_client, schedule):
    schedule.kwargs = '{"full": true}'
    schedule.save()
    action = {"action": "run_now", "_selected_action": [schedule.pk]}
    answer = admin_client.post(LIST, action, follow=True)
    run = CronLog.objects.get()
    assert (run.status, run.trigger, run.asked_by, run.slot) == ("queued", "admin", "admin", None)
    assert QueueJob.objects.get().job_data == {"full": True}
    assert "a run is queued" in said(answer)[0]
    answer = admin_client.post(LIST, action, follow=True)
    assert "another run is under way" in said(answer)[0]
    assert QueueJob.objects.count() == 1


def test_only_who_may_add_queue_jobs_starts_runs(client, schedule):
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_periodictask", "view_cronlog"]))
    client.force_login(clerk)
    run = log_cron_run(JOB, "failed")
    client.post(LIST, {"action": "run_now", "_selected_action": [schedule.pk]})
    client.post(RUNS, {"action": "run_again", "_selected_action": [run]})
    assert not QueueJob.objects.exists()


def test_a_failed_run_is_run_again_with_its_arguments_and_others_are_left(admin_client):
    failed = request_run(JOB, trigger=CronLog.Trigger.HTTP, now=NOW, arguments={"full": True}).run
    end(failed, "failed")
    fine = log_cron_run(JOB, "success")
    answer = admin_client.post(RUNS, {"action": "run_again", "_selected_action": [failed, fine]}, follow=True)
    again = CronLog.objects.latest("pk")
    assert (again.status, again.trigger, again.asked_by) == ("queued", "admin", "admin")
    assert QueueJob.objects.latest("pk").job_data == {"full": True}
    assert said(answer)[-1] == "1 started. 1 had neither failed nor been missed."


def test_a_missed_slot_is_started_as_itself(admin_client):
    miss(JOB, JOB, [SLOT], to_catch_up=set())
    admin_client.post(RUNS, {"action": "run_again", "_selected_action": [CronLog.objects.get().pk]})
    run = CronLog.objects.get()
    assert (run.status, run.slot, run.asked_by) == ("queued", SLOT, "admin")


def test_a_run_leads_to_its_queue_jobs(admin_client):
    run = request_run(JOB, trigger=CronLog.Trigger.HTTP, now=NOW).run
    body = admin_client.get(reverse("admin:monitoring_cronlog_change", args=[run])).content.decode()
    assert reverse("admin:syncjobs_queuejob_change", args=[QueueJob.objects.get().pk]) in body
