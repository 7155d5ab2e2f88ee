"""What ran, is all well?"""

from django.apps import AppConfig
from django.conf import settings

from monitoring.logs import start_sentry


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self) -> None:
        if settings.SENTRY_DSN:
            start_sentry(settings.SENTRY_DSN)
