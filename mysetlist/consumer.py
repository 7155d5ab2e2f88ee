"""Celery's consumer, for a broker that comes back.

A broker that is gone is asked for again every few seconds. Celery would wait two seconds longer after each try, up to
half a minute, and work would stand still so long after the broker is back.
"""

from functools import partial
from typing import Any

from celery.worker import consumer

PATIENCE = {"interval_start": 1, "interval_step": 1, "interval_max": 3}  # seconds


class Consumer(consumer.Consumer):  # type: ignore[misc]
    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(conn.ensure_connection, **PATIENCE)
        return super().ensure_connected(conn)
