"""manage.py advance_shows: keep shows in step with the clock."""

from typing import Any

from django.utils import timezone

from monitoring.command import JobCommand
from syncjobs.planners import shows


class Command(JobCommand):
    help = "Keep the stored status of shows in step with the clock; lock predicted setlists at the start."

    def handle(self, *args: Any, **options: Any) -> None:
        self.run(lambda: shows.advance_shows(now=timezone.now()), options)
