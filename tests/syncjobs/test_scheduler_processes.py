"""Schedulers as real processes: several at once, killed, frozen, cut off; edits while they run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from monitoring.cron import command_at
from monitoring.models import CronLog, SystemHealth
from syncjobs.models import QueueJob, ScheduleState
from syncjobs.runs import Overlap, request_run
from syncjobs.scheduler import account_for_all
from tests.monitoring.processes import ROOT
from tests.monitoring.runs import at_once, somebody_waits_for_a_lock, wait_until
from tests.syncjobs.edits import EDITS, by_form
from tests.syncjobs.stage import eventually, stage

JOB = "calculate_trending"
EFFECTIVE_SECONDS = 10

pytestmark = pytest.mark.django_db(transaction=True)

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts schedulers; none is left behind."""
    started: list[subprocess.Popen[str]] = []

    def begin(silent_seconds: int = 10) -> "subprocess.Popen[str]":
        command = ["-m", "tests.syncjobs.scheduler_process", connection.settings_dict["NAME"], str(silent_seconds)]
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        wait_until(lambda: said(process), "its heartbeat")
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def said(process: "subprocess.Popen[str]") -> str | None:
    """What the scheduler of this process last said of itself."""
    lines = SystemHealth.objects.filter(component__endswith=f":{process.pid}", component__startswith="scheduler ")
    return lines.values_list("detail", flat=True).first()


@pytest.fixture
def every_second() -> PeriodicTask:
    """A job with a slot each second."""
    PeriodicTask.objects.all().delete()
    interval = IntervalSchedule.objects.create(every=1, period="seconds")
    return PeriodicTask.objects.create(name=JOB, task="trending.tasks.calculate_trending", interval=interval)


@pytest.fixture
def once_a_year() -> PeriodicTask:
    PeriodicTask.objects.all().delete()
    far = CrontabSchedule.objects.create(minute="0", hour="0", day_of_month="29", month_of_year="2")
    return PeriodicTask.objects.create(name=JOB, task="trending.tasks.calculate_trending", crontab=far)


def slots() -> list[int]:
    """The seconds that have a run, from the first."""
    found = list(CronLog.objects.filter(schedule=JOB).order_by("slot").values_list("slot", flat=True))
    return [round((slot - found[0]).total_seconds()) for slot in found]


def wait_for_slots(count: int) -> None:
    already = CronLog.objects.count()
    wait_until(lambda: CronLog.objects.count() >= already + count, f"{count} more slots")


def test_each_slot_has_one_run_whoever_and_how_many_ask_for_it(every_second: PeriodicTask) -> None:
    now = timezone.now().replace(microsecond=0)
    ScheduleState.objects.update(accounted_until=now - timedelta(seconds=50))
    moments = [now - timedelta(seconds=second) for second in range(50)]

    def ask(trigger: CronLog.Trigger) -> int:
        overlaps = 0
        for slot in moments if trigger == CronLog.Trigger.HTTP else reversed(moments):
            try:
                request_run(JOB, trigger=trigger, now=now, slot=slot)
            except Overlap:
                overlaps += 1
        return overlaps

    answers = at_once(
        lambda: account_for_all(now),
        lambda: account_for_all(now),
        lambda: ask(CronLog.Trigger.HTTP),
        lambda: ask(CronLog.Trigger.ADMIN),
    )
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert slots() == list(range(50))
    assert QueueJob.objects.count() == CronLog.objects.filter(status="queued").count() == 1


def test_a_door_and_a_late_scheduler_do_not_wait_for_each_other(every_second: PeriodicTask) -> None:
    """The door holds the job's runs and is about to write a slot that the scheduler is about to miss."""
    now = timezone.now().replace(microsecond=0)
    ScheduleState.objects.update(accounted_until=now - timedelta(hours=1))

    def late_scheduler() -> None:
        try:
            account_for_all(now)
        finally:
            connection.close()

    with ThreadPoolExecutor() as another:
        with transaction.atomic(), connection.cursor() as cursor:
            command_at(cursor, JOB)
            scheduler = another.submit(late_scheduler)
            wait_until(somebody_waits_for_a_lock, "the scheduler")
            request_run(JOB, trigger=CronLog.Trigger.HTTP, now=now, slot=now - timedelta(minutes=30))
        scheduler.result()
    assert slots() == list(range(3600))


