"""Jobs in real processes: stopped, interrupted, killed, started twice. What they leave in the run log."""

import signal

import pytest
from django.db import connection

from monitoring.models import CronLog, CronMetric
from tests.monitoring.processes import Process, Stage
from tests.monitoring.runs import another_connection, somebody_waits_for_a_lock, the_run, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

STOPS = {
    signal.SIGTERM: (143, "Terminated: told to stop (SIGTERM)", "told to stop (SIGTERM)"),
    signal.SIGINT: (130, "KeyboardInterrupt", "interrupted"),
}


def lease_has_run_out(run: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT lease_until < clock_timestamp() FROM cron_logs WHERE id = %s", [run])
        return bool(cursor.fetchone()[0])


def nothing_is_executed_for(process: Process) -> bool:
    """No statement of the process goes on in the server."""
    with another_connection(autocommit=True) as theirs:
        found = theirs.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"
        ).fetchone()
    return found == (0,)


def test_a_process_that_ends_well_is_silent(processes: Stage) -> None:
    assert processes.working().tell("").end() == (0, "", "")
    run = CronLog.objects.get()
    assert (run.job_name, run.status, run.trigger, run.result) == ("work", "success", "command", {"seen": 3})


def test_an_exception_ends_the_process_with_1_and_fails_the_run(processes: Stage) -> None:
    code, out, errors = processes.working("--json").tell("fail").end()
    assert (code, out) == (1, "")
    assert "ValueError: no disk" in errors
    assert (CronLog.objects.get().status, CronLog.objects.get().error_message) == ("failed", "ValueError: no disk")


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_a_process_that_is_told_to_stop_closes_its_run(number: signal.Signals, processes: Stage) -> None:
    code, message, line = STOPS[number]
    assert processes.working().signal(number).end() == (code, "", f"CommandError: {line}\n")
    run = CronLog.objects.get()
    assert (run.status, run.error_message) == ("failed", message)
    assert run.finished_at is not None
    assert run.lease_until is None


@pytest.mark.parametrize("number", STOPS, ids=lambda number: number.name)
def test_a_statement_of_a_process_that_is_told_to_stop_is_cancelled(number: signal.Signals, processes: Stage) -> None:
    code, message, _ = STOPS[number]
    with another_connection() as theirs:  # the scoring waits for this table
        theirs.execute("LOCK TABLE catalog_artist IN ACCESS EXCLUSIVE MODE")
        process = processes.start("calculate_trending")
        wait_until(somebody_waits_for_a_lock, "the statement")
        assert process.signal(number).end()[0] == code
        assert nothing_is_executed_for(process)
    run = CronLog.objects.get()
    assert (run.job_name, run.status, run.error_message) == ("calculate_trending", "failed", message)


@pytest.mark.parametrize(
    ("first", "second"),
    [(signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGTERM)],
    ids=lambda number: number.name,
)
def test_a_second_signal_while_the_run_is_being_closed_waits_for_that(
    first: signal.Signals, second: signal.Signals, processes: Stage
) -> None:
    with another_connection() as theirs:  # the closing waits for this row
        process = processes.working()
        theirs.execute("SELECT id FROM cron_logs FOR UPDATE")
        process.signal(first)
        wait_until(somebody_waits_for_a_lock, "the closing")
        process.signal(second)
        with pytest.raises(Exception, match="timed out"):
            process.popen.wait(0.2)
        theirs.rollback()
        code, _, _ = process.end()
    assert code in {STOPS[first][0], STOPS[second][0]}
    assert (CronLog.objects.get().status, CronLog.objects.get().error_message) == ("failed", STOPS[first][1])


def test_a_signal_while_a_run_that_went_well_is_being_closed_does_not_spoil_it(processes: Stage) -> None:
    with another_connection() as theirs:
        process = processes.working()
        theirs.execute("SELECT id FROM cron_logs FOR UPDATE")
        process.tell("")
        wait_until(somebody_waits_for_a_lock, "the closing")
        process.signal(signal.SIGTERM)
        theirs.rollback()
        assert process.end() == (143, "", "CommandError: told to stop (SIGTERM)\n")
    assert (CronLog.objects.get().status, CronLog.objects.get().result) == ("success", {"seen": 3})


