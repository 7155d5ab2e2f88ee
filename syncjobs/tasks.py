"""Celery's doors to the jobs of this room, and the sign of life of each worker."""

import signal
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_init, worker_process_init, worker_ready, worker_shutdown
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.module_loading import import_string

from monitoring import heartbeats
from monitoring.cron import followed_by, triggered_by
from monitoring.models import CronLog
from syncjobs import running

_stopped = threading.Event()


@shared_task(name="syncjobs.tasks.run_job")
def run_job(number: int) -> None:
    """Do the queue job that this message names, if it is still to be done."""
    running.run_jobs(number)


def _door(job: str) -> Any:
    """Celery's door to a job: plan it, do what it queued, beside other workers."""

    @shared_task(name=f"syncjobs.tasks.{job}")
    def start() -> None:
        with triggered_by(CronLog.Trigger.SCHEDULE), followed_by(running.driven()):
            import_string(settings.CRON_JOBS[job])(now=timezone.now())

    return start


advance_shows = _door("advance_shows")
master_sync = _door("master_sync")
update_active_artists = _door("update_active_artists")
sync_artist_data = _door("sync_artist_data")
trending_artist_sync = _door("trending_artist_sync")
complete_catalog_sync = _door("complete_catalog_sync")
import_past_setlists = _door("import_past_setlists")
sync_artist_images = _door("sync_artist_images")
finish_mysetlist_sync = _door("finish_mysetlist_sync")


@worker_init.connect
def _meet_database(**kwargs: Any) -> None:
    """The embedded server may not run yet; the broker may be in it."""
    connection.ensure_connection()
    connection.close()


@worker_process_init.connect
def _outlive_sigterm(**kwargs: Any) -> None:
    """A supervisor tells the whole group to stop; the worker then lets its processes end what they are at."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@worker_ready.connect
def _live(**kwargs: Any) -> None:
    _stopped.clear()
    threading.Thread(target=_beat, name="heartbeat", daemon=True).start()


@worker_shutdown.connect
def _leave(**kwargs: Any) -> None:
    _stopped.set()
    heartbeats.leave(_component())
    connection.close()


def _beat() -> None:
    while True:
        try:
            heartbeats.beat(_component())
        except DatabaseError:  # it will be missed, and the next turn tries again
            running.logger.exception("Unable to say that this worker lives")
        finally:
            connection.close()
        if _stopped.wait(heartbeats.EVERY_SECONDS):
            return


def _component() -> str:
    return f"worker {running.this_process()}"
