"""PGMQ, the message queue inside PostgreSQL that wakes workers: its SQL, from the pgmq package.

Left alone where it is already, be it as an extension or from elsewhere. It has no upgrade path: for a newer
one, stop the workers, migrate syncjobs back to 0003 and forth again; the relay publishes what is due anew.
"""

from importlib.resources import files

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

OURS = "installed by MySetlist, version "


def install(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'pgmq'")
        if cursor.fetchone():
            return
        sql = files("pgmq") / "sql"
        version = (sql / "VERSION").read_text().strip()
        cursor.execute((sql / "pgmq.sql").read_text())
        cursor.execute(f"COMMENT ON SCHEMA pgmq IS '{OURS}{version}'")


def uninstall(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'pgmq'")
        found = cursor.fetchone()
        if found and (found[0] or "").startswith(OURS):
            cursor.execute("DROP SCHEMA pgmq CASCADE")


class Migration(migrations.Migration):
    dependencies = [("syncjobs", "0003_events")]
    operations = [migrations.RunPython(install, uninstall)]
