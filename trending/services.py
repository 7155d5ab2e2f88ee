"""Count, score, rank, refresh: everything of one refresh in one transaction."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from monitoring.cron import cron_job, current_run
from trending import rollups
from trending.models import COLUMNS, TrendingArtist, TrendingShow, TrendState
from trending.scoring import FORMULA_VERSION
from trending.verification import compare

logger = logging.getLogger(__name__)

T = TypeVar("T")
Result = Mapping[str, Any]

HOUR = timedelta(hours=1)
TOP = 10  # artists and shows named in a run's result
LOCK = "trending"  # the advisory lock of refreshes
PATIENCE_SECONDS = 30  # that a refresh waits for a verification, or the other way round
TRIES = 3  # of a transaction that met another's write
SIGNIFICANT_POINTS = 5
SIGNIFICANT_SHARE = "0.05"

FACTORS_OF_UNITS = ", ".join(f"t.{name}" for name in COLUMNS[2:] if name not in {"engagement_ratio", "raw", "score"})


class AsOfOutOfRange(ValueError):
    """The scores cannot be calculated as of this moment."""


class RefreshRunning(RuntimeError):
    """Another process is refreshing the scores."""


def whole_hour(moment: datetime) -> datetime:
    """The UTC hour that `moment` lies in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


@cron_job
def calculate_trending(*, as_of: datetime, full: bool = False) -> Result:
    """Bring the scores of artists and of shows not long past to `as_of`, a whole UTC hour; refresh the lists.

    Within the hour only what was touched is scored again; `full` counts all votes anew instead. Both
    end alike, to the integer. One REPEATABLE READ transaction: a reader or a crash sees all of it or
    nothing; a second time writes no row. Raises AsOfOutOfRange before the stored `as_of`, and RefreshRunning.
    """
    with _alone():
        return _retried(lambda: refresh(as_of=as_of, full=full))


def refresh(*, as_of: datetime, full: bool = False) -> Result:
    """The work of calculate_trending, inside the caller's transaction, at any isolation level."""
    check_as_of(as_of)
    stored = TrendState.objects.first()
    with connection.cursor() as cursor:
        drained = rollups.drain(cursor, as_of)
        if stored is None:
            rollups.rebuild(cursor, as_of)
        # Within the hour only what was touched can move; with it every weight and window does.
        touched = not full and stored is not None and stored.as_of == as_of
        only = {"artist": drained.artists, "show": drained.shows} if touched else {}
        written = {kind: _write(cursor, kind, as_of, only.get(kind), rolled=not full) for kind in rollups.KINDS}
        written["show"] += _forget_past_shows(cursor, as_of, only.get("show"))
        if not touched:
            rollups.forget_expired(cursor, as_of)
        version = _advance(cursor, as_of, bool(drained.lines or any(written.values())))
        cursor.execute("SELECT refresh_trending_data()")
        changes = sum(_note_changes(cursor, kind, as_of, only.get(kind)) for kind in rollups.KINDS)
        scored = {kind: _count(cursor, kind, only.get(kind)) for kind in rollups.KINDS}
    return {
        "as_of": as_of,
        "version": version,
        "artists_scored": scored["artist"],
        "artists_updated": written["artist"],
        "shows_scored": scored["show"],
        "shows_updated": written["show"],
        "significant_changes": changes,
        "activity": drained.lines,
        "top_artists": [
            {"rank": row.rank, "id": row.artist_id, "slug": row.slug, "name": row.name, "score": float(row.score)}
            for row in TrendingArtist.objects.order_by("rank")[:TOP]
        ],
        "top_shows": [
            {"rank": row.rank, "id": row.show_id, "slug": row.slug, "name": row.name, "score": float(row.score)}
            for row in TrendingShow.objects.order_by("rank")[:TOP]
        ],
    }


@cron_job
def verify_trending() -> Result:
    """Compare every score and rollup with its source rows, and repair what differs.

    At the hour that the scores are of, in one transaction with a refresh of what was touched since.
    Each row that differs counts as failed, so that the run is partial. Raises RefreshRunning.
    """
    with _alone():
        return _retried(_verify)


