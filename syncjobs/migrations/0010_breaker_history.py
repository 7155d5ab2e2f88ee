"""Since when a breaker is open, and because of what."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parents[1] / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("syncjobs", "0009_queue_admin"),
    ]
    operations = [
        migrations.AddField(
            model_name="sourcestate",
            name="opened_at",
            field=models.DateTimeField(null=True, help_text="Since when the breaker is not closed."),
        ),
        migrations.AddField(
            model_name="sourcestate",
            name="failures",
            field=models.JSONField(
                db_default=models.Value({}, models.JSONField()),
                help_text="What opened it, and failed since, by kind.",
            ),
        ),
        migrations.AddField(
            model_name="sourcestate",
            name="forced_at",
            field=models.DateTimeField(null=True, help_text="When the breaker was forced."),
        ),
        migrations.RunSQL(
            (SQL / "0003_breaker_history.sql").read_text(), (SQL / "0003_breaker_history_reverse.sql").read_text()
        ),
    ]
