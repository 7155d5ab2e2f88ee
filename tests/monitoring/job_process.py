"""Not a test: manage.py in a process of its own, on the database of the test that starts it.

Called as `python -m tests.monitoring.job_process <database> <lease seconds> <command> …`. Beside the
product's commands it has `work` (tests.monitoring.work).
"""

import sys

import django

RENEWALS_A_LEASE = 4


def main(database: str, lease_seconds: str, *arguments: str) -> None:
    django.setup()
    from django.core.management import execute_from_command_line
    from django.db import connection

    from monitoring import cron
    from tests.monitoring.work import Work

    connection.settings_dict["NAME"] = database
    cron.LEASE_SECONDS = float(lease_seconds)
    cron.RENEW_SECONDS = cron.LEASE_SECONDS / RENEWALS_A_LEASE
    if arguments[0] == "work":
        Work().run_from_argv(["manage.py", *arguments])
    else:
        execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
