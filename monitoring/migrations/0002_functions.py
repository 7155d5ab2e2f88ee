"""log_cron_run() and cleanup_old_data(), and how long runs and their figures are kept."""

from datetime import timedelta
from pathlib import Path

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQL = Path(__file__).resolve().parents[1] / "sql"

RETENTION = [
    ("cron_logs", "finished_at", "status IN ('success', 'skipped')", 90),
    ("cron_logs", "finished_at", "status NOT IN ('success', 'skipped')", 365),
    ("cron_metrics", "day", "true", 730),
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
    dependencies = [("monitoring", "0001_initial")]
    operations = [
        migrations.RunSQL(
            (SQL / "0001_log_cron_run.sql").read_text(),
            "drop function log_cron_run(text, text, jsonb, bigint); drop function sum_up_runs(text, date);",
        ),
        migrations.RunSQL((SQL / "0002_cleanup_old_data.sql").read_text(), "drop function cleanup_old_data(integer);"),
        migrations.RunPython(add_retention, drop_retention),
    ]
