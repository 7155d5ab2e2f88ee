"""A plan: pieces of work, what they will cost, and what is left for another day."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from monitoring.cron import current_run
from syncjobs.clients.errors import Source, SourceNotConfigured
from syncjobs.imports.windows import window_key
from syncjobs.models import QueueJob
from syncjobs.queue import enqueue_many
from syncjobs.sources import Share, client_for, left_today

Calls = Mapping[Source, int]

# What a piece asks of each source, as a rule: an import has some twenty releases.
CALLS: dict[str, Calls] = {
    "import_artist": {Source.TICKETMASTER: 2, Source.SPOTIFY: 25, Source.SETLISTFM: 2},
    "sync_ticketmaster_artist": {Source.TICKETMASTER: 1},
    "sync_ticketmaster_window": {Source.TICKETMASTER: 1},
    "sync_spotify_artist": {Source.SPOTIFY: 25},
    "sync_setlists": {Source.SETLISTFM: 3},
    "sync_show_setlist": {Source.SETLISTFM: 2},
    "sync_artist_image": {Source.TICKETMASTER: 1, Source.SPOTIFY: 1},
    "repair_catalogue": {},
}
PROFILE: Calls = {Source.SPOTIFY: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One queue job to be."""

    job: str
    arguments: Mapping[str, Any]
    priority: int = QueueJob.Priority.NORMAL

    @property
    def calls(self) -> Calls:
        """What it will cost, as a rule."""
        return PROFILE if self.arguments.get("catalogue") is False else CALLS[self.job]

    @property
    def dedup_key(self) -> str:
        """One live job for one thing."""
        if self.job == "sync_ticketmaster_window":
            return window_key(self.arguments)
        about = self.arguments.get("artist") or self.arguments.get("show")
        return f"{self.job} {about}" if about else self.job


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be queued. `left`: pieces that the day's budget, or the limit, leaves for later."""

    pieces: tuple[Piece, ...]
    left: int = 0
    also: Mapping[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """The plan as a result shows it."""
        calls: Counter[str] = Counter()
        for piece in self.pieces:
            calls.update({source.value: number for source, number in piece.calls.items()})
        jobs = Counter(piece.job for piece in self.pieces)
        return {"planned": len(self.pieces), "jobs": dict(jobs), "calls": dict(calls), "left": self.left, **self.also}

    def enqueue(self, *, parent: int | None = None) -> dict[str, Any]:
        """Put it into the queue in one transaction, for the run that is being recorded."""
        new = 0
        with transaction.atomic():
            for (job, priority), pieces in self._alike().items():
                keys = {id(piece.arguments): piece.dedup_key for piece in pieces}
                new += enqueue_many(
                    job,
                    [piece.arguments for piece in pieces],
                    priority=priority,
                    parent=parent,
                    run=current_run.get(),
                    dedup_key=lambda arguments, keys=keys: keys[id(arguments)],  # type: ignore[misc]
                )
        return {**self.summary(), "already_queued": len(self.pieces) - new}

    def _alike(self) -> dict[tuple[str, int], list[Piece]]:
        alike: dict[tuple[str, int], list[Piece]] = {}
        for piece in self.pieces:
            alike.setdefault((piece.job, piece.priority), []).append(piece)
        return alike


def plan(
    groups: Iterable[Iterable[Piece]],
    *,
    share: Share,
    now: datetime,
    limit: int | None = None,
    also: Mapping[str, Any] | None = None,
) -> Plan:
    """As many groups as the share of the day's budget allows, in the given order; a group is planned whole or not.

    `limit`: no more groups than so many. What only a source could do that is not set up is left out.
    """
    usable = {source for source in Source if is_set_up(source)}
    budget = {source: left_today(source, share, now=now) for source in usable}
    chosen: list[Piece] = []
    left = taken = 0
    for group in groups:
        pieces = [
            Piece(job=p.job, arguments={**p.arguments, "share": share}, priority=p.priority)
            for p in group
            if usable.intersection(p.calls)
        ]
        if not pieces:
            continue
        need: Counter[Source] = Counter()
        for piece in pieces:
            need.update({source: number for source, number in piece.calls.items() if source in usable})
        is_affordable = all(number <= budget[source] for source, number in need.items())
        if not is_affordable or (limit is not None and taken >= limit):
            left += 1
            continue
        for source, number in need.items():
            budget[source] -= number
        chosen += pieces
        taken += 1
    missing = [source.label for source in Source if source not in usable]
    also = {**(also or {}), **({"not_set_up": missing} if missing else {})}
    return Plan(pieces=tuple(chosen), left=left, also=also)


def is_set_up(source: Source) -> bool:
    """Whether the source has its key."""
    try:
        client_for(source)
    except SourceNotConfigured:
        return False
    return True
