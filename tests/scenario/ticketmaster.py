"""The scenario as Ticketmaster would tell it: attractions and events, in the recorded shapes."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.scenario import ids
from tests.scenario.places import Place
from tests.scenario.world import Artist, Show, World
from tests.standin.server import Asked, Reply

JSON = dict[str, Any]

DAY_QUOTA = 5000
MUSIC = {"id": "KZFzniwnSyZfZ7v7nJ", "name": "Music"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
COPIES = {  # a word of cast.TWISTS -> how the copy is called
    "vip": "{} - VIP Package",
    "parking": "PARKING: {}",
    "upgrade": "{} | Premium Upgrade (ticket not included)",
    "suite": "{} - Suite Reservation",
    "spanish": "Experiencia VIP: {} (Boleto de evento no incluido)",
}
NO_MUSIC = ("Metallica Lions", "Coldplay in the Planetarium")  # a team and a show that name themselves after artists


class Ticketmaster:
    """Answers questions about the world as of a day."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls = 0
        self.resets_at = datetime.now(UTC) + timedelta(hours=24)

    def answer(self, asked: Asked, today: date) -> Reply:
        """Return the answer to a question under /discovery/v2/."""
        if asked.query.get("apikey", "") in ("", "wrong"):
            fault = {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}
            return Reply(status=401, body={"fault": fault})
        self.calls += 1
        path = asked.path.removeprefix("/discovery/v2/").removesuffix(".json")
        reply = self._refusal(asked.query) or self._answer(path, asked.query, today)
        if reply.status == 200:
            reply.headers = {**rate_headers(self.calls, self.resets_at), **reply.headers}
        return reply

    def _answer(self, path: str, query: dict[str, str], today: date) -> Reply:
        if match := re.fullmatch(r"(attractions|events)/([\w-]+)", path):
            kind, wanted = match.groups()
            entries = self._attractions() if kind == "attractions" else self.events(today)
            found = next((entry for entry in entries if entry["id"] == wanted), None)
            return Reply(body=found) if found else _error(404, "DIS1004", "Resource not found")
        if path == "attractions":
            return Reply(body=_page("attractions", self._named(query.get("keyword", "")), query))
        if path == "events":
            return Reply(body=_page("events", self._asked_for(query, today), query))
        return _error(404, "DIS1004", "Resource not found")

    def _refusal(self, query: dict[str, str]) -> Reply | None:
        """Return the answer to what Ticketmaster does not take."""
        size, page = int(query.get("size", "20")), int(query.get("page", "0"))
        if size > 200:
            return _error(400, "DIS1036", 'Query param "size" must be less than 200')
        if size * page >= 1000:
            return _error(400, "DIS1035", "API Limits Exceeded: Max paging depth exceeded.")
        moments = [query[name] for name in ("startDateTime", "endDateTime") if name in query]
        if not all(MOMENT.fullmatch(moment) for moment in moments):
            return _error(400, "DIS1015", "Query param with date must be of valid format YYYY-MM-DDTHH:mm:ssZ")
        return None

    def _named(self, keyword: str) -> list[JSON]:
        words = keyword.casefold().split()
        return [entry for entry in self._attractions() if all(word in entry["name"].casefold() for word in words)]

    def _attractions(self) -> list[JSON]:
        festivals = sorted({show.festival for show in self.world.shows if show.festival})
        return [
            *(_no_music(name) for name in NO_MUSIC),
            *(attraction(artist) for artist in self.world.everyone()),
            *(_festival(name) for name in festivals),
        ]

    def _asked_for(self, query: dict[str, str], today: date) -> list[JSON]:
        entries = self.events(today)
        if query.get("includeTBA") != "yes":
            entries = [entry for entry in entries if not entry["dates"]["start"]["dateTBA"]]
        if wanted := query.get("attractionId"):
            entries = [entry for entry in entries if wanted in _attraction_ids(entry)]
        if country := query.get("countryCode"):
            entries = [entry for entry in entries if _country(entry) == country]
        if "startDateTime" in query or "endDateTime" in query:
            start, end = query.get("startDateTime", "0"), query.get("endDateTime", "9")
            entries = [entry for entry in entries if start <= _moment(entry) <= end]
        return sorted(entries, key=lambda entry: str(entry["id"]))

    def events(self, today: date) -> list[JSON]:
        """Return every event listed today: what is over is listed no more."""
        coming = [show for show in self.world.shows if show.day >= today]
        return [entry for show in coming for entry in _listings(show)]


