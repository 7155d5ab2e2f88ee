"""What a refresh costs, beside the bare GROUP BY over the same votes. Run: make bench

    .venv/bin/python -m bench.trending [10k] [100k] [--explain]

Each size has an embedded cluster of its own, loaded once and kept. Figures are medians of several
runs in this process; a ratio divides by the baseline measured in the same round.
"""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bench.machine import RESULTS, ROOT, cluster, load, machine

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

SIZES = {"10k": (10_000, 1_000_000), "100k": (100_000, 10_000_000)}
ROUNDS = 5


def main() -> None:
    sizes = [size for size in sys.argv[1:] if size in SIZES] or list(SIZES)
    explain = "--explain" in sys.argv
    if len(sizes) == 1:
        measure(sizes[0], explain=explain)
        return
    for size in sizes:  # each in a process of its own: settings are read once
        subprocess.run(
            [sys.executable, "-m", "bench.trending", size, *(["--explain"] if explain else [])], cwd=ROOT, check=True
        )


def measure(size: str, *, explain: bool) -> None:
    cluster(size)
    from django.db import connection

    from bench import catalogue
    from mysetlist.catalog.models import Artist
    from trending.models import TrendState
    from trending.services import refresh

    artists, votes = SIZES[size]
    if not Artist.objects.exists():
        started = perf_counter()
        catalogue.load(artists=artists, votes=votes)
        sys.stdout.write(f"loaded {artists:,} artists and {votes:,} votes in {perf_counter() - started:.0f} s\n")
    if "--load" in sys.argv:  # for who measures something else on it
        if not TrendState.objects.exists():
            refresh(as_of=catalogue.AS_OF)
        return
    lines = report(size, connection)
    sys.stdout.write("\n".join(lines) + "\n")
    (RESULTS / f"trending-{size}.md").write_text("\n".join(lines) + "\n")
    if explain:
        explain_all(size, connection)


BASELINE = (
    "SELECT artist_id, count(*), count(DISTINCT fan_id) FROM catalog_vote"
    " WHERE created_at >= %(as_of)s - interval '503 hours' AND created_at < %(as_of)s + interval '1 hour'"
    " GROUP BY artist_id"
)


# Votes move from old hours to now: the rows there are keep their fans, songs and skew.
FIVE_MINUTES = (
    "WITH moved AS (UPDATE catalog_vote SET created_at = %(now)s WHERE id = ANY (ARRAY("
    " SELECT id FROM catalog_vote WHERE created_at < %(now)s - interval '30 days' ORDER BY hashint8(id + %(votes)s) LIMIT %(votes)s"
    ")) RETURNING 1) SELECT count(*) FROM moved"
)


def report(size: str, connection: "BaseDatabaseWrapper") -> list[str]:
    """The table of one size, as Markdown."""
    from bench import catalogue
    from bench.catalogue import AS_OF
    from trending.services import refresh

    clock = [AS_OF]  # moves on with each hour's tick

    def tick() -> None:
        clock[0] += timedelta(hours=1)
        refresh(as_of=clock[0])

    def vote() -> None:
        """The votes of five minutes, at this catalogue's rate, outside the clock."""
        votes = SIZES[size][1] // (catalogue.DAYS * 288)
        query(connection, FIVE_MINUTES, now=clock[0] + timedelta(minutes=5), votes=votes)

    steps: dict[str, Callable[[], object]] = {
        "bare GROUP BY with distinct, 21 days (baseline)": lambda: query(connection, BASELINE, as_of=AS_OF),
        "counting and scoring artists, read only": lambda: query(
            connection, "SELECT count(*), sum(raw) FROM trending_artist_scores(%(as_of)s)", as_of=AS_OF
        ),
        "the same from rollups": lambda: query(
            connection, "SELECT count(*), sum(raw) FROM trending_artist_scores(%(as_of)s, true)", as_of=clock[0]
        ),
        "refresh an hour later, from rollups: every active row rewritten": tick,
        "refresh after 5 minutes of votes": lambda: refresh(as_of=clock[0]),
        "full recompute from the votes (--full)": lambda: refresh(as_of=clock[0], full=True),
        "both views, concurrently": lambda: query(connection, "SELECT refresh_trending_data()"),
        "top 50 artists from the view": lambda: query(
            connection, "SELECT * FROM trending_artists_mv ORDER BY rank LIMIT 50"
        ),
    }
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE artist_trends, show_trends, trend_changes, trend_state, catalog_activity")
    started = perf_counter()
    refresh(as_of=clock[0])
    first = perf_counter() - started
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            if "5 minutes" in name:
                vote()
            started = perf_counter()
            step()
            times[name].append(perf_counter() - started)
    baseline = times[next(iter(steps))]
    lines = [
        f"## {size}: {SIZES[size][0]:,} artists, {SIZES[size][1]:,} votes",
        "",
        f"{machine()}; medians of {ROUNDS}; `.venv/bin/python -m bench.trending {size}`; {load()}",
        "",
        "| | ms | times the baseline |",
        "|---|---:|---:|",
        f"| first refresh: every row inserted | {first * 1000:.0f} | {first / median(baseline):.1f} |",
    ]
    for name, taken in times.items():
        ratio = median(a / b for a, b in zip(taken, baseline, strict=True))
        lines.append(f"| {name} | {median(taken) * 1000:.1f} | {ratio:.2f} |")
    return lines


def query(connection: "BaseDatabaseWrapper", sql: str, **values: object) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def explain_all(size: str, connection: "BaseDatabaseWrapper") -> None:
    """Keep the plans beside the figures."""
    from bench.catalogue import AS_OF
    from trending.rollups import KINDS

    plans = []
    scores = [f"SELECT * FROM trending_{kind}_scores(%(as_of)s{how})" for how in ("", ", true") for kind in KINDS]
    for sql in (BASELINE, *scores):
        rows = query(connection, f"EXPLAIN (ANALYZE, BUFFERS) {sql}", as_of=AS_OF)
        plans.append("\n".join([f"-- {sql}", *(str(row[0]) for row in rows), ""]))
    (RESULTS / f"trending-{size}-plans.txt").write_text("\n".join(plans))


if __name__ == "__main__":
    main()
