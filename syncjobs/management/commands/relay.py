"""manage.py relay: publish due queue jobs to the workers, until told to stop."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from monitoring.watch import watching
from syncjobs.relay import Relay


class Command(BaseCommand):
    help = "Publish due queue jobs to Celery and take back what dead workers held. Several may run."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        relay = Relay(stop)
        with watching(relay.component):
            relay.run()
