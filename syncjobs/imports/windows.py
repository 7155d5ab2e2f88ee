"""sync_ticketmaster_window: what a country lists for a span of time, and whom it brings in."""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from mysetlist.catalog.models import Artist
from syncjobs.clients.errors import Source
from syncjobs.clients.ticketmaster import split_window
from syncjobs.clients.ticketmaster_records import PAGE_SIZE, REACHABLE_PAGES
from syncjobs.imports.outside import Outside, asking
from syncjobs.models import QueueJob
from syncjobs.progress import Counts, Permanent, Work
from syncjobs.queue import enqueue_many
from syncjobs.services.shows import upsert_shows
from syncjobs.services.writing import Tally
from syncjobs.sources import Share, left_today

REACHABLE = PAGE_SIZE * REACHABLE_PAGES
SETLISTFM_CALLS = 2  # of one import


def sync_ticketmaster_window(
    work: Work, *, country: str, start: str, end: str, imports: int | None = None, share: str = Share.DISCOVERY
) -> Counts:
    """Shows, venues and whole bills; everyone on them who was never imported is put into the queue.

    Where paging would end before the listings do, the window is split and its parts are queued.
    `imports`: no more artists than so many.
    """
    since, until = _moment(start), _moment(end)
    now, counts = timezone.now(), dict(work.state.get("counts", {}))
    page: int | None = work.state.get("page", 0)
    while page is not None:
        with asking(Source.TICKETMASTER, share):
            listed = Outside().ticketmaster.shows_between(since, until, country=country, page=page)
        if listed.is_capped and since < until:
            return _split(work, country, (since, until), -(-listed.total // REACHABLE) + 1, imports, share)
        page = listed.next
        with work.checkpoint("shows", 90, f"{listed.total} listings in {country}", page=page, counts=counts):
            synced = upsert_shows(records=listed.items, now=now)
            synced.shows.add_to(counts)
            Tally(seen=len(listed.rejected), failed=len(listed.rejected)).add_to(counts)
            left = None if imports is None else imports - counts.get("imports", 0)
            counts["imports"] = counts.get("imports", 0) + _import(work, synced.on_bills, left, share)
    return counts


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
