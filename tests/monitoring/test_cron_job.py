"""@cron_job: one row a call, committed before the work, closed by the same row in every case."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import Error, ProgrammingError, connection, transaction

from monitoring import cron
from monitoring.cron import AlreadyRunning, Run, Terminated, cron_job, current_run, followed_by, inside, triggered_by
from monitoring.models import CronLog, CronMetric
from tests.monitoring.runs import another_connection, at_once, log_cron_run, open_leased, the_run, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def job_that(work: Callable[[], Any]) -> Callable[[], Run]:
    """`work` as the job `nightly`."""

    def nightly() -> Any:
        return work()

    return cron_job(nightly)


def job_that_raises(problem: BaseException) -> Callable[[], Run]:
    def work() -> None:
        raise problem

    return job_that(work)


def execute(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


@contextmanager
def on_signal(number: int, problem: BaseException) -> Iterator[None]:
    """Raise `problem` where the signal strikes, as Celery's time limit does."""

    def strike(*_: Any) -> None:
        raise problem

    before = signal.signal(number, strike)
    try:
        yield
    finally:
        signal.signal(number, before)


def end_own_connection() -> None:
    """What a restart of the server does to a connection."""
    with another_connection(autocommit=True) as theirs:
        theirs.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])


def test_the_row_is_committed_before_the_work() -> None:
    seen = []

    def work() -> dict[str, int]:
        with another_connection() as theirs:
            seen.extend(theirs.execute("SELECT id, job_name, status, finished_at FROM cron_logs").fetchall())
        return {}

    run = job_that(work)()
    assert seen == [(run.run, "nightly", "running", None)]


def test_the_same_row_is_closed() -> None:
    def work() -> dict[str, int]:
        time.sleep(0.02)
        return {"seen": 3}

    run = job_that(work)()
    row = CronLog.objects.get()
    assert (row.pk, row.status, row.result, row.error_message) == (run.run, "success", {"seen": 3}, "")
    assert row.finished_at is not None
    assert row.execution_time_ms == run.duration_ms >= 20
    assert row.lease_until is None
    assert run == Run(job="nightly", run=row.pk, status="success", duration_ms=run.duration_ms, result={"seen": 3})


@pytest.mark.parametrize(
    ("result", "status"), [({"failed": 1}, "partial"), ({"failed": 0}, "success"), ({}, "success")]
)
def test_a_run_is_partial_when_items_failed(result: dict[str, int], status: str) -> None:
    assert job_that(lambda: result)().status == status
    assert CronLog.objects.get().status == status


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (ValueError("no disk"), "ValueError: no disk"),
        (ValueError(), "ValueError"),
        (SoftTimeLimitExceeded(), "SoftTimeLimitExceeded: SoftTimeLimitExceeded()"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (Terminated("told to stop (SIGTERM)"), "Terminated: told to stop (SIGTERM)"),
        (SystemExit(3), "SystemExit: 3"),
        (ValueError("a\0b"), "ValueError: ab"),
        (ValueError("a\ud800b"), "ValueError: a?b"),
        (ValueError("é漢🎸\n'\"\\"), "ValueError: é漢🎸\n'\"\\"),
    ],
    ids=lambda value: value.encode("ascii", "backslashreplace").decode() if isinstance(value, str) else "",
)
def test_what_is_raised_fails_the_run_and_passes_through(problem: BaseException, message: str) -> None:
    with pytest.raises(type(problem)) as caught:
        job_that_raises(problem)()
    assert caught.value is problem
    row = CronLog.objects.get()
    assert (row.status, row.error_message, row.result) == ("failed", message, {"error": message})
    assert row.finished_at is not None
    assert row.execution_time_ms is not None
    assert CronMetric.objects.get().failures == 1


def test_a_long_error_is_cut() -> None:
    with pytest.raises(ValueError, match="x"):
        job_that_raises(ValueError("x" * 50_000))()
    assert len(CronLog.objects.get().error_message) == cron.LONGEST_ERROR


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "AttributeError"),
        ({"seen": {1, 2}}, "TypeError: Object of type set is not JSON serializable"),
        ({"seen": float("nan")}, "DataError: invalid input syntax for type json"),
        ({"name": "a\0b"}, "DataError: unsupported Unicode escape sequence"),
        ({"name": "a\ud800b"}, "DataError: invalid input syntax for type json"),
    ],
    ids=["nothing", "a set", "not a number", "NUL", "half a character"],
)
def test_a_result_that_cannot_be_recorded_fails_the_run_instead_of_leaving_it_open(result: Any, message: str) -> None:
    with pytest.raises((AttributeError, TypeError, Error)):
        job_that(lambda: result)()
    row = CronLog.objects.get()
    assert row.status == "failed"
    assert row.error_message.startswith(message)


def test_a_result_may_hold_moments_decimals_and_any_letters() -> None:
    result = {
        "as_of": datetime(2026, 7, 1, 14, tzinfo=UTC),
        "score": Decimal("12.30"),
        "top": [{"name": "宇多田ヒカル"}],
    }
    assert job_that(lambda: result)().result is result
    assert CronLog.objects.get().result == {
        "as_of": "2026-07-01T14:00:00Z",
        "score": "12.30",
        "top": [{"name": "宇多田ヒカル"}],
    }


