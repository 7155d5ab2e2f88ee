"""What the tests of this room are given."""

from collections.abc import Iterator

import pytest
from django.db import connection

from tests.syncjobs import handlers


@pytest.fixture
def effects(transactional_db: None) -> Iterator[None]:
    """Jobs for tests, and a table for what they do, without a constraint that could hide a second time."""
    handlers.register()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE effects (what text, job bigint, at timestamptz DEFAULT clock_timestamp())")
        cursor.execute("DO $$ BEGIN TRUNCATE pgmq.q_jobs; EXCEPTION WHEN undefined_table THEN END $$")
    yield
    handlers.unregister()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE effects")
