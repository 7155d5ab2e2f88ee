"""The triggers that keep bills and time zones whole and note every activity."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql"


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [
        migrations.RunSQL((SQL / "0001_triggers.sql").read_text(), (SQL / "0001_triggers_reverse.sql").read_text())
    ]
