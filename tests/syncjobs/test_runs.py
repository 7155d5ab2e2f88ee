"""Asking for runs: one for each slot, one at a time for each job, and a record of those asked for in vain."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from monitoring.models import CronLog, CronMetric
from syncjobs import queue
from syncjobs.models import QueueJob
from syncjobs.runs import CannotRun, Overlap, catch_up, miss, request_run
from tests.monitoring.runs import at_once, open_leased
from tests.syncjobs.steps import end

JOB = "calculate_trending"
HTTP, ADMIN = CronLog.Trigger.HTTP, CronLog.Trigger.ADMIN
NOW = datetime(2026, 7, 1, 12, 0, 30, tzinfo=UTC)
SLOT = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def ask(**changes):
    return request_run(**{"job": JOB, "trigger": HTTP, "now": NOW} | changes)


def missed(*slots, to_catch_up=()):
    miss(JOB, JOB, slots, to_catch_up=set(to_catch_up))


def test_a_run_and_its_queue_job_come_together():
    asked = ask(by="token railway", slot=SLOT, arguments={"full": True})
    run, job = CronLog.objects.get(), QueueJob.objects.get()
    assert asked.is_new
    assert (asked.run, run.status, run.trigger, run.asked_by) == (run.pk, "queued", "http", "token railway")
    assert (run.schedule, run.slot, run.finished_at) == (JOB, SLOT, None)
    assert (job.run_id, job.job_name, job.queue_name, job.status) == (run.pk, JOB, "cron", "pending")
    assert job.job_data == {"full": True}


def test_the_same_slot_gives_the_same_run_whether_it_has_ended_or_not():
    first = ask(slot=SLOT)
    assert ask(slot=SLOT, trigger=ADMIN) == type(first)(run=first.run, is_new=False)
    end(first.run)
    assert ask(slot=SLOT).run == first.run
    assert (CronLog.objects.count(), QueueJob.objects.count()) == (1, 1)


def test_the_same_moment_of_another_schedule_is_another_slot():
    first = ask(slot=SLOT)
    end(first.run)
    assert ask(slot=SLOT, schedule="weekends").run != first.run


def test_a_run_that_is_queued_or_running_is_not_overtaken():
    first = ask()
    with pytest.raises(Overlap) as overlap:
        ask(slot=SLOT, by="token railway")
    skipped = CronLog.objects.get(pk=overlap.value.skipped)
    assert overlap.value.run == first.run
    assert (skipped.status, skipped.slot, skipped.asked_by) == ("skipped", SLOT, "token railway")
    assert skipped.result == {"running": first.run}
    assert CronLog.objects.get(pk=first.run).status == "queued"
    assert (QueueJob.objects.count(), CronMetric.objects.get().skipped) == (1, 1)


def test_a_command_at_work_is_not_overtaken_and_one_that_fell_silent_is_closed():
    living = open_leased(JOB, seconds=60)
    with pytest.raises(Overlap) as overlap:
        ask()
    assert overlap.value.run == living
    CronLog.objects.filter(pk=living).update(lease_until=NOW - timedelta(days=1000))
    assert ask().is_new
    assert CronLog.objects.get(pk=living).status == "abandoned"


def test_a_run_that_another_system_left_open_hinders_nobody():
    with connection.cursor() as cursor:
        cursor.execute("SELECT log_cron_run(%s, 'running')", [JOB])
    assert ask().is_new


def test_a_queue_job_that_an_operator_tries_again_is_not_overtaken_though_its_run_has_closed():
    first = ask()
    QueueJob.objects.update(status="dead", finished_at=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT log_cron_run(%s, 'failed', NULL, %s)", [JOB, first.run])
    assert queue.retry(QueueJob.objects.all()) == 1
    with pytest.raises(Overlap) as overlap:
        ask()
    assert overlap.value.run == first.run
    assert not CronLog.objects.filter(status="queued").exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"job": "bake_bread"}, "job"),
        ({"slot": NOW + timedelta(seconds=1)}, "slot"),
        ({"arguments": {"queue": "images"}}, "arguments"),
    ],
)
def test_what_cannot_be_asked_for_names_its_field_and_writes_nothing(changes, field):
    with pytest.raises(CannotRun) as problem:
        ask(**changes)
    assert problem.value.field == field
    assert not CronLog.objects.exists()


def test_arguments_that_cannot_be_stored_leave_no_run_behind():
    with pytest.raises(queue.BadArguments):
        ask(arguments={"when": NOW})
    assert not CronLog.objects.exists()


def test_asking_for_a_missed_slot_starts_it():
    missed(SLOT)
    was = CronLog.objects.get()
    asked = ask(slot=SLOT, by="token railway")
    run = CronLog.objects.get()
    assert (asked.run, asked.is_new) == (was.pk, True)
    assert (run.status, run.trigger, run.asked_by, run.finished_at) == ("queued", "http", "token railway", None)
    assert QueueJob.objects.get().run_id == run.pk
    assert CronMetric.objects.get().missed == 0


def test_a_missed_slot_asked_for_in_vain_stays_missed():
    missed(SLOT)
    ask()
    with pytest.raises(Overlap) as overlap:
        ask(slot=SLOT)
    assert CronLog.objects.get(slot=SLOT).status == "missed"
    assert CronLog.objects.get(pk=overlap.value.skipped).slot is None


def test_slots_are_missed_once():
    slots = [SLOT - timedelta(minutes=count) for count in range(3)]
    assert miss(JOB, JOB, slots, to_catch_up=set()) == 3
    assert miss(JOB, JOB, slots, to_catch_up=set()) == 0
    assert CronMetric.objects.get().missed == 3


def test_missed_slots_are_caught_up_oldest_first_and_one_at_a_time():
    slots = [SLOT - timedelta(hours=count) for count in range(3)]
    missed(*slots, to_catch_up=slots[:2])
    first = catch_up(JOB, now=NOW)
    assert CronLog.objects.get(pk=first.run).slot == slots[1]
    assert catch_up(JOB, now=NOW) is None  # it is under way
    end(first.run)
    second = catch_up(JOB, now=NOW)
    assert CronLog.objects.get(pk=second.run).slot == slots[0]
    end(second.run)
    assert catch_up(JOB, now=NOW) is None
    assert CronLog.objects.get(slot=slots[2]).status == "missed"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_for_one_slot_at_once_all_get_the_same_run():
    answers = at_once(*[lambda: ask(slot=SLOT)] * 8)
    assert len({asked.run for asked in answers}) == 1
    assert sorted(asked.is_new for asked in answers) == [False] * 7 + [True]
    assert (CronLog.objects.count(), QueueJob.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_for_a_run_at_once_one_gets_it():
    answers = at_once(*[ask] * 8)
    assert sorted(type(answer).__name__ for answer in answers) == ["Asked"] + ["Overlap"] * 7
    assert QueueJob.objects.count() == 1
