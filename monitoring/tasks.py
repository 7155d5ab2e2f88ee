"""Celery's doors to the jobs of this room."""

from celery import shared_task
from django.utils import timezone

from monitoring import services
from monitoring.cron import triggered_by
from monitoring.models import CronLog


@shared_task(name="monitoring.tasks.cleanup_old_data")
def cleanup_old_data() -> None:
    """Remove, or archive, what is past its retention."""
    with triggered_by(CronLog.Trigger.SCHEDULE):
        services.cleanup_old_data(now=timezone.now())


@shared_task(name="monitoring.tasks.backup_logs")
def backup_logs() -> None:
    """Keep a copy of yesterday's runs and figures."""
    with triggered_by(CronLog.Trigger.SCHEDULE):
        services.backup_logs(now=timezone.now())
