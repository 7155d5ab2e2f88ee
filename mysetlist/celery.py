"""The Celery application: the engine that runs jobs on any number of machines."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysetlist.settings")

app = Celery("mysetlist")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