def test_a_failed_transaction_of_the_work_is_rolled_back_and_its_record_stays() -> None:
    def work() -> None:
        with transaction.atomic():
            CronMetric.objects.create(job_name="x", day="2026-07-01", runs=1, failures=0, skipped=0, missed=0)
            execute("SELECT 1/0")

    with pytest.raises(Error, match="division by zero"):
        job_that(work)()
    assert not CronMetric.objects.filter(job_name="x").exists()
    assert CronLog.objects.get().status == "failed"


def test_it_refuses_to_start_inside_a_transaction() -> None:
    with (
        transaction.atomic(),
        pytest.raises(RuntimeError, match="nightly was called inside a transaction"),
    ):
        job_that(dict)()
    assert not CronLog.objects.exists()


@pytest.mark.parametrize("inside", [True, False], ids=["inside a transaction", "outside one"])
def test_a_time_limit_amid_a_statement_closes_the_run(inside: bool) -> None:
    limit = SoftTimeLimitExceeded()

    def work() -> None:
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGUSR1]).start()
        if inside:
            with transaction.atomic():
                execute("SELECT pg_sleep(2)")
        execute("SELECT pg_sleep(2)")

    with on_signal(signal.SIGUSR1, limit), pytest.raises(SoftTimeLimitExceeded):
        job_that(work)()
    assert CronLog.objects.get().status == "failed"


@pytest.mark.parametrize("max_age", [0, None], ids=["connections for one run", "connections for ever"])
@pytest.mark.parametrize("fails", [False, True], ids=["success", "failure"])
def test_a_server_that_restarted_during_the_work_gets_the_record_all_the_same(
    fails: bool, max_age: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", max_age)
    connection.close()

    def work() -> dict[str, int]:
        end_own_connection()
        if fails:
            raise ValueError("no answer")
        return {"seen": 3}

    job = job_that(work)
    if fails:
        with pytest.raises(ValueError, match="no answer"):
            job()
    else:
        job()
    assert CronLog.objects.get().status == ("failed" if fails else "success")
    connection.close()


def test_work_that_broke_its_connection_fails_with_its_own_error() -> None:
    def work() -> None:
        end_own_connection()
        execute("SELECT 1")

    with pytest.raises(Error, match="terminating connection"):
        job_that(work)()
    assert "terminating connection" in CronLog.objects.get().error_message


def test_work_that_left_its_connection_in_a_transaction_is_not_recorded_in_it() -> None:
    def work() -> dict[str, int]:
        transaction.set_autocommit(False)
        execute("SELECT 1")
        return {}

    job_that(work)()
    with another_connection() as theirs:
        assert theirs.execute("SELECT status FROM cron_logs").fetchall() == [("success",)]


def test_a_run_that_was_given_up_meanwhile_cannot_be_closed_afterwards() -> None:
    def work() -> dict[str, int]:
        log_cron_run("nightly", "abandoned", {"error": "silent"}, current_run.get())
        return {"seen": 3}

    with pytest.raises(Error, match=r"has already ended \(abandoned\)"):
        job_that(work)()
    row = CronLog.objects.get()
    assert (row.status, row.result) == ("abandoned", {"error": "silent"})


def test_the_lease_is_renewed_while_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cron, "LEASE_SECONDS", 5.0)
    monkeypatch.setattr(cron, "RENEW_SECONDS", 0.05)
    leases = []

    def work() -> dict[str, int]:
        def renewed() -> bool:
            leases.append(the_run(current_run.get() or 0).lease_until)
            return len(set(leases)) > 3

        wait_until(renewed, "the renewal")
        return {}

    job_that(work)()
    assert leases == sorted(leases)


def test_nobody_renews_the_lease_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cron, "RENEW_SECONDS", 0.01)
    before = threading.active_count()
    job_that(dict)()
    with pytest.raises(ValueError, match="no disk"):
        job_that_raises(ValueError("no disk"))()
    assert threading.active_count() == before


def test_a_renewal_that_fails_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cron, "RENEW_SECONDS", 0.02)

    def work() -> dict[str, int]:
        before = the_run(current_run.get() or 0).lease_until
        with another_connection(autocommit=True) as theirs:
            theirs.execute("ALTER TABLE cron_logs RENAME COLUMN lease_until TO lease_gone")
            time.sleep(0.1)  # some renewals fail
            theirs.execute("ALTER TABLE cron_logs RENAME COLUMN lease_gone TO lease_until")
        wait_until(lambda: the_run(current_run.get() or 0).lease_until > before, "the renewal")
        return {}

    assert job_that(work)().status == "success"


def test_the_trigger_is_recorded() -> None:
    job_that(dict)()
    with triggered_by(CronLog.Trigger.SCHEDULE):
        job_that(dict)()
    job_that(dict)()
    assert list(CronLog.objects.order_by("pk").values_list("trigger", flat=True)) == [
        "command",
        "schedule",
        "command",
    ]


