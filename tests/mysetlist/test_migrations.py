"""Every migration applies from zero and reverses to zero, in a database of its own."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("catalog", "monitoring", "syncjobs", "trending")
OURS = ("trending", "syncjobs", "monitoring", "admin", "authtoken", "catalog")  # dependents first

# The child has the settings of the suite, on the scratch database instead.
CHILD = """
import json, os, sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = os.environ["SCRATCH"]
django.setup()
from django.apps import apps
from django.core.management import call_command
from django.db import connection

def ask(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return sorted([str(value) for value in row] for row in cursor.fetchall())

def migrate(*where):
    call_command("migrate", *where, verbosity=0)

NOT_OF_AN_EXTENSION = "NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {}.oid AND d.deptype = 'e')"
THERE = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm', 'v')"
    " AND relname !~ '^(django_|auth_|celery_)' UNION ALL"
    " SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND "
    + NOT_OF_AN_EXTENSION.format("pg_proc")
)

def schema():
    return {
        "columns": ask(
            "SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attgenerated,"
            " pg_get_expr(adbin, adrelid) FROM pg_attribute a LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
            " JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0"
            " AND NOT attisdropped AND relkind IN ('r', 'm')"
        ),
        "constraints": ask(
            "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace"
        ),
        "indexes": ask("SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"),
        "triggers": ask("SELECT tgrelid::regclass, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"),
        "functions": ask(
            "SELECT oid::regprocedure, pg_get_functiondef(oid) FROM pg_proc p"
            " WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND " + NOT_OF_AN_EXTENSION.format("p")
        ),
        "views": ask("SELECT matviewname, definition, ispopulated FROM pg_matviews"),
        "retention": ask("SELECT table_name, time_column, condition, keep FROM retention"),
    }
"""

ALL_THE_WAY = """
migrate()
first = schema()
for app in sys.argv[1:]:
    if app in {config.label for config in apps.get_app_configs()}:
        migrate(app, "zero")
left = ask(THERE)
migrate()
print(json.dumps({"left": left, "first": first, "again": schema()}))
"""

# Past the command, which would make permissions and schedules anew each time.
STEP_BY_STEP = """
from django.db.migrations.executor import MigrationExecutor

def go(*targets):
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())

migrate()
whole = schema()
names = sorted(MigrationExecutor(connection).loader.applied_migrations)
broken = []
for (app, name), (next_app, _) in zip(names, names[1:]):
    if app == next_app and app in sys.argv[1:]:
        go((app, name))
        go()
        if schema() != whole:
            broken.append(f"{app} back to {name}")
print(json.dumps(broken))
"""


@pytest.fixture
def scratch() -> Iterator[str]:
    name = f"scratch_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield name
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def start(what: str, *arguments: str, scratch: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + what, *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "SCRATCH": scratch},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer_of(child: "subprocess.Popen[str]") -> str:
    try:
        out, errors = child.communicate(timeout=300)
    finally:
        child.kill()
    assert child.returncode == 0, errors
    return out


def said(what: str, *arguments: str, scratch: str) -> str:
    return answer_of(start(what, *arguments, scratch=scratch))


def our_migrations() -> list[Migration]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return [migration for (app, _), migration in loader.disk_migrations.items() if app in ROOMS]


@pytest.mark.django_db(transaction=True)
def test_every_migration_applies_reverses_to_nothing_and_applies_again(scratch: str) -> None:
    answer = json.loads(said(ALL_THE_WAY, *OURS, scratch=scratch))
    assert answer["left"] == []
    assert answer["again"] == answer["first"]
    assert len(answer["first"]["triggers"]) > 10  # there was something to compare
    assert ["log_cron_run(text,text,jsonb,bigint)"] in [row[:1] for row in answer["first"]["functions"]]
    # The defaults of what we keep.
    assert {(table, condition): keep for table, _, condition, keep in answer["first"]["retention"]} == {
        ("cron_logs", "status IN ('success', 'skipped')"): "90 days, 0:00:00",
        ("cron_logs", "status NOT IN ('success', 'skipped')"): "365 days, 0:00:00",
        ("cron_metrics", "true"): "730 days, 0:00:00",
        ("alert_messages", "true"): "90 days, 0:00:00",
        ("alerts", "true"): "365 days, 0:00:00",
        ("queue_metrics", "true"): "90 days, 0:00:00",
        ("job_events", "kind <> 'progress'"): "30 days, 0:00:00",
        ("job_events", "kind = 'progress'"): "2 days, 0:00:00",
        ("queue_jobs", "status IN ('completed', 'cancelled')"): "7 days, 0:00:00",
        ("queue_jobs", "status IN ('failed', 'dead')"): "90 days, 0:00:00",
        ("trend_changes", "true"): "365 days, 0:00:00",
    }


@pytest.mark.django_db(transaction=True)
def test_every_migration_can_be_taken_back_alone_and_applied_again(scratch: str) -> None:
    assert json.loads(said(STEP_BY_STEP, *ROOMS, scratch=scratch)) == []


@pytest.mark.django_db(transaction=True)
def test_of_processes_that_migrate_at_once_one_does_and_the_others_find_it_done(scratch: str) -> None:
    """Django's own lets both make its table, and one of them fails."""
    what = "migrate(); print(len(ask('SELECT name FROM django_migrations')) > 20)"
    children = [start(what, scratch=scratch) for _ in range(3)]
    assert [answer_of(child) for child in children] == ["True\n"] * 3


@pytest.mark.django_db
def test_no_model_has_changed_without_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    assert {app.label for app in apps.get_app_configs()} >= set(ROOMS)


@pytest.mark.django_db
def test_no_index_depends_on_the_clock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexdef ~* 'now\\(|current_|clock_timestamp'")
        assert cursor.fetchall() == []


def test_no_index_is_built_concurrently_inside_a_transaction() -> None:
    inside = [migration for migration in our_migrations() if migration.atomic]
    assert inside
    for migration in inside:
        for operation in migration.operations:
            assert "Concurrently" not in type(operation).__name__, migration
            assert not re.search(r"(create|drop|re)\s*index\s+concurrently", str(getattr(operation, "sql", "")), re.I)


def test_every_sql_file_is_loaded_by_a_migration() -> None:
    for room in (ROOT / "mysetlist" / "catalog", *(ROOT / name for name in ROOMS[1:])):
        loaded = {
            node.value
            for path in (room / "migrations").glob("*.py")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant)
        }
        for file in (room / "sql").glob("*.sql"):
            assert file.name in loaded, file
            assert file.read_text().strip()  # the predecessor's was empty
