"""Every migration applies from zero and reverses to zero, in a database of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
OURS = ("trending", "syncjobs", "monitoring", "admin", "authtoken", "catalog")  # dependents first

# The child has the settings of the suite, on the scratch database instead.
MIGRATE = """
import os, sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = os.environ["SCRATCH"]
django.setup()
from django.apps import apps
from django.core.management import call_command
from django.db import connection
call_command("migrate", verbosity=0)
for app in sys.argv[1:]:
    if apps.is_installed(app) or app in {c.label for c in apps.get_app_configs()}:
        call_command("migrate", app, "zero", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm', 'v')"
        " AND relname !~ '^(django_|auth_|celery_)' UNION ALL"
        " SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e')"
    )
    print(sorted(name for name, in cursor.fetchall()))
call_command("migrate", verbosity=0)
"""


@pytest.fixture
def scratch() -> Iterator[str]:
    name = f"scratch_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield name
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.django_db(transaction=True)
def test_every_migration_applies_reverses_to_nothing_and_applies_again(scratch: str) -> None:
    child = subprocess.run(
        [sys.executable, "-c", MIGRATE, *OURS],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "SCRATCH": scratch},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.strip() == "[]"


@pytest.mark.django_db
def test_no_model_has_changed_without_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    assert OURS


@pytest.mark.django_db
def test_no_index_depends_on_the_clock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexdef ~* 'now\\(|current_'")
        assert cursor.fetchall() == []
