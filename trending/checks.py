"""Health: are the scores fresh?"""

from datetime import timedelta

from django.utils import timezone

from monitoring.checks import Degraded
from trending.models import TrendState

STALE_INTERVALS = 3


def score_age() -> str:
    """The scores are at most three intervals old."""
    state = TrendState.objects.first()
    if state is None:
        raise Degraded("No scores yet. Run: manage.py calculate_trending")
    age = timezone.now() - state.refreshed_at
    minutes = int(age.total_seconds() // 60)
    if age > timedelta(seconds=state.interval_seconds * STALE_INTERVALS):
        raise Degraded(f"The scores are {minutes} minutes old. Is calculate_trending scheduled and running?")
    return f"The scores are {minutes} minutes old (version {state.version})."
