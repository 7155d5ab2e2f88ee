"""The scheduler's account: each slot that has come gets its run, once, however late the scheduler is."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from monitoring.models import CronLog
from mysetlist.celery import app
from syncjobs import policies, runs
from syncjobs.models import QueueJob, ScheduleState
from syncjobs.policies import CatchUp, Policy
from syncjobs.scheduler import SlotScheduler, account_for_all
from syncjobs.schedules import add_missing_schedules
from tests.syncjobs.steps import end

JOB = "calculate_trending"
NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def policy(monkeypatch, **changes) -> None:
    usual = {"path": policies.POLICIES[JOB].path, "queue": "cron", "longest": timedelta(minutes=4)}
    monkeypatch.setitem(policies.POLICIES, JOB, Policy(**usual | changes))


def seeded() -> PeriodicTask:
    """The default schedule of the job; the other jobs have none."""
    add_missing_schedules()
    PeriodicTask.objects.filter(name__in=policies.POLICIES).exclude(name=JOB).delete()
    return PeriodicTask.objects.get(name=JOB)


@pytest.fixture
def schedule():
    PeriodicTask.objects.all().delete()
    return seeded()


def accounted(schedule: PeriodicTask, until: datetime) -> None:
    ScheduleState.objects.filter(pk=schedule.pk).update(accounted_until=until)


def rows() -> list[tuple[str, str]]:
    return [
        (f"{slot:%H:%M}", status) for slot, status in CronLog.objects.order_by("slot").values_list("slot", "status")
    ]


def work_off(now: datetime) -> None:
    """Let the scheduler tick and the worker work until nothing is left to catch up."""
    while True:
        account_for_all(now)
        queued = list(CronLog.objects.filter(status="queued"))
        for run in queued:
            end(run.pk)
        if not queued:
            return


def test_a_slot_that_has_come_gets_its_run_and_no_second_one(schedule):
    accounted(schedule, NOON - timedelta(minutes=2))
    account_for_all(NOON - timedelta(seconds=1))
    assert rows() == []
    account_for_all(NOON)
    account_for_all(NOON + timedelta(seconds=1))
    assert rows() == [("12:00", "queued")]
    run = CronLog.objects.get()
    assert (run.trigger, run.schedule, run.slot, QueueJob.objects.get().run_id) == ("schedule", JOB, NOON, run.pk)
    schedule.refresh_from_db()
    assert (schedule.last_run_at, schedule.total_run_count, schedule.state.accounted_until) == (NOON, 1, NOON)


def test_a_slot_that_another_door_has_started_is_left_to_it(schedule):
    accounted(schedule, NOON - timedelta(minutes=2))
    asked = runs.request_run(JOB, trigger=CronLog.Trigger.HTTP, now=NOON, slot=NOON)
    account_for_all(NOON)
    assert CronLog.objects.get().pk == asked.run


def test_a_slot_during_a_run_is_skipped(schedule):
    accounted(schedule, NOON - timedelta(minutes=2))
    account_for_all(NOON)
    account_for_all(NOON + timedelta(minutes=5))
    assert rows() == [("12:00", "queued"), ("12:05", "skipped")]


def test_a_schedule_that_is_off_has_no_runs_and_none_for_the_time_that_it_was_off(schedule):
    PeriodicTask.objects.update(enabled=False)
    accounted(schedule, NOON - timedelta(days=1000))
    account_for_all(NOON)
    assert rows() == []
    PeriodicTask.objects.update(enabled=True)
    assert ScheduleState.objects.get().accounted_until > NOON  # the moment that it was switched on


@pytest.mark.parametrize("hours", [1, 3, 8, 30])
@pytest.mark.parametrize("catch_up", CatchUp)
def test_after_a_time_without_a_scheduler_each_policy_has_exactly_its_runs(hours, catch_up, schedule, monkeypatch):
    policy(monkeypatch, catch_up=catch_up)
    schedule.crontab.minute = "0"
    schedule.crontab.save()
    now = NOON + timedelta(minutes=30)
    accounted(schedule, now - timedelta(hours=hours))
    work_off(now)
    done = list(CronLog.objects.filter(status="success", trigger="catch_up").order_by("pk"))
    expected = {CatchUp.NONE: 0, CatchUp.LATEST: 1, CatchUp.ALL: hours}[catch_up]
    assert len(done) == expected
    assert CronLog.objects.filter(status="missed").count() == hours - expected
    assert CronLog.objects.values("slot").distinct().count() == hours
    if catch_up == CatchUp.LATEST:
        assert done[0].slot == NOON


def test_the_latest_missed_slot_is_moot_when_a_newer_one_is_punctual(schedule, monkeypatch):
    policy(monkeypatch, catch_up=CatchUp.LATEST, start_margin=timedelta(minutes=1))
    accounted(schedule, NOON - timedelta(minutes=11))
    work_off(NOON + timedelta(seconds=30))
    assert rows() == [("11:50", "missed"), ("11:55", "missed"), ("12:00", "success")]


def test_slots_within_the_margin_are_started_though_the_scheduler_came_late(schedule, monkeypatch):
    policy(monkeypatch, start_margin=timedelta(minutes=6), catch_up=CatchUp.NONE)
    accounted(schedule, NOON - timedelta(minutes=6))
    account_for_all(NOON)
    assert rows() == [("11:55", "queued"), ("12:00", "skipped")]


def test_a_schedule_without_a_job_or_without_arguments_misses_its_slots_and_says_why(schedule):
    PeriodicTask.objects.update(task="music.tasks.bake_bread")
    accounted(schedule, NOON - timedelta(minutes=1))
    account_for_all(NOON)
    PeriodicTask.objects.update(task="trending.tasks.calculate_trending", kwargs="[1]")
    accounted(schedule, NOON)
    account_for_all(NOON + timedelta(minutes=5))
    assert rows() == [("12:00", "missed"), ("12:05", "missed")]
    assert [run.error_message for run in CronLog.objects.order_by("slot")] == [
        "There is no job bake_bread.",
        "the arguments are no JSON object.",
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"minute": "61"}, {"task": "x." + "y" * 150}, {"day_of_month": "31", "month_of_year": "2"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_schedule_that_cannot_have_runs_does_not_hinder_the_others(wrong, schedule):
    schedule.delete()  # and made again: the wrong one comes first
    crontab = CrontabSchedule.objects.create(**{name: value for name, value in wrong.items() if name != "task"})
    PeriodicTask.objects.create(name="other", task=wrong.get("task", "x.calculate_trending"), crontab=crontab)
    seeded()
    ScheduleState.objects.update(accounted_until=NOON - timedelta(minutes=1))
    account_for_all(NOON)
    assert rows() == [("12:00", "queued")]


def test_a_clocked_schedule_runs_once_and_is_switched_off(schedule):
    schedule.delete()
    clock = ClockedSchedule.objects.create(clocked_time=NOON)
    once = PeriodicTask.objects.create(name="once", task="x.calculate_trending", clocked=clock, one_off=True)
    accounted(once, NOON - timedelta(minutes=1))
    account_for_all(NOON)
    account_for_all(NOON + timedelta(days=1))
    once.refresh_from_db()
    assert (rows(), once.enabled) == ([("12:00", "queued")], False)


def test_an_interval_keeps_its_slots_whenever_the_scheduler_looks(schedule):
    interval = IntervalSchedule.objects.create(every=7, period="minutes")
    PeriodicTask.objects.update(crontab=None, interval=interval, start_time=NOON)
    accounted(schedule, NOON)
    for minutes in (3, 8, 13, 15):
        work_off(NOON + timedelta(minutes=minutes))
    assert rows() == [("12:07", "success"), ("12:14", "success")]


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE django_celery_beat_crontabschedule SET minute = '7'",
        "UPDATE django_celery_beat_periodictask SET start_time = now()",
        "UPDATE django_celery_beat_periodictask SET task = 'x.advance_shows'",
        "INSERT INTO django_celery_beat_intervalschedule (every, period) VALUES (1, 'hours');"
        "UPDATE django_celery_beat_periodictask SET crontab_id = NULL,"
        " interval_id = (SELECT id FROM django_celery_beat_intervalschedule)",
    ],
)
def test_an_edit_by_sql_starts_the_account_afresh_and_tells_beat(edit, schedule):
    accounted(schedule, NOON - timedelta(days=1000))
    PeriodicTasks.objects.update(last_update=NOON - timedelta(days=1000))
    with connection.cursor() as cursor:
        cursor.execute(edit)
    assert ScheduleState.objects.get(pk=schedule.pk).accounted_until > NOON - timedelta(days=1000)
    assert PeriodicTasks.last_change() > NOON - timedelta(days=1000)


def test_what_does_not_change_when_a_schedule_runs_leaves_its_account_alone(schedule):
    accounted(schedule, NOON)
    PeriodicTask.objects.update(description="Other words", last_run_at=NOON, total_run_count=7)
    schedule.crontab.save()
    assert ScheduleState.objects.get().accounted_until == NOON


def test_a_schedule_whose_account_is_lost_starts_one_now(schedule):
    ScheduleState.objects.all().delete()
    account_for_all(NOON)
    assert (rows(), ScheduleState.objects.get().accounted_until) == ([], NOON)


def test_all_schedules_that_are_on_are_looked_at_whatever_their_hour(schedule):
    far = CrontabSchedule.objects.create(minute="0", hour="3", timezone="Pacific/Apia")
    PeriodicTask.objects.create(name="far", task="x.calculate_trending", crontab=far)
    scheduler = SlotScheduler(app=app, lazy=True)
    assert {task.name for task in scheduler.enabled_models()} == {JOB, "far"}
