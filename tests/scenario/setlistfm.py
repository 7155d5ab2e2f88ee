"""The scenario as setlist.fm would tell it: artists and what they played, in the recorded shapes."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from tests.scenario import ids
from tests.scenario.places import Place
from tests.scenario.world import Artist, Line, Played, World
from tests.standin.server import Asked, Reply

JSON = dict[str, Any]

SETLISTS_A_PAGE = 20
ARTISTS_A_PAGE = 30
LEGACY_TMID = 735610  # The Beatles, Paul McCartney and Wings share it: nobody may match by it
JSON_HEADERS = {"Content-Type": "application/json"}


class Setlistfm:
    """Answers questions about the world as of a day."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.edits: dict[str, int] = {}  # a setlist -> how often it was edited

    def answer(self, asked: Asked, today: date) -> Reply:
        """Return the answer to a question under /rest/1.0/."""
        if asked.headers.get("x-api-key", "") in ("", "wrong"):
            return Reply(status=403, body={"message": "Forbidden"}, headers=JSON_HEADERS)
        if asked.headers.get("accept") != "application/json":
            return Reply(body=b"<?xml version='1.0'?><error/>", headers={"Content-Type": "application/xml"})
        path = asked.path.removeprefix("/rest/1.0/")
        body = self._answer(path, asked.query, today)
        return Reply(body=body, headers=JSON_HEADERS) if body else _nothing(path)

    def _answer(self, path: str, query: dict[str, str], today: date) -> JSON | None:
        if path == "search/artists":
            return _page("artist", [artist_json(artist) for artist in self._found(query)], query, ARTISTS_A_PAGE)
        if match := re.fullmatch(r"artist/([0-9a-f-]{36})", path):
            return next((artist_json(artist) for artist in self.world.everyone() if artist.mbid == match[1]), None)
        played = [night for night in self.world.played if night.day <= today]
        if match := re.fullmatch(r"setlist/([0-9a-f]+)", path):
            return next((self._setlist(night) for night in played if night.setlistfm_id == match[1]), None)
        if match := re.fullmatch(r"artist/([0-9a-f-]{36})/setlists", path):
            return self._setlists([night for night in played if night.artist.mbid == match[1]], query)
        if path == "search/setlists":
            return self._setlists([night for night in played if _is_asked_for(night, query)], query)
        return None

    def _setlists(self, nights: Sequence[Played], query: dict[str, str]) -> JSON | None:
        newest = sorted(nights, key=lambda night: (night.day, night.setlistfm_id), reverse=True)
        return _page("setlist", [self._setlist(night) for night in newest], query, SETLISTS_A_PAGE)

    def _found(self, query: dict[str, str]) -> list[Artist]:
        name = query.get("artistName", "").casefold()
        found = [artist for artist in self.world.everyone() if name in artist.name.casefold()]
        if query.get("sort") == "relevance":
            return sorted(found, key=lambda artist: (artist.name.casefold() != name, bool(artist.disambiguation)))
        return sorted(found, key=lambda artist: artist.name)

    def _setlist(self, night: Played) -> JSON:
        edits = self.edits.get(night.setlistfm_id, 0)
        sets: list[JSON] = [{"song": [_song(line) for line in lines]} for lines in night.sets]
        sets += [
            {"encore": number, "song": [_song(line) for line in lines]} for number, lines in enumerate(night.encores, 1)
        ]
        tour = {"tour": {"name": night.tour}} if night.tour else {}
        slug = f"{ids.hex8('slug', night.artist.name)}-{night.setlistfm_id}"
        return {
            "id": night.setlistfm_id,
            "versionId": ids.hex8("version", night.setlistfm_id, edits),
            "eventDate": f"{night.day:%d-%m-%Y}",
            "lastUpdated": f"{night.day}T23:{edits % 60:02}:12.000+0000",
            "artist": artist_json(night.artist),
            "venue": _venue(night.place),
            **tour,
            "sets": {"set": sets},
            "url": f"https://www.setlist.fm/setlist/{slug}.html",
        }


def artist_json(artist: Artist) -> JSON:
    """Return the artist, now and then with the number that says nothing."""
    legacy = {"tmid": LEGACY_TMID} if artist.name == "Paul McCartney" else {}
    return {
        "mbid": artist.mbid,
        **legacy,
        "name": artist.name.replace("'", "\u2019"),  # as its editors write it
        "sortName": artist.name,
        "disambiguation": artist.disambiguation,
        "url": f"https://www.setlist.fm/setlists/{ids.hex8('artist', artist.name)}.html",
    }


def _is_asked_for(night: Played, query: dict[str, str]) -> bool:
    day = query.get("date", f"{night.day:%d-%m-%Y}")
    return night.artist.mbid == query.get("artistMbid") and f"{night.day:%d-%m-%Y}" == day


def _song(line: Line) -> JSON:
    song: JSON = {"name": line.title}
    if line.is_tape:
        song["tape"] = True
    if line.cover_of:
        song["cover"] = _stranger(line.cover_of)
    if line.guest:
        song["with"] = _stranger(line.guest)
    if line.note:
        song["info"] = line.note
    return song


def _stranger(name: str) -> JSON:
    url = f"https://www.setlist.fm/setlists/{ids.hex8('artist', name)}.html"
    return {"mbid": ids.mbid("stranger", name), "name": name, "sortName": name, "disambiguation": "", "url": url}


def _venue(place: Place) -> JSON:
    return {
        "id": ids.hex8("venue", place.key),
        "name": place.name,
        "city": {
            "id": str(ids.between(100000, 7000000, place.city)),
            "name": place.city,
            "state": place.region,
            "coords": {"lat": float(place.latitude), "long": float(place.longitude)},
            "country": {"code": place.country, "name": place.country_name},
        },
        "url": f"https://www.setlist.fm/venue/{ids.hex8('venue', place.key)}.html",
    }


def _page(key: str, entries: Sequence[JSON], query: dict[str, str], size: int) -> JSON | None:
    """Return a page; None past the end, and for an empty result."""
    page = int(query.get("p", "1"))
    part = list(entries[size * (page - 1) : size * page])
    if not part:
        return None
    return {"type": f"{key}s", "itemsPerPage": size, "page": page, "total": len(entries), key: part}


def _nothing(path: str) -> Reply:
    """A search that finds nothing is "not found", in another shape than an id that nobody has."""
    if path.startswith("search/"):
        body: JSON = {"timestamp": 1507422307666, "status": 404, "error": "Not Found", "message": "Not Found"}
        return Reply(status=404, body=body | {"path": f"/1.0/{path}"}, headers=JSON_HEADERS)
    moment = "2016-12-08T17:52:48.817+0000"
    body = {"code": 404, "status": "Not Found", "message": "unknown mbid", "timestamp": moment}
    return Reply(status=404, body=body, headers=JSON_HEADERS)
