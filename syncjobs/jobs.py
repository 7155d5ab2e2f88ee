"""What a scheduled job does when the queue calls it."""

from django.utils import timezone

from monitoring.cron import inside
from syncjobs.progress import Counts, Work
from trending import services


def calculate_trending(work: Work) -> Counts:
    """Score everything as of this hour."""
    with inside(work.run):
        return services.calculate_trending(as_of=services.whole_hour(timezone.now())).result
