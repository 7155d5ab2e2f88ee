"""Job events are told with NOTIFY, and how long queue jobs and their events are kept."""

from datetime import timedelta
from pathlib import Path

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQL = Path(__file__).resolve().parents[1] / "sql"

RETENTION = [
    ("queue_jobs", "finished_at", "status IN ('completed', 'cancelled')", 7),
    ("queue_jobs", "finished_at", "status IN ('failed', 'dead')", 90),
    ("job_events", "created_at", "kind = 'progress'", 2),
    ("job_events", "created_at", "kind <> 'progress'", 30),
]


def add_retention(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    for table, column, condition, days in RETENTION:
        apps.get_model("monitoring", "Retention").objects.create(
            table_name=table, time_column=column, condition=condition, keep=timedelta(days=days)
        )


def drop_retention(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    retention = apps.get_model("monitoring", "Retention").objects
    for table, _, condition, _ in RETENTION:
        retention.filter(table_name=table, condition=condition).delete()


class Migration(migrations.Migration):
    dependencies = [("syncjobs", "0002_ledger"), ("monitoring", "0002_functions")]
    operations = [
        migrations.RunSQL(
            (SQL / "0001_job_events.sql").read_text(),
            "drop trigger job_events_are_told on job_events; drop function tell_job_events();",
        ),
        migrations.RunPython(add_retention, drop_retention),
    ]
