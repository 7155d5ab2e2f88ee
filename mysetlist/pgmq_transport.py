"""Celery's transport over PGMQ, that makes a queue once.

kombu's own makes a queue's index and trigger anew whenever a process starts. That waits for everyone who has
a transaction on the queue, and everyone else waits behind it: a worker that is frozen, or cut off, in the
middle of a look would stop them all.
"""

from typing import Any

from kombu.transport import pgmq


class Channel(pgmq.Channel):
    """Leaves a queue alone that is as it should be."""

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        self._maybe_enable_notify(queue)

    def _maybe_enable_notify(self, queue: str, queue_name: str | None = None) -> None:
        name = queue_name or self._queue_name(queue)
        if not self._is_made(name):
            pool = self.pgmq.pool
            assert pool
            with pool.connection() as link:
                link.execute("SELECT pgmq.acquire_queue_lock(%s)", [name])
                if not self._is_made(name, link):  # nobody was faster
                    self.pgmq.create_queue(name, conn=link)
                    self.pgmq.enable_notify(name, self.notify_throttle_interval_ms, conn=link)
        self.connection._register_notify_queue(name)

    def _is_made(self, name: str, link: Any = None) -> bool:
        return name in {each.queue_name for each in self.pgmq.list_notify_throttles(conn=link)}


class Transport(pgmq.Transport):
    """What `pgmq://` means here (see mysetlist.celery)."""

    Channel = Channel
