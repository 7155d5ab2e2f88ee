"""The gate every request passes: asked before, told after. Rate limit and breaker live behind it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from syncjobs.clients.errors import BusyReason, Source


class Verdict(StrEnum):
    """What one request says about the health of its source."""

    ANSWERED = "answered"  # "not found" and "bad question" too: the source is well
    BUSY = "busy"  # for the limiter
    UNAVAILABLE = "unavailable"  # counts towards opening the breaker
    REFUSED = "refused"  # opens the breaker at once: every next request would fail too


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one request ended."""

    source: Source
    verdict: Verdict
    elapsed_seconds: float
    status: int | None = None
    retry_after: float | None = None
    reason: BusyReason | None = None
    quota_left: int | None = None
    quota_resets_at: float | None = None  # seconds since 1970
    problem: str | None = None  # what went wrong, in words for an operator; it holds no secret


class Gate(Protocol):
    """May we call now?"""

    def acquire(self, source: Source) -> None:
        """Return when a request may go out; raise SourceBusy when that is too far away."""

    def record(self, outcome: Outcome) -> None:
        """Learn how the request ended."""


class NoGate:
    """A gate that stands open."""

    def acquire(self, source: Source) -> None:
        """Let everyone pass."""

    def record(self, outcome: Outcome) -> None:
        """Forget it."""
