"""Celery's transports, mended where one process that is unlucky would stop itself or all others.

kombu's PGMQ makes a queue's index and trigger anew whenever a process starts. That waits for everyone who has
a transaction on the queue, and everyone else waits behind it: a worker that is frozen, or cut off, in the
middle of a look would stop them all.

kombu's Redis keeps the place of a message that it could not acknowledge. A worker whose jobs all ended while
Redis was away has no place left, asks for nothing any more, and so never learns that Redis is back.
"""

from typing import Any

from kombu.transport import pgmq, redis, virtual


class PgmqChannel(pgmq.Channel):
    """Leaves a queue alone that is as it should be."""

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        name = self._queue_name(queue)
        if not self._has_queue(queue):  # type: ignore[no-untyped-call]
            self.pgmq.create_queue(name)  # under a lock of PGMQ's own
        self._maybe_enable_notify(queue, name)

    def _maybe_enable_notify(self, queue: str, queue_name: str | None = None) -> None:
        if not self.use_notify:
            return
        name = queue_name or self._queue_name(queue)
        if not self._is_told_of(name):
            pool = self.pgmq.pool
            assert pool
            with pool.connection() as link:
                link.execute("SELECT pgmq.acquire_queue_lock(%s)", [name])
                if not self._is_told_of(name, link):  # nobody was faster
                    self.pgmq.enable_notify(name, self.notify_throttle_interval_ms, conn=link)
        self.connection._register_notify_queue(name)

    def _is_told_of(self, name: str, link: Any = None) -> bool:
        """Whether listeners are notified of new messages, as often as we ask for."""
        told = {each.queue_name: each.throttle_interval_ms for each in self.pgmq.list_notify_throttles(conn=link)}
        return bool(told.get(name) == self.notify_throttle_interval_ms)


class Pgmq(pgmq.Transport):
    """What `pgmq://` means here (see mysetlist.celery)."""

    Channel = PgmqChannel


class RedisQoS(redis.QoS):
    """Frees the place of a message even when Redis cannot be told: its job has ended, and the ledger knows it."""

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        finally:
            # The message comes back later, and finds nothing to do.
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]


class RedisChannel(redis.Channel):
    QoS = RedisQoS


class Redis(redis.Transport):
    """What `redis://` means here."""

    Channel = RedisChannel
