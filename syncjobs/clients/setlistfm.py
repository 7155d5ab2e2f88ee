"""setlist.fm REST 1.0: artists and what they played. Free for non-commercial use; its pages must be linked."""

from dataclasses import dataclass, field
from datetime import date

import requests

from syncjobs.clients import http, setlistfm_records
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
from syncjobs.clients.parsing import MBID
from syncjobs.clients.records import ArtistRecord, Page, SetlistRecord
from syncjobs.clients.setlistfm_records import ID

BASE_URL = "https://api.setlist.fm/rest/1.0"
SETTING = "SETLISTFM_API_KEY"
QUOTA_WAIT_SECONDS = 3600.0
LONGEST_NAME = 100
DEEPEST_PAGE = 10_000


@dataclass(kw_only=True)
class SetlistfmClient:
    """Asks setlist.fm. Its 404 means "no result": searches and lists return an empty page for it."""

    api_key: str = field(repr=False)
    base_url: str = BASE_URL
    gate: Gate = field(default_factory=NoGate, repr=False)
    session: requests.Session | None = field(default=None, repr=False)
    limits: http.Limits = field(default_factory=http.Limits, repr=False)

    def __post_init__(self) -> None:
        self._caller = http.Caller(
            source=Source.SETLISTFM,
            setting=SETTING,
            gate=self.gate,
            session=self.session or http.connect(),
            limits=self.limits,
        )

    def artist(self, mbid: str) -> ArtistRecord:
        """Return the artist of this MusicBrainz id."""
        return setlistfm_records.read_artist(self._get(f"artist/{_checked_mbid(mbid)}", {}))

    def search_artists(self, name: str, *, page: int = 1) -> Page[ArtistRecord]:
        """Return thirty artists found by this name, best first; namesakes have a `disambiguation`."""
        cleaned = clean_text(name, LONGEST_NAME)
        if not cleaned:
            raise BadRequest(Source.SETLISTFM, "the name to search for is empty")
        params = {"artistName": cleaned, "sort": "relevance", "p": _checked_page(page)}
        try:
            return setlistfm_records.read_artists(self._get("search/artists", params))
        except RecordNotFound:
            return Page(items=())

    def setlists_of_artist(self, mbid: str, *, page: int = 1) -> Page[SetlistRecord]:
        """Return twenty of the artist's setlists, the newest first."""
        return self._setlists(f"artist/{_checked_mbid(mbid)}/setlists", {"p": _checked_page(page)})

    def setlists_on(self, mbid: str, day: date, *, page: int = 1) -> Page[SetlistRecord]:
        """Return what the artist played on this day, as counted at the venue: none, one, or an early and a late show."""
        params = {"artistMbid": _checked_mbid(mbid), "date": f"{day:%d-%m-%Y}", "p": _checked_page(page)}
        return self._setlists("search/setlists", params)

    def setlist(self, setlistfm_id: str) -> SetlistRecord:
        """Return the newest version of this setlist."""
        if not ID.fullmatch(setlistfm_id):
            raise BadRequest(Source.SETLISTFM, "this is not the id of a setlist")
        return setlistfm_records.read_setlist(self._get(f"setlist/{setlistfm_id}", {}))

    def _setlists(self, path: str, params: dict[str, str]) -> Page[SetlistRecord]:
        try:
            return setlistfm_records.read_setlists(self._get(path, params))
        except RecordNotFound:
            return Page(items=())

    def _get(self, path: str, params: dict[str, str]) -> object:
        if not http.usable(self.api_key):
            raise SourceRefused(Source.SETLISTFM, "there is no usable key", SETTING)
        url = http.join_url(self.base_url, path)
        question = http.Question(method="GET", url=url, params=params, sign=self._sign, explain=_explain)
        return self._caller.ask(question)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["x-api-key"] = self.api_key
        return request


def _checked_mbid(mbid: str) -> str:
    if not MBID.fullmatch(mbid.lower()):
        raise BadRequest(Source.SETLISTFM, "this is not a MusicBrainz id")
    return mbid.lower()


def _checked_page(page: int) -> str:
    if not 1 <= page <= DEEPEST_PAGE:
        raise BadRequest(Source.SETLISTFM, f"pages run from 1 to {DEEPEST_PAGE}")
    return str(page)


def _explain(answer: Answer) -> SourceError | None:
    """Return the error that setlist.fm, or the gateway before it, tells of."""
    content = answer.json_object()
    if answer.status == 404 and 404 in (content.get("code"), content.get("status")):
        return RecordNotFound(Source.SETLISTFM)
    if answer.status == 429 and content.get("message") == "Limit Exceeded":  # the gateway's words for the day's quota
        return SourceBusy(Source.SETLISTFM, answer.retry_after() or QUOTA_WAIT_SECONDS, BusyReason.QUOTA)
    return None
