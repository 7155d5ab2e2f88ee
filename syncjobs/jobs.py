"""What a scheduled job does when the queue calls it."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

import monitoring.services
from monitoring.cron import Run, inside
from syncjobs.planners import artists, discovery, shows
from syncjobs.progress import Counts, Work
from syncjobs.services import repairs
from trending import services


def calculate_trending(work: Work) -> Counts:
    """Score everything as of this hour."""
    with inside(work.run):
        return services.calculate_trending(as_of=services.whole_hour(timezone.now())).result


def verify_trending(work: Work) -> Counts:
    """Compare scores and rollups with their source rows."""
    with inside(work.run):
        return services.verify_trending().result


def advance_shows(work: Work) -> Counts:
    """Keep shows in step with the clock."""
    with inside(work.run):
        return shows.advance_shows(now=timezone.now()).result


def _plan(work: Work, planner: Callable[..., Run], **options: Any) -> Counts:
    """What it enqueues are children of this job, which waits for them."""
    with inside(work.run):
        return planner(now=timezone.now(), parent=work.job or None, **options).result


def master_sync(work: Work, *, mode: str = "daily", limit: int | None = None) -> Counts:
    return _plan(work, discovery.master_sync, mode=mode, limit=limit)


def update_active_artists(work: Work, *, limit: int | None = None) -> Counts:
    return _plan(work, artists.update_active_artists, limit=limit)


def sync_artist_data(work: Work, *, limit: int | None = None) -> Counts:
    return _plan(work, artists.sync_artist_data, limit=limit)


def trending_artist_sync(work: Work, *, limit: int | None = None) -> Counts:
    return _plan(work, artists.trending_artist_sync, limit=limit)


def complete_catalog_sync(work: Work, *, limit: int | None = None) -> Counts:
    return _plan(work, artists.complete_catalog_sync, limit=limit)


def import_past_setlists(work: Work, *, limit: int | None = None) -> Counts:
    return _plan(work, shows.import_past_setlists, limit=limit)


def sync_artist_images(work: Work, *, limit: int | None = None) -> Counts:
    return _plan(work, artists.sync_artist_images, limit=limit)


def finish_mysetlist_sync(work: Work, *, limit: int | None = None) -> Counts:
    return _plan(work, shows.finish_mysetlist_sync, limit=limit)


def repair_catalogue(work: Work) -> Counts:
    """Remove rows that nothing needs, merge rows of one night; a transaction each."""
    counts: dict[str, int] = dict(work.state.get("counts", {}))
    for name in repairs.USELESS:
        removed = repairs.BATCH
        while removed == repairs.BATCH:
            with work.checkpoint("removing", 30, name, counts=counts):
                removed = repairs.remove_useless(name)
                counts[f"{name}_removed"] = counts.get(f"{name}_removed", 0) + removed
    counts = {"shows_merged": 0, "votes_moved": 0, **counts}
    for stays, *others in repairs.twin_shows():
        for goes in others:
            with work.checkpoint("merging", 60, f"show {goes} into {stays}", counts=counts):
                counts["votes_moved"] += repairs.merge_shows(stays=stays, goes=goes)
                counts["shows_merged"] += 1
    return counts


def cleanup_old_data(work: Work) -> Counts:
    """Remove, or archive, what is past its retention."""
    with inside(work.run):
        return monitoring.services.cleanup_old_data(now=timezone.now()).result


def backup_logs(work: Work) -> Counts:
    """Keep a copy of yesterday's runs and figures."""
    with inside(work.run):
        return monitoring.services.backup_logs(now=timezone.now()).result
