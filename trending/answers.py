"""Answers that hold for a whole edition: rendered once, told apart by ETag, kept by each process."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import parse_etags

from trending.editions import Edition, read_edition, watch

JSON = "application/json"
MOST = 512  # answers kept by a process …
MOST_BYTES = 64 * 1024 * 1024  # … and how large they may be together
LONGEST_AGE, SHORTEST_AGE = 60, 5  # seconds that a client may keep an answer
TRIES = 3  # to read what belongs together while refreshes go on

Render = Callable[[Edition, bool], bytes]


@dataclass(frozen=True, slots=True)
class Key:
    """What an answer depends on. `refreshed_at` moves on in a refresh that changed nothing."""

    edition: Edition
    stale: bool
    query: str


class Kept:
    """The latest answers of this process, the one asked for longest ago leaves first."""

    def __init__(self) -> None:
        self.bodies: OrderedDict[Key, bytes] = OrderedDict()
        self.size = 0
        self.lock = Lock()

    def get(self, key: Key) -> bytes | None:
        with self.lock:
            body = self.bodies.get(key)
            if body is not None:
                self.bodies.move_to_end(key)
            return body

    def put(self, key: Key, body: bytes) -> None:
        with self.lock:
            self.size += len(body) - len(self.bodies.pop(key, b""))
            self.bodies[key] = body
            while len(self.bodies) > MOST or self.size > MOST_BYTES:
                _, gone = self.bodies.popitem(last=False)
                self.size -= len(gone)

    def forget(self) -> None:
        with self.lock:
            self.bodies.clear()
            self.size = 0


kept = Kept()


def kept_first(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """A middleware that hands out kept answers before sessions, fans and addresses are looked at: all get the same."""

    def answer_kept(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/api/"):
            return get_response(request)
        request.get_host()  # raises when it is none of ours, as it would further on
        return find(request, now=timezone.now()) or get_response(request)

    return answer_kept


def find(request: HttpRequest, *, now: datetime) -> HttpResponse | None:
    """The kept answer to this very request, if there is one: its query was found good before."""
    if request.method not in {"GET", "HEAD"} or not takes_json(request):
        return None
    edition = watch.known()
    if edition is None:
        return None
    query = asked_for(request)
    stale = edition.is_stale(now)
    body = kept.get(Key(edition, stale, query))
    if body is None:
        return None
    etag = etag_of(edition.version, stale, query)
    if matches(request, etag):
        return _headed(HttpResponseNotModified(), etag, edition, now)
    response = HttpResponse(body, content_type=JSON)
    response["Content-Length"] = str(len(body))  # no middleware behind us does it
    return _headed(response, etag, edition, now)


def asked_for(request: HttpRequest) -> str:
    """Path and query as they came: get_full_path() would quote them anew for every call."""
    return f"{request.path}?{request.META.get('QUERY_STRING', '')}"


def takes_json(request: HttpRequest) -> bool:
    accepted = request.META.get("HTTP_ACCEPT", "*/*")  # request.headers would read them all
    return accepted == "*/*" or JSON in accepted


def answer(request: HttpRequest, render: Render, *, now: datetime, content_type: str = JSON) -> HttpResponse:
    """The answer of the current edition: 304 if the client has it, else kept or rendered.

    What `render` raises passes through, and nothing is kept then.
    """
    edition = watch.current()
    query = asked_for(request)
    stale = edition.is_stale(now)
    etag = etag_of(edition.version, stale, query)
    if matches(request, etag):
        return _headed(HttpResponseNotModified(), etag, edition, now)
    body = kept.get(Key(edition, stale, query))
    if body is None:
        edition, stale, body = _render(render, now)
        kept.put(Key(edition, stale, query), body)
    response = HttpResponse(body, content_type=content_type)
    return _headed(response, etag_of(edition.version, stale, query), edition, now)


def _render(render: Render, now: datetime) -> tuple[Edition, bool, bytes]:
    """A body, and the edition it is of: the one that stood before and after it was read."""
    edition = read_edition()
    for _ in range(TRIES):
        before, stale = edition, edition.is_stale(now)
        body = render(before, stale)
        edition = read_edition()
        if edition == before:
            break
    watch.note(edition)
    return before, stale, body


def etag_of(version: int, stale: bool, query: str) -> str:
    """Weak: the same scores, though `refreshed_at` may have moved on."""
    return f'W/"{version}-{"stale-" if stale else ""}{hashlib.sha256(query.encode()).hexdigest()[:16]}"'


def matches(request: HttpRequest, etag: str) -> bool:
    """The client has this answer."""
    header = request.META.get("HTTP_IF_NONE_MATCH")
    return header is not None and any(theirs in {etag, "*"} for theirs in parse_etags(header))


def _headed(response: HttpResponse, etag: str, edition: Edition, now: datetime) -> HttpResponse:
    following = edition.next_refresh_at
    left = (following - now).total_seconds() if following else 0
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={max(SHORTEST_AGE, min(LONGEST_AGE, int(left)))}"
    return response
