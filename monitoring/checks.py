"""Probes: each returns a word of good news or raises. health.py sums them up."""

import shutil
from pathlib import Path
from time import perf_counter

from django.conf import settings
from django.db import connection

from mysetlist import embedded

SLOW_MS = 500  # for a query that reads nothing
LEAST_FREE_BYTES = 1 << 30
LEAST_FREE_SHARE = 0.05
DEAD_ROWS = 100_000  # fewer are no trouble, whatever their share …
DEAD_SHARE = 0.5  # … and so many are what autovacuum should have taken long ago
REDIS_SECONDS = 1.0


class Degraded(Exception):
    """It works, but not as it should."""


def database() -> str:
    """PostgreSQL answers a query, and at once."""
    started = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
    took = round((perf_counter() - started) * 1000)
    if took > SLOW_MS:
        raise Degraded(f"PostgreSQL {version} took {took} ms for a query that reads nothing.")
    return f"PostgreSQL {version} answers."


def disk() -> str:
    """There is room where we write: the embedded database and BACKUP_DIR."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    return "; ".join([f"The database has {megabytes(size)}", *(room(folder) for folder in our_folders())])


def our_folders() -> list[Path]:
    home = connection.settings_dict.get("EMBEDDED_FOLDER")
    folders = [embedded.Place.of(Path(home)).home if home else None, settings.BACKUP_DIR]
    return [folder for folder in folders if folder]


def room(folder: Path) -> str:
    """How much is free on a folder's disk. Raises Degraded when that is little."""
    while not folder.exists():  # it is made when it is first needed
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    says = f"{megabytes(usage.free)} of {megabytes(usage.total)} are free at {folder}"
    if usage.free < LEAST_FREE_BYTES or usage.free < usage.total * LEAST_FREE_SHARE:
        raise Degraded(f"Only {says}. Free some, or shorten what retention keeps.")
    return says


def dead_rows() -> str:
    """Autovacuum keeps up: no table is half dead."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_dead_tup FROM pg_stat_user_tables"
            " WHERE n_dead_tup > %s AND n_dead_tup > n_live_tup * %s ORDER BY n_dead_tup DESC LIMIT 1",
            [DEAD_ROWS, DEAD_SHARE],
        )
        worst = cursor.fetchone()
    if worst:
        raise Degraded("{} has {:,} dead rows. Is autovacuum on, or a transaction open for hours?".format(*worst))
    return "No table has many dead rows."


def broker() -> str:
    """Messages can travel: Redis answers, or the database's own queue is installed."""
    if settings.REDIS_URL:
        _ping_redis()
        return "Redis answers."
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('pgmq') IS NOT NULL")
        (is_installed,) = cursor.fetchone()
    if not is_installed:
        raise RuntimeError("PGMQ is not installed. Run: manage.py migrate")
    return "PGMQ is installed in the database."


def cache() -> str:
    """Redis answers, if there is one."""
    if not settings.REDIS_URL:
        return "Each process has its own; REDIS_URL is not set."
    from redis import RedisError

    try:
        _ping_redis()
    except RedisError as problem:
        raise Degraded(
            f"Redis does not answer ({type(problem).__name__}). Limits hold per process meanwhile."
        ) from problem
    return "Redis answers."


def _ping_redis() -> None:
    from redis import Redis  # here, or every command without one would wait for it to load

    server = Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=None
    )
    try:
        server.ping()
    finally:
        server.close()


def megabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
