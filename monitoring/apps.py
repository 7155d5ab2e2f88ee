"""What ran, is all well?"""

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import Tags, register
from django.utils.module_loading import import_string

from monitoring.logs import start_sentry


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self) -> None:
        register(import_string(settings.DEPLOY_CHECK), Tags.security, deploy=True)
        if settings.SENTRY_DSN:
            start_sentry(settings.SENTRY_DSN)
