"""What the stand-in was asked, when, and what it answered: for claims about how callers behave."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from syncjobs.clients.errors import Source

GRACE_SECONDS = 0.25  # what was on its way when the 429 left cannot know of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call. `is_early`: it came inside a window that Retry-After had closed."""

    source: Source
    at: float  # seconds since 1970, as it arrived
    path: str
    query: str  # sorted, without the key
    status: int
    fault: str = ""
    is_early: bool = False
    misfit: str = ""  # what the source's published description says against the question


class Log:
    """All calls, in the order they came. Thread-safe."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        """Remember the call."""
        with self._lock:
            self._calls.append(call)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._calls.clear()

    @property
    def calls(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    def of(self, source: Source) -> list[Call]:
        """The calls of one source."""
        return [call for call in self.calls if call.source == source]

    def early(self) -> list[Call]:
        """The calls that nobody should have made: a Retry-After was running."""
        return [call for call in self.calls if call.is_early]

    def misfits(self) -> list[str]:
        """The questions that the source's published description does not know."""
        return [call.misfit for call in self.calls if call.misfit]

    def repeated(self) -> dict[str, int]:
        """What was answered well more than once: how often."""
        good = Counter(f"{call.path}?{call.query}" for call in self.calls if call.status == 200 and not call.fault)
        return {question: count for question, count in good.items() if count > 1 and "/api/token" not in question}

    def report(self) -> list[dict[str, object]]:
        """All calls as JSON takes them."""
        return [asdict(call) for call in self.calls]


def most_within(moments: Iterable[float], seconds: float) -> int:
    """Return how many of the moments lie within the fullest window of so many seconds."""
    ordered = sorted(moments)
    first = most = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
