"""The switchboard: which call goes wrong, and how. The same seed gives the same questions the same faults, in whatever order they come."""

import math
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from syncjobs.clients.errors import Source
from tests.scenario.spotify import expired
from tests.scenario.ticketmaster import DAY_QUOTA, rate_headers
from tests.standin.server import Asked, Reply

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z")
JSON_HEADERS = {"Content-Type": "application/json"}
GATEWAY_PAGE = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"


class Kind(StrEnum):
    """How a call goes wrong."""

    ERROR = "error"  # 500, 502 or 503
    BUSY = "busy"  # 429 that does not say how long
    WAIT = "wait"  # 429 with Retry-After `seconds`; whoever comes sooner gets the rest of it
    QUOTA = "quota"  # the day's quota is used up: until told otherwise
    SILENT = "silent"  # nothing comes for `seconds`, then the connection closes
    SLOW = "slow"  # the whole answer, spread over `seconds`
    DRIP = "drip"  # an answer that never ends
    CUT = "cut"  # half of the answer, then the connection closes
    RESET = "reset"  # the connection closes at once
    HTML = "html"  # a gateway's page, with status 200
    EMPTY = "empty"  # status 200 and no body
    EXPIRED = "expired"  # Spotify: the token is too old
    REFUSED = "refused"  # the key is not taken any more


@dataclass(kw_only=True)
class Fault:
    """One switch. `chance` of each call that fits goes wrong, `times` of them at most."""

    kind: Kind
    chance: float = 1.0
    source: Source | None = None  # None: any
    path: str = ""  # a pattern found in the path
    times: int | None = None
    seconds: float = 2.0

    def fits(self, source: Source, asked: Asked) -> bool:
        """Whether this switch has a say in the call."""
        is_token = asked.path == "/api/token"
        if (self.kind is Kind.EXPIRED and (source is not Source.SPOTIFY or is_token)) or self.times == 0:
            return False
        return self.source in (None, source) and bool(re.search(self.path, asked.path))


@dataclass(kw_only=True)
class Switchboard:
    """All switches. Thread-safe."""

    seed: int = 0
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def set(self, *faults: Fault, seed: int | None = None) -> None:
        """Let these go wrong from now on, and nothing else."""
        with self._lock:
            self.faults = list(faults)
            if seed is not None:
                self.seed, self._random = seed, random.Random(seed)
                self._asked.clear()

    def pick(self, source: Source, asked: Asked) -> Fault | None:
        """Return what goes wrong with this call, if anything. The first switch that strikes wins."""
        question = f"{asked.path} {MOMENT.sub('', str(sorted(asked.query.items())))}"  # the same on every day
        with self._lock:
            self._asked[question] += 1
            for number, fault in enumerate(self.faults):
                dice = random.Random(f"{self.seed} {number} {question} {self._asked[question]}")
                if fault.fits(source, asked) and dice.random() < fault.chance:
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None

    def choose(self, *options: int) -> int:
        """Return one of the options."""
        with self._lock:
            return self._random.choice(options)


def spoil(fault: Fault, source: Source, reply: Reply, status: int) -> Reply:
    """Return the answer gone wrong; `status` is for errors."""
    answers: dict[Kind, Callable[[], Reply]] = {
        Kind.ERROR: lambda: Reply(status=status, body=GATEWAY_PAGE if status == 502 else b""),
        Kind.BUSY: lambda: too_many(source),
        Kind.WAIT: lambda: too_many(source, fault.seconds),
        Kind.QUOTA: lambda: quota_end(source, fault.seconds),
        Kind.HTML: lambda: Reply(body=GATEWAY_PAGE, headers={"Content-Type": "text/html"}),
        Kind.EMPTY: Reply,
        Kind.EXPIRED: expired,
        Kind.REFUSED: lambda: _refusal(source),
    }
    if fault.kind in answers:
        return answers[fault.kind]()
    reply.fault, reply.seconds = fault.kind, fault.seconds  # the others are a matter of the wire
    return reply


def too_many(source: Source, seconds: float | None = None) -> Reply:
    """Return the source's own 429."""
    headers = dict(JSON_HEADERS)
    if seconds is not None:
        headers["Retry-After"] = str(max(math.ceil(seconds), 1))
    if source is Source.TICKETMASTER:
        return Reply(status=429, headers=headers, body=_fault("Spike arrest violation.", "SpikeArrestViolation"))
    body = {"message": "Too Many Requests"} if source is Source.SETLISTFM else b""
    return Reply(status=429, headers=headers, body=body)


def quota_end(source: Source, seconds: float) -> Reply:
    """Return what the source says once the day's quota is used up."""
    match source:
        case Source.TICKETMASTER:
            headers = rate_headers(DAY_QUOTA, datetime.now(UTC) + timedelta(hours=24))
            body = _fault("Rate limit quota violation. Identifier : {the key stands here}", "QuotaViolation")
            return Reply(status=429, headers=headers, body=body)
        case Source.SPOTIFY:
            error = {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}
            return Reply(status=429, headers={**JSON_HEADERS, "Retry-After": f"{seconds:.0f}"}, body={"error": error})
        case _:
            return Reply(status=429, headers=JSON_HEADERS, body={"message": "Limit Exceeded"})


def _fault(text: str, code: str) -> dict[str, object]:
    return {"fault": {"faultstring": text, "detail": {"errorcode": f"policies.ratelimit.{code}"}}}


def _refusal(source: Source) -> Reply:
    match source:
        case Source.TICKETMASTER:
            fault = {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2.InvalidApiKey"}}
            return Reply(status=401, headers=JSON_HEADERS, body={"fault": fault})
        case Source.SPOTIFY:
            return Reply(status=403, body=b"Active premium subscription required for the owner of the app.")
        case _:
            return Reply(status=403, headers=JSON_HEADERS, body={"message": "Forbidden"})
