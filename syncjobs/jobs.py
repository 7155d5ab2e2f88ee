"""What a scheduled job does when the queue calls it."""

from django.utils import timezone

import monitoring.services
from monitoring.cron import inside
from syncjobs.progress import Counts, Work
from trending import services


def calculate_trending(work: Work) -> Counts:
    """Score everything as of this hour."""
    with inside(work.run):
        return services.calculate_trending(as_of=services.whole_hour(timezone.now())).result


def cleanup_old_data(work: Work) -> Counts:
    """Remove, or archive, what is past its retention."""
    with inside(work.run):
        return monitoring.services.cleanup_old_data(now=timezone.now()).result


def backup_logs(work: Work) -> Counts:
    """Keep a copy of yesterday's runs and figures."""
    with inside(work.run):
        return monitoring.services.backup_logs(now=timezone.now()).result
