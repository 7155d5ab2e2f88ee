"""Compare what is stored with what its source rows say, row for row: I16 of the reference, on real data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.backends.utils import CursorWrapper

from trending.models import COLUMNS
from trending.rollups import KINDS

EXAMPLES = 5  # artists or shows named per table


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One table: rows that are stored or should be, those that differ, and whose some of them are."""

    table: str
    rows: int
    different: int
    examples: list[int]


def compare(cursor: CursorWrapper, as_of: datetime) -> Iterator[Compared]:
    """Compare each derived table with its source rows at the stored `as_of`, once all activity is drained."""
    for kind in KINDS:
        key = f"{kind}_id"
        scores = ", ".join((key, *COLUMNS))
        for table, keys, columns, source, stored in (
            (f"{kind}_fans", (key, "fan_id"), ("hour",), _fans(kind), f"SELECT * FROM {kind}_fans WHERE {_LIVING}"),
            (
                f"{kind}_hours",
                (key, "hour"),
                ("votes", "counted", "fans"),
                _hours(kind),
                f"SELECT * FROM {kind}_hours WHERE {_LIVING} AND (votes, counted, fans) <> (0, 0, 0)",
            ),
            (
                f"{kind}_trends",
                (key,),
                COLUMNS,
                f"SELECT {scores} FROM trending_{kind}_scores(%(as_of)s)",
                f"SELECT {scores} FROM {kind}_trends",
            ),
        ):
            cursor.execute(_difference(keys, columns, source, stored), {"as_of": as_of})
            rows, different, examples = cursor.fetchone()
            yield Compared(table=table, rows=rows, different=different, examples=examples or [])


def _difference(keys: Sequence[str], columns: Sequence[str], source: str, stored: str) -> str:
    """How many rows there are on either side, how many differ, and the first keys of those."""
    theirs, ours = (", ".join(f"{side}.{name}" for name in columns) for side in ("s", "t"))
    return (
        f"SELECT count(*), count(*) FILTER (WHERE differs), (array_agg(DISTINCT {keys[0]}) FILTER (WHERE differs))"
        f"[:{EXAMPLES}] FROM (SELECT {keys[0]}, ({theirs}) IS DISTINCT FROM ({ours}) AS differs"
        f" FROM ({source}) s FULL JOIN ({stored}) t USING ({', '.join(keys)})) c"
    )


# Rollups of hours that no score can count any more are deleted with the hour, and differ from nothing.
_LIVING = "hour >= %(as_of)s - interval '503 hours'"
_VOTES = (
    "catalog_vote WHERE created_at >= %(as_of)s - interval '503 hours' AND created_at < %(as_of)s + interval '1 hour'"
)


def _fans(kind: str) -> str:
    return f"SELECT {kind}_id, fan_id, date_trunc('hour', max(created_at), 'UTC') AS hour FROM {_VOTES} GROUP BY 1, 2"


def _hours(kind: str) -> str:
    return f"""
      SELECT {kind}_id, hour, sum(votes) AS votes, sum(counted) AS counted, sum(fans) AS fans FROM (
        SELECT {kind}_id, date_trunc('hour', created_at, 'UTC') AS hour, count(*) AS votes,
               count(*) FILTER (WHERE counted) AS counted, 0 AS fans FROM {_VOTES} GROUP BY 1, 2
        UNION ALL SELECT {kind}_id, hour, 0, 0, count(*) FROM ({_fans(kind)}) f GROUP BY 1, 2) parts
       GROUP BY 1, 2"""
