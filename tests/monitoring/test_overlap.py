"""Overlap: while a run of a job is alive, another call of it is skipped, and says so."""

import threading
from typing import Any

import pytest
from django.db import transaction

from monitoring.cron import AlreadyRunning, Run, cron_job
from monitoring.models import CronLog, CronMetric
from tests.monitoring.runs import (
    PATIENCE_SECONDS,
    another_connection,
    at_once,
    log_cron_run,
    open_leased,
    somebody_waits_for_a_lock,
    the_run,
    wait_until,
)

pytestmark = pytest.mark.django_db(transaction=True)


@cron_job
def nightly() -> dict[str, int]:
    return {}


@cron_job
def hourly() -> dict[str, int]:
    return {}


def test_a_call_is_skipped_while_another_is_alive() -> None:
    living = open_leased("nightly", seconds=60)
    with pytest.raises(AlreadyRunning, match=rf"nightly is already running \(run {living}\); this call was skipped"):
        nightly()
    assert the_run(living).status == "running"


def test_the_skipped_call_is_recorded() -> None:
    living = open_leased("nightly", seconds=60)
    with pytest.raises(AlreadyRunning) as caught:
        nightly()
    row = CronLog.objects.exclude(pk=living).get()
    assert (row.status, row.result, row.execution_time_ms) == ("skipped", {"running": living}, None)
    assert (row.trigger, row.lease_until) == ("command", None)
    assert caught.value.run == living
    assert CronMetric.objects.get().skipped == 1


def test_a_skipped_call_does_no_work() -> None:
    started = []

    @cron_job
    def weekly() -> dict[str, int]:
        started.append(1)
        return {}

    open_leased("weekly", seconds=60)
    with pytest.raises(AlreadyRunning):
        weekly()
    assert started == []


def test_other_jobs_are_not_held_up() -> None:
    open_leased("nightly", seconds=60)
    assert hourly().status == "success"


def test_a_job_runs_again_when_the_one_before_has_ended() -> None:
    assert [nightly().status for _ in range(2)] == ["success", "success"]


def test_a_silent_run_is_abandoned_by_the_next_call_which_then_runs() -> None:
    silent = open_leased("nightly", seconds=-1)
    run = nightly()
    row = the_run(silent)
    assert (row.status, row.error_message) == ("abandoned", "Its process fell silent.")
    assert row.finished_at is not None
    assert row.execution_time_ms is not None
    assert row.lease_until is None
    assert the_run(run.run).status == "success"
    assert (CronMetric.objects.get().runs, CronMetric.objects.get().failures) == (2, 1)


def test_runs_that_other_systems_opened_are_theirs_to_close() -> None:
    theirs = log_cron_run("nightly", "running")
    assert nightly().status == "success"
    assert the_run(theirs).status == "running"


@pytest.mark.parametrize("trigger", ["schedule", "http", "admin"])
def test_a_command_is_skipped_while_the_queue_is_at_a_run(trigger: str) -> None:
    """The queue's runs have no lease of their own: it watches over them itself."""
    queued = log_cron_run("nightly", "queued")
    CronLog.objects.update(trigger=trigger)
    assert nightly().status == "success"  # it has not begun
    log_cron_run("nightly", "running", None, queued)
    with pytest.raises(AlreadyRunning) as caught:
        nightly()
    assert caught.value.run == queued
    assert the_run(queued).status == "running"


def test_of_many_calls_at_once_one_runs_and_the_others_are_skipped() -> None:
    release = threading.Event()

    @cron_job
    def weekly() -> dict[str, int]:
        wait_until(lambda: CronLog.objects.filter(status="skipped").count() == 3, "the skipping")
        release.set()
        return {}

    answers = at_once(*[weekly] * 4)
    assert release.is_set()
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyRunning"] * 3 + ["Run"]
    (run,) = (answer for answer in answers if isinstance(answer, Run))
    assert {answer.run for answer in answers} == {run.run}  # the skipped ones name it
    assert sorted(CronLog.objects.values_list("status", flat=True)) == ["skipped"] * 3 + ["success"]


def test_a_silent_run_is_given_up_once_however_many_call() -> None:
    silent = open_leased("nightly", seconds=-1)
    answers: list[Any] = at_once(*[nightly] * 4)
    assert {type(answer) for answer in answers} <= {Run, AlreadyRunning}
    assert the_run(silent).status == "abandoned"
    assert CronLog.objects.filter(status="abandoned").count() == 1
    assert not CronLog.objects.filter(status="running").exists()


@pytest.mark.parametrize("ends", ["success", "renewal"])
def test_a_run_that_speaks_up_at_the_last_moment_is_not_given_up(ends: str) -> None:
    late = open_leased("nightly", seconds=-1)
    with another_connection() as theirs:
        if ends == "success":
            theirs.execute("SELECT log_cron_run('nightly', 'success', null, %s)", [late])
        else:
            theirs.execute("UPDATE cron_logs SET lease_until = now() + interval '1 minute' WHERE id = %s", [late])

        def commit_when_the_call_waits() -> None:
            wait_until(somebody_waits_for_a_lock, "the call to wait")
            theirs.commit()

        answer, _ = at_once(nightly, commit_when_the_call_waits)
    assert type(answer) is (Run if ends == "success" else AlreadyRunning), answer
    assert the_run(late).status == ("success" if ends == "success" else "running")


def test_the_caller_waits_no_longer_than_it_takes_to_decide() -> None:
    """A living run holds no lock: its job is asked, answered and skipped at once."""
    gate, done = threading.Event(), threading.Event()

    @cron_job
    def weekly() -> dict[str, int]:
        with transaction.atomic():
            CronMetric.objects.create(job_name="x", day="2026-07-01", runs=1, failures=0, skipped=0, missed=0)
            gate.set()
            assert done.wait(PATIENCE_SECONDS)
        return {}

    def call_meanwhile() -> None:
        assert gate.wait(PATIENCE_SECONDS)
        try:
            weekly()
        finally:
            done.set()

    run, skipped = at_once(weekly, call_meanwhile)
    assert isinstance(run, Run)
    assert isinstance(skipped, AlreadyRunning)
