"""The embedded PostgreSQL: real servers, real processes, really killed."""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mysetlist import embedded
from mysetlist.embedded.place import open_to_all, try_lock
from mysetlist.embedded.programs import server_program

ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
LINGER_SECONDS = 0.2
PATIENCE_SECONDS = 20  # a slow machine's time for what takes a fraction of a second

USER = """
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background ignores it
from mysetlist import embedded
from mysetlist.embedded import place

folder, linger, durable, private = sys.argv[1:]
place.SYSTEM_HOME = Path(private)
if {waits}:
    sys.stdin.readline()
embedded.attach(Path(folder), linger_seconds=float(linger), durable=durable == "True")
{then}
print("attached", flush=True)
sys.stdin.read()
"""

DJANGO = """
import os, signal, subprocess, sys
from pathlib import Path
import django
from django.conf import settings
from django.core.management import call_command
from mysetlist import embedded

folder = Path(sys.argv[1])
default = {{
    "ENGINE": "mysetlist.backend",
    "EMBEDDED_FOLDER": str(folder),
    "EMBEDDED_OPTIONS": {{"durable": False, "linger_seconds": {linger}}},
    **embedded.connection_settings(folder),
}}
settings.configure(DATABASES={{"default": default}}, INSTALLED_APPS=["django.contrib.contenttypes"])
django.setup()
from django.db import connection
{then}
"""


