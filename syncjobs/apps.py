"""Bring the outside world in, and all that enqueues."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SyncjobsConfig(AppConfig):
    name = "syncjobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        post_migrate.connect(_add_schedules, sender=self)


def _add_schedules(**kwargs: Any) -> None:
    from syncjobs.schedules import add_missing_schedules

    add_missing_schedules()
