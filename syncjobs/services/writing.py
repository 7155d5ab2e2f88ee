"""How every service writes: one import at a time, only what changed, and it counts what it did."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar

from django.db import connection, models, transaction

from mysetlist.catalog.models import Artist

ModelT = TypeVar("ModelT", bound=models.Model)

BATCH = 500


@dataclass(kw_only=True, slots=True)
class Tally:
    """What became of the records of one piece of work. Each record is seen once and counted once more."""

    seen: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        mine, theirs = self.counts(), other.counts()
        return Tally(**{name: number + theirs[name] for name, number in mine.items()})

    def counts(self) -> dict[str, int]:
        """The numbers by name, as a run's result shows them."""
        return asdict(self)

    def add_to(self, counts: dict[str, int]) -> None:
        """Add these to numbers that a checkpoint remembers."""
        for name, number in self.counts().items():
            counts[name] = counts.get(name, 0) + number

    def note(self, *, is_new: bool, is_changed: bool) -> None:
        """Count one more record that was written, or found as it should be."""
        self.seen += 1
        if is_new:
            self.created += 1
        elif is_changed:
            self.updated += 1
        else:
            self.unchanged += 1

    def leave_out(self, number: int = 1) -> None:
        """Count records that were left out on purpose."""
        self.seen += number
        self.skipped += number


@contextmanager
def writing() -> Iterator[None]:
    """A transaction in which no other import writes, so that none inserts what another just found missing.

    The sources are slow and the writes are short: nobody waits long, and no two can deadlock.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('syncjobs.services', 0))")
        yield


def put(row: models.Model, **values: object) -> set[str]:
    """Set the fields that differ; their names."""
    changed = {name for name, value in values.items() if getattr(row, name) != value}
    for name in changed:
        setattr(row, name, values[name])
    return changed


def save_changed(model: type[ModelT], changes: Iterable[tuple[ModelT, set[str]]]) -> None:
    """Write the changed fields of changed rows, a batch in one statement. Unchanged rows are not touched."""
    changed = [(row, fields) for row, fields in changes if fields]
    if changed:
        names = sorted(set().union(*(fields for _, fields in changed)))
        model._default_manager.bulk_update([row for row, _ in changed], names, batch_size=BATCH)


def create(model: type[ModelT], rows: Sequence[ModelT]) -> Sequence[ModelT]:
    """Insert the rows, a batch in one statement."""
    return model._default_manager.bulk_create(rows, batch_size=BATCH)


def stamp(artist_id: int, *areas: str, now: datetime) -> None:
    """Remember that these areas of an artist (profile, shows, songs, setlists, image) are complete as of now."""
    stamps = {f"{area}_synced_at": now for area in areas}
    Artist.objects.filter(pk=artist_id).exclude(**stamps).update(**stamps)
