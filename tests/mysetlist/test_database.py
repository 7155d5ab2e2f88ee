"""Which database, and what its connections are told."""

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from mysetlist.database import CONNECTION_OPTIONS, database

SERVER = "postgresql://fan:secret@db.test:5433/setlists"


def test_without_an_address_it_is_the_embedded_one(tmp_path: Path) -> None:
    made = database("", tmp_path)
    assert (made["ENGINE"], made["EMBEDDED_FOLDER"]) == ("mysetlist.backend", str(tmp_path))
    assert made["OPTIONS"] == {"options": CONNECTION_OPTIONS}


def test_an_address_names_another_server(tmp_path: Path) -> None:
    made = database(SERVER, tmp_path)
    found = tuple(made[name] for name in ("ENGINE", "HOST", "PORT", "NAME", "USER", "PASSWORD"))
    assert found == ("django.db.backends.postgresql", "db.test", 5433, "setlists", "fan", "secret")
    assert made["OPTIONS"] == {"options": CONNECTION_OPTIONS}


@pytest.mark.parametrize(("said", "options"), [("-c%20geqo%3Doff", "-c geqo=off"), ("%20", " ")])
def test_an_address_may_bring_its_own_options_or_none(said: str, options: str, tmp_path: Path) -> None:
    made = database(f"{SERVER}?sslmode=require&options={said}", tmp_path)
    assert made["OPTIONS"] == {"sslmode": "require", "options": options}


def test_the_folder_of_a_socket_is_where_a_host_is(tmp_path: Path) -> None:
    made = database("postgresql:///setlists?host=/run/postgresql&port=5433", tmp_path)
    assert (made["HOST"], made["PORT"], made["OPTIONS"]) == (
        "/run/postgresql",
        "5433",
        {"options": CONNECTION_OPTIONS},
    )


@pytest.mark.django_db(transaction=True)
def test_who_falls_silent_in_a_transaction_does_not_keep_its_locks() -> None:
    """As a relay that is frozen while it chooses, or a worker without power at a checkpoint."""
    connection.ensure_connection()
    where: dict[str, Any] = connection.get_connection_params()
    where["options"] = where["options"].replace("60s", "200ms")
    with closing(psycopg.connect(**where)) as silent, connection.cursor() as cursor:
        silent.execute("SELECT pg_advisory_xact_lock(7)")
        cursor.execute("SET lock_timeout = '10s'")
        cursor.execute("SELECT pg_advisory_lock(7), pg_advisory_unlock(7)")
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            silent.execute("SELECT 1")
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)