def wait_until(is_so: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_free(lock: Path) -> bool:
    opened = os.open(lock, os.O_RDWR)
    try:
        return try_lock(opened, fcntl.LOCK_EX)
    finally:
        os.close(opened)


class Stage:
    """A folder for servers, and processes that use them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "data"
        self.processes: list[subprocess.Popen[str]] = []

    def spawn(self, folder: Path | None = None, *, then: str = "", **options: Any) -> subprocess.Popen[str]:
        durable, linger, waits = (
            options.pop(*of) for of in (("durable", False), ("linger", LINGER_SECONDS), ("waits", False))
        )
        arguments = [str(folder or self.folder), str(linger), str(durable), str(self.root / "private")]
        return self.python(USER.format(then=then, waits=waits), *arguments, **options)

    def python(self, code: str, *arguments: str, before: tuple[str, ...] = (), **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*before, sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
            **options,
        )
        self.processes.append(process)
        return process

    def attached(self, *arguments: Any, **options: Any) -> subprocess.Popen[str]:
        return ready(self.spawn(*arguments, **options))

    def django(self, then: str) -> str:
        """What a small Django project prints."""
        process = self.python(DJANGO.format(linger=LINGER_SECONDS, then=then), str(self.folder))
        out, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, errors
        return out

    def connect(self, folder: Path | None = None) -> "psycopg.Connection[tuple[Any, ...]]":
        where = embedded.connection_settings(folder or self.folder)
        return psycopg.connect(
            host=where["HOST"], port=where["PORT"], user=where["USER"], dbname=where["NAME"], autocommit=True
        )

    def ask(self, sql: str, folder: Path | None = None) -> Any:
        with self.connect(folder) as connection:
            row = connection.execute(sql).fetchone()
        return row[0] if row else None

    @property
    def server(self) -> int:
        return int((self.folder / "cluster" / "postmaster.pid").read_text().split()[0])

    @property
    def watcher(self) -> int:
        words = f"watch\0{self.folder}\0".encode()
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # one that has just ended
                if words in line.read_bytes():
                    return int(line.parent.name)
        raise AssertionError("nobody watches")

    def is_alive(self) -> bool:
        return not is_free(self.folder / "server.lock")

    def leave(self) -> None:
        """End every process, then every server, and see that nothing is left."""
        for process in self.processes:
            process.kill()
            process.communicate()
        for lock in self.root.rglob("server.lock"):
            embedded.stop(lock.parent)
            assert wait_until(partial(is_free, lock))
            assert wait_until(partial(is_free, lock.with_name("watch.lock")))


def ready(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    assert process.stdout is not None
    assert process.stdout.readline() == "attached\n", process.communicate()[1]
    return process


def end(process: subprocess.Popen[str]) -> str:
    """Let a process leave by itself; what it said on stderr."""
    return process.communicate(timeout=PATIENCE_SECONDS)[1]


@contextmanager
def a_root() -> Iterator[Path]:
    # Not tmp_path: its name is long, and root's is closed to PostgreSQL's user.
    root = Path(tempfile.mkdtemp(prefix="mysetlist-test-", dir="/tmp"))
    root.chmod(0o755)
    yield root
    for lock in root.rglob("server.lock"):
        shutil.rmtree(embedded.Place(lock.parent).socket, ignore_errors=True)
    shutil.rmtree(root)


@contextmanager
def a_stage(root: Path) -> Iterator[Stage]:
    stage = Stage(root)
    try:
        yield stage
    finally:
        stage.leave()


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Nothing is there yet."""
    with a_root() as root, a_stage(root) as stage:
        yield stage


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    with a_root() as root:
        yield root


@pytest.fixture
def stopped(made: Path) -> Iterator[Stage]:
    """Nothing runs, but an earlier test has made the cluster: that takes most of the time."""
    with a_stage(made) as stage:
        yield stage


# --- starting ---


def test_the_first_process_makes_a_durable_server_that_folds_letters_and_says_whom_it_trusts(stage: Stage) -> None:
    first = stage.attached(durable=True)

    assert stage.ask("SELECT lower('É')") == "é"
    assert stage.ask("SELECT current_setting('fsync') || current_setting('listen_addresses')") == "on"
    second = stage.attached()
    assert "never for production" in end(first)
    assert end(second) == ""


@pytest.mark.parametrize(
    "name", ["with a space", 'it\'s 100% "odd" & $HOME, é', "/".join(["long" * 14] * 4)], ids=["space", "signs", "long"]
)
def test_it_runs_in_any_path(stage: Stage, name: str) -> None:
    folder = stage.root / name

    stage.attached(folder)

    assert stage.ask("SELECT current_setting('data_directory')", folder) == str(folder / "cluster")


def test_a_throw_away_cluster_stays_one_whoever_starts_it(stopped: Stage) -> None:
    end(stopped.attached(durable=False))
    assert wait_until(lambda: not stopped.is_alive())

    stopped.attached(durable=True)

    assert stopped.ask("SELECT current_setting('fsync')") == "off"


def test_settings_start_nothing_and_agree_about_every_spelling_of_a_folder(stage: Stage) -> None:
    stage.folder.mkdir()
    (stage.root / "link").symlink_to(stage.folder)

    plain = embedded.connection_settings(stage.folder)

    assert plain == embedded.connection_settings(stage.root / "link")
    assert plain == embedded.connection_settings(stage.folder / ".." / "data")
    assert list(stage.folder.iterdir()) == []


def ordinary_user(root: Path) -> dict[str, Any]:
    """How to run a process as the ordinary owner of `root`: as it is, or as root for nobody."""
    if not IS_ROOT:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(root, nobody.pw_uid, nobody.pw_gid)
    python = Path(sys.executable)
    if all(open_to_all(path) for path in (ROOT, python, python.resolve())):
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    # Python or the checkout is in a closed folder of root's: nobody may read it, but stays ordinary otherwise.
    # PostgreSQL's programs look closer, so those are the ones that everybody can read.
    user = ("setpriv", "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--clear-groups")
    wheel = server_program("initdb").parents[3]
    path = ("env", f"PYTHONPATH={wheel}:{ROOT}")
    return {"before": (*user, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", *path)}


def test_an_ordinary_user_needs_no_root(stage: Stage) -> None:
    stage.attached(**ordinary_user(stage.root))

    assert stage.ask("SELECT 1") == 1
    assert (stage.folder / "cluster").stat().st_uid == stage.root.stat().st_uid != 0


def test_a_folder_closed_to_others_works_for_root_as_well(stage: Stage) -> None:
    closed = stage.root / "closed"
    closed.mkdir(0o700)
    then = "print(embedded.Place.of(Path(folder)).home, embedded.connection_settings(Path(folder))['HOST'], flush=True)"

    user = stage.spawn(closed / "data", then=then)

    assert user.stdout is not None
    home, socket = user.stdout.readline().split()
    ready(user)
    assert Path(home).parent == (stage.root / "private" if IS_ROOT else closed)
    with psycopg.connect(host=socket, user="mysetlist", dbname="mysetlist") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_start_that_was_killed_half_way_is_done_again(stage: Stage) -> None:
    first = stage.spawn()
    half = stage.folder / "cluster.new" / "PG_VERSION"
    assert wait_until(half.exists)

    first.kill()  # its initdb goes on
    stage.attached()

    assert stage.ask("SELECT 1") == 1
    assert not half.parent.exists()


# --- sharing ---


def test_processes_that_start_at_once_share_one_server(stage: Stage) -> None:
    users = [stage.spawn() for _ in range(4)]

    for user in users:
        ready(user)

    assert stage.ask("SELECT 1") == 1
    assert (stage.folder / "server.log").read_text().count("starting PostgreSQL") == 1


def test_threads_that_start_at_once_share_one_lock(stopped: Stage) -> None:
    then = """
from concurrent.futures import ThreadPoolExecutor
embedded.stop(Path(folder))
before = len(os.listdir("/dev/fd"))
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: embedded.attach(Path(folder), linger_seconds=float(linger)), range(8)))
assert len(os.listdir("/dev/fd")) == before + 1
"""
    stopped.attached(then=then)

    assert stopped.ask("SELECT 1") == 1


@pytest.mark.parametrize("how", ["kill -9", "Ctrl-C"])
def test_the_server_outlives_its_starter_while_somebody_needs_it(stopped: Stage, how: str) -> None:
    starter = stopped.attached(start_new_session=True)
    other = stopped.attached()
    server = stopped.server

    if how == "kill -9":
        starter.kill()
    else:
        os.killpg(starter.pid, signal.SIGINT)  # what a terminal does: the whole group gets it
    starter.wait(timeout=PATIENCE_SECONDS)

    assert not wait_until(lambda: not stopped.is_alive(), seconds=3 * LINGER_SECONDS)
    assert stopped.ask("SELECT 1") == 1
    assert stopped.server == server
    end(other)
    assert wait_until(lambda: not stopped.is_alive())


def test_a_forked_child_needs_the_server_like_its_parent(stopped: Stage) -> None:
    parent = stopped.attached(then="if os.fork(): os._exit(0)")
    parent.wait(timeout=PATIENCE_SECONDS)

    assert not wait_until(lambda: not stopped.is_alive(), seconds=3 * LINGER_SECONDS)
    end(parent)
    assert wait_until(lambda: not stopped.is_alive())


# --- stopping ---


@pytest.mark.parametrize("how", ["leaves", "is killed"])
def test_the_server_stops_when_its_last_user(stopped: Stage, how: str) -> None:
    users = [stopped.attached(), stopped.attached()]

    for user in users:
        if how == "is killed":
            user.kill()
        end(user)

    assert wait_until(lambda: not stopped.is_alive(), seconds=5)
    assert not (stopped.folder / "cluster" / "postmaster.pid").exists()


def test_the_next_command_finds_the_server_still_there(stopped: Stage) -> None:
    first, second = stopped.attached(linger=1), stopped.spawn(waits=True)
    server = stopped.server

    end(first)
    assert second.stdin is not None
    second.stdin.write("now\n")
    second.stdin.flush()
    ready(second)

    assert not wait_until(lambda: not stopped.is_alive(), seconds=1.5)
    assert stopped.server == server


def test_a_bare_connection_keeps_the_server(stopped: Stage) -> None:
    user = stopped.attached()

    with stopped.connect():
        end(user)
        assert not wait_until(lambda: not stopped.is_alive(), seconds=3 * LINGER_SECONDS)

    assert wait_until(lambda: not stopped.is_alive())


def test_a_killed_watcher_is_replaced_by_the_next_process(stopped: Stage) -> None:
    first = stopped.attached()
    os.kill(stopped.watcher, signal.SIGKILL)
    assert wait_until(lambda: is_free(stopped.folder / "watch.lock"))

    second = stopped.attached()
    end(first)
    end(second)

    assert wait_until(lambda: not stopped.is_alive())


def test_a_deleted_folder_takes_nothing_from_the_one_made_in_its_place(stage: Stage) -> None:
    early = stage.attached()
    server = stage.server
    assert wait_until(lambda: shutil.rmtree(stage.folder, ignore_errors=True) or not stage.folder.exists())
    stage.attached()

    end(early)
    with suppress(ProcessLookupError):
        os.kill(server, signal.SIGKILL)  # it finds out by itself within a minute

    assert not wait_until(lambda: not stage.is_alive(), seconds=4 * LINGER_SECONDS)
    assert stage.ask("SELECT 1") == 1


# --- when it goes wrong ---


def test_committed_data_survives_a_killed_server_whose_number_another_process_has_now(stage: Stage) -> None:
    stage.attached(durable=True)
    with stage.connect() as connection:
        connection.execute("CREATE TABLE song AS SELECT 'Creep' AS name")
    server, owner = stage.server, (stage.folder / "cluster").stat().st_uid
    pid_file = stage.folder / "cluster" / "postmaster.pid"

    os.kill(server, signal.SIGKILL)
    stranger = subprocess.Popen(["sleep", "60"], **({"user": owner} if IS_ROOT else {}))
    pid_file.write_text(pid_file.read_text().replace(str(server), str(stranger.pid), 1))
    try:
        stage.attached()
    finally:
        stranger.kill()
        stranger.wait()

    assert stage.ask("SELECT name FROM song") == "Creep"


def test_another_major_version_is_refused_untouched(stage: Stage) -> None:
    (stage.folder / "cluster").mkdir(parents=True)
    (stage.folder / "cluster" / "PG_VERSION").write_text("17\n")

    with pytest.raises(embedded.EmbeddedPostgresError, match=r"PostgreSQL 17, installed is 18; nothing was touched"):
        embedded.attach(stage.folder, linger_seconds=0)

    assert [path.name for path in (stage.folder / "cluster").iterdir()] == ["PG_VERSION"]


def test_a_server_that_cannot_start_shows_the_end_of_its_log(stage: Stage) -> None:
    end(stage.attached())
    assert wait_until(lambda: not stage.is_alive())
    with (stage.folder / "cluster" / "postgresql.conf").open("a") as conf:
        conf.write("colour = green\n")

    with pytest.raises(embedded.EmbeddedPostgresError, match="unrecognized configuration parameter") as caught:
        embedded.attach(stage.folder, linger_seconds=0)

    assert "set DATABASE_URL" in str(caught.value)


def test_a_file_in_the_way_is_explained(stage: Stage) -> None:
    stage.folder.write_text("")

    with pytest.raises(embedded.EmbeddedPostgresError, match="could not be started"):
        embedded.attach(stage.folder)


@pytest.mark.parametrize("how", ["is open to others", "is a link", *(["is somebody's"] if IS_ROOT else [])])
def test_a_socket_folder_is_refused_that(stage: Stage, how: str) -> None:
    folder = stage.root / ("long" * 30)
    socket = embedded.Place.of(folder).socket
    assert socket.parent == Path("/tmp")
    if how == "is a link":
        socket.symlink_to(tempfile.mkdtemp(dir=stage.root))
    else:
        socket.mkdir(0o755 if how == "is open to others" else 0o700)
    if how == "is somebody's":
        os.chown(socket, pwd.getpwnam("nobody").pw_uid, -1)

    try:
        with pytest.raises(embedded.EmbeddedPostgresError, match="PostgreSQL's user alone can enter"):
            embedded.attach(folder, linger_seconds=0)
    finally:
        (socket.unlink if how == "is a link" else socket.rmdir)()


# --- Django ---


def test_a_check_starts_nothing(stage: Stage) -> None:
    assert "no issues" in stage.django('print(); call_command("check", stdout=sys.stdout)')

    assert not stage.folder.exists()


def test_dbshell_needs_no_psql_of_the_machine(stopped: Stage) -> None:
    out = stopped.django(
        'os.environ["PATH"] = "/nowhere"; call_command("dbshell", "--", "-XAt", "-c", "SELECT 40 + 2")'
    )

    assert out == "42\n"


def test_django_makes_its_test_database_on_a_server_that_did_not_run(stopped: Stage) -> None:
    then = """
name = connection.creation.create_test_db(verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("SELECT current_database()")
    print(cursor.fetchone()[0])
connection.creation.destroy_test_db("mysetlist", verbosity=0)
"""
    assert stopped.django(then) == "test_mysetlist\n"


def test_a_query_after_the_server_was_killed_starts_it_again(stopped: Stage) -> None:
    then = """
connection.ensure_connection()
os.kill(int((folder / "cluster" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
connection.close()
with connection.cursor() as cursor:
    cursor.execute("SELECT 'back'")
    print(cursor.fetchone()[0])
"""
    assert stopped.django(then) == "back\n"


def test_a_server_that_cannot_start_is_an_operational_error(stage: Stage) -> None:
    stage.folder.write_text("")
    then = """
from django.db.utils import OperationalError
try:
    connection.ensure_connection()
except OperationalError as error:
    print(str(error).partition(".")[0])
"""
    assert stage.django(then) == f"The embedded PostgreSQL in {stage.folder} could not be started\n"
