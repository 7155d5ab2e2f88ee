"""Publish due queue jobs to Celery; take back what dead workers held. Several may run, and take turns."""

import logging
import threading
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections
from django.utils.module_loading import import_string
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from psycopg import Error as PsycopgError
from psycopg.errors import UndefinedTable

from monitoring import heartbeats
from syncjobs import queue
from syncjobs.policies import POLICIES, QUEUES
from syncjobs.running import CHAIN_SECONDS, this_process

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5  # what comes due by the clock waits no longer; what is enqueued wakes the relay at once
RESCUE_SECONDS = 5.0
PAUSE_SECONDS = 1.0  # after the database or the broker failed
GRACE = timedelta(seconds=30)  # between asking an overlong job to stop and killing its process
LONGEST = timedelta(hours=1)  # of a job that nobody knows

CELERY = "mysetlist.celery.app"  # upward only by string
TASK = "syncjobs.tasks.run_job"
BROKEN = (DatabaseError, InterfaceError, OperationalError, OSError, PsycopgError)  # the last: PGMQ's client's own


class Relay:
    """One relay: what it last did when, and its connections to the broker and to the database's news."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.component = f"relay {this_process()}"
        self.listener = connections.create_connection("default")
        self.broker = publisher()  # connects when it is used
        self.rescued_at = self.beaten_at = float("-inf")

    def run(self) -> None:
        """Until told to stop."""
        try:
            while not self.stop.is_set():
                try:
                    self.turn()
                    self.wait()
                except (*BROKEN, *self.broker.connection_errors):  # each transport has its own
                    logger.exception("The relay lost the database or the broker; it tries again")
                    self.hang_up()
                    self.stop.wait(PAUSE_SECONDS)
        finally:
            self.hang_up()
            heartbeats.leave(self.component)
            connection.close()

    def turn(self) -> None:
        """Once through all that a relay does."""
        now = time.monotonic()
        if now - self.beaten_at >= heartbeats.EVERY_SECONDS:
            heartbeats.beat(self.component)
            self.beaten_at = now
        if now - self.rescued_at >= RESCUE_SECONDS:
            self.rescue()
            self.rescued_at = now
        queue.promote()
        publish(queue.take_due(), self.broker)

    def rescue(self) -> None:
        lost = queue.rescue()
        if lost:
            logger.warning("%s jobs were taken back from workers that fell silent", lost)
        if waiting(self.broker) < sum(each.concurrency for each in QUEUES.values()):
            queue.forget_lost_messages()
        queue.recount_children()

    def wait(self) -> None:
        """Until there is news, or the next tick."""
        if self.listener.connection is None:
            with self.listener.cursor() as cursor:
                cursor.execute("LISTEN queue_jobs")
            return  # what came before we listened
        for _ in self.listener.connection.notifies(timeout=TICK_SECONDS, stop_after=1):
            pass

    def hang_up(self) -> None:
        connection.close()
        self.listener.close()
        self.broker.release()
        self.broker = publisher()


def publisher() -> Any:
    """It sends and never reads: PGMQ's news would pile up on a connection that listens for nobody."""
    return celery().connection_for_write(transport_options={"use_notify": False})


def publish(due: list[tuple[int, str]], broker: Connection) -> None:
    """Send the number of each job; those that could not be sent are due again. Raises what BROKEN lists."""
    if not due:
        return
    sent = 0
    try:
        producer = celery().amqp.Producer(broker)
        for number, job in due:
            longest = POLICIES[job].longest if job in POLICIES else LONGEST
            soft = longest.total_seconds() + CHAIN_SECONDS
            limits = {"soft_time_limit": soft, "time_limit": soft + GRACE.total_seconds()}
            celery().send_task(TASK, [number], producer=producer, **limits)
            sent += 1
    finally:
        if sent < len(due):
            queue.take_back([number for number, _ in due[sent:]])


def waiting(broker: Connection) -> int:
    """How many messages lie in the broker for whoever asks next.

    What a worker took and never acknowledged is none of them: dead workers would keep us from sending anew. And
    the queue is not declared for it: with PGMQ that makes a trigger anew, and deadlocks with others who do.
    """
    name = settings.CELERY_TASK_DEFAULT_QUEUE
    channel: Any = broker.default_channel
    if not hasattr(channel, "pgmq"):
        return int(channel._size(name))
    try:
        return int(channel.pgmq.metrics(channel.canonical_queue_name(name)).queue_visible_length)
    except UndefinedTable:  # nothing was ever sent
        return 0


def celery() -> Any:
    return import_string(CELERY)
