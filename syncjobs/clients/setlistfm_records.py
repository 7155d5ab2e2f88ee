"""setlist.fm's JSON into records. Where its published schema and its recorded answers differ, the answers win."""

import re
from collections.abc import Callable
from typing import TypeVar

from syncjobs.clients import dates
from syncjobs.clients.cleaning import NOTE_LENGTH
from syncjobs.clients.errors import Source
from syncjobs.clients.parsing import MBID, Node
from syncjobs.clients.records import ArtistRecord, Page, PlayedSong, SetlistRecord, VenueRecord

RecordT = TypeVar("RecordT")

ID = re.compile(r"[0-9a-f]{4,32}")
COUNTRY = re.compile(r"[A-Z]{2}")


def read_artist(content: object) -> ArtistRecord:
    """Return the artist."""
    return _artist(Node.root(Source.SETLISTFM, content))


def read_artists(content: object) -> Page[ArtistRecord]:
    """Return a page of found artists."""
    return _page(Node.root(Source.SETLISTFM, content), "artist", _artist)


def read_setlist(content: object) -> SetlistRecord:
    """Return the setlist."""
    return _setlist(Node.root(Source.SETLISTFM, content))


def read_setlists(content: object) -> Page[SetlistRecord]:
    """Return a page of setlists."""
    return _page(Node.root(Source.SETLISTFM, content), "setlist", _setlist)


def _page(root: Node, key: str, parse: Callable[[Node], RecordT]) -> Page[RecordT]:
    page, size = root.whole("page", least=1), root.whole("itemsPerPage", least=1)
    total = root.whole("total")
    items, rejected = root.gather(key, parse)
    return Page(items=items, total=total, next=page + 1 if page * size < total else None, rejected=rejected)


def _artist(node: Node) -> ArtistRecord:
    """Return the artist; the `tmid` beside it is shared by several artists and of no use."""
    return ArtistRecord(
        name=node.text("name"),
        mbid=node.maybe_identifier("mbid", MBID),
        disambiguation=node.maybe_text("disambiguation"),
        url=node.link("url"),
    )


def _setlist(node: Node) -> SetlistRecord:
    return SetlistRecord(
        setlistfm_id=node.identifier("id", ID),
        version_id=node.identifier("versionId", ID),
        local_date=dates.day_first(node, "eventDate"),
        updated_at=dates.moment(node, "lastUpdated"),
        artist=_artist(node.child("artist")),
        venue=_venue(node.maybe_child("venue")),
        tour_name=node.maybe_child("tour").maybe_text("name"),
        note=node.maybe_text("info", NOTE_LENGTH),
        url=node.link("url"),
        songs=_songs(node.child("sets")),
    )


def _venue(node: Node) -> VenueRecord | None:
    if not node.maybe_text("name"):
        return None
    city = node.maybe_child("city")  # its coordinates are the town's, not the venue's: left out
    return VenueRecord(
        setlistfm_id=node.maybe_identifier("id", ID),
        name=node.text("name"),
        city=city.maybe_text("name"),
        region=city.maybe_text("state"),
        country=city.maybe_child("country").maybe_identifier("code", COUNTRY),
        url=node.link("url"),
    )


def _songs(sets: Node) -> tuple[PlayedSong, ...]:
    """Return every song of every set. `set` must be there: without it a setlist would look unplayed."""
    sets.need("set", list)
    lines = [(entry, song) for entry in sets.each("set") for song in entry.each("song")]
    return tuple(
        PlayedSong(
            position=position,
            title=song.maybe_text("name"),
            set_name=entry.maybe_text("name"),
            encore=entry.maybe_whole("encore"),
            is_tape=song.flag("tape"),
            cover_of=_artist(song.child("cover")) if song.content.get("cover") else None,
            guest=_artist(song.child("with")) if song.content.get("with") else None,
            note=song.maybe_text("info", NOTE_LENGTH),
        )
        for position, (entry, song) in enumerate(lines, start=1)
    )
