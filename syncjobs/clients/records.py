"""What the sources tell us, in our words: frozen records, the same whichever source they come from.

None means that the source did not say. Text is clean, links are http(s), times know their zone.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

RecordT = TypeVar("RecordT")


class ShowStatus(StrEnum):
    """What the source says of a show. That it is over, the clock alone decides."""

    UPCOMING = "upcoming"
    CANCELLED = "cancelled"
    POSTPONED = "postponed"


class AlbumKind(StrEnum):
    """How a release is sold."""

    ALBUM = "album"
    SINGLE = "single"
    COMPILATION = "compilation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[RecordT]):
    """One page of records. `next` is where the next page starts, None after the last.

    `rejected` tells of each entry that could not be read. `is_capped`: there is more than paging can reach.
    """

    items: tuple[RecordT, ...]
    total: int = 0
    next: int | None = None
    rejected: tuple[str, ...] = ()
    is_capped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtistRecord:
    """An artist as one source knows it. `is_music` is None where the source does not classify."""

    name: str
    ticketmaster_id: str | None = None
    spotify_id: str | None = None
    mbid: str | None = None
    genres: tuple[str, ...] = ()
    image_url: str | None = None
    small_image_url: str | None = None
    popularity: int | None = None
    spotify_followers: int | None = None
    is_music: bool | None = None
    event_count: int | None = None
    disambiguation: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRecord:
    """Where a show happens. `country` is ISO 3166 alpha-2."""

    name: str
    ticketmaster_id: str | None = None
    setlistfm_id: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    timezone: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None
    postal_code: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRecord:
    """One listed event. `local_date` is None while the day is open, `starts_at` while the hour is.

    `bill` is the whole bill in the source's order, the headliner first by convention; it may be empty.
    """

    ticketmaster_id: str
    name: str
    status: ShowStatus
    local_date: date | None = None
    starts_at: datetime | None = None
    timezone: str | None = None
    venue: VenueRecord | None = None
    bill: tuple[ArtistRecord, ...] = ()
    genres: tuple[str, ...] = ()
    is_music: bool | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlbumRecord:
    """A release. `release_date` is its first possible day where only the year or month is known."""

    spotify_id: str
    name: str
    kind: AlbumKind
    release_date: date | None = None
    track_count: int | None = None
    image_url: str | None = None
    artist_spotify_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord:
    """One recording on one release. Listed under an album, it has neither ISRC, popularity nor album."""

    spotify_id: str
    title: str
    duration_seconds: int
    isrc: str | None = None
    popularity: int | None = None
    is_explicit: bool = False
    disc_number: int | None = None
    track_number: int | None = None
    artist_spotify_ids: tuple[str, ...] = ()
    album: AlbumRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedSong:
    """One line of a setlist, numbered from 1 over all sets. `title` is None where nobody knew the song.

    `is_tape`: it came from the loudspeakers, nobody performed it.
    """

    position: int
    title: str | None
    set_name: str | None = None
    encore: int | None = None
    is_tape: bool = False
    cover_of: ArtistRecord | None = None
    guest: ArtistRecord | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetlistRecord:
    """What was played. `version_id` changes with each edit; whoever shows it must link to `url`.

    Many have no songs yet: `songs` is empty.
    """

    setlistfm_id: str
    version_id: str
    local_date: date
    updated_at: datetime
    artist: ArtistRecord
    venue: VenueRecord | None = None
    tour_name: str | None = None
    note: str | None = None
    url: str | None = None
    songs: tuple[PlayedSong, ...] = ()
