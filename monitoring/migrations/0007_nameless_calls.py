"""log_cron_run() without a number leaves alone what our own doors opened."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql"
FIRST = (SQL / "0001_log_cron_run.sql").read_text()
BEFORE = FIRST[FIRST.index("create function log_cron_run") : FIRST.index("-- The day's figures")]


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0006_run_status_index")]
    operations = [
        migrations.RunSQL(
            (SQL / "0005_nameless_calls.sql").read_text(),
            BEFORE.replace("create function", "create or replace function", 1),
        ),
    ]
