"""Not a test: manage.py in a process of its own, on the database of the test that starts it.

Called as `python -m tests.monitoring.job_process <database> <lease seconds> <command> …`. Beside the
product's commands it has `work`, a job that says "working" and goes on until it is told on stdin.
"""

import sys
from typing import Any

import django
from django.core.management import execute_from_command_line
from django.db import connection, connections

from monitoring import cron
from monitoring.command import JobCommand

PIECES_OF_A_LEASE = 4  # renewals a lease


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def hear() -> str:
    return sys.stdin.readline().strip()


@cron.cron_job
def work() -> dict[str, Any]:
    """Work until the test says how it ends."""
    say("working")
    match hear():
        case "fail":
            raise ValueError("no disk")
        case "some failed":
            return {"seen": 3, "failed": 1}
        case "query":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(60)")
    return {"seen": 3}


class Work(JobCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        connection.ensure_connection()
        say("ready")
        hear()
        self.run(work, options)


def main(database: str, lease_seconds: str, *arguments: str) -> None:
    django.setup()
    connections["default"].settings_dict["NAME"] = database
    cron.LEASE_SECONDS = float(lease_seconds)
    cron.RENEW_SECONDS = cron.LEASE_SECONDS / PIECES_OF_A_LEASE
    if arguments[0] == "work":
        Work().run_from_argv(["manage.py", *arguments])
    else:
        execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
