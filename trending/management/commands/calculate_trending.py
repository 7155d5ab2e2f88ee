"""manage.py calculate_trending: score artists and shows, refresh the lists."""

import json
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from monitoring.command import EXIT_ALREADY_RUNNING, JobCommand, WrongArguments
from trending import services


class Command(JobCommand):
    help = "Score every artist and show as of this hour and refresh the trending lists."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--as-of", metavar="ISO", help="a whole UTC hour such as 2026-07-01T14:00Z; this hour when left out"
        )
        parser.add_argument("--full", action="store_true", help="count every vote anew instead of using the rollups")
        parser.add_argument("--dry-run", action="store_true", help="count and print, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        now = services.whole_hour(timezone.now())
        as_of = self.as_of(options["as_of"], now)
        try:
            if options["dry_run"]:
                self.stdout.write(
                    json.dumps(services.preview_trending(as_of=as_of), cls=DjangoJSONEncoder, ensure_ascii=False)
                )
                return
            services.check_as_of(as_of)
        except services.AsOfOutOfRange as problem:
            raise WrongArguments(str(problem)) from problem
        try:
            self.run(lambda: services.calculate_trending(as_of=as_of, full=options["full"]), options)
        except services.RefreshRunning as problem:
            raise CommandError(str(problem), returncode=EXIT_ALREADY_RUNNING) from problem

    def as_of(self, text: str | None, now: datetime) -> datetime:
        """The hour asked for. Raises WrongArguments unless it is a moment that is not to come."""
        if text is None:
            return now
        try:
            moment = parse_datetime(text)
            moment = moment.astimezone(UTC) if moment and moment.tzinfo else None
        except (ValueError, OverflowError):  # no such day, or none in UTC
            moment = None
        if moment is None:
            raise WrongArguments(f"--as-of {text}: not a time with its zone, such as 2026-07-01T14:00Z.")
        if moment > now:
            raise WrongArguments(f"--as-of {text} lies ahead; the newest hour is {now:%Y-%m-%dT%H:%MZ}.")
        return moment
