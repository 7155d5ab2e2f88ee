"""The process beside the server that stops it when nobody needs it any more. Needs no Django."""

import fcntl
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from mysetlist.embedded.place import EmbeddedPostgresError, Place, open_beside, try_lock
from mysetlist.embedded.programs import call
from mysetlist.embedded.server import connections, is_alive, stop_server

ROOT = Path(__file__).resolve().parents[2]


def ensure_watcher(place: Place, linger_seconds: float) -> None:
    """Start one unless one holds watch.lock."""
    lock = open_beside(place.home / "watch.lock")
    try:
        missing = try_lock(lock, fcntl.LOCK_EX)
    finally:
        os.close(lock)
    if missing:
        # Inside uWSGI and its like, sys.executable is not Python.
        python = sys.executable if "python" in Path(sys.executable or "").name else f"{sys.prefix}/bin/python3"
        command = [python, "-P", "-m", "mysetlist.embedded", "watch", str(place.home), str(linger_seconds)]
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        call(place, command, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path})


def watch(place: Place, linger_seconds: float) -> None:
    """Wait until nobody holds users.lock, then stop the server."""
    lock = open_beside(place.home / "watch.lock")
    if not try_lock(lock, fcntl.LOCK_EX):
        return  # one is enough
    if os.fork():
        os._exit(0)  # who started us waits for this process; the other is on its own
    users = open_beside(place.home / "users.lock")
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)
        _linger(place, linger_seconds)
        if not _is_at(users, place.home / "users.lock"):
            return  # the folder was deleted; what may be there now is not ours to stop
        if try_lock(users, fcntl.LOCK_EX) and not connections(place):
            with suppress(EmbeddedPostgresError):  # it is in the log; next time
                stop_server(place)
                break
        fcntl.flock(users, fcntl.LOCK_UN)
    os.close(lock)  # before users.lock: who gets that one must not find a watcher about to leave
    os.close(users)


def _linger(place: Place, seconds: float) -> None:
    """Wait for somebody to need the server again; no longer if somebody has stopped it."""
    deadline = time.monotonic() + seconds
    while is_alive(place) and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))


def _is_at(opened: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(opened), path.stat())
    except FileNotFoundError:
        return False