def rate_headers(calls: int, reset: datetime) -> dict[str, str]:
    """Return what each good answer says of the day's quota."""
    return {
        "Content-Type": "application/json;charset=utf-8",
        "Rate-Limit": str(DAY_QUOTA),
        "Rate-Limit-Available": str(max(DAY_QUOTA - calls, 0)),
        "Rate-Limit-Over": "0",
        "Rate-Limit-Reset": str(int(reset.timestamp() * 1000)),
    }


def attraction(artist: Artist) -> JSON:
    """Return the artist as an attraction."""
    links: JSON = {"homepage": [{"url": f"https://{ids.hex8(artist.name)}.example/"}]}
    if "musicbrainz" in artist.links:
        links["musicbrainz"] = [{"id": artist.mbid, "url": f"https://musicbrainz.org/artist/{artist.mbid}"}]
    if "spotify" in artist.links:
        links["spotify"] = [{"url": f"https://open.spotify.com/artist/{artist.spotify_id}"}]
    genre = artist.genres[0].title() if artist.genres else "Undefined"
    return _attraction(artist.ticketmaster_id, artist.name, MUSIC, genre) | {"externalLinks": links}


def _attraction(ticketmaster_id: str, name: str, segment: JSON, genre: str) -> JSON:
    return {
        "name": name,
        "type": "attraction",
        "id": ticketmaster_id,
        "test": False,
        "url": f"https://www.ticketmaster.com/artist/{ids.between(100000, 3000000, name)}",
        "locale": "en-us",
        "images": [
            {"ratio": "16_9", "url": f"https://s1.ticketm.net/dam/c/{genre[:4]}.jpg", "width": 1024, "fallback": True},
            *(_image(name, width) for width in (100, 1024, 2048)),
        ],
        "classifications": [
            {
                "primary": True,
                "segment": segment,
                "genre": {"id": "KnvZfZ7vAeA", "name": genre},
                "subGenre": {"id": "KZazBEonSMnZfZ7v6F1", "name": "Undefined"},
            }
        ],
        "upcomingEvents": {"_total": ids.between(0, 40, "events", name)},
        "_links": {"self": {"href": f"/discovery/v2/attractions/{ticketmaster_id}?locale=en-us"}},
    }


