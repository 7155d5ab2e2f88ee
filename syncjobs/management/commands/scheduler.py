"""manage.py scheduler: give every slot its run. Start as many as wanted: one leads, the others stand by."""

import signal
from types import FrameType
from typing import Any

from celery.beat import Service
from django.core.management.base import BaseCommand

from monitoring.watch import watching
from mysetlist.celery import app
from syncjobs.running import this_process
from syncjobs.scheduler import SlotScheduler


class Command(BaseCommand):
    help = "Give every slot of every schedule its run, until told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        service = Service(app, scheduler_cls=SlotScheduler, remote_control=False)

        def stop(number: int, frame: FrameType | None) -> None:
            service.stop()  # after this tick: what is under way is finished

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        with watching(f"scheduler {this_process()}"):
            service.start()
