"""Not a test: a job that says "working" and goes on until it hears how it ends."""

import sys
from typing import Any

from django.db import connection

from monitoring.command import JobCommand
from monitoring.cron import cron_job


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def hear() -> str:
    return sys.stdin.readline().strip()


@cron_job
def work() -> dict[str, Any]:
    say("working")
    match hear():
        case "fail":
            raise ValueError("no disk")
        case "some failed":
            return {"seen": 3, "failed": 1}
    return {"seen": 3}


class Work(JobCommand):
    """Says "ready", and starts the job when it hears anything."""

    def handle(self, *args: Any, **options: Any) -> None:
        connection.ensure_connection()
        say("ready")
        hear()
        self.run(work, options)
