"""A dump restored into an empty database is the same one: every table, every row, the same top ten."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from monitoring import archive, dumps
from mysetlist.catalog.models import Artist
from tests.factories import NOON, make_artist, make_show
from trending.services import calculate_trending

ROOT = Path(__file__).resolve().parents[2]
EMPTY = "restored_by_a_test"
TOP_TEN = "SELECT rank, artist_id, name, score FROM trending_artists_mv ORDER BY rank LIMIT 10"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def empty() -> Iterator[BaseDatabaseWrapper]:
    """An empty database beside that of the suite."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {EMPTY} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {EMPTY}")
    other = connection.copy()
    other.settings_dict["NAME"] = EMPTY
    try:
        yield other
    finally:
        other.close()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {EMPTY} WITH (FORCE)")


def make_world() -> None:
    for number in range(12):
        artist = make_artist(popularity=number * 7, name=f"Ärtist {number}")
        for days in range(number % 4):
            make_show(artist, starts_at=NOON + timedelta(days=days + 1))
    calculate_trending(as_of=NOON)


def ask(database: BaseDatabaseWrapper, sql: str) -> list[Any]:
    with database.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def counts(database: BaseDatabaseWrapper) -> dict[str, int]:
    """Rows of each table and view of ours, counted."""
    names = ask(
        database, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm')"
    )
    return {name: ask(database, f'SELECT count(*) FROM "{name}"')[0][0] for (name,) in names}


def test_every_table_and_the_top_ten_come_back(empty: BaseDatabaseWrapper, tmp_path: Path) -> None:
    make_world()
    dumps.dump(connection, tmp_path / "all.dump")
    dumps.restore(empty, tmp_path / "all.dump")
    assert counts(empty) == counts(connection)
    assert counts(empty)["catalog_artist"] == 12
    assert ask(empty, TOP_TEN) == ask(connection, TOP_TEN)
    assert len(ask(empty, TOP_TEN)) == 10
    # What is not rows came along, too.
    assert ask(empty, "SELECT log_cron_run('nightly', 'success') > 0") == [(True,)]
    ask(empty, "SELECT FROM refresh_trending_data()")


def test_a_database_with_tables_is_left_alone(tmp_path: Path, empty: BaseDatabaseWrapper) -> None:
    dumps.dump(connection, tmp_path / "all.dump")
    with empty.cursor() as cursor:
        cursor.execute("CREATE TABLE precious (n int)")
    with pytest.raises(dumps.NotEmpty, match=f"{EMPTY} has 1 tables"):
        dumps.restore(empty, tmp_path / "all.dump")
    assert counts(empty) == {"precious": 0}


def test_force_drops_what_is_there(tmp_path: Path, empty: BaseDatabaseWrapper) -> None:
    make_world()
    dumps.dump(connection, tmp_path / "all.dump")
    with empty.cursor() as cursor:
        cursor.execute("CREATE SCHEMA other CREATE TABLE more (n int)")
        cursor.execute("CREATE TABLE catalog_artist (n int)")
    dumps.restore(empty, tmp_path / "all.dump", force=True)
    assert counts(empty) == counts(connection)
    assert ask(empty, "SELECT to_regnamespace('other')") == [(None,)]
    dumps.dump(empty, tmp_path / "again.dump")  # what was restored can be dumped again
    dumps.restore(empty, tmp_path / "again.dump", force=True)
    assert counts(empty) == counts(connection)


def test_a_restore_that_fails_changes_nothing(tmp_path: Path, empty: BaseDatabaseWrapper) -> None:
    make_world()
    path = tmp_path / "all.dump"
    dumps.dump(connection, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # its last tables are cut off
    archive.sign(path)
    with empty.cursor() as cursor:
        cursor.execute("CREATE TABLE precious (n int)")
    with pytest.raises(dumps.DumpFailed):
        dumps.restore(empty, path, force=True)
    assert counts(empty) == {"precious": 0}


def test_a_file_that_was_changed_is_refused(tmp_path: Path, empty: BaseDatabaseWrapper) -> None:
    path = tmp_path / "all.dump"
    dumps.dump(connection, path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(archive.ArchiveDamaged, match="does not fit its checksum"):
        dumps.restore(empty, path)
    assert counts(empty) == {}


def manage(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command on another machine's database, as far as it can tell."""
    where = connection.settings_dict
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mysetlist.settings",
            "DATABASE_URL": f"postgres://{where['USER']}@/{where['HOST']}/{EMPTY}",
            "SECRET_KEY": "for this test",
        },
        capture_output=True,
        text=True,
    )


def test_the_commands_do_it_from_one_end_to_the_other(
    tmp_path: Path, settings: Any, empty: BaseDatabaseWrapper
) -> None:
    settings.BACKUP_DIR = tmp_path
    make_artist(name="The only one")
    out = StringIO()
    call_command("backup", stdout=out)
    (path,) = (tmp_path / "dumps").glob("*.dump")
    assert out.getvalue().startswith(f"{path} (")
    ended = manage("restore", str(path))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert ask(empty, "SELECT name FROM catalog_artist") == [("The only one",)]
    again = manage("restore", str(path))
    assert again.returncode == 1
    assert "or drop all that is in it with --force" in again.stderr
    assert manage("restore", str(path), "--force").returncode == 0
    assert Artist.objects.count() == 1


def test_the_newest_dumps_are_kept(tmp_path: Path, settings: Any) -> None:
    settings.BACKUP_DIR, settings.BACKUP_KEEP = tmp_path, 1
    old = tmp_path / "dumps" / "mysetlist-20200101T000000Z.dump"
    old.parent.mkdir()
    old.touch()
    call_command("backup", stdout=StringIO())
    assert not old.exists()
    assert len(list(old.parent.glob("*.dump"))) == 1


def test_what_cannot_be_dumped_leaves_no_file(tmp_path: Path, empty: BaseDatabaseWrapper) -> None:
    empty.ensure_connection()  # it answers, but pg_dump will ask for another
    empty.settings_dict["NAME"] = "no_such_database"
    with pytest.raises(dumps.DumpFailed, match="no_such_database"):
        dumps.dump(empty, tmp_path / "all.dump")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("backup",), "Where to?"), (("restore", "/no/such.dump"), "There is no file /no/such.dump")],
)
def test_wrong_arguments_exit_with_2(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said) as problem:
        call_command(*arguments)
    assert problem.value.returncode == 2
