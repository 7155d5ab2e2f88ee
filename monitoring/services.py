"""What this room does on a schedule: forget what is old, and keep a copy of yesterday's records."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from monitoring import archive
from monitoring.cron import Counts, Skipped, cron_job
from monitoring.models import Retention

BATCH = 5_000  # rows a statement: short locks, small transactions
RECORDS = {  # table -> which rows are of a day
    "cron_logs": "finished_at >= %(begin)s AND finished_at < %(end)s",
    "cron_metrics": "day = %(day)s",
}


@cron_job
def cleanup_old_data(*, now: datetime, batch: int = BATCH) -> Counts:
    """Remove what is past its retention, a batch at a time; with BACKUP_DIR keep it there.

    Each batch is a transaction of its own, and of what is kept the file is on the disk before the commit:
    a crash between leaves rows in both, never in neither.
    """
    removed: dict[str, int] = {}
    turns = _archived(settings.BACKUP_DIR / "archive", now, batch) if settings.BACKUP_DIR else _deleted(batch)
    for table, count in turns:
        removed[table] = removed.get(table, 0) + count
    return {"removed": sum(removed.values()), "tables": removed}


def _deleted(batch: int) -> Iterator[tuple[str, int]]:
    busy = True
    while busy:
        with connection.cursor() as cursor:
            cursor.execute("SELECT table_name, removed FROM cleanup_old_data(%s)", [batch])
            lines = cursor.fetchall()
        yield from lines
        busy = any(count for _, count in lines)


def _archived(folder: Path, now: datetime, batch: int) -> Iterator[tuple[str, int]]:
    for table in Retention.objects.order_by("table_name").values_list("table_name", flat=True).distinct():
        number, count = 0, None
        while count is None or count == batch:
            number += 1
            path = folder / f"{table}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{number:04}.jsonl.gz"
            count = _archive_batch(table, path, batch)
            yield table, count


def _archive_batch(table: str, path: Path, batch: int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT archived::text FROM archive_old_data(%s, %s) AS archived", [table, batch])
        rows = [json.loads(row) for (row,) in cursor.fetchall()]
        return archive.write(path, rows) if rows else 0


@cron_job
def backup_logs(*, now: datetime) -> Counts:
    """Write yesterday's runs and figures (UTC) to BACKUP_DIR, read them back, keep the newest BACKUP_KEEP days."""
    if settings.BACKUP_DIR is None:
        raise Skipped("BACKUP_DIR is not set. Set it to a folder, best on another disk.")
    folder = settings.BACKUP_DIR / "logs"
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    begin = midnight - timedelta(days=1)
    counts: dict[str, Any] = {"day": begin.date().isoformat(), "old_files_removed": 0}
    for table, of_the_day in RECORDS.items():
        path = folder / f"{table}-{begin:%Y-%m-%d}.jsonl.gz"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT to_jsonb(t)::text FROM {table} t WHERE {of_the_day} ORDER BY id",
                {"begin": begin, "end": midnight, "day": begin.date()},
            )
            counts[table] = archive.write(path, (json.loads(row) for (row,) in cursor))
        archive.read_back(path, expected=counts[table])
        counts["old_files_removed"] += archive.keep_newest(folder, f"{table}-*.jsonl.gz", settings.BACKUP_KEEP)
    return counts
