"""Artists: find the row of a record by its ids, then by its exact name; create it or fill what it lacks."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Q

from mysetlist.catalog.models import Artist
from mysetlist.catalog.slugs import slug
from syncjobs.clients.names import normal_name
from syncjobs.clients.records import ArtistRecord
from syncjobs.services.slugs import free_slugs
from syncjobs.services.writing import Tally, create, put, save_changed, writing

IDS = ("ticketmaster_id", "spotify_id", "mbid")
IMAGES_OF_SPOTIFY = "scdn.co/"

# Attractions that are sold as music and are nobody who performs songs of their own.
_NO_PERFORMER = re.compile(r"\btribute\b|\bkaraoke\b|\bbingo\b|\bfilm screening\b|\bmovie night\b|\bparking\b", re.I)

Key = tuple[str, object]


def is_performer(record: ArtistRecord) -> bool:
    """Whether fans could vote on what this one plays: by its class first, then by its name."""
    return record.is_music is not False and not _NO_PERFORMER.search(record.name)


def upsert_artists(*, records: Iterable[ArtistRecord]) -> tuple[list[Artist], Tally]:
    """The row of each record, in order, and what was written.

    Numbers that a source no longer tells stay; a name once given stays, so that two sources that
    spell it differently do not take turns. An id that another artist holds is left with that one.
    """
    records = list(records)
    with writing():
        known = Known(records)
        rows = [known.row(record) for record in records]
        known.save()
    return rows, known.tally


def fill_artist(*, artist_id: int, record: ArtistRecord) -> Tally:
    """Give the row what a record adds of which it is known that it is the same artist."""
    with writing():
        known = Known([record])
        known.fill(Artist.objects.get(pk=artist_id), record)
        known.save()
    return known.tally


class Known:
    """The artists that a batch of records may mean, found by few queries."""

    def __init__(self, records: Sequence[ArtistRecord]) -> None:
        self.tally = Tally()
        self._by_id: dict[Key, Artist] = {}
        self._by_name: defaultdict[str, list[Artist]] = defaultdict(list)
        self._changes: dict[int, tuple[Artist, set[str]]] = {}
        self._new: list[Artist] = []
        wanted = {name: {_id(record, name) for record in records} - {None} for name in IDS}
        nameless = {slug(record.name) for record in records}
        by_id = Q(*((f"{name}__in", ids) for name, ids in wanted.items()), _connector=Q.OR)
        for artist in Artist.objects.filter(by_id | Q(slug__in=nameless)).order_by("pk"):
            self._remember(artist)

    def row(self, record: ArtistRecord) -> Artist:
        """The artist of this record, with what the record adds."""
        artist = self.find(record)
        if artist is None:
            artist = Artist(name=record.name.replace("\u2019", "'"))  # searches elsewhere know the plain one alone
            self._new.append(artist)
        self.fill(artist, record)
        return artist

    def fill(self, artist: Artist, record: ArtistRecord) -> None:
        """Put into the row what it lacks."""
        is_new = artist.pk is None and id(artist) not in self._changes
        changed = put(artist, **self._values(artist, record))
        self._remember(artist)
        self._changes.setdefault(id(artist), (artist, set()))[1].update(changed)
        self.tally.note(is_new=is_new, is_changed=bool(changed))

    def find(self, record: ArtistRecord) -> Artist | None:
        """By external id; else the one artist of exactly this name that no id contradicts."""
        for name in IDS:
            if artist := self._by_id.get((name, _id(record, name))):
                return artist
        candidates = [a for a in self._by_name[normal_name(record.name)] if not _contradicts(a, record)]
        return candidates[0] if len(candidates) == 1 else None

    def save(self) -> None:
        """Insert the new artists, write the changed ones."""
        for artist, address in zip(self._new, free_slugs(Artist, [a.name for a in self._new]), strict=True):
            artist.slug = address
        fresh = {id(artist) for artist in self._new}
        create(Artist, self._new)
        save_changed(Artist, [change for key, change in self._changes.items() if key not in fresh])

    def _remember(self, artist: Artist) -> None:
        for name in IDS:
            if value := getattr(artist, name):
                self._by_id.setdefault((name, value), artist)
        same = self._by_name[normal_name(artist.name)]
        if artist not in same:
            same.append(artist)

    def _values(self, artist: Artist, record: ArtistRecord) -> dict[str, object]:
        """What the record knows better than the row."""
        values: dict[str, object] = {
            name: value
            for name in IDS
            if (value := _id(record, name))
            and getattr(artist, name) is None
            and self._by_id.get((name, value), artist) == artist
        }
        for name in ("popularity", "spotify_followers"):
            if (number := getattr(record, name)) is not None:
                values[name] = number
        if record.genres and not artist.genres:
            values["genres"] = list(record.genres)
        if record.image_url and _may_replace_image(artist, record):
            values["image_url"] = record.image_url
        return values


def _may_replace_image(artist: Artist, record: ArtistRecord) -> bool:
    """Ticketmaster's image comes first; Spotify's stands in for it."""
    return bool(record.ticketmaster_id) or not artist.image_url or IMAGES_OF_SPOTIFY in artist.image_url


def _id(record: ArtistRecord, name: str) -> object:
    value = getattr(record, name)
    return UUID(value) if name == "mbid" and value else value


def _contradicts(artist: Artist, record: ArtistRecord) -> bool:
    """Whether the row has another id at a source that the record names too: then they are namesakes."""
    theirs = {name: _id(record, name) for name in IDS}
    return any(getattr(artist, name) and value and getattr(artist, name) != value for name, value in theirs.items())
