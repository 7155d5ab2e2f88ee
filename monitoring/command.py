"""What every job's command does the same way: what it says, where, and how it exits."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.module_loading import import_string

from monitoring.cron import SKIPPED_BECAUSE, AlreadyRunning, Run, SlotTaken, Terminated, for_slot
from monitoring.models import CronLog

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
        parser.add_argument(
            "--slot",
            metavar="ISO",
            help='the moment of the schedule that this run is for, or "latest"; if it has its run already, nothing is done',
        )
        parser.add_argument("--strict", action="store_true", help="exit 1 when some items failed")

    def run(self, job: Callable[[], Run], options: dict[str, Any]) -> Run:
        """Call a recorded job; answer for it on the terminal. Exits unless it succeeded."""
        try:
            with self.slot(options["slot"]):
                run = job()
        except SlotTaken as problem:
            run = _as_run(CronLog.objects.get(pk=problem.run))
        except AlreadyRunning as problem:
            raise CommandError(str(problem), returncode=EXIT_ALREADY_RUNNING) from problem
        except Terminated as problem:
            raise CommandError(str(problem), returncode=EXIT_TERMINATED) from problem
        except KeyboardInterrupt as problem:
            raise CommandError("interrupted", returncode=EXIT_INTERRUPTED) from problem
        self.say(run, options)
        return run

    def say(self, run: Run, options: dict[str, Any]) -> None:
        """Answer for a run on the terminal, or in JSON. Exits 1 when items failed and that is not wanted."""
        if options["json"]:
            self.stdout.write(as_json(run))
        elif sys.stdout.isatty():
            self.stdout.write(f"{run.job}: {run.status} in {run.duration_ms} ms (run {run.run})")
        self.warn(run)
        if run.status == "partial" and options["strict"]:
            sys.exit(EXIT_FAILED)

    def slot(self, said: str | None) -> AbstractContextManager[None]:
        """The slot that was asked for. Raises WrongArguments. Schedules are a higher floor's: known by its path."""
        if said is None:
            return nullcontext()
        job = type(self).__module__.rpartition(".")[2]
        try:
            schedule, slot = import_string(settings.SLOTS)(job, said, timezone.now())
        except ValueError as problem:
            raise WrongArguments(f"--{problem}") from problem
        return for_slot(schedule, slot)

    def warn(self, run: Run) -> None:
        """Say on stderr what was not done."""
        if run.status == "skipped":
            self.stderr.write(self.style.WARNING(f"{run.job}: skipped. {run.result[SKIPPED_BECAUSE]}"))
        elif run.status == "partial":
            self.stderr.write(self.style.WARNING(f"{run.job}: some items failed; see run {run.run}."))


def _as_run(row: CronLog) -> Run:
    """A run that somebody else started; it may still be going on."""
    return Run(
        job=row.job_name,
        run=row.pk,
        status=row.status,
        duration_ms=row.execution_time_ms or 0,
        result=row.result or {},
    )


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
