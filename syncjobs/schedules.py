"""The default schedules. A row is made when its job is registered; from then on it is the operator's."""

from django.utils.module_loading import import_string
from django_celery_beat.models import CrontabSchedule, PeriodicTask

# job: the Celery task that is its door, and when (minute, hour, day of month, month, day of week; UTC)
SCHEDULES = {
    "calculate_trending": ("trending.tasks.calculate_trending", "*/5 * * * *"),
    "backup_logs": ("monitoring.tasks.backup_logs", "15 1 * * *"),
    "cleanup_old_data": ("monitoring.tasks.cleanup_old_data", "30 1 * * *"),
}


def add_missing_schedules() -> list[str]:
    """Make the row of each job that has none; the names of those made. Rows that exist stay as they are."""
    made = []
    for job, (task, line) in SCHEDULES.items():
        if PeriodicTask.objects.filter(name=job).exists():
            continue
        minute, hour, day_of_month, month_of_year, day_of_week = line.split()
        crontab, _ = CrontabSchedule.objects.get_or_create(
            minute=minute,
            hour=hour,
            day_of_month=day_of_month,
            month_of_year=month_of_year,
            day_of_week=day_of_week,
            timezone="UTC",
        )
        PeriodicTask.objects.create(
            name=job,
            task=import_string(task).name,
            crontab=crontab,
            description="Switch it off here; do not delete it.",
        )
        made.append(job)
    return made
