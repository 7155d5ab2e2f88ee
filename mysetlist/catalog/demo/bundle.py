"""The bundled catalogue, read and cleaned: real artists, shows and songs (CREDIT.md)."""

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

FOLDER = Path(__file__).parent
LISTED_ON = date(2026, 4, 26)  # the day on which the files call things upcoming
LONGEST = 255  # letters of a name, as the tables have it

# As Ticketmaster writes them.
COUNTRIES = {
    "": None,
    "Australia": "AU",
    "Austria": "AT",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "Czech Republic": "CZ",
    "Denmark": "DK",
    "Estonia": "EE",
    "Finland": "FI",
    "Germany": "DE",
    "Great Britain": "GB",
    "Ireland": "IE",
    "Italy": "IT",
    "Mexico": "MX",
    "Netherlands": "NL",
    "New Zealand": "NZ",
    "Norway": "NO",
    "Peru": "PE",
    "Poland": "PL",
    "Singapore": "SG",
    "South Africa": "ZA",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "Turkey": "TR",
    "United Arab Emirates": "AE",
    "United States Of America": "US",
}

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")

Row = dict[str, str]
R = TypeVar("R")


class BundleDamaged(Exception):
    """A bundled file cannot be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BundledArtist:
    """An artist, with the figures by which the simulated fans find them."""

    spotify_id: str
    mbid: UUID | None
    name: str
    genres: list[str]
    popularity: int | None
    followers: int | None
    monthly_listeners: int | None
    daily_change: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BundledVenue:
    """What tells one venue from another."""

    name: str
    city: str
    country: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BundledShow:
    """A concert, on the date it was announced for."""

    ticketmaster_id: str
    headliner: str
    name: str
    local_date: date
    starts_at: datetime | None
    venue: BundledVenue


@dataclass(frozen=True, kw_only=True, slots=True)
class BundledSong:
    """A song, under its first artist."""

    spotify_id: str
    artist: str
    title: str
    popularity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """All three files."""

    artists: list[BundledArtist]
    shows: list[BundledShow]
    songs: list[BundledSong]


def read_bundle(folder: Path = FOLDER) -> Bundle:
    """The bundled catalogue. Raises BundleDamaged."""
    return Bundle(
        artists=_read(folder / "artists.csv.gz", _artist),
        shows=_read(folder / "shows.csv.gz", _show),
        songs=_read(folder / "songs.csv.gz", _song),
    )


def read_dates(folder: Path = FOLDER) -> dict[str, date]:
    """The announced date of each bundled show by its Ticketmaster id. Raises BundleDamaged."""
    rows = _read(folder / "shows.csv.gz", lambda row: (row["ticketmaster_id"], date.fromisoformat(row["local_date"])))
    return dict(rows)


def clean(text: str) -> str:
    """A name as people write it: no control characters, no stray spaces, not too long."""
    return " ".join(_CONTROL.sub(" ", text).split())[:LONGEST].rstrip()


def _read(path: Path, record: Callable[[Row], R]) -> list[R]:
    try:
        records = [record(row) for row in _rows(path)]
        if not records:
            raise ValueError("it is empty")
        return records
    except (OSError, EOFError, ValueError, KeyError, csv.Error, zlib.error) as problem:
        raise BundleDamaged(
            f"The bundled file {path.name} cannot be read ({problem}). "
            "Restore it with: git checkout -- mysetlist/catalog/demo"
        ) from problem


def _rows(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _number(text: str) -> int | None:
    return int(text) if text else None


def _artist(row: Row) -> BundledArtist:
    return BundledArtist(
        spotify_id=row["spotify_id"],
        mbid=UUID(row["mbid"]) if row["mbid"] else None,
        name=clean(row["name"]),
        genres=row["genres"].split("|") if row["genres"] else [],
        popularity=_number(row["popularity"]),
        followers=_number(row["followers"]),
        monthly_listeners=_number(row["monthly_listeners"]),
        daily_change=_number(row["daily_listener_change"]),
    )


def _show(row: Row) -> BundledShow:
    return BundledShow(
        ticketmaster_id=row["ticketmaster_id"],
        headliner=row["artist_spotify_id"],
        name=clean(row["name"]),
        local_date=date.fromisoformat(row["local_date"]),
        starts_at=datetime.fromisoformat(row["starts_at_utc"]) if row["starts_at_utc"] else None,
        venue=BundledVenue(name=clean(row["venue"]), city=clean(row["city"]), country=COUNTRIES[row["country"]]),
    )


def _song(row: Row) -> BundledSong:
    return BundledSong(
        spotify_id=row["spotify_id"],
        artist=row["artist_spotify_id"],
        title=clean(row["title"]),
        popularity=int(row["popularity"]),
    )
