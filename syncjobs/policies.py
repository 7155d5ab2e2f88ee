"""What is declared of each job, in code: who does it, how often it is tried, how long it may take."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class CatchUp(StrEnum):
    """What becomes of slots that passed while no scheduler was alive."""

    NONE = "none"  # they stay missed
    LATEST = "latest"  # the newest is run, late
    ALL = "all"  # each is run, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One line of jobs of a kind."""

    concurrency: int  # jobs at work at once, on all machines together
    attempts: int  # of a job that says nothing else
    sources: tuple[str, ...] = ()  # that its jobs ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How one job is done."""

    path: str  # dotted path of its handler, (work, **arguments) -> counts
    queue: str
    longest: timedelta  # one attempt; past it the worker is stopped
    attempts: int | None = None  # as its queue says
    schedule: str | None = None  # a cron line (minute, hour, day of month, month, day of week; UTC)
    start_margin: timedelta = timedelta(minutes=5)  # later than this is late
    failures: int = 1  # in a row, until an alert
    catch_up: CatchUp = CatchUp.LATEST

    @property
    def max_attempts(self) -> int:
        return self.attempts or QUEUES[self.queue].attempts


QUEUES: dict[str, Queue] = {
    "cron": Queue(concurrency=4, attempts=1),
    "artist_import": Queue(concurrency=5, attempts=3, sources=("ticketmaster", "spotify", "setlistfm")),
    "spotify_sync": Queue(concurrency=3, attempts=5, sources=("spotify",)),
    "ticketmaster_sync": Queue(concurrency=3, attempts=4, sources=("ticketmaster",)),
    "setlist_sync": Queue(concurrency=2, attempts=4, sources=("setlistfm",)),
    "images": Queue(concurrency=3, attempts=2, sources=("ticketmaster", "spotify")),
    "maintenance": Queue(concurrency=1, attempts=3),
}


def _planner(job: str, schedule: str) -> Policy:
    """A job that plans within seconds what others do."""
    return Policy(path=f"syncjobs.jobs.{job}", queue="cron", longest=timedelta(minutes=10), schedule=schedule)


def _piece(path: str, queue: str, *, minutes: int = 10) -> Policy:
    """A job that asks the sources."""
    return Policy(path=f"syncjobs.imports.{path}", queue=queue, longest=timedelta(minutes=minutes))


POLICIES: dict[str, Policy] = {
    "calculate_trending": Policy(
        path="syncjobs.jobs.calculate_trending",
        queue="cron",
        longest=timedelta(minutes=4),
        schedule="*/5 * * * *",
        start_margin=timedelta(minutes=2),
        failures=2,
    ),
    "verify_trending": Policy(
        path="syncjobs.jobs.verify_trending", queue="cron", longest=timedelta(minutes=10), schedule="30 3 * * *"
    ),
    "advance_shows": Policy(
        path="syncjobs.jobs.advance_shows",
        queue="cron",
        longest=timedelta(minutes=2),
        schedule="*/5 * * * *",
        start_margin=timedelta(minutes=2),
        failures=2,
    ),
    "master_sync": _planner("master_sync", "0 4 * * *"),
    "update_active_artists": _planner("update_active_artists", "0 */6 * * *"),
    "sync_artist_data": _planner("sync_artist_data", "0 */12 * * *"),
    "trending_artist_sync": _planner("trending_artist_sync", "0 2 * * *"),
    "complete_catalog_sync": _planner("complete_catalog_sync", "0 3 * * 0"),
    "import_past_setlists": _planner("import_past_setlists", "0 6 * * *"),
    "sync_artist_images": _planner("sync_artist_images", "30 6 * * *"),
    "finish_mysetlist_sync": _planner("finish_mysetlist_sync", "0 5 * * *"),
    "import_artist": _piece("import_artist.import_artist", "artist_import", minutes=30),
    "sync_spotify_artist": _piece("pieces.sync_spotify_artist", "spotify_sync", minutes=20),
    "sync_ticketmaster_artist": _piece("pieces.sync_ticketmaster_artist", "ticketmaster_sync"),
    "sync_ticketmaster_window": _piece("windows.sync_ticketmaster_window", "ticketmaster_sync"),
    "place_listings": _piece("windows.place_listings", "ticketmaster_sync"),
    "sync_setlists": _piece("pieces.sync_setlists", "setlist_sync", minutes=20),
    "sync_show_setlist": _piece("pieces.sync_show_setlist", "setlist_sync"),
    "sync_artist_image": _piece("pieces.sync_artist_image", "images"),
    "repair_catalogue": Policy(
        path="syncjobs.jobs.repair_catalogue", queue="maintenance", longest=timedelta(minutes=30)
    ),
    "backup_logs": Policy(
        path="syncjobs.jobs.backup_logs", queue="cron", longest=timedelta(minutes=30), schedule="15 1 * * *"
    ),
    "cleanup_old_data": Policy(
        path="syncjobs.jobs.cleanup_old_data", queue="cron", longest=timedelta(hours=1), schedule="30 1 * * *"
    ),
}
