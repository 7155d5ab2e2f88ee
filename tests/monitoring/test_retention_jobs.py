"""cleanup_old_data and backup_logs: nothing is lost that should be kept, and what is kept can be read."""

import gzip
import json
import os
import stat
import subprocess
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from monitoring import archive, services
from monitoring.models import CronLog, CronMetric, Retention
from tests.factories import make_artist
from tests.monitoring.runs import another_connection
from trending.models import TrendChange

NOW = datetime(2026, 7, 2, 1, 15, tzinfo=UTC)
YESTERDAY = datetime(2026, 7, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def backup(tmp_path: Path, settings: Any) -> Path:
    settings.BACKUP_DIR = tmp_path / "kept"
    return tmp_path / "kept"


@pytest.fixture(autouse=True)
def no_rules_but_ours() -> None:
    Retention.objects.all().delete()
    Retention.objects.create(table_name="cron_logs", time_column="finished_at", keep=timedelta(days=90))


def make_runs(count: int, *, days_ago: float = 100, job: str = "nightly") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cron_logs (job_name, status, finished_at, result)"
            " SELECT %s, 'success', now() - make_interval(mins => n) - %s, '{\"é\": 1}' FROM generate_series(1, %s) n",
            [job, timedelta(days=days_ago), count],
        )


def lines(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """What zcat and jq make of the files."""
    unpacked = subprocess.run(["zcat", *sorted(map(str, paths))], capture_output=True, check=True).stdout
    seen = subprocess.run(["jq", "-c", "."], input=unpacked, capture_output=True, check=True).stdout
    return [json.loads(line) for line in seen.splitlines()]


def test_it_goes_on_until_nothing_is_left_and_says_what_went() -> None:
    make_runs(25)
    make_runs(2, days_ago=1, job="young")
    run = services.cleanup_old_data(now=NOW, batch=10)
    assert run.result == {"removed": 25, "tables": {"cron_logs": 25}}
    assert CronLog.objects.filter(job_name="nightly").count() == 0
    assert CronLog.objects.filter(job_name="young").count() == 2


def test_each_batch_is_committed_by_itself() -> None:
    make_runs(25)
    with connection.execute_wrapper(_Seen(statements := [])):
        services.cleanup_old_data(now=NOW, batch=10)
    assert [left for sql, left in statements if "cleanup_old_data" in sql] == [15, 5, 0, 0]


class _Seen:
    """Notes after each statement how many old runs somebody else still sees."""

    def __init__(self, statements: list[tuple[str, int]]) -> None:
        self.statements = statements

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        with another_connection(autocommit=True) as theirs:
            found = theirs.execute("SELECT count(*) FROM cron_logs WHERE job_name = 'nightly'").fetchone()
        self.statements.append((sql, found[0] if found else -1))
        return answer


def test_with_a_folder_what_goes_can_be_read_there(backup: Path) -> None:
    make_runs(25)
    gone = set(CronLog.objects.values_list("pk", flat=True))
    services.cleanup_old_data(now=NOW, batch=10)
    files = sorted((backup / "archive").glob("*.gz"))
    assert [file.name for file in files] == [f"cron_logs-20260702T011500Z-000{n}.jsonl.gz" for n in (1, 2, 3)]
    kept = lines(files)
    assert {row["id"] for row in kept} == gone
    assert kept[0]["result"] == {"é": 1}
    assert kept[0]["finished_at"] <= kept[-1]["finished_at"]


def test_both_ways_remove_the_same(backup: Path, settings: Any) -> None:
    Retention.objects.all().delete()
    for status, days in (("success", 90), ("failed", 365)):
        Retention.objects.create(
            table_name="cron_logs", time_column="finished_at", condition=f"status = '{status}'", keep=timedelta(days)
        )
    left = []
    for folder in (None, backup):
        CronLog.objects.all().delete()
        for status in ("success", "failed"):
            for days in (10, 100, 400):
                CronLog.objects.create(
                    job_name=f"{status} {days}", status=status, finished_at=datetime.now(UTC) - timedelta(days)
                )
        settings.BACKUP_DIR = folder
        services.cleanup_old_data(now=NOW)
        names = CronLog.objects.exclude(job_name="cleanup_old_data").order_by("pk").values_list("job_name", flat=True)
        left.append(list(names))
    assert left == [["success 10", "failed 10", "failed 100"]] * 2


def test_what_cannot_be_written_is_not_deleted(backup: Path) -> None:
    make_runs(5)
    backup.write_text("a file where the folder should be")
    with pytest.raises(OSError, match="kept"):
        services.cleanup_old_data(now=NOW)
    assert CronLog.objects.filter(job_name="nightly").count() == 5
    assert CronLog.objects.get(job_name="cleanup_old_data").status == "failed"


@pytest.mark.parametrize("archived", [False, True])
def test_a_run_goes_though_a_change_that_is_kept_longer_names_it(archived: bool, tmp_path: Path, settings: Any) -> None:
    settings.BACKUP_DIR = tmp_path if archived else None
    make_runs(1)
    change = TrendChange.objects.create(
        artist=make_artist(), as_of=NOW, old_score=10, new_score=20, units={}, run=CronLog.objects.get()
    )
    assert services.cleanup_old_data(now=NOW).result["removed"] == 1
    change.refresh_from_db()
    assert change.run is None


def test_nothing_to_delete_makes_no_file(backup: Path) -> None:
    assert services.cleanup_old_data(now=NOW).result == {"removed": 0, "tables": {"cron_logs": 0}}
    assert not list(backup.rglob("*.gz"))


def make_days() -> None:
    """Runs that ended at the edges of yesterday and beyond, one that is open, and figures of three days."""
    for name, ended in {
        "before": YESTERDAY - timedelta(microseconds=1),
        "first": YESTERDAY,
        "last": YESTERDAY + timedelta(days=1, microseconds=-1),
        "after": YESTERDAY + timedelta(days=1),
    }.items():
        CronLog.objects.create(job_name=name, status="success", finished_at=ended)
    CronLog.objects.create(job_name="open", status="running", started_at=YESTERDAY + timedelta(hours=3))
    for day in (date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 2)):
        CronMetric.objects.create(job_name="nightly", day=day, runs=1, failures=0, skipped=0, missed=0)


