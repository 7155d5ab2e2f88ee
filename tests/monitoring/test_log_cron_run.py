"""log_cron_run(): the one writer of the run log, rule by rule (monitoring/sql/0001_log_cron_run.sql)."""

from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from monitoring.models import CronLog, CronMetric
from tests.monitoring.runs import log_cron_run, open_leased, the_run

pytestmark = pytest.mark.django_db

STATUSES = [status.value for status in CronLog.Status]
FINAL = [status for status in STATUSES if status not in CronLog.OPEN]


def started_earlier(run: int, *, seconds: float) -> None:
    CronLog.objects.filter(pk=run).update(started_at=F("started_at") - timedelta(seconds=seconds))


def test_running_opens_a_row() -> None:
    run = the_run(log_cron_run("nightly", "running"))
    assert (run.job_name, run.status, run.trigger) == ("nightly", "running", "sql")
    assert (run.finished_at, run.execution_time_ms, run.result, run.lease_until) == (None, None, None, None)
    assert run.error_message == ""


def test_a_run_starts_when_it_is_logged_not_when_the_callers_transaction_began() -> None:
    run = the_run(log_cron_run("nightly", "running"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT now(), clock_timestamp()")
        began, now = cursor.fetchone()
    assert began < run.started_at < now


@pytest.mark.parametrize("status", FINAL)
def test_a_final_status_closes_the_run_it_names(status: str) -> None:
    run, newer = log_cron_run("nightly", "running"), log_cron_run("nightly", "running")
    started_earlier(run, seconds=1.5)
    assert log_cron_run("nightly", status, {"seen": 3}, run) == run
    closed = the_run(run)
    assert (closed.status, closed.result) == (status, {"seen": 3})
    assert closed.finished_at is not None
    assert closed.execution_time_ms == round((closed.finished_at - closed.started_at).total_seconds() * 1000)
    assert 1500 <= closed.execution_time_ms < 60_000
    assert the_run(newer).status == "running"


def test_without_a_number_the_newest_open_run_of_that_job_is_closed() -> None:
    older, newest, other = (
        log_cron_run("nightly", "running"),
        log_cron_run("nightly", "running"),
        log_cron_run("hourly", "running"),
    )
    assert log_cron_run("nightly", "success") == newest
    assert log_cron_run("nightly", "failed") == older
    assert [the_run(run).status for run in (older, newest, other)] == ["failed", "success", "running"]


def test_the_newest_open_run_is_the_one_that_started_last() -> None:
    first, second = log_cron_run("nightly", "running"), log_cron_run("nightly", "running")
    started_earlier(second, seconds=60)
    assert log_cron_run("nightly", "success") == first


@pytest.mark.parametrize("status", FINAL)
def test_with_none_open_a_finished_row_of_unknown_time_is_inserted(status: str) -> None:
    log_cron_run("hourly", "running")
    run = the_run(log_cron_run("nightly", status, {"error": "no disk"}))
    assert run.status == status
    assert run.execution_time_ms is None  # unknown, never 0
    assert run.finished_at == run.started_at
    assert run.error_message == "no disk"


def test_the_figures_of_runs_of_unknown_time_are_unknown_too() -> None:
    log_cron_run("nightly", "success")
    metric = CronMetric.objects.get(job_name="nightly")
    assert (metric.runs, metric.p50_ms, metric.p95_ms, metric.max_ms) == (1, None, None, None)


def test_hyphens_become_underscores() -> None:
    run = log_cron_run("sync-artist-data", "running")
    assert the_run(run).job_name == "sync_artist_data"
    assert log_cron_run("sync_artist-data", "success") == run
    assert CronMetric.objects.get().job_name == "sync_artist_data"


def test_spaces_round_a_name_do_not_make_another_job() -> None:
    run = log_cron_run(" nightly ", "running")
    assert log_cron_run("nightly", "success", None, run) == run


@pytest.mark.parametrize("status", ["ok", "completed", "RUNNING", "", None])
def test_an_unknown_status_raises_and_lists_the_allowed_ones(status: str | None) -> None:
    said = "NULL" if status is None else f"'{status}'"
    with (
        pytest.raises(DataError, match=f"unknown status {said}; use one of: {', '.join(STATUSES)}"),
        transaction.atomic(),
    ):
        log_cron_run("nightly", status)
    assert not CronLog.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", None])
def test_a_job_must_have_a_name(name: str | None) -> None:
    with pytest.raises(DataError, match="the job name is empty"), transaction.atomic():
        log_cron_run(name, "running")
    assert not CronLog.objects.exists()


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("ended", FINAL)
def test_a_run_that_ended_stays_as_it_is(ended: str, status: str) -> None:
    run = log_cron_run("nightly", "running")
    log_cron_run("nightly", ended, {"seen": 3}, run)
    before = the_run(run).__dict__, CronMetric.objects.values().get()
    with pytest.raises(OperationalError, match=rf"run {run} has already ended \({ended}\)"), transaction.atomic():
        log_cron_run("nightly", status, {"seen": 4}, run)
    after = the_run(run).__dict__, CronMetric.objects.values().get()
    assert {**after[0], "_state": None} == {**before[0], "_state": None}
    assert after[1] == before[1]


def test_a_run_of_another_job_is_refused() -> None:
    run = log_cron_run("nightly", "running")
    with pytest.raises(DataError, match=f"run {run} is of job nightly, not hourly"), transaction.atomic():
        log_cron_run("hourly", "success", None, run)
    assert the_run(run).status == "running"


@pytest.mark.parametrize("status", STATUSES)
def test_a_run_that_is_not_there_is_refused(status: str) -> None:
    with pytest.raises(DataError, match="there is no run 999999999"), transaction.atomic():
        log_cron_run("nightly", status, None, 999_999_999)
    assert not CronLog.objects.exists()


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("seconds", [60, -60])
def test_a_nameless_call_never_closes_a_run_that_a_process_of_ours_holds(seconds: float, status: str) -> None:
    held = open_leased("nightly", seconds=seconds)
    assert log_cron_run("nightly", status) != held
    assert the_run(held).status == "running"
    assert the_run(held).lease_until is not None


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("opened", sorted(CronLog.OPEN))
@pytest.mark.parametrize("trigger", [trigger for trigger in CronLog.Trigger if trigger != CronLog.Trigger.SQL])
def test_a_nameless_call_never_closes_a_run_that_came_through_a_door_of_ours(
    trigger: str, opened: str, status: str
) -> None:
    ours = log_cron_run("nightly", opened)
    CronLog.objects.filter(pk=ours).update(trigger=trigger)
    assert log_cron_run("nightly", status) != ours
    assert the_run(ours).status == opened
    assert log_cron_run("nightly", status, None, ours) == ours


def test_closing_ends_the_lease() -> None:
    held = open_leased("nightly", seconds=60)
    log_cron_run("nightly", "success", None, held)
    assert the_run(held).lease_until is None


@pytest.mark.parametrize("status", ["skipped", "missed"])
def test_what_was_skipped_or_missed_does_not_close_what_runs(status: str) -> None:
    running = log_cron_run("nightly", "running")
    apart = log_cron_run("nightly", status)
    assert apart != running
    assert (the_run(running).status, the_run(apart).status) == ("running", status)


@pytest.mark.parametrize("status", FINAL)
def test_what_is_queued_can_end_any_way_and_took_no_time_that_anyone_knows(status: str) -> None:
    queued = log_cron_run("nightly", "queued")
    assert log_cron_run("nightly", status) == queued
    assert (the_run(queued).status, the_run(queued).execution_time_ms) == (status, None)


def test_a_queued_run_that_starts_is_timed_from_its_start() -> None:
    run = log_cron_run("nightly", "queued")
    started_earlier(run, seconds=3600)
    assert log_cron_run("nightly", "running", None, run) == run
    log_cron_run("nightly", "success", None, run)
    assert the_run(run).execution_time_ms < 60_000


def test_the_result_of_a_failure_gives_the_error_message() -> None:
    run = log_cron_run("nightly", "running")
    log_cron_run("nightly", "failed", {"error": "no disk", "seen": 3}, run)
    assert (the_run(run).error_message, the_run(run).result) == ("no disk", {"error": "no disk", "seen": 3})


def test_no_result_keeps_the_one_given_when_it_was_opened() -> None:
    run = log_cron_run("nightly", "running", {"mode": "daily"})
    log_cron_run("nightly", "success", None, run)
    assert (the_run(run).result, the_run(run).error_message) == ({"mode": "daily"}, "")


@pytest.mark.parametrize("path", ["''", "pg_catalog", "pg_temp, pg_catalog"])
def test_it_works_under_any_search_path(path: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL search_path = {path}")
        cursor.execute("SELECT public.log_cron_run('nightly', 'running')")
        (run,) = cursor.fetchone()
        cursor.execute("SELECT public.log_cron_run('nightly', 'success'), public.log_cron_run('nightly', 'failed')")
        assert cursor.fetchone()[0] == run
        cursor.execute("SET LOCAL search_path TO DEFAULT")
    assert CronMetric.objects.get(job_name="nightly").runs == 2


@pytest.mark.parametrize(
    "values",
    [
        {"status": "done"},
        {"status": "running", "finished_at": "2026-07-01T12:00Z"},
        {"status": "success"},
    ],
    ids=["unknown status", "open but finished", "ended but not finished"],
)
def test_the_table_refuses_what_the_function_would_not_write(values: dict[str, str]) -> None:
    with pytest.raises(IntegrityError, match=r"run_status_is_known|run_is_finished_or_open"), transaction.atomic():
        CronLog.objects.create(job_name="nightly", **values)


def test_one_leased_run_per_job() -> None:
    open_leased("nightly", seconds=60)
    open_leased("hourly", seconds=60)
    with pytest.raises(IntegrityError, match="one_leased_run_per_job"), transaction.atomic():
        open_leased("nightly", seconds=60)
