"""Other connections, and work in threads: what it takes to stop a refresh half way."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")

PATIENCE_SECONDS = 20.0


@contextmanager
def another_connection() -> Iterator[BaseDatabaseWrapper]:
    """A second session on the same database."""
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


@contextmanager
def holding(lock: str) -> Iterator[None]:
    """A transaction of another session that has run this statement, ended by ROLLBACK on the way out."""
    with another_connection() as other:
        tell(other, "BEGIN")
        tell(other, lock)
        try:
            yield
        finally:
            tell(other, "ROLLBACK")


def tell(other: BaseDatabaseWrapper, sql: str, *values: object) -> None:
    with other.cursor() as cursor:
        cursor.execute(sql, values or None)


def ask(other: BaseDatabaseWrapper, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with other.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())


@contextmanager
def workers(size: int) -> Iterator[Callable[[Callable[[], T]], "Future[T]"]]:
    """Start functions in threads, each with a connection of its own that is closed when it ends."""

    def work(function: Callable[[], T]) -> T:
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(size) as pool:
        yield lambda function: pool.submit(work, function)


def waiting_for_a_lock() -> list[int]:
    """The backends of this database that wait for another's lock."""
    with another_connection() as other:
        return [
            pid
            for (pid,) in ask(
                other,
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
        ]


def wait_until(count: int) -> list[int]:
    """Look until so many backends wait for a lock; they."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        pids = waiting_for_a_lock()
        if len(pids) >= count:
            return pids
        time.sleep(0.005)
    raise AssertionError(f"{count} backends should wait for a lock, but {len(pids)} do")
