"""manage.py backup_logs: keep a copy of yesterday's runs and figures."""

from typing import Any

from django.utils import timezone

from monitoring import services
from monitoring.command import JobCommand


class Command(JobCommand):
    help = "Write yesterday's runs and figures to BACKUP_DIR, checksummed, and read them back."

    def handle(self, *args: Any, **options: Any) -> None:
        self.run(lambda: services.backup_logs(now=timezone.now()), options)
