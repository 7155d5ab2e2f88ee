"""Celery's doors to the jobs of this room, and the sign of life of each worker."""

import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_init, worker_ready, worker_shutdown
from django.db import DatabaseError, connection

from monitoring import heartbeats
from syncjobs import running

_stopped = threading.Event()


@shared_task(name="syncjobs.tasks.run_job")
def run_job(number: int) -> None:
    """Do the queue job that this message names, if it is still to be done."""
    running.run_jobs(number)


@worker_init.connect
def _meet_database(**kwargs: Any) -> None:
    """The embedded server may not run yet; the broker may be in it."""
    connection.ensure_connection()
    connection.close()


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