def _verify() -> Result:
    state = TrendState.objects.first()
    if state is None:
        return {"as_of": None, "failed": 0}
    refresh(as_of=state.as_of)
    with connection.cursor() as cursor:
        tables = list(compare(cursor, state.as_of))
        failed = sum(table.different for table in tables)
        if failed:
            rollups.rebuild(cursor, state.as_of)
            refresh(as_of=state.as_of, full=True)
    for table in tables:
        if table.different:
            logger.error("%s: %s rows differed, such as those of %s", table.table, table.different, table.examples)
    return {
        "as_of": state.as_of,
        "compared": {table.table: table.rows for table in tables},
        "different": {table.table: table.different for table in tables if table.different},
        "examples": {table.table: table.examples for table in tables if table.different},
        "failed": failed,
    }


def preview_trending(*, as_of: datetime) -> Result:
    """What the scores are, or were, at `as_of`; from the source rows, writing nothing."""
    _check_hour(as_of)
    with _repeatable_read(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        state = TrendState.objects.first()
        result: dict[str, Any] = {"as_of": as_of, "version": state.version if state else 0}
        for kind in ("artist", "show"):
            cursor.execute(
                f"SELECT count(*), count(*) FILTER (WHERE {_differs()})"
                f" FROM trending_{kind}_scores(%s) s LEFT JOIN {kind}_trends t USING ({kind}_id)",
                [as_of],
            )
            result[f"{kind}s_scored"], result[f"{kind}s_updated"] = cursor.fetchone()
        for kind, listed in (
            ("artist", "true"),
            ("show", "c.start > %(as_of)s - interval '4 hours' AND c.status NOT IN ('cancelled', 'postponed')"),
        ):
            cursor.execute(
                f"SELECT row_number() OVER (ORDER BY s.raw DESC, c.id), c.id, c.slug, c.name, s.score"
                f" FROM trending_{kind}_scores(%(as_of)s) s JOIN catalog_{kind} c ON c.id = s.{kind}_id"
                f" WHERE {listed} ORDER BY s.raw DESC, c.id LIMIT {TOP}",
                {"as_of": as_of},
            )
            result[f"top_{kind}s"] = [
                {"rank": rank, "id": pk, "slug": slug, "name": name, "score": float(score)}
                for rank, pk, slug, name, score in cursor.fetchall()
            ]
    return result


def check_as_of(as_of: datetime) -> None:
    """Raise AsOfOutOfRange unless the scores can be moved on to `as_of`: a whole hour, not before theirs."""
    _check_hour(as_of)
    stored = TrendState.objects.first()
    if stored and as_of < stored.as_of:
        raise AsOfOutOfRange(
            f"The scores are already those of {stored.as_of:%Y-%m-%dT%H:%MZ}; "
            f"{as_of:%Y-%m-%dT%H:%MZ} lies before. To look back, add --dry-run."
        )


def _check_hour(as_of: datetime) -> None:
    if as_of.tzinfo is None or as_of != whole_hour(as_of):
        raise AsOfOutOfRange(f"{as_of.isoformat()} is not a whole hour in UTC, such as 2026-07-01T14:00Z.")


def _differs() -> str:
    """SQL: a stored factor is not what was counted, or there is no row. Comparing raw alone would
    leave factors wrong: 23 upcoming and 14 recent shows have the raw of 22 and 15."""
    return "({}) IS DISTINCT FROM ({})".format(
        ", ".join(f"t.{name}" for name in COLUMNS), ", ".join(f"s.{name}" for name in COLUMNS)
    )


def _write(cursor: CursorWrapper, kind: str, as_of: datetime, only: list[int] | None, *, rolled: bool) -> int:
    """Count and score everything of a kind, or only some, in one statement; the number of rows that changed.

    Votes are counted from their rollups, or by themselves.
    """
    cursor.execute(
        f"MERGE INTO {kind}_trends t USING trending_{kind}_scores(%s, %s, %s::bigint[]) s ON t.{kind}_id = s.{kind}_id"
        f" WHEN MATCHED AND {_differs()} THEN UPDATE SET changed_at = now(), "
        + ", ".join(f"{name} = s.{name}" for name in COLUMNS)
        + f" WHEN NOT MATCHED THEN INSERT ({kind}_id, baseline_score, {', '.join(COLUMNS)})"
        f" VALUES (s.{kind}_id, s.score, {', '.join(f's.{name}' for name in COLUMNS)})",
        [as_of, rolled, only],
    )
    return int(cursor.rowcount)


def _forget_past_shows(cursor: CursorWrapper, as_of: datetime, only: list[int] | None) -> int:
    cursor.execute(
        "DELETE FROM show_trends t USING catalog_show s"
        f" WHERE s.id = t.show_id AND s.start < %s - interval '720 hours' AND {_among('t.show_id', only)}",
        [as_of, *([only] if only is not None else [])],
    )
    return int(cursor.rowcount)


def _count(cursor: CursorWrapper, kind: str, only: list[int] | None) -> int:
    cursor.execute(
        f"SELECT count(*) FROM {kind}_trends WHERE {_among(f'{kind}_id', only)}", [only] if only is not None else []
    )
    (number,) = cursor.fetchone()
    return int(number)


def _among(column: str, only: list[int] | None) -> str:
    """SQL: the column is one of those asked for. Takes one parameter unless all are."""
    return "true" if only is None else f"{column} = ANY (%s)"


def _advance(cursor: CursorWrapper, as_of: datetime, changed: bool) -> int:
    """Store what the scores now are; the version, one higher if anything changed.

    A show leaves the list four hours after its start, though nothing of its score changes then.
    """
    cursor.execute(
        "INSERT INTO trend_state AS t (id, version, as_of, refreshed_at, interval_seconds, formula_version)"
        " VALUES (1, 1, %s, now(), %s, %s)"
        " ON CONFLICT (id) DO UPDATE SET version = t.version + (%s OR EXISTS (SELECT FROM trending_shows_mv v"
        " WHERE v.start <= excluded.as_of - interval '4 hours'))::integer, as_of = excluded.as_of,"
        " refreshed_at = excluded.refreshed_at, interval_seconds = excluded.interval_seconds,"
        " formula_version = excluded.formula_version RETURNING version",
        [as_of, settings.TRENDING_INTERVAL_SECONDS, FORMULA_VERSION, changed],
    )
    (version,) = cursor.fetchone()
    return int(version)


def _note_changes(cursor: CursorWrapper, kind: str, as_of: datetime, only: list[int] | None) -> int:
    """Write a history row for every significant change since its baseline, and set the new baseline."""
    cursor.execute(
        f"WITH moved AS ("
        f" SELECT t.*, v.rank FROM {kind}_trends t LEFT JOIN trending_{kind}s_mv v USING ({kind}_id)"
        f" WHERE abs(t.score - t.baseline_score)"
        f" >= greatest({SIGNIFICANT_POINTS}, {SIGNIFICANT_SHARE} * t.baseline_score) AND {_among(f't.{kind}_id', only)}"
        f"), noted AS ("
        f" INSERT INTO trend_changes ({kind}_id, as_of, old_score, new_score, rank, units, run_id)"
        f" SELECT t.{kind}_id, %s, t.baseline_score, t.score, t.rank, trending_units({FACTORS_OF_UNITS}), %s"
        f" FROM moved t"
        f") UPDATE {kind}_trends t SET baseline_score = t.score FROM moved WHERE moved.{kind}_id = t.{kind}_id",
        [*([only] if only is not None else []), as_of, current_run.get()],
    )
    return int(cursor.rowcount)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the refresh lock of this session: taken before BEGIN, so that the snapshot is taken under it.

    Waits a little, since a refresh and a verification may be due at the same minute.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{PATIENCE_SECONDS * 1000:.0f}"])
        try:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [LOCK])
        except OperationalError as problem:
            if isinstance(problem.__cause__, LockNotAvailable):
                raise RefreshRunning("Another process is refreshing the scores; wait for it to finish.") from problem
            raise
        finally:
            cursor.execute("RESET lock_timeout")
    try:
        yield
    finally:
        # A broken connection has given the lock back by itself.
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LOCK])


@contextmanager
def _repeatable_read() -> Iterator[None]:
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _retried(work: Callable[[], T]) -> T:
    """Do the work in a REPEATABLE READ transaction, again when it met another's write."""
    for attempt in range(1, TRIES + 1):
        try:
            with _repeatable_read():
                return work()
        except OperationalError as problem:
            if attempt == TRIES or not isinstance(problem.__cause__, SerializationFailure | DeadlockDetected):
                raise
    raise AssertionError("unreachable")
