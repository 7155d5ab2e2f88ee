"""Records as the clients hand them out, and what a table looks like physically."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, models

from mysetlist.catalog.models import Activity
from syncjobs.clients.records import (
    AlbumKind,
    AlbumRecord,
    ArtistRecord,
    PlayedSong,
    SetlistRecord,
    ShowRecord,
    ShowStatus,
    TrackRecord,
    VenueRecord,
)

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
MBID = "b07a5a1c-0000-4000-8000-00000000000{}"
ARENA = VenueRecord(
    ticketmaster_id="KovArena1", name="Arena", city="Berlin", country="DE", timezone="Europe/Berlin", region="Berlin"
)


def attraction(number: int, name: str = "", **values: Any) -> ArtistRecord:
    """An artist as Ticketmaster knows it."""
    known = {"name": name or f"Band {number}", "ticketmaster_id": f"K8vZ917{number:04}", "is_music": True}
    return ArtistRecord(**{**known, **values})


def spotify_id(number: int) -> str:
    return f"{number:022}"


def event(number: int, *bill: ArtistRecord, **values: Any) -> ShowRecord:
    """A listing in a month, at the arena."""
    day = date(2026, 8, 1) + timedelta(days=number)
    known = {
        "ticketmaster_id": f"vvG1event{number:04}",
        "name": f"Listing {number}",
        "status": ShowStatus.UPCOMING,
        "local_date": day,
        "starts_at": datetime(day.year, day.month, day.day, 18, tzinfo=UTC),
        "timezone": "Europe/Berlin",
        "venue": ARENA,
        "bill": bill,
        "is_music": True,
    }
    return ShowRecord(**{**known, **values})


def album(number: int, name: str = "", **values: Any) -> AlbumRecord:
    known = {"spotify_id": spotify_id(9000 + number), "name": name or f"Album {number}", "kind": AlbumKind.ALBUM}
    return AlbumRecord(**{**known, "release_date": date(2000 + number, 1, 1), **values})


def track(number: int, title: str = "", seconds: int = 200, **values: Any) -> TrackRecord:
    known = {"spotify_id": spotify_id(number), "title": title or f"Song {number}", "duration_seconds": seconds}
    return TrackRecord(**{**known, "album": album(1), **values})


def played(*songs: str | PlayedSong, number: int = 1, **values: Any) -> SetlistRecord:
    """A setlist of 20 June in the arena."""
    lines = [
        song if isinstance(song, PlayedSong) else PlayedSong(position=position, title=song)
        for position, song in enumerate(songs, 1)
    ]
    known = {
        "setlistfm_id": f"63de{number:04}",
        "version_id": f"7be1{number:04}",
        "local_date": date(2026, 6, 20),
        "updated_at": NOW,
        "artist": ArtistRecord(name="Band", mbid=MBID.format(1)),
        "venue": VenueRecord(name="Arena", city="Berlin", country="DE"),
        "url": f"https://www.setlist.fm/setlist/{number}.html",
        "songs": tuple(lines),
    }
    return SetlistRecord(**{**known, **values})


def physical(*tables: type[models.Model]) -> dict[str, list[tuple[Any, ...]]]:
    """Where each row lies and which transaction wrote it: any write changes that, even of the same values."""
    with connection.cursor() as cursor:
        found = {}
        for model in tables:
            cursor.execute(f"SELECT id, ctid::text, xmin::text FROM {model._meta.db_table} ORDER BY id")
            found[model.__name__] = cursor.fetchall()
        return found


def forget_activity() -> None:
    Activity.objects.all().delete()
