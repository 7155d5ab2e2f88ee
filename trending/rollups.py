"""Keep the rollups in step: take the activity noted since the last refresh, and add it up.

One statement, hence one snapshot: the votes that it reads again are those whose activity it takes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.backends.utils import CursorWrapper

KINDS = ("artist", "show")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What was taken: lines per kind of activity, and whose scores they can move."""

    lines: Mapping[str, int]
    artists: list[int]
    shows: list[int]


def drain(cursor: CursorWrapper, as_of: datetime) -> Drained:
    """Take the activity that counts at `as_of` into the rollups.

    By row, never by number or time: a transaction that commits late has lower ones. Votes of a later
    hour stay, since they count for nothing yet.
    """
    cursor.execute(_DRAIN, {"as_of": as_of})
    lines, artists, shows = cursor.fetchone()
    return Drained(lines=json.loads(lines or "{}"), artists=artists or [], shows=shows or [])


def rebuild(cursor: CursorWrapper, as_of: datetime) -> None:
    """Make the rollups anew from the votes that count at `as_of`."""
    cursor.execute("SELECT trending_rebuild(%s)", [as_of])


def forget_expired(cursor: CursorWrapper, as_of: datetime) -> None:
    """Delete what no score can count any more."""
    for kind in KINDS:
        for table in ("hours", "fans"):
            cursor.execute(f"DELETE FROM {kind}_{table} WHERE hour < %s - interval '503 hours'", [as_of])


def _roll_up(kind: str) -> str:
    """The steps for one kind. A fan counts in the hour of the latest live vote, which is read again
    from the votes: after a retraction nothing else knows it. The newest hour, not the hour of the newest:
    asked for max(created_at) of a fan's votes on a show, the planner walks through all votes on it."""
    key = f"{kind}_id"
    return f"""
    {kind}_pairs AS (SELECT DISTINCT {key}, fan_id FROM drained WHERE kind = 'vote'),
    {kind}_moves AS MATERIALIZED (
      SELECT p.{key}, p.fan_id, f.hour AS before, n.hour AS after
        FROM {kind}_pairs p
        LEFT JOIN {kind}_fans f ON f.{key} = p.{key} AND f.fan_id = p.fan_id
       CROSS JOIN LATERAL (
         SELECT max(date_trunc('hour', v.created_at, 'UTC')) AS hour FROM catalog_vote v
          WHERE v.{key} = p.{key} AND v.fan_id = p.fan_id AND v.created_at < %(as_of)s + interval '1 hour') n
       WHERE f.hour IS DISTINCT FROM n.hour),
    {kind}_gone AS (
      DELETE FROM {kind}_fans f USING {kind}_moves m
       WHERE m.after IS NULL AND f.{key} = m.{key} AND f.fan_id = m.fan_id),
    {kind}_come AS (
      INSERT INTO {kind}_fans ({key}, fan_id, hour)
      SELECT {key}, fan_id, after FROM {kind}_moves WHERE after IS NOT NULL ORDER BY 1, 2
      ON CONFLICT ({key}, fan_id) DO UPDATE SET hour = excluded.hour),
    {kind}_sums AS (
      INSERT INTO {kind}_hours AS h ({key}, hour, votes, counted, fans)
      SELECT {key}, hour, sum(votes), sum(counted), sum(fans) FROM (
        SELECT {key}, hour, change AS votes, CASE WHEN counted THEN change ELSE 0 END AS counted, 0 AS fans
          FROM drained WHERE kind = 'vote'
        UNION ALL SELECT {key}, before, 0, 0, -1 FROM {kind}_moves WHERE before IS NOT NULL
        UNION ALL SELECT {key}, after, 0, 0, 1 FROM {kind}_moves WHERE after IS NOT NULL) parts
       GROUP BY {key}, hour HAVING sum(votes) <> 0 OR sum(counted) <> 0 OR sum(fans) <> 0 ORDER BY 1, 2
      ON CONFLICT ({key}, hour) DO UPDATE
        SET votes = h.votes + excluded.votes, counted = h.counted + excluded.counted, fans = h.fans + excluded.fans)"""


# A follow or an edited artist moves the shows of that headliner too.
_DRAIN = f"""
  WITH drained AS (
    DELETE FROM catalog_activity WHERE hour IS NULL OR hour <= %(as_of)s
    RETURNING kind, artist_id, show_id, fan_id, hour, counted, change),
  {_roll_up("artist")}, {_roll_up("show")}
  SELECT (SELECT jsonb_object_agg(kind, lines) FROM (SELECT kind, count(*) AS lines FROM drained GROUP BY kind) k),
         (SELECT array_agg(DISTINCT artist_id) FROM drained),
         (SELECT array_agg(id) FROM (
            SELECT show_id AS id FROM drained WHERE show_id IS NOT NULL
            UNION SELECT s.id FROM drained d JOIN catalog_show s ON s.headliner_id = d.artist_id
             WHERE d.kind IN ('follow', 'artist')) s)"""