def _image(name: str, width: int) -> JSON:
    url = f"https://s1.ticketm.net/dam/a/{ids.hex8('image', name)}_{width}_16_9.jpg"
    return {"ratio": "16_9", "url": url, "width": width, "height": width * 9 // 16, "fallback": False}


def _no_music(name: str) -> JSON:
    return _attraction(
        f"K8v{ids.base62(9, 'no music', name)}", name, {"id": "KZFzniwnSyZfZ7v7nE", "name": "Sports"}, "Other"
    )


def _festival(name: str) -> JSON:
    return _attraction(f"K8v{ids.base62(9, 'festival', name)}", name, MUSIC, "Other")


def _listings(show: Show) -> Iterator[JSON]:
    """Yield the show's event, and those that sell other things for the same evening."""
    main = _event(show, show.ticketmaster_id, show.name)
    yield main
    for word, template in COPIES.items():
        if word in show.twists:
            yield _event(show, f"Zcmp{ids.base62(10, 'copy', word, show.ticketmaster_id)}", template.format(show.name))


def _event(show: Show, ticketmaster_id: str, name: str) -> JSON:
    bill = [attraction(artist) for artist in show.bill]
    if show.festival:
        bill = [_festival(show.festival), *bill]
    event: JSON = {
        "name": name,
        "type": "event",
        "id": ticketmaster_id,
        "test": False,
        "url": f"https://www.ticketmaster.com/event/{ticketmaster_id}",
        "locale": "en-us",
        "images": [_image(show.name, 1024)],
        "sales": {"public": {"startDateTime": "1900-01-01T06:00:00Z", "startTBD": False, "startTBA": False}},
        "dates": _dates(show),
        "classifications": bill[-1]["classifications"] if bill else [{"primary": True, "segment": MUSIC}],
        "_links": {"self": {"href": f"/discovery/v2/events/{ticketmaster_id}?locale=en-us"}},
        "_embedded": {"venues": [_venue(show.place)]},
    }
    if "no_bill" not in show.twists:
        event["_embedded"]["attractions"] = bill
    return event


def _dates(show: Show) -> JSON:
    is_date_open, is_time_open = "date_tba" in show.twists, "time_tba" in show.twists
    start: JSON = {"dateTBD": False, "dateTBA": is_date_open, "timeTBA": is_time_open, "noSpecificTime": False}
    if not is_date_open:
        start["localDate"] = f"{show.day}"
    if not (is_date_open or is_time_open):
        start |= {"localTime": f"{show.hour:%H:%M:%S}", "dateTime": f"{show.starts_at:%Y-%m-%dT%H:%M:%SZ}"}
    code = next((word for word in ("cancelled", "postponed", "rescheduled") if word in show.twists), "onsale")
    dates: JSON = {"start": start, "status": {"code": code}, "spanMultipleDays": False}
    if code in ("postponed", "rescheduled"):
        dates["initialStartDate"] = {"localDate": f"{show.day - timedelta(days=90)}"}
    if "no_zone" not in show.twists:
        dates["timezone"] = show.place.timezone
    return dates


def _venue(place: Place) -> JSON:
    venue: JSON = {
        "name": place.name,
        "type": "venue",
        "id": f"KovZ{ids.base62(9, 'venue', place.key)}",
        "test": False,
        "url": f"https://www.ticketmaster.com/venue/{ids.between(1000, 400000, place.key)}",
        "locale": "en-us",
        "city": {"name": f"{place.city} "},  # stray spaces, as seen
        "country": {"name": place.country_name, "countryCode": place.country},
        "address": {"line1": f"{ids.between(1, 300, place.key)} Main Street"},
        "location": {"longitude": place.longitude, "latitude": place.latitude},
        "_links": {"self": {"href": f"/discovery/v2/venues/{place.key}?locale=en-us"}},
    }
    if place.region:
        venue["state"] = {"name": place.region}
    if place.says_timezone:
        venue["timezone"] = place.timezone
    return venue


def _page(kind: str, entries: Sequence[JSON], query: dict[str, str]) -> JSON:
    size, number = int(query.get("size", "20")), int(query.get("page", "0"))
    part = list(entries[size * number : size * (number + 1)])
    link = f"/discovery/v2/{kind}.json?view=null{{&page,size,sort}}"
    paging = {"size": size, "totalElements": len(entries), "totalPages": -(-len(entries) // size), "number": number}
    found = {"_embedded": {kind: part}} if part else {}
    return {"_links": {"self": {"href": link, "templated": True}}, **found, "page": paging}


def _error(status: int, code: str, detail: str) -> Reply:
    link = {"about": {"href": f"/discovery/v2/errors.html#{code}"}}
    return Reply(
        status=status, body={"errors": [{"code": code, "detail": detail, "status": str(status), "_links": link}]}
    )


def _attraction_ids(entry: JSON) -> list[str]:
    return [str(artist["id"]) for artist in entry["_embedded"].get("attractions", ())]


def _country(entry: JSON) -> str:
    return str(entry["_embedded"]["venues"][0]["country"]["countryCode"])


def _moment(entry: JSON) -> str:
    """Return when the event starts, as questions write it; noon where only the day is known."""
    start = entry["dates"]["start"]
    if "dateTime" in start:
        return str(start["dateTime"])
    if "localDate" not in start:
        return ""
    zone = ZoneInfo(entry["dates"].get("timezone", "UTC"))
    noon = datetime.fromisoformat(f"{start['localDate']}T12:00:00").replace(tzinfo=zone)
    return f"{noon.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