def test_the_work_knows_its_run_and_only_the_work() -> None:
    seen = []
    run = job_that(lambda: seen.append(current_run.get()) or {})()
    assert seen == [run.run]
    assert current_run.get() is None


def test_a_job_within_a_job_has_a_row_of_its_own() -> None:
    seen = []

    @cron_job
    def inner() -> dict[str, int]:
        return {}

    def work() -> dict[str, int]:
        seen.append(inner().run)
        seen.append(current_run.get())
        return {}

    outer = job_that(work)()
    assert seen[1] == outer.run
    assert dict(CronLog.objects.values_list("job_name", "status")) == {"nightly": "success", "inner": "success"}


def test_arguments_reach_the_work_and_its_name_stays() -> None:
    @cron_job
    def hourly(*, since: int) -> dict[str, int]:
        """Its docstring."""
        return {"since": since}

    assert hourly(since=3).result == {"since": 3}
    assert (hourly.__name__, hourly.__doc__) == ("hourly", "Its docstring.")
    with pytest.raises(TypeError):
        hourly(until=3)  # type: ignore[call-arg]
    assert list(CronLog.objects.order_by("pk").values_list("status", flat=True)) == ["success", "failed"]


def test_signals_are_handled_as_before_when_the_job_is_done() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    during = []
    job_that(lambda: during.append(signal.pthread_sigmask(signal.SIG_BLOCK, ())) or {})()
    with pytest.raises(ValueError, match="no disk"):
        job_that_raises(ValueError("no disk"))()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    assert during == [mask]


def test_a_job_runs_in_any_thread() -> None:
    (run,) = at_once(job_that(lambda: {"seen": 3}))
    assert isinstance(run, Run)
    assert the_run(run.run).status == "success"


def test_when_the_log_cannot_be_written_the_work_does_not_start() -> None:
    started = []
    with another_connection(autocommit=True) as theirs:
        theirs.execute("ALTER FUNCTION log_cron_run(text, text, jsonb, bigint) RENAME TO gone")
        try:
            with pytest.raises(ProgrammingError, match="log_cron_run"):
                job_that(lambda: started.append(1) or {})()
        finally:
            theirs.execute("ALTER FUNCTION gone(text, text, jsonb, bigint) RENAME TO log_cron_run")
    assert started == []


# --- a run that the queue opened, and closes ---


def test_a_job_inside_a_run_writes_no_row_of_its_own() -> None:
    run = log_cron_run("nightly", "running")
    seen = []
    with inside(run):
        answer = job_that(lambda: seen.append(current_run.get()) or {"failed": 1})()
    assert (answer.run, answer.status, answer.result) == (run, "partial", {"failed": 1})
    assert seen == [run]
    assert CronLog.objects.get().status == "running"  # who opened it closes it
    assert current_run.get() is None


def test_what_a_job_inside_a_run_raises_passes_through() -> None:
    run = log_cron_run("nightly", "running")
    with inside(run), pytest.raises(ValueError, match="no disk"):
        job_that_raises(ValueError("no disk"))()
    assert CronLog.objects.get().status == "running"


def test_a_run_is_given_to_one_call_alone() -> None:
    run = log_cron_run("nightly", "running")

    @cron_job
    def inner() -> dict[str, int]:
        return {}

    with inside(run):
        job_that(lambda: {"inner": inner().run})()
    assert CronLog.objects.exclude(pk=run).get().job_name == "inner"


def test_a_run_of_the_queue_is_put_off_while_a_command_is_at_it() -> None:
    living, run = open_leased("nightly", seconds=60), log_cron_run("nightly", "queued")
    with inside(run), pytest.raises(AlreadyRunning) as caught:
        job_that(dict)()
    assert (caught.value.run, caught.value.retry_after > 0) == (living, True)
    assert not CronLog.objects.filter(status="skipped").exists()


def test_a_run_of_the_queue_is_not_put_off_by_a_dead_command() -> None:
    open_leased("nightly", seconds=-1)
    run = log_cron_run("nightly", "queued")
    with inside(run):
        assert job_that(lambda: {"seen": 3})().result == {"seen": 3}


# --- a last step, within the run ---


def test_the_last_step_s_result_is_the_run_s() -> None:
    seen = []

    def step(run: int, result: Any) -> Any:
        seen.append((run, the_run(run).status))
        return {**result, "failed": 2}

    with followed_by(step):
        run = job_that(lambda: {"seen": 3})()
    assert seen == [(run.run, "running")]
    row = CronLog.objects.get()
    assert (row.status, row.result) == ("partial", {"seen": 3, "failed": 2})


def test_a_last_step_that_raises_fails_the_run() -> None:
    def step(run: int, result: Any) -> Any:
        raise ValueError("no disk")

    with followed_by(step), pytest.raises(ValueError, match="no disk"):
        job_that(dict)()
    assert CronLog.objects.get().error_message == "ValueError: no disk"


def test_a_last_step_is_taken_by_one_call_alone() -> None:
    steps = []

    @cron_job
    def inner() -> dict[str, int]:
        return {}

    with followed_by(lambda run, result: steps.append(run) or result):
        outer = job_that(lambda: {"inner": inner().run})()
    assert steps == [outer.run]
