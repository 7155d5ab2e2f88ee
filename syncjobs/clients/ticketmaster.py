"""Ticketmaster Discovery API v2: attractions and events."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import requests

from syncjobs.clients import http, ticketmaster_records
from syncjobs.clients.answers import Answer
from syncjobs.clients.cleaning import clean_text
from syncjobs.clients.errors import (
    BadRequest,
    BusyReason,
    RecordNotFound,
    Source,
    SourceBusy,
    SourceError,
    SourceRefused,
)
from syncjobs.clients.gate import Gate, NoGate
from syncjobs.clients.records import ArtistRecord, Page, ShowRecord
from syncjobs.clients.ticketmaster_records import ID, MUSIC_SEGMENT_ID, PAGE_SIZE

BASE_URL = "https://app.ticketmaster.com/discovery/v2"
SETTING = "TICKETMASTER_API_KEY"
# English where there is, else whatever the market speaks: the default hides events listed in other languages.
LOCALE = "en-us,en,*"
SPIKE_WAIT_SECONDS = 2.0
QUOTA_WAIT_SECONDS = 3600.0  # when a used-up quota does not say when it is reset
LONGEST_KEYWORD = 100
COUNTRY = re.compile(r"[A-Z]{2}")
ERROR_CODE = re.compile(r"DIS[0-9]{3,5}")


@dataclass(kw_only=True)
class TicketmasterClient:
    """Asks Ticketmaster. The key is in the query, so no URL of ours may be logged."""

    api_key: str = field(repr=False)
    base_url: str = BASE_URL
    gate: Gate = field(default_factory=NoGate, repr=False)
    session: requests.Session | None = field(default=None, repr=False)
    limits: http.Limits = field(default_factory=http.Limits, repr=False)

    def __post_init__(self) -> None:
        self._caller = http.Caller(
            source=Source.TICKETMASTER,
            setting=SETTING,
            gate=self.gate,
            session=self.session or http.connect(),
            limits=self.limits,
        )

    def artist(self, ticketmaster_id: str) -> ArtistRecord:
        """Return the attraction of this id."""
        answer = self._get(f"attractions/{_checked_id(ticketmaster_id)}.json", {"locale": LOCALE})
        return ticketmaster_records.read_artist(answer)

    def search_artists(self, name: str) -> Page[ArtistRecord]:
        """Return the music attractions found by this word, best first.

        Tributes and namesakes are among them: take exact names only.
        """
        keyword = clean_text(name, LONGEST_KEYWORD)
        if not keyword:
            raise BadRequest(Source.TICKETMASTER, "the name to search for is empty")
        params = {"keyword": keyword, "classificationId": MUSIC_SEGMENT_ID, "sort": "relevance,desc", "size": "50"}
        answer = self._get("attractions.json", params | {"locale": LOCALE})
        return ticketmaster_records.read_artists(answer)

    def shows_of_artist(self, ticketmaster_id: str, *, page: int = 0) -> Page[ShowRecord]:
        """Return a page of the attraction's music events, those without a date included."""
        return self._shows({"attractionId": _checked_id(ticketmaster_id)}, page)

    def shows_between(self, start: datetime, end: datetime, *, country: str, page: int = 0) -> Page[ShowRecord]:
        """Return a page of a country's music events that start from `start` to `end`, both included.

        When the page is capped, ask again for each part of `split_window`.
        """
        if not COUNTRY.fullmatch(country):
            raise BadRequest(Source.TICKETMASTER, "the country is not an ISO 3166 alpha-2 code such as DE")
        window = {"startDateTime": _stamp(start), "endDateTime": _stamp(end), "countryCode": country}
        return self._shows(window, page)

    def _shows(self, params: dict[str, str], page: int) -> Page[ShowRecord]:
        if not 0 <= page < ticketmaster_records.REACHABLE_PAGES:
            raise BadRequest(Source.TICKETMASTER, "paging ends at item 1,000; split the window instead")
        usual = {
            "segmentId": MUSIC_SEGMENT_ID,
            "includeTBA": "yes",
            "includeTBD": "yes",
            "sort": "id,asc",  # by date, pages would shift when a show is moved
            "size": str(PAGE_SIZE),
            "page": str(page),
            "locale": LOCALE,
        }
        return ticketmaster_records.read_shows(self._get("events.json", params | usual), page)

    def _get(self, path: str, params: dict[str, str]) -> object:
        if not http.usable(self.api_key):
            raise SourceRefused(Source.TICKETMASTER, "there is no usable key", SETTING)
        url = http.join_url(self.base_url, path)
        question = http.Question(method="GET", url=url, params=params, sign=self._sign, explain=_explain)
        return self._caller.ask(question)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.prepare_url(request.url, {"apikey": self.api_key})
        return request


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, both ends included, in whole seconds of UTC."""

    start: datetime
    end: datetime


def split_window(start: datetime, end: datetime, *, parts: int = 2) -> tuple[Window, ...]:
    """Cut the span into at most `parts` windows that cover every second of it exactly once."""
    start, end = _utc(start), _utc(end)
    seconds = int((end - start).total_seconds()) + 1
    if seconds < 1 or parts < 1:
        raise ValueError("A window must not end before it starts, nor fall into less than one part.")
    cuts = [seconds * number // parts for number in range(parts + 1)]
    return tuple(
        Window(start + timedelta(seconds=first), start + timedelta(seconds=following - 1))
        for first, following in pairwise(cuts)
        if following > first
    )


def _stamp(at: datetime) -> str:
    """Return the one date format that Ticketmaster takes."""
    return _utc(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("A window's ends must know their time zone.")
    return at.astimezone(UTC).replace(microsecond=0)


def _checked_id(ticketmaster_id: str) -> str:
    if not ID.fullmatch(ticketmaster_id):
        raise BadRequest(Source.TICKETMASTER, "this is not the id of an attraction")
    return ticketmaster_id


def _explain(answer: Answer) -> SourceError | None:
    """Return the error that one of Ticketmaster's two error shapes tells of. Their texts hold the key: never quote."""
    content = answer.json_object()
    fault, errors = content.get("fault"), content.get("errors")
    if isinstance(fault, dict) and answer.status == 429:
        detail = fault.get("detail")
        return _busy(answer, str(detail.get("errorcode")) if isinstance(detail, dict) else "")
    if isinstance(errors, list):
        codes = [code for entry in errors if isinstance(entry, dict) and (code := str(entry.get("code")))]
        code = next((code for code in codes if ERROR_CODE.fullmatch(code)), f"status {answer.status}")
        if answer.status == 404:
            return RecordNotFound(Source.TICKETMASTER)
        if answer.status == 400:
            return BadRequest(Source.TICKETMASTER, code)
    return None


def _busy(answer: Answer, code: str) -> SourceBusy:
    if code != "policies.ratelimit.QuotaViolation":
        return SourceBusy(Source.TICKETMASTER, answer.retry_after() or SPIKE_WAIT_SECONDS)
    reset = answer.count("Rate-Limit-Reset")
    wait = answer.retry_after() or (reset / 1000 - answer.received_at if reset else QUOTA_WAIT_SECONDS)
    return SourceBusy(Source.TICKETMASTER, min(max(wait, 60.0), 86400.0), BusyReason.QUOTA)
