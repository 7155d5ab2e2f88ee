"""What ran, is all well?"""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "monitoring"
