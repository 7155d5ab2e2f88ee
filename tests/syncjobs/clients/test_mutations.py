"""Whatever comes, a client hands out records or raises a named error; never a KeyError, never dirty text."""

import dataclasses
import io
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
import requests
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncjobs.clients import setlistfm_records, spotify_records, ticketmaster_records
from syncjobs.clients.cleaning import clean_link, clean_text
from syncjobs.clients.errors import BadAnswer, SourceError
from syncjobs.clients.gate import Verdict
from syncjobs.clients.http import Limits
from syncjobs.clients.parsing import MOST
from syncjobs.clients.setlistfm import SetlistfmClient
from syncjobs.clients.spotify import SpotifyClient
from syncjobs.clients.ticketmaster import TicketmasterClient
from tests.syncjobs.clients.standin import SECRET, Scribe, load

PARSERS: dict[str, Callable[[Any], object]] = {
    "ticketmaster/attraction": ticketmaster_records.read_artist,
    "ticketmaster/attractions": ticketmaster_records.read_artists,
    "ticketmaster/events": partial(ticketmaster_records.read_shows, page=0),
    "ticketmaster/events_page": partial(ticketmaster_records.read_shows, page=2),
    "ticketmaster/no_result": partial(ticketmaster_records.read_shows, page=0),
    "spotify/artist": spotify_records.read_artist,
    "spotify/search_artists": partial(spotify_records.read_found_artists, offset=0),
    "spotify/albums": partial(spotify_records.read_albums, offset=0),
    "spotify/tracks_last": partial(spotify_records.read_tracks, offset=50),
    "spotify/track": spotify_records.read_track,
    "setlistfm/artist": setlistfm_records.read_artist,
    "setlistfm/search_artists": setlistfm_records.read_artists,
    "setlistfm/setlists_2": setlistfm_records.read_setlists,
    "setlistfm/venue_setlists": setlistfm_records.read_setlists,
    "setlistfm/setlist": setlistfm_records.read_setlist,
}

# What APIs have sent in places where nobody expected it.
ODD = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        10**30,
        1.5,
        -1e308,
        "",
        " ",
        "\x00",
        "\ud800",
        "\u202eevil",
        "x" * 5000,
        "null",
        "5",
        "1900-01-01",
        "2016-13-45",
        "31-02-2017",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "24:00",
        "javascript:alert(1)",
        "http://[::1",
        "https://a@b/",
        "America",
        "../etc/localtime",
        "nan",
        "1e999",
        [],
        {},
        [None],
        [[]],
        [{}],
        {"": None},
        {"set": None},
        {"name": {}},
        [1, "a", None],
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) of a JSON value."""
    keys = list(content) if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    for key in keys:
        yield content, key
        yield from places(content[key])


def mutate(data: st.DataObject, content: Any) -> Any:
    """Change, drop or double a few values anywhere in the content."""
    for _ in range(data.draw(st.integers(1, 4), label="mutations")):
        spots = list(places(content))
        if not spots:
            return data.draw(JSON)
        holder, key = spots[data.draw(st.integers(0, len(spots) - 1), label="spot")]
        match data.draw(st.sampled_from(["odd", "any", "drop", "double"]), label="how"):
            case "odd":
                holder[key] = deepcopy(data.draw(ODD))  # its lists are shared
            case "any":
                holder[key] = data.draw(JSON)
            case "drop":
                del holder[key]
            case "double" if isinstance(holder, list):
                holder.append(deepcopy(holder[key]))
    return content


def leaves(record: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value in a record, however deep, with the name of its field."""
    if dataclasses.is_dataclass(record):
        for field in dataclasses.fields(record):
            yield from leaves(getattr(record, field.name), field.name)
    elif isinstance(record, tuple):
        for entry in record:
            yield from leaves(entry, name)
    else:
        yield name, record


