"""What every job's command does the same way: what it says, where, and how it exits."""

import json
import sys
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from monitoring.cron import SKIPPED_BECAUSE, AlreadyRunning, Run, Terminated

EXIT_FAILED = 1
EXIT_WRONG_ARGUMENTS = 2
EXIT_ALREADY_RUNNING = 75  # EX_TEMPFAIL: try again later
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it
EXIT_TERMINATED = 143  # 128 + SIGTERM


class WrongArguments(CommandError):
    """What was asked for cannot be done; says what to do instead."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=EXIT_WRONG_ARGUMENTS)


class JobCommand(BaseCommand):
    """Run one job: silent on success off a terminal, errors on stderr.

    Exits 0 when done or partial (with a warning), 1 when failed, 2 on wrong arguments, 75 when
    the job is already running.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the finished run as one JSON object")
        parser.add_argument("--strict", action="store_true", help="exit 1 when some items failed")

    def run(self, job: Callable[[], Run], options: dict[str, Any]) -> Run:
        """Call a recorded job; answer for it on the terminal. Exits unless it succeeded."""
        try:
            run = job()
        except AlreadyRunning as problem:
            raise CommandError(str(problem), returncode=EXIT_ALREADY_RUNNING) from problem
        except Terminated as problem:
            raise CommandError(str(problem), returncode=EXIT_TERMINATED) from problem
        except KeyboardInterrupt as problem:
            raise CommandError("interrupted", returncode=EXIT_INTERRUPTED) from problem
        if options["json"]:
            self.stdout.write(as_json(run))
        elif sys.stdout.isatty():
            self.stdout.write(f"{run.job}: {run.status} in {run.duration_ms} ms (run {run.run})")
        self.warn(run)
        if run.status == "partial" and options["strict"]:
            sys.exit(EXIT_FAILED)
        return run

    def warn(self, run: Run) -> None:
        """Say on stderr what was not done."""
        if run.status == "skipped":
            self.stderr.write(self.style.WARNING(f"{run.job}: skipped. {run.result[SKIPPED_BECAUSE]}"))
        elif run.status == "partial":
            self.stderr.write(self.style.WARNING(f"{run.job}: some items failed; see run {run.run}."))


def as_json(run: Run) -> str:
    """The one object that `--json` prints."""
    body = {
        "job": run.job,
        "run": run.run,
        "status": run.status,
        "duration_ms": run.duration_ms,
        "result": run.result,
    }
    return json.dumps(body, cls=DjangoJSONEncoder, ensure_ascii=False)
