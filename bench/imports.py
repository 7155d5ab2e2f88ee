"""What writing a record costs us, the sources' own time left out. Run:

    .venv/bin/python -m bench.imports

On an embedded cluster of its own, whose catalogue it empties. Records are made up, in the shapes of the
clients: pages of 200 listings with three on the bill, a long discography, pages of 20 setlists.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from time import perf_counter

from bench.machine import RESULTS, cluster, load, machine

PAGES, LISTINGS = 5, 200
TRACKS, TITLES = 1500, 700
SETLISTS, SETLIST_PAGE, SONGS = 1000, 20, 20
FIRST_DAY = date(2026, 8, 1)


def main() -> None:
    cluster("imports")
    lines = report()
    sys.stdout.write("\n".join(lines) + "\n")
    (RESULTS / "imports.md").write_text("\n".join(lines) + "\n")


def report() -> list[str]:
    from mysetlist.catalog.demo.services import _remove
    from mysetlist.catalog.models import Artist
    from syncjobs.services.setlists import upsert_setlists
    from syncjobs.services.shows import upsert_shows
    from syncjobs.services.songs import upsert_songs
    from tests.syncjobs.services.worlds import MBID, NOW, played, track

    _remove()
    pages = [listings(number) for number in range(PAGES)]
    artist = Artist.objects.create(name="Band", slug="band", mbid=MBID.format(1))
    tracks = [track(n, f"Title number {n % TITLES}", 100 + n % 50 * 5) for n in range(TRACKS)]
    setlists = [
        played(
            *(f"Title number {line}" for line in range(n % 50, n % 50 + SONGS)),
            number=n,
            local_date=date(2020, 1, 1) + timedelta(days=n),
        )
        for n in range(SETLISTS)
    ]

    def write_shows() -> None:
        for page in pages:
            upsert_shows(records=page, now=NOW)

    def write_songs() -> None:
        upsert_songs(artist_id=artist.pk, tracks=tracks)

    def write_setlists() -> None:
        for start in range(0, SETLISTS, SETLIST_PAGE):
            upsert_setlists(artist=artist, records=setlists[start : start + SETLIST_PAGE], now=NOW)

    return [
        "# Imports",
        "",
        f"{machine()}; `python -m bench.imports`; {load()}",
        "",
        "| record | how many | new, ms each | again, unchanged, ms each |",
        "|---|---|---|---|",
        row("listing, with venue and three artists", PAGES * LISTINGS, write_shows),
        row("track, folded", TRACKS, write_songs),
        row(f"setlist of {SONGS} songs, its show made", SETLISTS, write_setlists),
    ]


def row(what: str, number: int, write: Callable[[], None]) -> str:
    first, again = (1000 * seconds(write) / number for _ in range(2))
    return f"| {what} | {number:,} | {first:.2f} | {again:.2f} |"


def seconds(work: Callable[[], None]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def listings(page: int) -> list:  # type: ignore[type-arg]
    from tests.syncjobs.services.worlds import ARENA, attraction, event

    made = []
    for number in range(page * LISTINGS, (page + 1) * LISTINGS):
        day = FIRST_DAY + timedelta(days=number % 200)
        venue = replace(ARENA, ticketmaster_id=f"KovV{number % 500:05}", name=f"Hall {number % 500}")
        bill = [attraction(number * step % 3000 + first) for step, first in ((1, 1), (7, 3001), (11, 6001))]
        starts_at = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
        made.append(event(number, *bill, venue=venue, local_date=day, starts_at=starts_at))
    return made


if __name__ == "__main__":
    main()