def test_a_signal_while_the_run_is_being_opened_closes_it_before_any_work(processes: Stage) -> None:
    process = processes.start("work").hear("ready")
    with another_connection() as theirs:  # the opening waits for this
        theirs.execute("LOCK TABLE cron_logs IN EXCLUSIVE MODE")
        process.tell("go")
        wait_until(somebody_waits_for_a_lock, "the opening")
        process.signal(signal.SIGTERM)
        theirs.rollback()
        assert process.end() == (143, "", "CommandError: told to stop (SIGTERM)\n")
    assert CronLog.objects.get().status == "failed"


def test_a_killed_process_leaves_its_run_open_until_its_lease_is_over(processes: Stage) -> None:
    early, late = (processes.start("work").hear("ready") for _ in range(2))
    processes.working(lease_seconds=2).signal(signal.SIGKILL).end()
    killed = CronLog.objects.get()
    assert killed.status == "running"

    assert early.tell("go").end()[0] == 75  # nobody can know yet that it is dead
    assert the_run(killed.pk).status == "running"

    wait_until(lambda: lease_has_run_out(killed.pk), "the end of the lease")
    code, _, errors = late.tell("go").hear("working").tell("").end()
    assert code == 0
    assert f"Run {killed.pk} of work was abandoned: its process fell silent." in errors
    killed.refresh_from_db()
    assert (killed.status, killed.error_message) == ("abandoned", "Its process fell silent.")
    assert CronLog.objects.latest("pk").status == "success"
    assert CronMetric.objects.get().failures == 1


def test_a_long_run_outlives_many_leases_and_a_second_call_exits_with_75(processes: Stage) -> None:
    working = processes.working(lease_seconds=1.2)
    second = processes.start("work", "--json").hear("ready")
    run = CronLog.objects.get()
    first_lease = run.lease_until
    assert first_lease
    with connection.cursor() as cursor:  # a real lease goes by
        cursor.execute("SELECT pg_sleep(greatest(0, extract(epoch FROM %s - clock_timestamp())))", [first_lease])
    assert second.tell("go").end() == (
        75,
        "",
        f"CommandError: work is already running (run {run.pk}); this call was skipped.\n",
    )
    assert the_run(run.pk).status == "running"
    assert working.tell("").end()[0] == 0
    assert list(CronLog.objects.order_by("pk").values_list("status", flat=True)) == ["success", "skipped"]


def test_of_two_processes_at_once_one_runs_and_the_other_is_skipped(processes: Stage) -> None:
    both = [processes.start("work").hear("ready") for _ in range(2)]
    for process in both:
        process.tell("go")
    wait_until(lambda: any(process.popen.poll() is not None for process in both), "the skipping")
    skipped, running = sorted(both, key=lambda process: process.popen.poll() is None)
    assert skipped.end()[0] == 75
    assert running.hear("working").tell("some failed").end()[0] == 0
    assert sorted(CronLog.objects.values_list("status", flat=True)) == ["partial", "skipped"]


def test_a_stopped_process_that_wakes_after_it_was_given_up_changes_nothing(processes: Stage) -> None:
    sleeper = processes.working(lease_seconds=0.6)
    sleeper.signal(signal.SIGSTOP)
    run = CronLog.objects.get()
    wait_until(lambda: lease_has_run_out(run.pk), "the end of the lease")
    assert processes.working().tell("").end()[0] == 0
    sleeper.tell("").signal(signal.SIGCONT)
    code, _, errors = sleeper.end()
    assert code == 1
    assert f"run {run.pk} has already ended (abandoned)" in errors
    assert list(CronLog.objects.order_by("pk").values_list("status", flat=True)) == ["abandoned", "success"]
