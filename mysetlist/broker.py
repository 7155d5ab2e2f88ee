"""How Celery's messages travel: in the database's own queue (PGMQ), or through Redis where there is one."""

from collections.abc import Mapping
from typing import Any

from psycopg.conninfo import make_conninfo

VISIBILITY_SECONDS = 3600  # a message taken and not acknowledged comes back; the ledger's lease is far quicker
PREFETCH = {"pgmq": 4, "redis": 1}  # PGMQ is asked for a batch each time, Redis for one


def transport_options(redis_url: str, database: Mapping[str, Any]) -> dict[str, Any]:
    """What kombu's transport is told, by the broker that is used."""
    if redis_url:
        return {
            "visibility_timeout": VISIBILITY_SECONDS,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "health_check_interval": 25,
        }
    return {
        # Keywords: the client forgets the query of a URL. It keeps these five alone; sslmode and the
        # like come from libpq's environment (PGSSLMODE).
        "conn_string": make_conninfo(
            host=database.get("HOST") or None,
            port=database.get("PORT") or None,
            dbname=database["NAME"],
            user=database.get("USER") or None,
            password=database.get("PASSWORD") or None,
        ),
        "init_extension": False,  # a migration installed it
        "use_notify": True,
        "notify_throttle_interval_ms": 0,  # else one wake-up in 250 ms, and most jobs wait for the next poll
        "polling_interval": 0.05,
        "wait_time_seconds": 0,  # anything else polls queue after queue inside the server
        "visibility_timeout": VISIBILITY_SECONDS,
        "pool_size": 2,
        "pool_timeout": 3,
    }
