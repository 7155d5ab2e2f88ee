"""sync_ticketmaster_window: what a country lists for a span of time, and whom it brings in.

A listing that names nobody may be of an artist whom the run meets later, in another country: it is
kept in the job's state, and place_listings looks at it when all that could tell is done.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from mysetlist.catalog.models import Artist
from syncjobs.clients.errors import Source
from syncjobs.clients.records import ShowRecord, ShowStatus, VenueRecord
from syncjobs.clients.ticketmaster import split_window
from syncjobs.clients.ticketmaster_records import PAGE_SIZE, REACHABLE_PAGES
from syncjobs.imports.outside import Outside, asking
from syncjobs.models import QueueJob
from syncjobs.progress import Counts, Permanent, Snooze, Work
from syncjobs.queue import enqueue, enqueue_many
from syncjobs.services.predictions import predict_setlists
from syncjobs.services.shows import upsert_shows
from syncjobs.services.writing import Tally
from syncjobs.sources import Share, left_today

REACHABLE = PAGE_SIZE * REACHABLE_PAGES
SETLISTFM_CALLS = 2  # of one import
MOST_KEPT = 500  # listings that name nobody, of one window; further ones are left out
LONGEST_LOOK_SECONDS = 60.0  # until place_listings looks again whether its time has come
TELLING = ("sync_ticketmaster_window", "import_artist", "sync_ticketmaster_artist")  # make artists known


def sync_ticketmaster_window(
    work: Work, *, country: str, start: str, end: str, imports: int | None = None, share: str = Share.DISCOVERY
) -> Counts:
    """Shows, venues and whole bills; everyone on them who was never imported is put into the queue.

    Where paging would end before the listings do, the window is split and its parts are queued.
    `imports`: no more artists than so many.
    """
    since, until = _moment(start), _moment(end)
    now, counts = timezone.now(), dict(work.state.get("counts", {}))
    kept: list[dict[str, Any]] = list(work.state.get("kept", ()))
    page: int | None = work.state.get("page", 0)
    while page is not None:
        with asking(Source.TICKETMASTER, share):
            listed = Outside().ticketmaster.shows_between(since, until, country=country, page=page)
        if listed.is_capped and since < until:
            return _split(work, country, (since, until), -(-listed.total // REACHABLE) + 1, imports, share)
        page = listed.next
        message = f"{listed.total} listings in {country}"
        with work.checkpoint("shows", 90, message, page=page, counts=counts, kept=kept):
            room = MOST_KEPT - len(kept) if work.run else 0  # only a run has a last step
            synced = upsert_shows(records=listed.items, now=now, keep=room)
            synced.shows.add_to(counts)
            Tally(seen=len(listed.rejected), failed=len(listed.rejected)).add_to(counts)
            kept += map(as_state, synced.kept)
            left = None if imports is None else imports - counts.get("imports", 0)
            counts["imports"] = counts.get("imports", 0) + _import(work, synced.on_bills, left, share)
            if page is None and kept:
                _place_later(work, share)
    return counts


def _place_later(work: Work, share: str) -> None:
    """One last step for all windows of the run."""
    enqueue(
        "place_listings",
        priority=QueueJob.Priority.BACKGROUND,
        dedup_key=f"place_listings {work.run}",
        parent=work.job,
        share=share,
    )


def place_listings(work: Work, *, share: str = Share.DISCOVERY) -> Counts:
    """Shows of listings that name nobody, once all that could make their artist known is done. Asks no source."""
    family = QueueJob.objects.filter(run=work.run)
    if others := family.live().filter(job_name__in=TELLING, outcome=None).count():
        raise Snooze(min(float(others), LONGEST_LOOK_SECONDS), f"{others} jobs of this run may yet tell who plays.")
    now, counts = timezone.now(), dict(work.state.get("counts", {}))
    done: list[int] = list(work.state.get("done", ()))
    windows = family.filter(job_name="sync_ticketmaster_window", state__has_key="kept").exclude(pk__in=done)
    for window in windows.order_by("pk"):
        records = [_from_state(row) for row in window.state["kept"]]
        done.append(window.pk)
        with work.checkpoint("shows", 90, f"{len(records)} listings", done=done, counts=counts):
            synced = upsert_shows(records=records, now=now)
            synced.shows.add_to(counts)
            most = window.job_data.get("imports")
            left = None if most is None else most - window.state["counts"]["imports"]
            counts["imports"] = counts.get("imports", 0) + _import(work, synced.on_bills, left, share)
            for artist in Artist.objects.filter(pk__in=synced.on_bills, songs_synced_at__isnull=False):
                predict_setlists(artist=artist, now=now)
    return counts


def as_state(record: ShowRecord) -> dict[str, Any]:
    """The listing as a job's state holds it."""
    row = asdict(record)
    return row | {key: row[key] and row[key].isoformat() for key in ("local_date", "starts_at")}


def _from_state(row: Mapping[str, Any]) -> ShowRecord:
    told: dict[str, Any] = {
        "status": ShowStatus(row["status"]),
        "local_date": row["local_date"] and date.fromisoformat(row["local_date"]),
        "starts_at": row["starts_at"] and datetime.fromisoformat(row["starts_at"]),
        "venue": row["venue"] and VenueRecord(**row["venue"]),
        "bill": (),
        "genres": tuple(row["genres"]),
    }
    return ShowRecord(**{**row, **told})


def _split(
    work: Work, country: str, window: tuple[datetime, datetime], parts: int, imports: int | None, share: str
) -> Counts:
    with work.checkpoint("splitting", 50, f"{parts} parts"):
        spans = [
            {
                "country": country,
                "start": part.start.isoformat(),
                "end": part.end.isoformat(),
                "imports": imports,
                "share": share,
            }
            for part in split_window(*window, parts=parts)
        ]
        enqueue_many("sync_ticketmaster_window", spans, parent=work.job, run=work.run, dedup_key=window_key)
    return {"parts": len(spans)}


def window_key(arguments: object) -> str:
    """One live job a window."""
    assert isinstance(arguments, dict)
    return f"sync_ticketmaster_window {arguments['country']} {arguments['start']} {arguments['end']}"


def _import(work: Work, on_bills: tuple[int, ...], left: int | None, share: str) -> int:
    """Queue the import of those who never were, as many as the day's budget allows; the others are left for later."""
    never = Artist.objects.filter(pk__in=on_bills, shows_synced_at=None)
    known = set(never.values_list("pk", flat=True))
    waiting = QueueJob.objects.live().filter(job_name="import_artist").count()
    affordable = left_today(Source.SETLISTFM, Share(share), now=timezone.now()) // SETLISTFM_CALLS - waiting
    most = max(affordable if left is None else min(affordable, left), 0)
    chosen = [pk for pk in on_bills if pk in known][:most]
    return enqueue_many(
        "import_artist",
        [{"artist": pk, "is_listed": True, "share": share} for pk in chosen],
        dedup_key=lambda arguments: f"import_artist {arguments['artist']}",
        parent=work.job,
        run=work.run,
    )


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise Permanent(f"{text!r} is not a moment with its zone, such as 2026-07-01T00:00:00+00:00.")
    return moment
