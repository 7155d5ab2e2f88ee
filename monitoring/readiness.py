"""Can this process serve? The database answers and has the tables that the code expects."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from monitoring.checks import database

_migrated = False


class NotMigrated(Exception):
    """The database lacks migrations. Run: manage.py migrate"""


def check_readiness() -> str:
    """A word of good news; raises NotMigrated, or what the database raises.

    Migrations once found applied stay so while this process lives: it is asked every few seconds.
    """
    global _migrated
    news = database()
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise NotMigrated(NotMigrated.__doc__)
        _migrated = True
    return news
