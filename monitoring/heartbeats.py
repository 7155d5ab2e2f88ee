"""Long-lived processes say that they live: one row each, written by themselves."""

from django.db import connection

PARTS = ("worker", "relay", "scheduler")
EVERY_SECONDS = 10.0
SILENT_SECONDS = 60.0  # a process silent for so long is taken for dead
FORGET_SECONDS = 600.0  # the dead are remembered for so long while another of their part lives …
FORGET_LAST_SECONDS = 7 * 86_400.0  # … and for so long when none does

PROCESS = f"^({'|'.join(PARTS)}) "


def beat(component: str, detail: str = "") -> None:
    """Note that this process lives, in its row of `system_health`; `component` such as "relay host:123"."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO system_health AS h (component, status, detail, latency_ms, checked_at, since, last_good_at)"
            " VALUES (%s, 'healthy', %s, 0, clock_timestamp(), clock_timestamp(), clock_timestamp())"
            " ON CONFLICT (component) DO UPDATE SET status = 'healthy', detail = excluded.detail, latency_ms = 0,"
            " checked_at = excluded.checked_at, last_good_at = excluded.last_good_at,"
            " since = CASE WHEN h.status = 'healthy' THEN h.since ELSE excluded.since END",
            [component, detail],
        )


def leave(component: str) -> None:
    """Take the row away: this process ends as it was meant to, and nobody shall miss it."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM system_health WHERE component = %s", [component])


def living(part: str) -> list[str]:
    """The processes of a part ("relay", "worker", "scheduler") that spoke lately."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT component FROM system_health WHERE component LIKE %s AND checked_at > clock_timestamp() - make_interval(secs => %s)"
            " ORDER BY component",
            [f"{part} %", SILENT_SECONDS],
        )
        return [component for (component,) in cursor.fetchall()]


def sweep() -> None:
    """Call the silent down since they fell silent, and forget those long dead.

    By the database's clock, as the beats are. The last of a part stays: that none is left is news for days.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE system_health SET status = 'down', since = checked_at,"
            " detail = 'Silent since ' || to_char(checked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC.'"
            " WHERE component ~ %s AND status <> 'down' AND checked_at <= clock_timestamp() - make_interval(secs => %s)",
            [PROCESS, SILENT_SECONDS],
        )
        cursor.execute(
            "DELETE FROM system_health dead WHERE component ~ %s AND status = 'down' AND ("
            " checked_at < clock_timestamp() - make_interval(secs => %s)"
            " OR checked_at < clock_timestamp() - make_interval(secs => %s) AND EXISTS ("
            "  SELECT FROM system_health other WHERE other.status = 'healthy'"
            "  AND split_part(other.component, ' ', 1) = split_part(dead.component, ' ', 1)))",
            [PROCESS, FORGET_LAST_SECONDS, FORGET_SECONDS],
        )
