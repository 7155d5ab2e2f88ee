"""What the commands of planned jobs do the same way: plan, queue, do it here or leave it to workers."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from monitoring.command import EXIT_ALREADY_RUNNING, JobCommand, WrongArguments
from monitoring.cron import Run, followed_by
from monitoring.models import CronLog
from syncjobs.planners.plans import Plan
from syncjobs.progress import OnProgress
from syncjobs.running import driven
from syncjobs.runs import CannotRun, Overlap, request_run, slot_said

SHOWN = 20  # pieces of a plan, on a terminal


class PlannedCommand(JobCommand):
    """Plan the job, queue its pieces and do them in this process, beside workers if there are any."""

    service: Callable[..., Run]
    planner: Callable[..., Plan]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--limit", type=positive, metavar="N", help="plan for at most so many")
        parser.add_argument("--dry-run", action="store_true", help="print the plan and its calls, do nothing")
        parser.add_argument("--no-wait", action="store_true", help="leave it to the workers and print the run's number")

    def arguments(self, options: dict[str, Any]) -> dict[str, Any]:
        """What the service is called with besides the time."""
        return {"limit": options["limit"]}

    def handle(self, *args: Any, **options: Any) -> None:
        arguments, now = self.arguments(options), timezone.now()
        kind = type(self)
        job = kind.service.__name__
        if options["dry_run"]:
            self.tell_plan(job, kind.planner(now=now, **arguments), options)
        elif options["no_wait"]:
            self.leave(job, arguments, options["slot"], now)
        else:
            with shown() as on_progress, followed_by(driven(on_progress)):
                self.run(lambda: kind.service(now=now, **arguments), options)

    def leave(self, job: str, arguments: dict[str, Any], said: str | None, now: datetime) -> None:
        """Queue the run as a whole."""
        trigger = CronLog.Trigger.COMMAND
        try:
            schedule, slot = slot_said(job, said, now) if said else ("", None)
            asked = request_run(job, trigger=trigger, now=now, slot=slot, schedule=schedule, arguments=arguments)
        except CannotRun as problem:
            raise WrongArguments(f"--{problem}") from problem
        except Overlap as problem:
            raise CommandError(str(problem), returncode=EXIT_ALREADY_RUNNING) from problem
        self.stdout.write(str(asked.run))

    def tell_plan(self, job: str, plan: Plan, options: dict[str, Any]) -> None:
        """The plan, whole as JSON, else in short."""
        summary = plan.summary()
        if options["json"]:
            pieces = [{"job": piece.job, **piece.arguments} for piece in plan.pieces]
            body = {"job": job, "dry_run": True, "plan": {**summary, "pieces": pieces}}
            self.stdout.write(json.dumps(body, cls=DjangoJSONEncoder, ensure_ascii=False))
            return
        calls = ", ".join(f"{source} {number}" for source, number in summary["calls"].items()) or "none"
        self.stdout.write(f"{job} would queue {summary['planned']} jobs; calls, as a rule: {calls}.")
        if summary.get("not_set_up"):
            self.stdout.write(f"Without a key, so left out: {', '.join(summary['not_set_up'])}.")
        for piece in plan.pieces[:SHOWN]:
            told = " ".join(f"{name}={value}" for name, value in piece.arguments.items() if value is not None)
            self.stdout.write(f"  {piece.job} {told}".rstrip())
        if len(plan.pieces) > SHOWN:
            self.stdout.write(f"  … and {len(plan.pieces) - SHOWN} more")
        if summary.get("repairs"):
            told = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in summary["repairs"].items())
            self.stdout.write(f"Repairs: {told}.")
        if plan.left:
            self.stdout.write(f"Left for later, by the limit or the day's budget: {plan.left}.")


def positive(text: str) -> int:
    """A whole number from 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return number


@contextmanager
def shown() -> Iterator[OnProgress | None]:
    """A bar on a terminal; elsewhere nothing is said."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (SpinnerColumn(), TextColumn("{task.fields[phase]:<20}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        line = bar.add_task("", total=100, phase="starting")

        def tell(phase: str, percent: int, message: str) -> None:
            bar.update(line, completed=percent, phase=phase, description=message[:60])

        yield tell
