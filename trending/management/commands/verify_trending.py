"""manage.py verify_trending: compare scores and rollups with their source rows, repair what differs."""

from typing import Any

from django.core.management.base import CommandError

from monitoring.command import EXIT_ALREADY_RUNNING, JobCommand
from trending import services


class Command(JobCommand):
    help = "Compare every score and rollup with its source rows; repair what differs, and say so."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.run(services.verify_trending, options)
        except services.RefreshRunning as problem:
            raise CommandError(str(problem), returncode=EXIT_ALREADY_RUNNING) from problem
