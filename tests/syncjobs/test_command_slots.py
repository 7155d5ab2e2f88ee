"""Commands that say which slot they are for: cron beside the scheduler, and each slot once."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring.command import EXIT_ALREADY_RUNNING, EXIT_WRONG_ARGUMENTS
from monitoring.models import CronLog, CronMetric
from syncjobs.models import QueueJob
from syncjobs.runs import miss, request_run
from syncjobs.schedules import add_missing_schedules
from tests.monitoring.runs import open_leased
from tests.syncjobs.steps import end

JOB = "calculate_trending"
SLOT = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _schedules():
    add_missing_schedules()


def run(capsys, slot: str) -> dict:
    call_command(JOB, "--json", f"--slot={slot}")
    return json.loads(capsys.readouterr().out)


def test_a_command_for_a_slot_is_its_run_and_a_second_one_does_nothing(capsys):
    first, second = run(capsys, "2026-07-01T12:00Z"), run(capsys, "2026-07-01T14:00+02:00")
    row = CronLog.objects.get()
    assert (row.schedule, row.slot, row.trigger, row.status) == (JOB, SLOT, "command", "success")
    assert first == second
    assert first["run"] == row.pk


def test_a_slot_that_another_door_has_started_is_left_to_it(capsys):
    asked = request_run(JOB, trigger=CronLog.Trigger.HTTP, now=timezone.now(), slot=SLOT)
    assert run(capsys, "2026-07-01T12:00Z") == {
        "job": JOB,
        "run": asked.run,
        "status": "queued",
        "duration_ms": 0,
        "result": {},
    }
    end(asked.run)
    assert run(capsys, "2026-07-01T12:00Z")["status"] == "success"
    assert CronLog.objects.count() == 1


def test_the_latest_slot_is_found_by_the_schedule(capsys):
    run(capsys, "latest")
    slot = CronLog.objects.get().slot
    assert (slot.minute % 5, slot.second, slot.microsecond) == (0, 0, 0)
    assert timezone.now() - slot < timedelta(minutes=6)


def test_a_missed_slot_is_done(capsys):
    miss(JOB, JOB, [SLOT], to_catch_up={SLOT})
    assert run(capsys, "2026-07-01T12:00Z")["status"] == "success"
    assert (CronLog.objects.get().trigger, CronMetric.objects.get().missed) == ("command", 0)


def test_a_slot_during_another_run_is_skipped():
    open_leased(JOB, seconds=60)
    with pytest.raises(CommandError) as problem:
        call_command(JOB, "--slot=2026-07-01T12:00Z")
    assert problem.value.returncode == EXIT_ALREADY_RUNNING
    assert CronLog.objects.get(slot=SLOT).status == "skipped"


@pytest.mark.parametrize("slot", ["soon", "2026-07-01T12:00", "2999-01-01T00:00Z", ""])
def test_a_slot_that_cannot_be_is_a_wrong_argument(slot):
    with pytest.raises(CommandError, match="--slot: ") as problem:
        call_command(JOB, f"--slot={slot}")
    assert problem.value.returncode == EXIT_WRONG_ARGUMENTS
    assert not CronLog.objects.exists()
    assert not QueueJob.objects.exists()
