"""The formula, the counting and the lists, in SQL; and how long the history is kept."""

from datetime import timedelta
from pathlib import Path

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQL = Path(__file__).resolve().parents[1] / "sql"
TABLE = "trend_changes"


def add_retention(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("monitoring", "Retention").objects.create(
        table_name=TABLE, time_column="changed_at", keep=timedelta(days=365)
    )


def remove_retention(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("monitoring", "Retention").objects.filter(table_name=TABLE).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("trending", "0001_initial"),
        ("catalog", "0002_triggers"),
        ("monitoring", "0002_functions"),
    ]
    operations = [
        migrations.RunSQL((SQL / "0001_formula.sql").read_text(), (SQL / "0001_formula_reverse.sql").read_text()),
        migrations.RunSQL(
            (SQL / "0002_counting.sql").read_text(),
            "drop function trending_show_scores(timestamptz); drop function trending_artist_scores(timestamptz);",
        ),
        migrations.RunSQL(
            (SQL / "0003_views.sql").read_text(),
            "drop function refresh_trending_data();"
            " drop materialized view trending_shows_mv; drop materialized view trending_artists_mv;",
        ),
        migrations.RunPython(add_retention, remove_retention),
    ]
