"""The scenario as Spotify tells new apps of it since February 2026: no followers, no popularity, small pages."""

import base64
import re
from collections.abc import Sequence
from typing import Any

from tests.scenario import ids
from tests.scenario.world import Artist, Release, Track, World
from tests.standin.server import Asked, Reply

JSON = dict[str, Any]

HOST = "https://api.spotify.com/v1"
MOST = {"search": 10, "albums": 10, "tracks": 50}
JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


class Spotify:
    """Answers questions about the world."""

    def __init__(self, world: World) -> None:
        self.artists = {artist.spotify_id: artist for artist in world.everyone()}
        self.releases = {artist.spotify_id: world.releases[name] for name, artist in world.artists.items()}
        self.owners = {
            release.spotify_id: (self.artists[owner], release)
            for owner, releases in self.releases.items()
            for release in releases
        }
        self.tracks = self._first_tracks()
        self.tokens = 0

    def _first_tracks(self) -> dict[str, tuple[Artist, Release, Track, int]]:
        """The studio take is listed on several releases: its own page names the first."""
        found: dict[str, tuple[Artist, Release, Track, int]] = {}
        for artist, release in self.owners.values():
            for number, track in enumerate(release.tracks, start=1):
                found.setdefault(track.spotify_id, (artist, release, track, number))
        return found

    def token(self, asked: Asked) -> Reply:
        """Return a new token, if the credentials are any good."""
        scheme, _, credentials = asked.headers.get("authorization", "").partition(" ")
        client = base64.b64decode(credentials).decode().partition(":")[0] if scheme == "Basic" else ""
        if client in ("", "wrong") or asked.body != b"grant_type=client_credentials":
            return Reply(status=400, body={"error": "invalid_client", "error_description": "Invalid client"})
        self.tokens += 1
        body = {"access_token": f"composed-token-{self.tokens}", "token_type": "Bearer", "expires_in": 3600}
        return Reply(body=body, headers=JSON_HEADERS)

    def answer(self, asked: Asked) -> Reply:
        """Return the answer to a question under /v1/."""
        number = asked.headers.get("authorization", "").removeprefix("Bearer composed-token-")
        if not number.isdecimal() or not 1 <= int(number) <= self.tokens:
            return expired()
        path, query = asked.path.removeprefix("/v1/"), asked.query
        kind = "search" if path == "search" else path.rpartition("/")[2]
        if int(query.get("limit", "5")) > MOST.get(kind, 10):
            return _error(400, "Invalid limit")
        body = self._answer(path, query)
        return _error(404, "Resource not found") if body is None else Reply(body=body, headers=JSON_HEADERS)

    def _answer(self, path: str, query: dict[str, str]) -> JSON | None:
        match re.split("/", path):
            case ["artists", spotify_id] if spotify_id in self.artists:
                return artist_json(self.artists[spotify_id])
            case ["artists", spotify_id, "albums"] if spotify_id in self.artists:
                groups = query.get("include_groups", "album,single").split(",")
                mine = [release for release in self.releases.get(spotify_id, ()) if release.kind in groups]
                return _page([_album_json(self.artists[spotify_id], release) for release in mine], query)
            case ["albums", spotify_id, "tracks"] if spotify_id in self.owners:
                artist, release = self.owners[spotify_id]
                numbered = enumerate(release.tracks, start=1)
                return _page([_track_json(artist, track, number) for number, track in numbered], query)
            case ["tracks", spotify_id] if spotify_id in self.tracks:
                artist, release, track, number = self.tracks[spotify_id]
                extra = {"album": _album_json(artist, release), "external_ids": {"isrc": track.isrc}}
                return _track_json(artist, track, number) | extra
            case ["search"] if query.get("type") == "track":
                return {"tracks": _page(self._recorded(query.get("q", "")), query)}
            case ["search"]:
                return {"artists": _page([artist_json(artist) for artist in self._named(query.get("q", ""))], query)}
        return None

    def _named(self, name: str) -> list[Artist]:
        words = name.casefold().split()
        return [artist for artist in self.artists.values() if all(word in artist.name.casefold() for word in words)]

    def _recorded(self, text: str) -> list[JSON]:
        """Recordings of a title by anyone of a name, in the order of their releases."""
        match = QUOTED.fullmatch(text)
        title, name = (match[1].casefold(), match[2].casefold()) if match else ("", "")
        return [
            _track_json(artist, track, number) | {"album": _album_json(artist, release)}
            for artist, release, track, number in self.tracks.values()
            if title in track.title.casefold() and artist.name.casefold() == name
        ]


QUOTED = re.compile(r'track:"([^"]+)" artist:"([^"]+)"')


def expired() -> Reply:
    """Return what a token that is too old gets."""
    header = 'Bearer realm="spotify", error="invalid_token", error_description="The access token expired"'
    reply = _error(401, "The access token expired")
    reply.headers = {"WWW-Authenticate": header, **JSON_HEADERS}
    return reply


def artist_json(artist: Artist) -> JSON:
    """Return the artist: genres are deprecated and empty, followers and popularity gone."""
    return _short(artist) | {"genres": [], "images": _images("artist", artist.name)}


def _short(artist: Artist) -> JSON:
    return _linked("artist", artist.spotify_id) | {"name": artist.name}


def _linked(kind: str, spotify_id: str) -> JSON:
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{spotify_id}"},
        "href": f"{HOST}/{kind}s/{spotify_id}",
        "id": spotify_id,
        "type": kind,
        "uri": f"spotify:{kind}:{spotify_id}",
    }


def _album_json(artist: Artist, release: Release) -> JSON:
    precision = {4: "year", 7: "month", 10: "day"}[len(release.released)]
    return _linked("album", release.spotify_id) | {
        "album_type": release.kind,
        "artists": [_short(artist)],
        "images": _images("album", release.spotify_id),
        "name": release.title,
        "release_date": release.released,
        "release_date_precision": precision,
        "total_tracks": len(release.tracks),
    }


def _track_json(artist: Artist, track: Track, number: int) -> JSON:
    return _linked("track", track.spotify_id) | {
        "artists": [_short(artist)],
        "disc_number": 1,
        "duration_ms": round(track.seconds * 1000),
        "explicit": track.is_explicit,
        "is_local": False,
        "name": track.title,
        "track_number": number,
    }


def _images(*words: str) -> list[JSON]:
    return [
        {"url": f"https://i.scdn.co/image/{ids.hex8(*words)}{width:04x}", "width": width, "height": width}
        for width in (640, 300, 64)
    ]


def _page(entries: Sequence[JSON], query: dict[str, str]) -> JSON:
    limit, offset = int(query.get("limit", "5")), int(query.get("offset", "0"))
    end = offset + limit
    return {
        "href": f"{HOST}/composed?offset={offset}&limit={limit}",
        "items": list(entries[offset:end]),
        "limit": limit,
        "next": f"{HOST}/composed?offset={end}&limit={limit}" if end < len(entries) else None,
        "offset": offset,
        "previous": None,
        "total": len(entries),
    }


def _error(status: int, message: str) -> Reply:
    return Reply(status=status, body={"error": {"status": status, "message": message}}, headers=JSON_HEADERS)
