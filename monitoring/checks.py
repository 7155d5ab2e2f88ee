"""Probes: each returns a word of good news or raises. health.py sums them up."""

from django.db import connection


class Degraded(Exception):
    """It works, but not as it should."""


def database() -> str:
    """PostgreSQL answers a query."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
    return f"PostgreSQL {version} answers."
