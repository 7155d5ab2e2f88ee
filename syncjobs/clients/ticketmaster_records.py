"""Ticketmaster's JSON into records. An attraction may be a team, a play, a festival, a tribute: see `is_music`."""

import re
from dataclasses import replace
from urllib.parse import urlsplit

from syncjobs.clients import dates
from syncjobs.clients.errors import Source
from syncjobs.clients.parsing import MBID, Node
from syncjobs.clients.records import ArtistRecord, Page, ShowRecord, ShowStatus, VenueRecord

ID = re.compile(r"[A-Za-z0-9_-]{4,32}")
SPOTIFY_PATH = re.compile(r"/(?:intl-[a-z]{2,5}/)?artist/([A-Za-z0-9]{22})/?")
COUNTRY = re.compile(r"[A-Z]{2}")

MUSIC_SEGMENT_ID = "KZFzniwnSyZfZ7v7nJ"
NO_GENRES = {"Undefined", "Other"}
GENRE_COUNT = 5
GENRE_LENGTH = 64
LARGE_IMAGE_PIXELS = 500

PAGE_SIZE = 200
REACHABLE_PAGES = 5  # documented: page x size stays below 1,000

# onsale, offsale and rescheduled say nothing of whether the show goes on: it does.
STATUSES = {
    "cancelled": ShowStatus.CANCELLED,
    "canceled": ShowStatus.CANCELLED,
    "postponed": ShowStatus.POSTPONED,
}


def read_artist(content: object) -> ArtistRecord:
    """Return the attraction."""
    return _artist(Node.root(Source.TICKETMASTER, content))


def read_artists(content: object) -> Page[ArtistRecord]:
    """Return a page of attractions; only the first page is of use, so it names no next."""
    root = Node.root(Source.TICKETMASTER, content)
    total = root.child("page").whole("totalElements")
    if total == 0:
        return Page(items=())
    items, rejected = root.child("_embedded").gather("attractions", _artist)
    return Page(items=items, total=total, rejected=rejected)


def read_shows(content: object, page: int) -> Page[ShowRecord]:
    """Return a page of events. An empty result has no `_embedded`."""
    root = Node.root(Source.TICKETMASTER, content)
    paging = root.child("page")
    total, pages = paging.whole("totalElements"), paging.whole("totalPages")
    if total == 0 or page >= pages:
        return Page(items=(), total=total)
    items, rejected = root.child("_embedded").gather("events", _show)
    is_last = page + 1 >= min(pages, REACHABLE_PAGES)
    return Page(
        items=items,
        total=total,
        next=None if is_last else page + 1,
        rejected=rejected,
        is_capped=total > PAGE_SIZE * REACHABLE_PAGES,
    )


def _artist(node: Node) -> ArtistRecord:
    large, small = _images(node)
    links = node.maybe_child("externalLinks")
    is_music, genres = _classification(node)
    return ArtistRecord(
        ticketmaster_id=node.identifier("id", ID),
        name=node.text("name"),
        mbid=_mbid(links),
        spotify_id=_spotify_id(links),
        genres=genres,
        is_music=is_music,
        image_url=large,
        small_image_url=small,
        event_count=node.maybe_child("upcomingEvents").maybe_whole("_total"),
        url=node.link("url"),
    )


def _show(node: Node) -> ShowRecord:
    when = node.child("dates")
    embedded = node.maybe_child("_embedded")
    venue = next((_venue(entry) for entry in embedded.each("venues") if entry.maybe_text("name")), None)
    is_music, genres = _classification(node)
    show = ShowRecord(
        ticketmaster_id=node.identifier("id", ID),
        name=node.text("name"),
        status=_status(when.maybe_child("status")),
        timezone=dates.maybe_timezone(when, "timezone") or (venue.timezone if venue else None),
        venue=venue,
        bill=_bill(embedded),
        genres=genres,
        is_music=is_music,
        url=node.link("url"),
    )
    return _dated(show, when.child("start"))


