"""cron_metrics: the figures of a day are those of its runs, whoever closes them, however many at once."""

from datetime import UTC, date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import Error, connection, transaction
from django.db.models import F
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.models import CronLog, CronMetric
from tests.monitoring.runs import (
    another_connection,
    at_once,
    log_cron_run,
    open_leased,
    somebody_waits_for_a_lock,
    the_run,
    wait_until,
)

OPEN = ["queued", "running"]
FINAL = ["success", "partial", "failed", "skipped", "missed", "abandoned"]


def recount(job: str) -> dict[date, dict[str, Any]]:
    """The figures of each day, counted in Python from the runs themselves."""
    days: dict[date, list[CronLog]] = {}
    for run in CronLog.objects.filter(job_name=job, finished_at__isnull=False):
        days.setdefault(run.finished_at.astimezone(UTC).date(), []).append(run)
    figures = {}
    for day, runs in days.items():
        said = [run.status for run in runs]
        times = sorted(run.execution_time_ms for run in runs if run.execution_time_ms is not None)
        figures[day] = {
            "runs": sum(said.count(status) for status in ("success", "partial", "failed", "abandoned")),
            "failures": said.count("failed") + said.count("abandoned"),
            "skipped": said.count("skipped"),
            "missed": said.count("missed"),
            "p50_ms": times[-(-len(times) // 2) - 1] if times else None,
            "p95_ms": times[-(-len(times) * 19 // 20) - 1] if times else None,
            "max_ms": times[-1] if times else None,
            "rows": None,
        }
    return figures


def stored(job: str) -> dict[date, dict[str, Any]]:
    rows = CronMetric.objects.filter(job_name=job).values()
    return {row.pop("day"): {k: v for k, v in row.items() if k not in {"id", "job_name"}} for row in rows}


class Ledger:
    """The run log as its rules describe it, in memory."""

    def __init__(self) -> None:
        self.statuses: dict[int, str] = {}

    def log(self, status: str, run: int | None) -> int | None:
        """The run that the call is about; None when it inserts one. Raises KeyError when it is refused."""
        if run is not None and self.statuses[run] not in OPEN:
            raise KeyError(run)
        if run is None and status in FINAL:
            closes = ["queued"] if status in {"skipped", "missed"} else OPEN
            # Newest by its start: the test makes some older.
            starts = dict(CronLog.objects.filter(pk__in=self.statuses).values_list("pk", "started_at"))
            fitting = [number for number, said in self.statuses.items() if said in closes]
            run = max(fitting, key=lambda number: (starts[number], number), default=None)
        return run


calls = st.lists(
    st.tuples(
        st.sampled_from(OPEN + FINAL),
        st.none() | st.integers(0, 30),  # which run it names, if any
        st.sampled_from(["the-job", "the_job", " the_job"]),
        st.integers(0, 5_000),  # how long ago a run then opened began (ms)
    ),
    max_size=24,
)


@pytest.mark.django_db
@settings(max_examples=60)
@given(calls)
def test_any_sequence_of_calls_leaves_the_runs_and_figures_that_the_rules_say(
    sequence: list[tuple[str, int | None, str, int]],
) -> None:
    with transaction.atomic():
        ledger = Ledger()
        for status, place, spelling, ago in sequence:
            known = list(ledger.statuses)
            names = known[place % len(known)] if known and place is not None else None
            try:
                expected = ledger.log(status, names)
            except KeyError:
                with pytest.raises(Error, match="has already ended"), transaction.atomic():
                    log_cron_run(spelling, status, None, names)
                continue
            timed = expected is not None and ledger.statuses[expected] == "running"
            run = log_cron_run(spelling, status, None, names)
            assert run == expected or (expected is None and run not in ledger.statuses)
            ledger.statuses[run] = status
            if status in FINAL:
                assert (the_run(run).execution_time_ms is not None) == timed
            else:
                CronLog.objects.filter(pk=run).update(started_at=F("started_at") - timedelta(milliseconds=ago))
        assert dict(CronLog.objects.values_list("pk", "status")) == ledger.statuses
        assert stored("the_job") == recount("the_job")
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_each_job_and_day_has_its_own_figures() -> None:
    yesterday = log_cron_run("nightly", "success")
    CronLog.objects.filter(pk=yesterday).update(finished_at=F("finished_at") - timedelta(days=1))
    log_cron_run("nightly", "failed")
    log_cron_run("hourly", "missed")
    today = the_run(yesterday).finished_at.astimezone(UTC).date() + timedelta(days=1)
    assert stored("nightly")[today] == recount("nightly")[today]
    assert (stored("nightly")[today]["runs"], stored("hourly")[today]["runs"]) == (1, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
def test_a_day_is_a_day_in_utc_whatever_zone_the_caller_lives_in(zone: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL timezone = '{zone}'")
        run = log_cron_run("nightly", "success")
        cursor.execute("SET LOCAL timezone = 'UTC'")
    ended = the_run(run).finished_at
    assert stored("nightly") == {ended.astimezone(UTC).date(): recount("nightly")[ended.astimezone(UTC).date()]}


@pytest.mark.django_db
def test_figures_are_counted_anew_so_they_repair_themselves() -> None:
    log_cron_run("nightly", "failed")
    CronMetric.objects.update(runs=99, failures=98, max_ms=97)
    log_cron_run("nightly", "success")
    assert stored("nightly") == recount("nightly")


@pytest.mark.parametrize(
    ("result", "rows"),
    [
        ({"artists_updated": 3, "created": 2, "seen": 90}, 5),
        ({"removed": 0}, 0),
        ({"seen": 90, "updated": "many", "created": 1.5, "deleted": -1}, None),
        ({"tables": {"updated": 4}}, None),
        ([1, 2], None),
        (None, None),
    ],
    ids=["summed", "none", "no counts", "deeper", "a list", "nothing"],
)
@pytest.mark.django_db
def test_rows_are_what_a_result_counts_as_written(result: Any, rows: int | None) -> None:
    log_cron_run("nightly", "success", result)
    assert CronMetric.objects.get().rows == rows


@pytest.mark.django_db
def test_rows_of_a_day_are_summed() -> None:
    for result in ({"created": 2}, None, {"artists_updated": 3}):
        log_cron_run("nightly", "success", result)
    assert CronMetric.objects.get().rows == 5


@pytest.mark.django_db
def test_figures_outlive_their_runs() -> None:
    log_cron_run("nightly", "success")
    CronLog.objects.all().delete()
    assert CronMetric.objects.get().runs == 1


@pytest.mark.django_db(transaction=True)
def test_who_closes_second_counts_what_the_first_has_closed() -> None:
    first, second = log_cron_run("nightly", "running"), log_cron_run("nightly", "running")
    with another_connection() as theirs:
        theirs.execute("SELECT log_cron_run('nightly', 'failed', null, %s)", [first])
        # Their transaction is open; ours must wait for it instead of counting without it.

        def commit_when_ours_waits() -> None:
            wait_until(somebody_waits_for_a_lock, "our call to wait")
            theirs.commit()

        answers = at_once(partial(log_cron_run, "nightly", "success", None, second), commit_when_ours_waits)
    assert answers == [second, None]
    assert stored("nightly") == recount("nightly")
    (figures,) = stored("nightly").values()
    assert (figures["runs"], figures["failures"]) == (2, 1)


@pytest.mark.django_db(transaction=True)
def test_many_that_open_and_close_at_once_leave_the_right_figures() -> None:
    def work(place: int) -> None:
        for turn in range(6):
            run = log_cron_run("nightly", OPEN[turn % 2])
            log_cron_run("nightly", FINAL[(place + turn) % len(FINAL)], {"turn": turn}, run)

    assert at_once(*(partial(work, place) for place in range(6))) == [None] * 6
    assert CronLog.objects.count() == 36
    assert stored("nightly") == recount("nightly")


@pytest.mark.django_db(transaction=True)
def test_nameless_closings_at_once_each_close_a_run_of_their_own() -> None:
    opened = {log_cron_run("nightly", "running") for _ in range(5)}
    closed = at_once(*[partial(log_cron_run, "nightly", "success")] * 5)
    assert set(closed) == opened
    assert stored("nightly") == recount("nightly")


@pytest.mark.django_db(transaction=True)
def test_a_run_is_closed_once_however_many_try() -> None:
    run = open_leased("nightly", seconds=60)
    answers = at_once(*(partial(log_cron_run, "nightly", status, None, run) for status in ("success", "failed") * 2))
    won = [answer for answer in answers if answer == run]
    lost = [str(answer) for answer in answers if isinstance(answer, Error)]
    assert (len(won), len(lost)) == (1, 3)
    assert all("has already ended" in problem for problem in lost)
    assert stored("nightly") == recount("nightly")
