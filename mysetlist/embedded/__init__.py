"""Start the embedded PostgreSQL when DATABASE_URL is not set.

Every process that needs the server holds a shared lock on `users.lock`. A watcher beside the server waits
for the exclusive one, and so learns that nobody is left. Every server process inherits a lock on
`server.lock`, so whether one is alive is a question to the kernel, too. Locks die with their process,
even by kill -9 or a reboot; a process id in a file says nothing after either.

This package is also a program, without Django: `python -m mysetlist.embedded stop <folder>`.
"""

import fcntl
import os
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from mysetlist.embedded.place import NAME, PORT, EmbeddedPostgresError, Place, make_home, open_beside, try_lock
from mysetlist.embedded.programs import explain, program
from mysetlist.embedded.server import bring_up, connections, stop_server
from mysetlist.embedded.watcher import ensure_watcher

__all__ = ["EmbeddedPostgresError", "Place", "attach", "connection_settings", "leave", "program", "stop"]

LINGER_SECONDS = 10.0  # a server that nobody needs waits this long for the next command


def connection_settings(folder: Path) -> dict[str, str]:
    """What Django's DATABASES needs; starts nothing."""
    return {"NAME": NAME, "USER": NAME, "HOST": str(Place.of(folder).socket), "PORT": PORT}


_attached: dict[Path, int] = {}  # folder -> our open users.lock; a forked child shares both
_mutex = threading.Lock()
# No fork while locks change hands: the child would hold what its parent lets go.
os.register_at_fork(before=_mutex.acquire, after_in_parent=_mutex.release, after_in_child=_mutex.release)


def attach(folder: Path, *, durable: bool = True, linger_seconds: float = LINGER_SECONDS, again: bool = False) -> None:
    """Have the server run for as long as this process lives; start it if it does not run.

    `durable` counts when the cluster is made and never changes: False is for throw-away data.
    `again` looks at the server even if this process has attached before.
    """
    if folder in _attached and not again:
        return
    with _mutex:
        if folder in _attached and not again:
            return
        place = Place.of(folder)
        try:
            users = _attach(place, durable=durable, linger_seconds=linger_seconds)
        except OSError as error:
            raise EmbeddedPostgresError(explain(place, "could not be started", str(error))) from error
        before = _attached.get(folder)
        _attached[folder] = users
        if before is not None:
            os.close(before)


def stop(folder: Path) -> None:
    """Stop the server now, whoever needs it; the next attach starts it again."""
    place = Place.of(folder)
    with _mutex:
        users = _attached.pop(folder, None)
        if users is not None:
            os.close(users)
        if place.cluster.exists():
            stop_server(place)


def leave(folder: Path) -> None:
    """Need the server no longer; unless somebody else does, stop it now instead of a while later."""
    with _mutex:
        ours = _attached.pop(folder, None)
        if ours is None:
            return
        os.close(ours)
        place = Place.of(folder)
        users = open_beside(place.home / "users.lock")
        try:
            if _is_last(users) and not connections(place):
                stop_server(place)  # who wants to start it waits for users.lock meanwhile
        finally:
            os.close(users)


def _is_last(users: int) -> bool:
    """Does nobody hold users.lock? The watcher has it for a moment, when the last one lets go."""
    deadline = time.monotonic() + 1
    while not (alone := try_lock(users, fcntl.LOCK_EX)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return alone


def _attach(place: Place, *, durable: bool, linger_seconds: float) -> int:
    make_home(place.home)
    with ExitStack() as undo:
        users = open_beside(place.home / "users.lock")
        undo.callback(os.close, users)
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a watcher that is stopping the server; then none will
        ensure_watcher(place, linger_seconds)  # first: it cleans up if we die in the next line
        bring_up(place, durable=durable)
        undo.pop_all()
    return users
