"""manage.py cleanup_old_data: remove what is past its retention."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from monitoring import services
from monitoring.command import JobCommand, WrongArguments


class Command(JobCommand):
    help = "Remove rows past their retention, in batches; with BACKUP_DIR they are written there first."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--batch", type=int, default=services.BATCH, help="rows a transaction (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        batch: int = options["batch"]
        if batch < 1:
            raise WrongArguments(f"--batch {batch}: must be at least 1.")
        self.run(lambda: services.cleanup_old_data(now=timezone.now(), batch=batch), options)
