"""How a question goes over the wire, and all the ways it can fail."""

import gzip
import logging
import pickle
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
import requests

from syncjobs.clients import http
from syncjobs.clients.errors import (
    BadAnswer,
    BadRequest,
    BusyReason,
    RecordNotFound,
    Source,
    SourceBusy,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from syncjobs.clients.gate import Verdict
from syncjobs.clients.ticketmaster import TicketmasterClient
from tests.syncjobs.clients.standin import SECRET, Reply, Scribe, Standin, load

ID = "K8vZ917Kew0"
ARTIST = Reply.recorded("ticketmaster/attraction")
HTML = Reply(body=b"<!doctype html><title>503</title>", headers={"Content-Type": "text/html"})
QUOTA = {
    "fault": {
        "faultstring": f"Rate limit quota violation. Quota limit exceeded. Identifier : {SECRET}",
        "detail": {"errorcode": "policies.ratelimit.QuotaViolation"},
    }
}
SPIKE = load("ticketmaster/errors")[2]["body"]


def hurried(client: TicketmasterClient, **limits: object) -> TicketmasterClient:
    """Return the same client with other limits."""
    return replace(client, limits=replace(client.limits, **limits))


def test_a_question_is_asked_once_and_the_gate_is_told(
    ticketmaster: TicketmasterClient, standin: Standin, gate: Scribe
) -> None:
    standin.says(ARTIST)
    assert ticketmaster.artist(ID).name == "Susquehanna Breakdown Music Festival"
    assert len(standin.asked) == 1
    assert gate.acquired == [Source.TICKETMASTER]
    assert [outcome.verdict for outcome in gate.outcomes] == [Verdict.ANSWERED]
    assert gate.outcomes[0].status == 200
    assert gate.outcomes[0].elapsed_seconds >= 0


def test_the_path_of_the_base_url_is_kept(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    standin.says(ARTIST)
    ticketmaster.artist(ID)
    assert standin.asked[0].path == f"/discovery/v2/attractions/{ID}.json"


@pytest.mark.parametrize(
    "failure",
    [
        Reply(status=500),
        Reply(status=502, body=b"Bad gateway"),
        Reply(status=503),
        Reply(status=408),
        HTML,
        Reply(body=b""),
        Reply(body=b'{"name": "Mus'),
        Reply(body=b"\xff\xfe\xfa"),
        Reply(body=b"[" * 100_000),
        Reply(body=b'{"name": NaN}'),
        Reply(body={"name": "cut"}, fault="cut"),
        Reply(fault="reset"),
    ],
    ids=["500", "502", "503", "408", "html", "empty", "half-json", "no-utf8", "deep", "nan", "cut", "reset"],
)
def test_a_passing_failure_is_asked_again_after_a_pause(
    failure: Reply, ticketmaster: TicketmasterClient, standin: Standin, gate: Scribe, pauses: list[float]
) -> None:
    standin.says(failure, failure, ARTIST)
    assert ticketmaster.artist(ID).ticketmaster_id == ID
    assert len(standin.asked) == 3
    assert 0.5 <= pauses[0] <= 1.0 <= pauses[1] <= 1.5
    verdicts = [outcome.verdict for outcome in gate.outcomes]
    assert verdicts == [Verdict.UNAVAILABLE, Verdict.UNAVAILABLE, Verdict.ANSWERED]
    assert len(gate.acquired) == 3


def test_after_two_retries_a_failure_is_final(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    standin.says(*[Reply(status=500)] * 5)
    with pytest.raises(SourceUnavailable, match="Ticketmaster did not answer properly: status 500"):
        ticketmaster.artist(ID)
    assert len(standin.asked) == 3


def test_a_retry_that_would_end_past_the_deadline_is_not_made(
    ticketmaster: TicketmasterClient, standin: Standin, pauses: list[float]
) -> None:
    standin.says(*[Reply(status=500)] * 5)
    with pytest.raises(SourceUnavailable):
        hurried(ticketmaster, deadline_seconds=0.4).artist(ID)
    assert len(standin.asked) == 1
    assert pauses == []


def test_a_silent_source_is_left_after_the_read_timeout(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    standin.says(Reply(fault="silent"))
    with pytest.raises(SourceUnavailable, match="no answer in time"):
        hurried(ticketmaster, read_seconds=0.05, retries=0).artist(ID)


def test_a_silent_source_is_left_at_the_deadline_too(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    standin.says(Reply(fault="silent"))
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="no answer in time"):
        hurried(ticketmaster, deadline_seconds=0.1).artist(ID)
    assert time.monotonic() - began < 4


def test_a_source_that_drips_is_left_at_the_deadline(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    standin.says(Reply(fault="drip"))
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="the answer took too long"):
        hurried(ticketmaster, deadline_seconds=0.2).artist(ID)
    assert time.monotonic() - began < 5  # each byte resets the read timeout: that alone would never end


def test_nobody_listening_is_a_named_error(gate: Scribe, limits: http.Limits) -> None:
    client = TicketmasterClient(api_key=SECRET, base_url="http://127.0.0.1:9", gate=gate, limits=limits)
    with pytest.raises(SourceUnavailable, match=r"the connection failed \(ConnectionError\)"):
        client.artist(ID)
    assert [outcome.status for outcome in gate.outcomes] == [None] * 3


@pytest.mark.parametrize("base_url", ["", "nonsense", "ftp://x", "http://", "http://[::1", "http://a b/"])
def test_an_unusable_base_url_is_a_named_error(base_url: str, limits: http.Limits) -> None:
    with pytest.raises(SourceUnavailable, match="the connection failed"):
        TicketmasterClient(api_key=SECRET, base_url=base_url, limits=limits).artist(ID)


def test_a_body_over_the_limit_is_not_read_to_its_end(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    standin.says(Reply(body=b" " * 300_000), ARTIST)
    with pytest.raises(BadAnswer, match="the body is longer than 100000 bytes"):
        hurried(ticketmaster, body_bytes=100_000).artist(ID)
    assert len(standin.asked) == 1


def test_the_limit_counts_what_is_unpacked(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    bomb = gzip.compress(b" " * 5_000_000)
    assert len(bomb) < 10_000
    standin.says(Reply(body=bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(BadAnswer, match="the body"):
        hurried(ticketmaster, body_bytes=100_000).artist(ID)


def test_a_packed_answer_is_read(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    standin.says(Reply(body=gzip.compress(ARTIST.content), headers={"Content-Encoding": "gzip"}))
    assert ticketmaster.artist(ID).ticketmaster_id == ID
    assert standin.asked[0].headers["accept-encoding"] == "gzip"


def test_broken_packing_is_a_named_error(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    standin.says(*[Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"})] * 3)
    with pytest.raises(SourceUnavailable):
        ticketmaster.artist(ID)


def test_a_redirect_is_not_followed(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    standin.says(Reply(status=302, headers={"Location": f"{standin.url}/elsewhere"}), ARTIST)
    with pytest.raises(SourceUnavailable, match="status 302; is its base URL right"):
        ticketmaster.artist(ID)
    assert len(standin.asked) == 1


def test_a_404_in_foreign_words_is_not_taken_for_no_result(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    standin.says(Reply(status=404, body=b"<html>no such page</html>"))
    with pytest.raises(SourceUnavailable, match="is its base URL right"):
        ticketmaster.artist(ID)
    assert len(standin.asked) == 1


def test_cookies_are_not_kept(ticketmaster: TicketmasterClient, standin: Standin) -> None:
    tracking = Reply(body=ARTIST.body, headers={"Set-Cookie": "SID=1; Path=/"})
    standin.says(tracking, tracking)
    ticketmaster.artist(ID)
    ticketmaster.artist(ID)
    assert "cookie" not in standin.asked[1].headers


def test_connections_are_used_again(ticketmaster: TicketmasterClient, standin: Standin, caplog) -> None:
    caplog.set_level(logging.DEBUG, "urllib3")
    standin.says(ARTIST, ARTIST, ARTIST)
    for _ in range(3):
        ticketmaster.artist(ID)
    assert caplog.text.count("Starting new HTTP connection") == 1


class TestRetryAfter:
    """`Retry-After` is never slept: the job waits, not the worker."""

    @pytest.mark.parametrize("status", [429, 503])
    def test_it_is_raised_as_busy(
        self, status: int, ticketmaster: TicketmasterClient, standin: Standin, gate: Scribe, pauses: list[float]
    ) -> None:
        standin.says(Reply(status=status, headers={"Retry-After": "120"}))
        with pytest.raises(SourceBusy, match="Ticketmaster can take no question for 120 s") as caught:
            ticketmaster.artist(ID)
        assert caught.value.retry_after == 120
        assert caught.value.reason is BusyReason.RATE
        assert len(standin.asked) == 1
        assert pauses == []
        assert (gate.outcomes[0].verdict, gate.outcomes[0].retry_after) == (Verdict.BUSY, 120)

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("0", 1),
            ("79892", 79892),
            ("86400", 86400),
            ("999999999", 86400),
            ("9" * 5000, 2),
            ("-5", 2),
            ("1.5", 2),
            ("soon", 2),
            ("", 2),
            ("\u0663", 2),
        ],
    )
    def test_odd_values_are_held_in_bounds(
        self, header: str, seconds: float, ticketmaster: TicketmasterClient, standin: Standin
    ) -> None:
        standin.says(Reply(status=429, headers={"Retry-After": header.encode().decode("latin-1")}))
        with pytest.raises(SourceBusy) as caught:
            ticketmaster.artist(ID)
        assert caught.value.retry_after == seconds

    def test_it_may_be_a_date(self, ticketmaster: TicketmasterClient, standin: Standin) -> None:
        now = datetime(2026, 7, 1, 12, tzinfo=UTC)
        later = format_datetime(datetime(2026, 7, 1, 12, 5, tzinfo=UTC), usegmt=True)
        standin.says(Reply(status=429, headers={"Retry-After": later}))
        with pytest.raises(SourceBusy) as caught:
            hurried(ticketmaster, now=now.timestamp).artist(ID)
        assert caught.value.retry_after == 300

    def test_without_it_a_429_waits_two_seconds(self, ticketmaster: TicketmasterClient, standin: Standin) -> None:
        standin.says(Reply(status=429))
        with pytest.raises(SourceBusy) as caught:
            ticketmaster.artist(ID)
        assert caught.value.retry_after == 2


def test_a_closed_gate_keeps_the_question_in(standin: Standin, limits: http.Limits) -> None:
    class Closed(Scribe):
        def acquire(self, source: Source) -> None:
            raise SourceBusy(source, 30, BusyReason.BREAKER)

    gate = Closed()
    client = TicketmasterClient(api_key=SECRET, base_url=standin.url, gate=gate, limits=limits)
    with pytest.raises(SourceBusy, match="limit: breaker"):
        client.artist(ID)
    assert standin.asked == []
    assert gate.outcomes == []


def test_the_session_is_the_seam_that_tests_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    session = requests.Session()
    monkeypatch.setattr(http, "connect", lambda: session)
    assert TicketmasterClient(api_key=SECRET)._caller.session is session


@pytest.mark.parametrize(
    "failure",
    [
        Reply(status=429, body=QUOTA),
        Reply(status=401, body={"fault": {"faultstring": SECRET, "detail": {"errorcode": SECRET}}}),
        Reply(status=400, body={"errors": [{"code": SECRET, "detail": SECRET, "status": SECRET}]}),
        Reply(status=404, body={"errors": [{"code": SECRET}]}),
        Reply(status=500, body=SECRET.encode()),
        Reply(status=302, headers={"Location": f"https://example.org/?apikey={SECRET}"}),
        Reply(body=SECRET.encode()),
        Reply(body={"name": [SECRET], "id": SECRET}),
        Reply(fault="reset"),
        Reply(fault="silent"),
        Reply(body={"id": SECRET}, fault="cut"),
    ],
    ids=["quota", "401", "400", "404", "500", "302", "text", "fields", "reset", "silent", "cut"],
)
def test_no_failure_tells_the_key(
    failure: Reply, ticketmaster: TicketmasterClient, standin: Standin, gate: Scribe, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    standin.says(failure, failure, failure)
    client = hurried(ticketmaster, read_seconds=0.05)
    with pytest.raises(SourceError) as caught:
        client.artist(ID)
    error = caught.value
    logging.getLogger("test").exception("Unable to read", exc_info=error)
    told = [str(error), repr(error), "".join(traceback.format_exception(error)), caplog.text, repr(gate.outcomes)]
    assert not any(SECRET in text for text in [*told, repr(client)])
    assert error.__context__ is None  # a hidden cause would hold the URL, and monitors print it


def test_not_even_the_debug_log_tells_the_key(
    ticketmaster: TicketmasterClient, standin: Standin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    standin.says(ARTIST)
    ticketmaster.artist(ID)
    assert standin.asked[0].query["apikey"] == SECRET
    assert "attractions" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("key", ["", " ", "two words", "kéy", "line\nfeed"])
def test_without_a_usable_key_nothing_is_asked(key: str, standin: Standin) -> None:
    with pytest.raises(SourceRefused, match=r"there is no usable key\. Check TICKETMASTER_API_KEY"):
        TicketmasterClient(api_key=key, base_url=standin.url).artist(ID)
    assert standin.asked == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_says_which_setting_to_check(
    status: int, ticketmaster: TicketmasterClient, standin: Standin, gate: Scribe
) -> None:
    standin.says(Reply(status=status, body=b"Forbidden"))
    with pytest.raises(SourceRefused, match=f"status {status}. Check TICKETMASTER_API_KEY"):
        ticketmaster.artist(ID)
    assert len(standin.asked) == 1
    assert gate.outcomes[0].verdict is Verdict.REFUSED


@pytest.mark.parametrize("status", [400, 405, 410, 422])
def test_a_bad_question_is_not_the_sources_fault(
    status: int, ticketmaster: TicketmasterClient, standin: Standin, gate: Scribe
) -> None:
    standin.says(Reply(status=status))
    with pytest.raises(BadRequest, match=f"status {status}"):
        ticketmaster.artist(ID)
    assert gate.outcomes[0].verdict is Verdict.ANSWERED


@pytest.mark.parametrize(
    "error",
    [
        SourceBusy(Source.SPOTIFY, 3, BusyReason.QUOTA),
        SourceUnavailable(Source.SPOTIFY, "status 500"),
        SourceRefused(Source.SPOTIFY, "status 401", "SPOTIFY_CLIENT_ID"),
        RecordNotFound(Source.SPOTIFY),
        BadRequest(Source.SPOTIFY, "status 400"),
        BadAnswer(Source.SPOTIFY, "items[2].id", "is missing"),
    ],
)
def test_every_error_is_one_readable_sentence_and_survives_pickling(error: SourceError) -> None:
    assert str(error).startswith("Spotify ")
    assert "{" not in str(error)
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_a_source_may_be_named_by_its_word() -> None:
    assert str(RecordNotFound("setlistfm")).startswith("setlist.fm has no such record")  # type: ignore[arg-type]