def check(record: object) -> None:
    """Everything in a record is clean, bounded and of one of a few types."""
    for name, value in leaves(record):
        match value:
            case str():
                assert clean_text(value, 1000) == value != ""
                assert clean_link(value) == value or not name.endswith("url")
            case datetime():
                assert value.tzinfo is UTC
            case bool() | None | date():
                pass
            case int():
                assert 0 <= value <= MOST
            case float():
                assert -180 <= value <= 180
            case _:
                raise AssertionError(f"{name} is {value!r}")
    hash(record)


def read(name: str, content: Any) -> None:
    """Parse the content; any exception but the parser's own fails the test."""
    told = ""
    try:
        check(PARSERS[name](content))
    except BadAnswer as error:
        told = str(error)
    assert told == "" or "cannot be read" in told


@pytest.mark.parametrize("name", PARSERS)
def test_the_recordings_parse(name: str) -> None:
    check(PARSERS[name](load(name)))


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_parser_raises_nothing_but_its_named_error(name: str, data: st.DataObject) -> None:
    content = mutate(data, load(name))
    read(name, content)


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(content=JSON)
def test_a_parser_survives_any_json(name: str, content: Any) -> None:
    read(name, content)


class Wire(requests.Session):
    """A session that answers everything with the same bytes."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__()
        self.answer = (status, headers, body)

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        status, headers, body = self.answer
        response = requests.Response()
        response.status_code = status
        response.headers.update(headers)
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
        return response


ERROR_WORDS = ["error", "errors", "fault", "detail", "errorcode", "code", "status", "message", "reason", "access_token"]
ERROR_VALUES = [
    "policies.ratelimit.QuotaViolation",
    "QUOTA_EXCEEDED",
    "invalid_client",
    "Limit Exceeded",
    404,
    "404",
    SECRET,
]
ERROR_JSON = st.recursive(
    st.sampled_from(ERROR_VALUES) | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ERROR_WORDS), inner, max_size=4),
    max_leaves=12,
)
BODIES = (
    st.binary(max_size=60)
    | ERROR_JSON.map(lambda body: repr(body).encode("utf-8", "surrogatepass"))
    | ERROR_JSON.map(lambda body: requests.compat.json.dumps(body).encode())
)
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "Rate-Limit-Reset", "Rate-Limit-Available", "Content-Type"]),
    st.sampled_from(["5", "0", "-1", "nan", "1e9", "9" * 400, "Wed, 21 Oct 2015 07:28:00 GMT", "Mon, 99", "\xe9", ""]),
    max_size=3,
)
STATUSES = st.sampled_from([200, 204, 301, 400, 401, 403, 404, 408, 418, 429, 500, 503, 599]) | st.integers(100, 999)
MBID = "27e2997f-f7a1-4353-bcc4-57b9274fa9a4"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(status=STATUSES, headers=HEADERS, body=BODIES)
def test_whatever_comes_over_the_wire_a_client_raises_only_its_named_errors(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    limits, wire, gate = Limits(pause=lambda seconds: None), Wire(status, headers, body), Scribe()
    asks: list[Callable[[], object]] = [
        lambda: TicketmasterClient(api_key=SECRET, session=wire, limits=limits, gate=gate).artist("K8vZ917Kew0"),
        lambda: SpotifyClient(client_id="c", client_secret=SECRET, session=wire, limits=limits, gate=gate).artist(
            "a" * 22
        ),
        lambda: SetlistfmClient(api_key=SECRET, session=wire, limits=limits, gate=gate).setlists_of_artist(MBID),
    ]
    for ask in asks:
        told: list[Any] = []
        try:
            check(ask())
        except SourceError as error:
            told = [str(error), repr(error), getattr(error, "retry_after", 0)]
        assert SECRET not in str(told)
        assert not told or 0 <= told[2] <= 86400
    assert len(gate.acquired) == len(gate.outcomes) > 0  # whatever was asked for is accounted for
    assert SECRET not in repr(gate.outcomes)
    for outcome in gate.outcomes:
        assert (outcome.problem is None) == (outcome.verdict is Verdict.ANSWERED and 200 <= (outcome.status or 0) < 300)
