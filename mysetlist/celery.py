"""The Celery application: the engine that runs jobs on any number of machines."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysetlist.settings")

TRANSPORT_ALIASES["pgmq"] = "mysetlist.transports:Pgmq"
TRANSPORT_ALIASES |= dict.fromkeys(("redis", "rediss"), "mysetlist.transports:Redis")

app = Celery("mysetlist")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
