"""cleanup_old_data(batch): at most one batch per table, the oldest first, and never what is young or open."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DataError, connection, transaction

from monitoring.models import CronLog, CronMetric, Retention

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_rules_but_ours() -> None:
    Retention.objects.all().delete()


def keep(days: float, *, table: str = "cron_logs", column: str = "finished_at", condition: str = "true") -> None:
    Retention.objects.create(table_name=table, time_column=column, condition=condition, keep=timedelta(days=days))


def cleanup(*batch: int | None) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM cleanup_old_data({'%s' if batch else ''})", batch)
        return cursor.fetchall()


def make_run(days_ago: float, status: str = "success") -> CronLog:
    """A run that ended so long ago; one that is open began then."""
    then = datetime.now(UTC) - timedelta(days=days_ago)
    ended = None if status in CronLog.OPEN else then
    return CronLog.objects.create(job_name="nightly", status=status, started_at=then, finished_at=ended)


def left() -> list[CronLog]:
    return list(CronLog.objects.order_by("pk"))


def test_it_deletes_what_is_past_its_keep_and_keeps_what_is_not() -> None:
    keep(90)
    make_run(91)
    young = [make_run(89), make_run(0)]
    assert cleanup() == [("cron_logs", 1)]
    assert left() == young


@pytest.mark.parametrize("status", ["queued", "running"])
def test_an_open_run_stays_however_old(status: str) -> None:
    keep(90)
    run = make_run(4000, status)
    assert cleanup() == [("cron_logs", 0)]
    assert left() == [run]


def test_at_most_one_batch_goes_and_the_oldest_first() -> None:
    keep(90)
    runs = {days: make_run(days) for days in (95, 99, 92, 98, 94, 91, 97)}
    assert cleanup(3) == [("cron_logs", 3)]
    assert left() == [runs[days] for days in (95, 92, 94, 91)]
    assert [cleanup(3) for _ in range(3)] == [[("cron_logs", 3)], [("cron_logs", 1)], [("cron_logs", 0)]]
    assert left() == []


def test_a_batch_is_of_a_table_not_of_a_rule() -> None:
    keep(90, condition="status = 'success'")
    keep(365, condition="status <> 'success'")
    expired = [make_run(100), make_run(400, "failed"), make_run(110), make_run(500, "failed")]
    assert cleanup(3) == [("cron_logs", 3)]
    assert left() == [expired[0]]


def test_rules_of_one_table_are_alternatives() -> None:
    keep(90, condition="status IN ('success', 'skipped')")
    keep(365, condition="status NOT IN ('success', 'skipped')")
    make_run(91), make_run(91, "skipped"), make_run(366, "failed"), make_run(366, "abandoned")
    kept = [make_run(91, "failed"), make_run(364, "missed"), make_run(89)]
    assert cleanup() == [("cron_logs", 4)]
    assert left() == kept


def test_a_condition_with_or_in_it_stays_one_condition() -> None:
    keep(90, condition="status = 'success' OR status = 'partial'")
    kept = [make_run(1), make_run(1, "partial"), make_run(100, "failed")]
    make_run(100), make_run(100, "partial")
    assert cleanup() == [("cron_logs", 2)]
    assert left() == kept


def test_there_is_one_line_per_table_in_order_also_for_those_with_nothing_to_delete() -> None:
    keep(730, table="cron_metrics", column="day")
    keep(90, condition="status = 'success'")
    keep(365, condition="status = 'failed'")
    keep(30, table="system_health", column="checked_at")
    CronMetric.objects.create(job_name="x", day=date(2020, 1, 1), runs=1, failures=0, skipped=0, missed=0)
    make_run(91)
    assert cleanup() == [("cron_logs", 1), ("cron_metrics", 1), ("system_health", 0)]


def test_without_rules_it_deletes_nothing() -> None:
    run = make_run(4000)
    assert cleanup() == []
    assert left() == [run]


def test_a_day_is_kept_as_long_as_a_moment() -> None:
    keep(10, table="cron_metrics", column="day")
    today = datetime.now(UTC).date()
    for days in (8, 12):
        CronMetric.objects.create(
            job_name="x", day=today - timedelta(days=days), runs=1, failures=0, skipped=0, missed=0
        )
    assert cleanup() == [("cron_metrics", 1)]
    assert CronMetric.objects.get().day == today - timedelta(days=8)


def test_keep_may_be_hours() -> None:
    keep(0.5)
    make_run(0.6)
    run = make_run(0.4)
    assert cleanup() == [("cron_logs", 1)]
    assert left() == [run]


@pytest.mark.parametrize("batch", [0, -1, None])
def test_a_bad_batch_is_refused(batch: int | None) -> None:
    keep(90)
    run = make_run(91)
    with pytest.raises(DataError, match="the batch must be at least 1"), transaction.atomic():
        cleanup(batch)
    assert left() == [run]


def test_a_batch_is_5000_unless_told() -> None:
    keep(90)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cron_logs (job_name, status, finished_at)"
            " SELECT 'nightly', 'success', now() - interval '91 days' FROM generate_series(1, 5001)"
        )
    assert cleanup() == [("cron_logs", 5000)]
    assert cleanup() == [("cron_logs", 1)]


@pytest.mark.parametrize("path", ["''", "pg_catalog"])
def test_it_works_under_any_search_path(path: str) -> None:
    keep(90)
    make_run(91)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL search_path = {path}")
        cursor.execute("SELECT * FROM public.cleanup_old_data()")
        assert cursor.fetchall() == [("cron_logs", 1)]
        cursor.execute("SET LOCAL search_path TO DEFAULT")


def test_figures_stay_as_they_are_when_their_runs_go() -> None:
    keep(90)
    run = make_run(91)
    CronMetric.objects.create(job_name="nightly", day=run.started_at.date(), runs=1, failures=0, skipped=0, missed=0)
    cleanup()
    assert CronMetric.objects.get().runs == 1