def _status(node: Node) -> ShowStatus:
    return STATUSES.get((node.get("code", str) or "").lower(), ShowStatus.UPCOMING)


def _dated(show: ShowRecord, start: Node) -> ShowRecord:
    """Return the show with its day and hour, each only if the source stands by it."""
    flags = {flag: start.flag(flag) for flag in ("dateTBD", "dateTBA", "timeTBA", "noSpecificTime")}
    day = dates.maybe_day(start, "localDate")
    starts_at = dates.maybe_moment(start, "dateTime")
    if flags["dateTBD"] or flags["dateTBA"]:
        return show
    if day is None and starts_at and show.timezone:
        day = dates.day_in(starts_at, show.timezone)
    if flags["timeTBA"] or flags["noSpecificTime"]:
        starts_at = None
    return replace(show, local_date=day, starts_at=starts_at)


def _bill(embedded: Node) -> tuple[ArtistRecord, ...]:
    """Return everyone on the bill once, in order. One without a name is not announced yet."""
    bill: dict[str | None, ArtistRecord] = {}
    for entry in embedded.each("attractions"):
        if entry.maybe_text("name"):
            artist = _artist(entry)
            bill.setdefault(artist.ticketmaster_id, artist)
    return tuple(bill.values())


def _venue(node: Node) -> VenueRecord:
    state, address = node.maybe_child("state"), node.maybe_child("address")
    location = node.maybe_child("location")
    return VenueRecord(
        ticketmaster_id=node.maybe_identifier("id", ID),
        name=node.text("name"),
        city=node.maybe_child("city").maybe_text("name"),
        region=state.maybe_text("name") or state.maybe_text("stateCode"),
        country=node.maybe_child("country").maybe_identifier("countryCode", COUNTRY),
        timezone=dates.maybe_timezone(node, "timezone"),
        latitude=_degrees(location, "latitude", 90),
        longitude=_degrees(location, "longitude", 180),
        address=address.maybe_text("line1"),
        postal_code=node.maybe_text("postalCode"),
        url=node.link("url"),
    )


def _degrees(location: Node, key: str, most: int) -> float | None:
    """Return the coordinate, which is a text here; None if it is no number."""
    try:
        degrees = float(location.get(key, str) or "nan")
    except ValueError:
        return None
    return degrees if -most <= degrees <= most else None


def _classification(node: Node) -> tuple[bool | None, tuple[str, ...]]:
    """Return whether this is music, and its genres, the primary first."""
    entries = sorted(node.each("classifications"), key=lambda entry: not entry.flag("primary"))
    if not entries:
        return None, ()
    named = [
        entry.maybe_child(key).maybe_text("name", GENRE_LENGTH) for entry in entries for key in ("genre", "subGenre")
    ]
    genres = dict.fromkeys(name for name in named if name and name not in NO_GENRES)
    return entries[0].maybe_child("segment").get("id", str) == MUSIC_SEGMENT_ID, tuple(genres)[:GENRE_COUNT]


def _images(node: Node) -> tuple[str | None, str | None]:
    """Return the first large and the first small image; a fallback shows the genre, not the artist."""
    large = small = None
    for entry in node.each("images"):
        link, width = entry.link("url"), entry.maybe_whole("width") or 0
        if link and not entry.flag("fallback"):
            large, small = (large or link, small) if width >= LARGE_IMAGE_PIXELS else (large, small or link)
    return large, small


def _mbid(links: Node) -> str | None:
    found = [(entry.get("id", str) or "").lower() for entry in links.each("musicbrainz")]
    return next((mbid for mbid in found if MBID.fullmatch(mbid)), None)


def _spotify_id(links: Node) -> str | None:
    for entry in links.each("spotify"):
        parts = urlsplit(entry.link("url") or "")
        match = SPOTIFY_PATH.fullmatch(parts.path)
        if match and parts.hostname == "open.spotify.com":
            return match[1]
    return None
