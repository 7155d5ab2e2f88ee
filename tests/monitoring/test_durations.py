"""How long jobs took, in words and as charts show it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring import durations
from monitoring.durations import fitting, spoken
from monitoring.models import CronLog

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (None, "unknown"),
        (0, "0 ms"),
        (9_999, "9,999 ms"),
        (10_000, "10.0 s"),
        (59_940, "59.9 s"),
        (60_000, "1 min 0 s"),
        (119_600, "2 min 0 s"),
        (3_600_000, "1 h 0 min"),
        (7_380_000, "2 h 3 min"),
    ],
)
def test_a_duration_in_words(ms, words):
    assert spoken(ms) == words


@pytest.mark.parametrize(
    ("values", "unit"), [([], " ms"), ([None], " ms"), ([9_999], " ms"), ([5, 10_000, None], " s"), ([600_000], " min")]
)
def test_the_unit_fits_the_longest(values, unit):
    assert fitting(values)[1] == unit


def make_runs(job, number, **values):
    return CronLog.objects.bulk_create(
        CronLog(
            **{
                "job_name": job,
                "status": "success",
                "started_at": NOON + timedelta(minutes=n),
                "finished_at": NOON + timedelta(minutes=n),
                "execution_time_ms": n + 1,
                "trigger": "schedule",
                "error_message": "",
                **values,
            }
        )
        for n in range(number)
    )


@pytest.mark.django_db
def test_each_job_has_its_latest_runs_oldest_first_in_one_query(django_assert_num_queries):
    make_runs("a_job", durations.SMALL + 5)
    make_runs("b_job", 2, status="failed")
    with django_assert_num_queries(1):
        one, other = durations.runs_of_each_job()
    assert (one.job, other.job) == ("a_job", "b_job")
    assert [point.value for point in one.points] == list(range(6, durations.SMALL + 6))
    assert other.says == "2 runs, 2 failed, median 1 ms, longest 2 ms."


@pytest.mark.django_db
def test_round_a_run_stand_those_before_and_after_it():
    runs = make_runs("a_job", 100)
    make_runs("b_job", 100)
    shown = durations.runs_round(runs[50])
    assert len(shown.points) == durations.BEFORE + durations.AFTER
    assert [point.value for point in shown.points] == list(range(12, 72))
    assert [point.value for point in shown.points if point.is_marked] == [51]
    assert [point.value for point in durations.runs_round(runs[99]).points if point.is_marked] == [100]


@pytest.mark.django_db
def test_runs_that_began_at_the_same_instant_are_each_shown_once():
    runs = make_runs("a_job", 3, started_at=NOON)
    for run in runs:
        shown = durations.runs_round(run)
        assert sorted(row.pk for row in shown.rows) == [one.pk for one in runs]
        assert [point.is_marked for point in shown.points].count(True) == 1


@pytest.mark.django_db
def test_the_charts_of_a_log_read_no_more_of_it_than_they_show():
    make_runs("a_job", 3000)
    make_runs("b_job", 3000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cron_logs")
    with CaptureQueriesContext(connection) as captured:
        durations.job_names("cron_logs")
        durations.runs_of_each_job()
        durations.runs_round(CronLog.objects.earliest("started_at"))
        durations.latest_runs(CronLog.objects.filter(job_name="a_job"))
    for query in captured:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Seq Scan on cron_logs" not in plan, plan
