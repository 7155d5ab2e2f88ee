"""Spotify's JSON into records. What it stopped sending in February 2026 may be missing, null or empty."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TypeVar

from syncjobs.clients.cleaning import clean_text
from syncjobs.clients.dates import EARLIEST_YEAR
from syncjobs.clients.errors import Source
from syncjobs.clients.parsing import Node
from syncjobs.clients.records import AlbumKind, AlbumRecord, ArtistRecord, Page, TrackRecord

RecordT = TypeVar("RecordT")

ID = re.compile(r"[A-Za-z0-9]{22}")
ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
RELEASE_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")
GENRE_COUNT = 5
GENRE_LENGTH = 64
DEEPEST_SEARCH = 1000


def read_artist(content: object) -> ArtistRecord:
    """Return the artist."""
    return _artist(Node.root(Source.SPOTIFY, content))


def read_found_artists(content: object, offset: int) -> Page[ArtistRecord]:
    """Return the page of a search that starts at `offset`."""
    page = _page(Node.root(Source.SPOTIFY, content).child("artists"), _artist, offset)
    if page.next is not None and page.next >= DEEPEST_SEARCH:
        return replace(page, next=None, is_capped=True)
    return page


def read_albums(content: object, offset: int) -> Page[AlbumRecord]:
    """Return the page of albums that starts at `offset`."""
    return _page(Node.root(Source.SPOTIFY, content), _album, offset)


def read_tracks(content: object, offset: int) -> Page[TrackRecord]:
    """Return the page of an album's tracks that starts at `offset`."""
    return _page(Node.root(Source.SPOTIFY, content), _track, offset)


def read_found_tracks(content: object) -> Page[TrackRecord]:
    """Return the first page of a search for recordings."""
    return _page(Node.root(Source.SPOTIFY, content).child("tracks"), _track, 0)


def read_track(content: object) -> TrackRecord:
    """Return the track with its album."""
    return _track(Node.root(Source.SPOTIFY, content))


def _page(node: Node, parse: Callable[[Node], RecordT], offset: int) -> Page[RecordT]:
    """Return the page. `next` is a link, of which we only believe that there is one: we never follow it."""
    items, rejected = node.gather("items", parse)
    entries = len(items) + len(rejected)
    is_last = not node.get("next", str) or not entries
    return Page(
        items=items,
        total=node.whole("total"),
        next=None if is_last else offset + entries,
        rejected=rejected,
    )


def _artist(node: Node) -> ArtistRecord:
    images = _images(node)
    return ArtistRecord(
        spotify_id=node.identifier("id", ID),
        name=node.text("name"),
        genres=_genres(node),
        image_url=images[0] if images else None,
        small_image_url=images[-1] if images else None,
        popularity=node.maybe_whole("popularity", most=100),
        spotify_followers=node.maybe_child("followers").maybe_whole("total"),
        url=node.maybe_child("external_urls").link("spotify"),
    )


def _album(node: Node) -> AlbumRecord:
    images = _images(node)
    kind = (node.get("album_type", str) or "").lower()
    return AlbumRecord(
        spotify_id=node.identifier("id", ID),
        name=node.text("name"),
        kind=AlbumKind(kind) if kind in set(AlbumKind) else AlbumKind.ALBUM,
        release_date=_release_date(node),
        track_count=node.maybe_whole("total_tracks"),
        image_url=images[0] if images else None,
        artist_spotify_ids=_artist_ids(node),
    )


def _track(node: Node) -> TrackRecord:
    isrc = node.maybe_child("external_ids").get("isrc", str) or ""
    isrc = isrc.replace("-", "").upper()
    return TrackRecord(
        spotify_id=node.identifier("id", ID),
        title=node.text("name"),
        duration_seconds=round(node.whole("duration_ms") / 1000),
        isrc=isrc if ISRC.fullmatch(isrc) else None,
        popularity=node.maybe_whole("popularity", most=100),
        is_explicit=node.flag("explicit"),
        disc_number=node.maybe_whole("disc_number"),
        track_number=node.maybe_whole("track_number"),
        artist_spotify_ids=_artist_ids(node),
        album=_album(node.child("album")) if node.content.get("album") else None,
    )


def _artist_ids(node: Node) -> tuple[str, ...]:
    found = [entry.maybe_identifier("id", ID) for entry in node.each("artists")]
    return tuple(artist_id for artist_id in found if artist_id)


def _images(node: Node) -> list[str]:
    """Return the links of the images, the widest first, as Spotify lists them."""
    return [link for entry in node.each("images") if (link := entry.link("url"))]


def _genres(node: Node) -> tuple[str, ...]:
    genres = node.get("genres", list) or []
    if not all(isinstance(genre, str) for genre in genres):
        raise node.wrong("genres", "is not a list of texts")
    cleaned = dict.fromkeys(clean_text(genre, GENRE_LENGTH) for genre in genres)
    return tuple(genre for genre in cleaned if genre)[:GENRE_COUNT]


def _release_date(node: Node) -> date | None:
    """Return the first possible day of a year, month or day; Spotify writes 0000 for unknown."""
    match = RELEASE_DATE.fullmatch(node.get("release_date", str) or "")
    if not match:
        return None
    year, month, day = (int(part or 1) for part in match.groups())
    try:
        return date(year, month, day) if year >= EARLIEST_YEAR else None
    except ValueError:
        return None
