"""Ask a source one question: timeouts, a total deadline, a body limit, a short retry, and the gate."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3

from syncjobs.clients.answers import Answer
from syncjobs.clients.errors import (
    BadAnswer,
    BadRequest,
    Source,
    SourceBusy,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from syncjobs.clients.gate import Gate, Outcome, Verdict

logger = logging.getLogger(__name__)

CHUNK_BYTES = 65536
USUAL_WAIT_SECONDS = 2.0  # for a 429 that does not say how long
FIRST_BACKOFF_SECONDS = 0.5
JITTER_SECONDS = 0.5

Sign = Callable[[requests.PreparedRequest], requests.PreparedRequest]
# What a source's own error means; None: the status alone says it.
Explain = Callable[[Answer], SourceError | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much we take, and the functions of time that tests replace."""

    connect_seconds: float = 3.05
    read_seconds: float = 10.0
    deadline_seconds: float = 30.0  # for one question with its retries, overrun by one read at most
    body_bytes: int = 16 * 1024 * 1024
    retries: int = 2
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep


class WithoutQuery(logging.Filter):
    """Cut the query off the URLs that urllib3 logs when debugging: Ticketmaster's key is in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
        return True


_without_query = WithoutQuery()


def connect() -> requests.Session:
    """Return a session that keeps no cookies and retries nothing. The seam that tests replace."""
    logging.getLogger("urllib3.connectionpool").addFilter(_without_query)
    session = requests.Session()
    session.headers.update(
        {"User-Agent": "MySetlist", "Accept": "application/json", "Accept-Encoding": "gzip", "Accept-Language": "en"}
    )
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request, signed only when it goes out, so that nothing else holds the key."""

    method: str
    url: str
    sign: Sign
    explain: Explain
    params: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Asks one source. `setting` names what an operator checks when it refuses us."""

    source: Source
    setting: str
    gate: Gate
    session: requests.Session
    limits: Limits

    def ask(self, question: Question) -> object:
        """Return the JSON of the answer or raise a SourceError. Only a GET is tried again."""
        deadline = self.limits.clock() + self.limits.deadline_seconds
        retries = self.limits.retries if question.method == "GET" else 0
        tried = 0
        while True:
            try:
                return self._try(question, deadline)
            except SourceUnavailable as error:
                wait = FIRST_BACKOFF_SECONDS * 2**tried + random.uniform(0, JITTER_SECONDS)
                if not error.is_passing or tried == retries or self.limits.clock() + wait > deadline:
                    raise
                logger.info("%s did not answer properly (%s), asking again", self.source.label, error.problem)
            self.limits.pause(wait)
            tried += 1

    def _try(self, question: Question, deadline: float) -> object:
        self.gate.acquire(self.source)
        began = self.limits.clock()
        answer: Answer | None = None
        try:
            answer = self._exchange(question, deadline)
            content = self._judge(answer, question.explain)
        except SourceError as error:
            self.gate.record(self._outcome(began, answer, error))
            raise
        self.gate.record(self._outcome(began, answer, None))
        return content

    def _exchange(self, question: Question, deadline: float) -> Answer:
        left = max(deadline - self.limits.clock(), 0.1)
        try:
            with self.session.request(
                question.method,
                question.url,
                params=question.params,
                data=question.form,
                auth=question.sign,
                timeout=(min(self.limits.connect_seconds, left), min(self.limits.read_seconds, left)),
                allow_redirects=False,  # a redirect would take the key to another host
                stream=True,
            ) as response:
                body = self._body(response, deadline)
            return Answer(
                status=response.status_code, headers=response.headers, body=body, received_at=self.limits.now()
            )
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            problem = "no answer in time"
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            problem = f"the connection failed ({type(error).__name__})"
        # Raised out here, because the error it replaces holds the URL, and with it the key.
        raise SourceUnavailable(self.source, problem)

    def _body(self, response: requests.Response, deadline: float) -> bytes:
        """Read whatever has arrived, again and again: a source that drips must not hold us."""
        body = bytearray()
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > self.limits.body_bytes:
                raise BadAnswer(self.source, "the body", f"is longer than {self.limits.body_bytes} bytes")
            if self.limits.clock() > deadline:
                raise SourceUnavailable(self.source, "the answer took too long")
        return bytes(body)

    def _judge(self, answer: Answer, explain: Explain) -> object:
        if not 200 <= answer.status < 300:
            raise explain(answer) or self._usual_error(answer)
        try:
            return answer.json()
        except ValueError:
            start = answer.body.lstrip()[:1]
        kind = {b"": "an empty answer", b"<": "a web page or XML instead of JSON"}.get(start, "broken JSON")
        raise SourceUnavailable(self.source, kind)

    def _usual_error(self, answer: Answer) -> SourceError:
        """Return what the status means at any source."""
        said = f"status {answer.status}"
        wait = answer.retry_after()
        if answer.status == 429 or (answer.status >= 500 and wait is not None):
            return SourceBusy(self.source, USUAL_WAIT_SECONDS if wait is None else max(wait, 1.0))
        if answer.status in (401, 403):
            return SourceRefused(self.source, said, self.setting)
        if answer.status >= 500 or answer.status == 408:
            return SourceUnavailable(self.source, said)
        if answer.status < 400 or answer.status == 404:
            # Not in the source's own words: some other server, or a path that lost its prefix.
            return SourceUnavailable(self.source, f"{said}; is its base URL right?", is_passing=False)
        return BadRequest(self.source, said)

    def _outcome(self, began: float, answer: Answer | None, error: SourceError | None) -> Outcome:
        reset = answer.count("Rate-Limit-Reset") if answer else None
        return Outcome(
            source=self.source,
            verdict=_verdict(error),
            elapsed_seconds=self.limits.clock() - began,
            status=answer.status if answer else None,
            retry_after=error.retry_after if isinstance(error, SourceBusy) else None,
            reason=error.reason if isinstance(error, SourceBusy) else None,
            quota_left=answer.count("Rate-Limit-Available") if answer else None,
            quota_resets_at=None if reset is None else reset / 1000,
            problem=None if error is None else str(error),
        )


def _verdict(error: SourceError | None) -> Verdict:
    match error:
        case SourceBusy():
            return Verdict.BUSY
        case SourceUnavailable():
            return Verdict.UNAVAILABLE
        case SourceRefused():
            return Verdict.REFUSED
    return Verdict.ANSWERED


def join_url(base_url: str, path: str) -> str:
    """Return `path` under `base_url`, whose own path (/discovery/v2, /v1) is kept."""
    return f"{base_url.rstrip('/')}/{path}"


def usable(credential: str) -> bool:
    """Whether this can go into a header at all: printable ASCII, and something."""
    return bool(credential) and credential.isascii() and credential.isprintable() and " " not in credential
