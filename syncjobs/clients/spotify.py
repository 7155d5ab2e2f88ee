"""Spotify Web API as new apps see it since February 2026: no batch reads, small pages, few numbers."""

import re
from dataclasses import dataclass, field, replace

import requests
from requests.auth import HTTPBasicAuth

from syncjobs.clients import http, spotify_records
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
from syncjobs.clients.parsing import Node
from syncjobs.clients.records import AlbumRecord, ArtistRecord, Page, TrackRecord
from syncjobs.clients.spotify_records import ID

BASE_URL = "https://api.spotify.com/v1"
TOKEN_URL = "https://accounts.spotify.com/api/token"
SETTING = "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET"

SEARCH_PAGE_SIZE = 10
ALBUM_PAGE_SIZE = 10
TRACK_PAGE_SIZE = 50
DEEPEST_OFFSET = 10_000  # nobody has more albums
RENEW_EARLY_SECONDS = 300.0
RATE_WAIT_SECONDS = 30.0  # the limit counts over a rolling window of 30 s
QUOTA_WAIT_SECONDS = 3600.0
LONGEST_QUERY = 100
TOKEN = re.compile(r"[!-~]{1,4096}")


class TokenExpired(SourceError):
    """{source} no longer takes our token, and the new one was not asked for."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and when, on our clock, to ask for the next."""

    text: str = field(repr=False)
    renew_at: float


@dataclass(kw_only=True)
class SpotifyClient:
    """Asks Spotify. It keeps its token: one client for many calls, not one per call."""

    client_id: str
    client_secret: str = field(repr=False)
    base_url: str = BASE_URL
    token_url: str = TOKEN_URL
    gate: Gate = field(default_factory=NoGate, repr=False)
    session: requests.Session | None = field(default=None, repr=False)
    limits: http.Limits = field(default_factory=http.Limits, repr=False)

    def __post_init__(self) -> None:
        self._token: Token | None = None
        self._caller = http.Caller(
            source=Source.SPOTIFY,
            setting=SETTING,
            gate=self.gate,
            session=self.session or http.connect(),
            limits=self.limits,
        )

    def artist(self, spotify_id: str) -> ArtistRecord:
        """Return the artist; popularity, followers and genres are usually unknown."""
        return spotify_records.read_artist(self._get(f"artists/{_checked_id(spotify_id)}", {}))

    def search_artists(self, name: str, *, offset: int = 0) -> Page[ArtistRecord]:
        """Return ten artists found by this name, best first.

        Tributes and namesakes are among them: take exact names only.
        """
        query = clean_text(name, LONGEST_QUERY)
        if not query:
            raise BadRequest(Source.SPOTIFY, "the name to search for is empty")
        last = spotify_records.DEEPEST_SEARCH - SEARCH_PAGE_SIZE
        params = {"q": query, "type": "artist", **_paging(SEARCH_PAGE_SIZE, offset, last)}
        return spotify_records.read_found_artists(self._get("search", params), offset)

    def search_tracks(self, title: str, artist_name: str) -> Page[TrackRecord]:
        """Return ten recordings of this title by anyone of this name: which namesake plays the song?"""
        title, artist_name = (clean_text(text.replace('"', " "), LONGEST_QUERY) for text in (title, artist_name))
        if not (title and artist_name):
            raise BadRequest(Source.SPOTIFY, "the title or the name to search for is empty")
        params = {"q": f'track:"{title}" artist:"{artist_name}"', "type": "track", **_paging(SEARCH_PAGE_SIZE, 0)}
        return spotify_records.read_found_tracks(self._get("search", params))

    def albums_of_artist(self, spotify_id: str, *, offset: int = 0) -> Page[AlbumRecord]:
        """Return ten of the artist's own albums and singles."""
        params = {"include_groups": "album,single", **_paging(ALBUM_PAGE_SIZE, offset)}
        answer = self._get(f"artists/{_checked_id(spotify_id)}/albums", params)
        return spotify_records.read_albums(answer, offset)

    def tracks_of_album(self, spotify_id: str, *, offset: int = 0) -> Page[TrackRecord]:
        """Return fifty of the album's tracks, without ISRC."""
        answer = self._get(f"albums/{_checked_id(spotify_id)}/tracks", _paging(TRACK_PAGE_SIZE, offset))
        return spotify_records.read_tracks(answer, offset)

    def track(self, spotify_id: str) -> TrackRecord:
        """Return the track with its album and ISRC; it costs one call per song."""
        return spotify_records.read_track(self._get(f"tracks/{_checked_id(spotify_id)}", {}))

    def _get(self, path: str, params: dict[str, str]) -> object:
        url = http.join_url(self.base_url, path)
        question = http.Question(method="GET", url=url, params=params, sign=self._sign, explain=_explain_first)
        self._renew()
        try:
            return self._caller.ask(question)
        except TokenExpired:
            self._token = None
        self._renew()
        return self._caller.ask(replace(question, explain=_explain))

    def _renew(self) -> None:
        """Ask for a token, unless ours holds for a while."""
        now = self.limits.clock()
        if self._token and now < self._token.renew_at:
            return
        if not (http.usable(self.client_id) and http.usable(self.client_secret)):
            raise SourceRefused(Source.SPOTIFY, "there are no usable credentials", SETTING)
        question = http.Question(
            method="POST",
            url=self.token_url,
            form={"grant_type": "client_credentials"},
            sign=HTTPBasicAuth(self.client_id, self.client_secret),
            explain=_explain_token,
        )
        token = Node.root(Source.SPOTIFY, self._caller.ask(question))
        lifetime = token.whole("expires_in")
        lasts = max(lifetime - RENEW_EARLY_SECONDS, lifetime / 2)
        self._token = Token(token.identifier("access_token", TOKEN), now + lasts)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token.text}"
        return request


def _paging(size: int, offset: int, last: int = DEEPEST_OFFSET) -> dict[str, str]:
    if not 0 <= offset <= last:
        raise BadRequest(Source.SPOTIFY, f"pages start from 0 to {last}")
    return {"limit": str(size), "offset": str(offset)}


def _checked_id(spotify_id: str) -> str:
    if not ID.fullmatch(spotify_id):
        raise BadRequest(Source.SPOTIFY, "this is not a Spotify id")
    return spotify_id


def _explain_first(answer: Answer) -> SourceError | None:
    """A first 401 means that the token is too old; a second one, that we are not welcome."""
    return TokenExpired(Source.SPOTIFY) if answer.status == 401 else _explain(answer)


def _explain_token(answer: Answer) -> SourceError | None:
    if answer.status == 400 and answer.json_object().get("error") == "invalid_client":
        return SourceRefused(Source.SPOTIFY, "it does not know this client", SETTING)
    return _explain(answer)


def _explain(answer: Answer) -> SourceError | None:
    """Return the error that Spotify tells of; 403, 429 and 502 may be plain text or empty."""
    error = answer.json_object().get("error")
    if answer.status == 404 and error:
        return RecordNotFound(Source.SPOTIFY)
    if answer.status == 403 and b"premium" in answer.body.lower():
        return SourceRefused(Source.SPOTIFY, "the owner of the app needs Spotify Premium", SETTING)
    if answer.status == 429:
        is_quota = isinstance(error, dict) and error.get("reason") == "QUOTA_EXCEEDED"
        usual = QUOTA_WAIT_SECONDS if is_quota else RATE_WAIT_SECONDS
        reason = BusyReason.QUOTA if is_quota else BusyReason.RATE
        return SourceBusy(Source.SPOTIFY, answer.retry_after() or usual, reason)
    return None