def test_of_two_schedulers_one_leads_and_the_other_follows_when_it_is_killed(
    start: Start, every_second: PeriodicTask
) -> None:
    running = [start(), start()]
    assert sorted(map(said, running)) == ["leads", "stands by"]
    for _ in range(3):
        wait_for_slots(2)
        leader, standby = sorted(running, key=lambda process: said(process) or "")
        leader.kill()
        wait_until(lambda standby=standby: said(standby) == "leads", "the new lead")
        running = [standby, start()]
    wait_for_slots(1)
    found = slots()
    assert found == list(range(len(found)))
    assert set(CronLog.objects.values_list("status", flat=True)) <= {"queued", "skipped"}


def test_a_frozen_leader_loses_the_lead_and_does_no_harm_when_it_wakes(
    start: Start, every_second: PeriodicTask
) -> None:
    leader, standby = start(silent_seconds=2), start(silent_seconds=2)
    leader.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: said(standby) == "leads", "the new lead")
    finally:
        leader.send_signal(signal.SIGCONT)
    wait_until(lambda: said(leader) == "stands by", "its waking")
    wait_for_slots(2)
    found = slots()
    assert found == list(range(len(found)))


def test_a_scheduler_that_is_cut_off_comes_back(start: Start, every_second: PeriodicTask) -> None:
    process = start()
    wait_for_slots(1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 1
    wait_for_slots(2)
    assert process.poll() is None
    found = slots()
    assert found == list(range(len(found)))


def test_a_scheduler_that_is_told_to_stop_says_goodbye(start: Start, every_second: PeriodicTask) -> None:
    process = start()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert str(said(process)).startswith("Stopped at ")  # the last one's row stays, so that it is missed
    assert "Traceback" not in errors


def test_an_edit_by_form_by_update_and_by_sql_counts_within_ten_seconds(
    start: Start, once_a_year: PeriodicTask, admin_client
) -> None:
    often = IntervalSchedule.objects.create(every=1, period="seconds")
    start()

    for edit in EDITS:
        PeriodicTask.objects.update(crontab=once_a_year.crontab_id, interval=None)
        CronLog.objects.all().delete()
        QueueJob.objects.all().delete()
        edit(admin_client, once_a_year, often)
        edited = time.monotonic()
        wait_for_slots(1)
        assert time.monotonic() - edited < EFFECTIVE_SECONDS


def test_a_schedule_edited_while_all_run_fires_and_its_run_is_done(
    start: Start, once_a_year: PeriodicTask, admin_client, effects: None
) -> None:
    """Scheduler, relay and worker together: what is saved in the admin is seen to run; so is what is run now."""
    with stage() as processes:
        processes.worker()
        processes.relay()
        start()
        often = IntervalSchedule.objects.create(every=1, period="seconds")
        by_form(admin_client, once_a_year, often)
        done = CronLog.objects.filter(status="success")
        eventually(lambda: done.filter(trigger="schedule").count() >= 2, "two scheduled runs")
        PeriodicTask.objects.update(enabled=False)
        eventually(lambda: not CronLog.objects.filter(status__in=["queued", "running"]).exists(), "a quiet moment")
        changes = reverse("admin:django_celery_beat_periodictask_changelist")
        admin_client.post(changes, {"action": "run_now", "_selected_action": [once_a_year.pk]})
        eventually(lambda: done.filter(trigger="admin").exists(), "the run that was asked for")
    found = CronLog.objects.filter(schedule=JOB)
    assert found.values("slot").distinct().count() == found.count()
    assert set(found.values_list("status", flat=True)) <= {"success", "skipped"}
