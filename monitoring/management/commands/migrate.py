"""manage.py migrate: Django's own, one at a time."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Machines and commands that start at once migrate one after the other: the second finds all done."""

    def handle(self, *args: Any, **options: Any) -> None:
        database = connections[options["database"]]
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended('migrate', 0))")
        try:
            super().handle(*args, **options)
        finally:
            if database.is_usable():
                with database.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(hashtextextended('migrate', 0))")
