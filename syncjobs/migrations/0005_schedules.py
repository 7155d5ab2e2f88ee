"""Up to where schedules are accounted for; triggers that see every edit of a schedule."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

SQL = Path(__file__).resolve().parents[1] / "sql"


class Migration(migrations.Migration):
    dependencies = [
        ("syncjobs", "0004_pgmq"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
        ("monitoring", "0003_slots"),
    ]
    operations = [
        migrations.CreateModel(
            name="ScheduleState",
            fields=[
                (
                    "schedule",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="state",
                        serialize=False,
                        to="django_celery_beat.periodictask",
                    ),
                ),
                ("accounted_until", models.DateTimeField(help_text="Every slot up to here has its run.")),
            ],
            options={"db_table": "schedule_state"},
        ),
        migrations.RunSQL(
            (SQL / "0002_schedule_changes.sql").read_text(), (SQL / "0002_schedule_changes_reverse.sql").read_text()
        ),
    ]
