"""archive_old_data(): what cleanup removes, for who keeps it elsewhere."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql"


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0003_slots")]
    operations = [
        migrations.RunSQL(
            (SQL / "0003_archive_old_data.sql").read_text(), "drop function archive_old_data(text, integer);"
        ),
    ]