def test_yesterday_s_records_are_kept_and_no_other_day_s(backup: Path) -> None:
    make_days()
    run = services.backup_logs(now=NOW)
    assert run.result == {"day": "2026-07-01", "cron_logs": 2, "cron_metrics": 1, "old_files_removed": 0}
    assert [row["job_name"] for row in lines([backup / "logs/cron_logs-2026-07-01.jsonl.gz"])] == ["first", "last"]
    assert [row["day"] for row in lines([backup / "logs/cron_metrics-2026-07-01.jsonl.gz"])] == ["2026-07-01"]


def test_its_checksums_are_those_of_sha256sum_and_nobody_else_may_read_it(backup: Path) -> None:
    services.backup_logs(now=NOW)
    for path in (backup / "logs").glob("*.sha256"):
        subprocess.run(["sha256sum", "--check", "--quiet", path.name], cwd=path.parent, check=True)
    files = list((backup / "logs").iterdir())
    assert len(files) == 4
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in files} == {0o600}


def test_the_newest_days_are_kept(backup: Path, settings: Any) -> None:
    settings.BACKUP_KEEP = 2
    for day in range(4):
        services.backup_logs(now=NOW + timedelta(days=day))
    assert sorted(path.name for path in (backup / "logs").glob("cron_logs*")) == [
        "cron_logs-2026-07-03.jsonl.gz",
        "cron_logs-2026-07-03.jsonl.gz.sha256",
        "cron_logs-2026-07-04.jsonl.gz",
        "cron_logs-2026-07-04.jsonl.gz.sha256",
    ]


def test_a_second_backup_of_a_day_replaces_the_first(backup: Path) -> None:
    services.backup_logs(now=NOW)
    make_days()
    services.backup_logs(now=NOW + timedelta(hours=5))
    assert len(lines([backup / "logs/cron_logs-2026-07-01.jsonl.gz"])) == 2


def test_without_a_folder_it_is_skipped_and_says_why(settings: Any) -> None:
    errors = StringIO()
    call_command("backup_logs", stderr=errors, no_color=True)
    assert (
        errors.getvalue() == "backup_logs: skipped. BACKUP_DIR is not set. Set it to a folder, best on another disk.\n"
    )
    row = CronLog.objects.get()
    assert (row.status, row.result) == (
        "skipped",
        {"skipped_because": "BACKUP_DIR is not set. Set it to a folder, best on another disk."},
    )


@pytest.mark.parametrize("damage", ["cut", "changed", "a line less", "no checksum"])
def test_a_damaged_file_is_found_out(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    assert archive.write(path, [{"n": n} for n in range(100)]) == 100
    archive.read_back(path, expected=100)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-20])
        archive.sign(path)
    elif damage == "changed":
        path.write_bytes(path.read_bytes().replace(b"\x00", b"\x01", 1))
    elif damage == "a line less":
        path.write_bytes(gzip.compress(b"{}\n" * 99))
        archive.sign(path)
    else:
        archive.checksum_of(path).unlink()
    with pytest.raises(archive.ArchiveDamaged, match=r"rows\.jsonl\.gz"):
        archive.read_back(path, expected=100)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def rows() -> Iterable[int]:
        yield 1
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        archive.write(tmp_path / "rows.jsonl.gz", rows())
    assert list(tmp_path.iterdir()) == []


def test_a_bad_batch_is_refused() -> None:
    with pytest.raises(CommandError, match="--batch 0: must be at least 1") as problem:
        call_command("cleanup_old_data", batch=0)
    assert problem.value.returncode == 2
