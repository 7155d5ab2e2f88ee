"""The three sources as a handler needs them, and which answers are worth waiting for."""

from syncjobs import sources
from syncjobs.clients.errors import BusyReason, SourceBusy, SourceError
from syncjobs.clients.setlistfm import SetlistfmClient
from syncjobs.clients.spotify import SpotifyClient
from syncjobs.clients.ticketmaster import TicketmasterClient

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
