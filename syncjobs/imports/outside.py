"""The three sources as a handler needs them, and which answers are worth waiting for."""

from collections.abc import Iterator
from contextlib import contextmanager

from syncjobs import sources
from syncjobs.clients.errors import BusyReason, Source, SourceBusy, SourceError
from syncjobs.clients.setlistfm import SetlistfmClient
from syncjobs.clients.spotify import SpotifyClient
from syncjobs.clients.ticketmaster import TicketmasterClient
from syncjobs.models import SourceState
from syncjobs.progress import Permanent

LONGEST_SNOOZE_SECONDS = 900.0  # a wait that one import takes for one source, so long as the others can go on


class Outside:
    """A client of each source, all behind the shared gate. One that is not set up raises when it is needed."""

    @property
    def ticketmaster(self) -> TicketmasterClient:
        return sources.ticketmaster()

    @property
    def spotify(self) -> SpotifyClient:
        return sources.spotify()

    @property
    def setlistfm(self) -> SetlistfmClient:
        return sources.setlistfm()


def is_short(problem: SourceError) -> bool:
    """Whether an import waits for it: for the rate, not for the day's quota nor for a source that is down."""
    return (
        isinstance(problem, SourceBusy)
        and problem.reason is BusyReason.RATE
        and problem.retry_after <= LONGEST_SNOOZE_SECONDS
    )


def refusal(problem: SourceError) -> str | None:
    """Why the breaker is open, if the source refused us: then no wait helps, but somebody who looks after the key."""
    if not (isinstance(problem, SourceBusy) and problem.reason is BusyReason.BREAKER):
        return None
    state = SourceState.objects.filter(pk=problem.source).first()
    last = state.recent_errors[0] if state and state.recent_errors else {}
    return str(last.get("problem")) if last.get("verdict") == "refused" else None


@contextmanager
def asking(source: Source, share: str) -> Iterator[None]:
    """Calls of one source, counted on the share. Raises Permanent while it refuses us; the queue waits for all else."""
    with sources.spending(sources.Share(share)):
        try:
            yield
        except SourceBusy as problem:
            if said := refusal(problem):
                raise Permanent(f"{source.label} refused us just now: {said}") from problem
            raise
