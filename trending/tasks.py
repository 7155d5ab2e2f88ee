"""Celery's doors to the jobs of this room."""

from celery import shared_task
from django.utils import timezone

from monitoring.cron import triggered_by
from monitoring.models import CronLog
from trending import services


@shared_task(name="trending.tasks.calculate_trending")
def calculate_trending() -> None:
    """Score everything as of this hour."""
    with triggered_by(CronLog.Trigger.SCHEDULE):
        services.calculate_trending(as_of=services.whole_hour(timezone.now()))


@shared_task(name="trending.tasks.verify_trending")
def verify_trending() -> None:
    """Compare scores and rollups with their source rows."""
    with triggered_by(CronLog.Trigger.SCHEDULE):
        services.verify_trending()
