"""The whole database as one file of pg_dump, and back. Uses PostgreSQL's own programs."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.client import DatabaseClient

from monitoring import archive
from mysetlist import embedded

CHUNK = 1 << 20  # bytes

OWN_SCHEMAS = (
    "SELECT nspname FROM pg_namespace WHERE nspname <> 'information_schema' AND nspname !~ '^pg_' ORDER BY nspname"
)
ANY_TABLE = (
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p', 'm', 'v') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
    " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
)


class DumpFailed(Exception):
    """PostgreSQL's program did not do it; the message is what it said."""


class NotEmpty(Exception):
    """The database to restore into has tables."""


class NoProgram(Exception):
    """There is no such program, or only one that is too old for the server."""


def dump(database: BaseDatabaseWrapper, path: Path) -> None:
    """Write the whole database to `path`: consistent, compressed, checksummed, readable by its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            _call(database, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", stdout=file)
            archive.settle(file)
        _call(database, "pg_restore", "--list", str(draft), stdout=subprocess.DEVNULL, connect=False)  # read back
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    archive.sign(path)


def restore(database: BaseDatabaseWrapper, path: Path, *, force: bool = False) -> None:
    """Fill the database from a dump: all of it or, when anything goes wrong, nothing.

    Raises ArchiveDamaged unless the file fits its checksum, NotEmpty when there are tables; with `force`
    all that is there is dropped first, in the same transaction.
    """
    archive.verify(path)
    with database.cursor() as cursor:
        cursor.execute(ANY_TABLE)
        (tables,) = cursor.fetchone()
        if tables and not force:
            raise NotEmpty(f"The database {database.settings_dict['NAME']} has {tables} tables.")
        cursor.execute(OWN_SCHEMAS)
        schemas = [name for (name,) in cursor.fetchall()] if force else []
    database.close()  # an idle connection of ours must hold no lock
    _replay(database, path, before=_drop(database, schemas))


def _drop(database: BaseDatabaseWrapper, schemas: Sequence[str]) -> str:
    drops = [f"DROP SCHEMA {database.ops.quote_name(name)} CASCADE;" for name in schemas]
    if "public" in schemas:
        drops.append("CREATE SCHEMA public AUTHORIZATION pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC;")
    return "\n".join(drops)


def _replay(database: BaseDatabaseWrapper, path: Path, *, before: str) -> None:
    """pg_restore writes SQL, psql executes it. COMMIT is said only when both have done all without a fault."""
    script = [
        _program(database, "pg_restore"),
        "--file=-",
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        str(path),
    ]
    with (
        subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_plain()) as reader,
        subprocess.Popen(
            [*_arguments(database, "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(database),
        ) as writer,
    ):
        assert reader.stdout
        assert reader.stderr
        assert writer.stdin
        assert writer.stderr
        try:
            writer.stdin.write(f"SET client_min_messages = warning;\nBEGIN;\n{before}\n".encode())
            shutil.copyfileobj(reader.stdout, writer.stdin, CHUNK)
            if reader.wait() == 0:
                writer.stdin.write(b"\nCOMMIT;\n")
            writer.stdin.close()
        except BrokenPipeError:
            reader.kill()  # psql has stopped at an error, which it tells
        said = writer.stderr.read().decode(errors="replace")
        if writer.wait() != 0 or reader.wait() != 0:
            raise DumpFailed((said + reader.stderr.read().decode(errors="replace")).strip())


def _call(database: BaseDatabaseWrapper, name: str, *arguments: str, stdout: Any, connect: bool = True) -> None:
    command = _arguments(database, name) if connect else [_program(database, name)]
    ended = subprocess.run(
        [*command, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=_environment(database),
        text=True,
        errors="replace",
    )
    if ended.returncode != 0:
        raise DumpFailed(ended.stderr.strip())


def _arguments(database: BaseDatabaseWrapper, name: str) -> list[str]:
    """The program, and which database it means. The password is no argument: those are for all to see."""
    (_, *where, dbname), _ = DatabaseClient.settings_to_cmd_args_env(database.settings_dict, [])
    return [_program(database, name), *where, f"--dbname={dbname}"]


def _environment(database: BaseDatabaseWrapper) -> dict[str, str]:
    _, said = DatabaseClient.settings_to_cmd_args_env(database.settings_dict, [])
    return {**_plain(), **(said or {})}


def _plain() -> Mapping[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}


def _program(database: BaseDatabaseWrapper, name: str) -> str:
    """The system's program, else the wheel's; one that is not older than the server. The wheel's first for its own."""
    with database.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        server = int(cursor.fetchone()[0]) // 10_000
    ours, theirs = str(embedded.program(name)), shutil.which(name)
    is_own = "EMBEDDED_FOLDER" in database.settings_dict
    for candidate in (ours, theirs) if is_own else (theirs, ours):
        if candidate and _major(candidate) >= server:
            return candidate
    raise NoProgram(
        f"No {name} for a server of version {server}: install PostgreSQL's client programs, {server} or newer."
    )


def _major(program: str) -> int:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, env=_plain()).stdout
    except OSError:
        return 0
    found = re.search(r"\d+", said)
    return int(found.group()) if found else 0
