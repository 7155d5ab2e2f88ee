"""Not a test: `manage.py scheduler` in a process of its own, on the database of the test that starts it.

Called as `python -m tests.syncjobs.scheduler_process <database> <silent seconds>`.
"""

import sys

import django


def main(database: str, silent_seconds: str) -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from syncjobs import scheduler

    connection.settings_dict["NAME"] = database
    scheduler.SILENT_SECONDS = int(silent_seconds)
    call_command("scheduler")


if __name__ == "__main__":
    main(*sys.argv[1:])
