"""Long-lived processes say that they live: one row each, written by themselves."""

from django.db import connection

PARTS = ("worker", "relay", "scheduler")
EVERY_SECONDS = 10.0
SILENT_SECONDS = 40.0  # a process silent for so long is taken for dead
STOPPED_SECONDS = 20.0  # one that was told to stop may be on its way back for so long
FORGET_SECONDS = 600.0  # the dead are remembered for so long while another of their part lives …
FORGET_LAST_SECONDS = 7 * 86_400.0  # … and for so long when none does

PROCESS = f"^({'|'.join(PARTS)}) "

RETURNED = """
DELETE FROM system_health WHERE detail LIKE 'Stopped %%' AND component <> %(component)s
   AND split_part(component, ' ', 1) = split_part(%(component)s, ' ', 1)
"""
LEAVE = """
DELETE FROM system_health gone WHERE component = %(component)s AND EXISTS (
  SELECT FROM system_health other WHERE other.component <> gone.component AND other.status = 'healthy'
     AND split_part(other.component, ' ', 1) = split_part(gone.component, ' ', 1)
     AND other.checked_at > clock_timestamp() - make_interval(secs => %(silent)s))
"""
LAST_LEAVES = """
UPDATE system_health SET status = 'down', since = clock_timestamp(), checked_at = clock_timestamp(),
       detail = 'Stopped at ' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC.'
 WHERE component = %(component)s
"""
LOST_PARTS = """
SELECT EXISTS (
  SELECT FROM (SELECT split_part(component, ' ', 1) AS part, status, checked_at FROM system_health
                WHERE component ~ %(process)s) heard
   WHERE NOT EXISTS (SELECT FROM alerts WHERE rule = 'nobody_lives' AND subject = part AND state <> 'resolved')
   GROUP BY part
  HAVING bool_and(status = 'down' OR checked_at <= clock_timestamp() - make_interval(secs => %(silent)s))
     AND max(checked_at) <= clock_timestamp() - make_interval(secs => %(stopped)s))
"""


def beat(component: str, detail: str = "") -> None:
    """Note that this process lives, in its row of `system_health`; `component` such as "relay host:123"."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO system_health AS h (component, status, detail, latency_ms, checked_at, since, last_good_at)"
            " VALUES (%s, 'healthy', %s, 0, statement_timestamp(), statement_timestamp(), statement_timestamp())"
            " ON CONFLICT (component) DO UPDATE SET status = 'healthy', detail = excluded.detail, latency_ms = 0,"
            " checked_at = excluded.checked_at, last_good_at = excluded.last_good_at,"
            " since = CASE WHEN h.status = 'healthy' THEN h.since ELSE excluded.since END",
            [component, detail],
        )
        cursor.execute(RETURNED, {"component": component})


def leave(component: str) -> None:
    """This process ends as it was meant to. Nobody misses it while another of its part lives; the last one says so."""
    with connection.cursor() as cursor:
        cursor.execute(LEAVE, {"component": component, "silent": SILENT_SECONDS})
        cursor.execute(LAST_LEAVES, {"component": component})


def is_part_lost() -> bool:
    """Whether none is left of a part, and nobody was told so yet."""
    with connection.cursor() as cursor:
        cursor.execute(LOST_PARTS, {"process": PROCESS, "silent": SILENT_SECONDS, "stopped": STOPPED_SECONDS})
        return bool(cursor.fetchone()[0])


def living(part: str) -> list[str]:
    """The processes of a part ("relay", "worker", "scheduler") that spoke lately."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT component FROM system_health WHERE component LIKE %s AND status = 'healthy' AND checked_at > clock_timestamp() - make_interval(secs => %s)"
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
