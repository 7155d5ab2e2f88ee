"""May we call now? The rate limit, the day's quota and the breaker of each source, shared by all processes.

The rules are SQL (sql/0002_source_state.sql): one statement a question, by the database's clock.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from syncjobs.clients import setlistfm as setlistfm_client
from syncjobs.clients import spotify as spotify_client
from syncjobs.clients import ticketmaster as ticketmaster_client
from syncjobs.clients.errors import BusyReason, Source, SourceBusy, SourceNotConfigured
from syncjobs.clients.gate import Outcome, Verdict
from syncjobs.clients.setlistfm import SetlistfmClient
from syncjobs.clients.spotify import SpotifyClient
from syncjobs.clients.ticketmaster import TicketmasterClient
from syncjobs.models import SourceState

ClientT = TypeVar("ClientT")
Client = TicketmasterClient | SpotifyClient | SetlistfmClient

LONGEST_WAIT_SECONDS = 1.0  # inline; whoever would have to wait longer is told to come back
SHORTEST_ABSENCE_SECONDS = 1.0
DAY = timedelta(hours=24)
TIMED = """
UPDATE source_state SET latency_ms = coalesce(latency_ms * 0.9 + %(took)s::float8 * 0.1, %(took)s)
 WHERE name = %(source)s
"""


class Share(StrEnum):
    """Whose calls these are: each has a share of the day's quota."""

    OPERATORS = "operators"  # imports that somebody asked for
    DISCOVERY = "discovery"
    UPDATES = "updates"
    REST = "rest"


PERCENT = {Share.OPERATORS: 20, Share.DISCOVERY: 40, Share.UPDATES: 30, Share.REST: 10}

_share: ContextVar[Share] = ContextVar("share", default=Share.REST)


@contextmanager
def spending(share: Share) -> Iterator[None]:
    """Count the calls of this block on the share."""
    token = _share.set(share)
    try:
        yield
    finally:
        _share.reset(token)


class SharedGate:
    """The gate of all processes. Thread-safe; works inside a transaction, without being part of it."""

    def __init__(self, pause: Callable[[float], None] = time.sleep) -> None:
        self.pause = pause
        self._probes = threading.local()  # of a source whose breaker is open: the number of this thread's probe

    def acquire(self, source: Source) -> None:
        """Return when a request may go out; raise SourceBusy when that is more than a second away."""
        per_second, per_day = limits_of(source)
        question = "SELECT * FROM acquire_source(%s, %s, %s, %s, %s)"
        with _own_cursor() as cursor:
            cursor.execute(question, [source, per_second, per_day, _share.get(), LONGEST_WAIT_SECONDS])
            wait, reason, probe = cursor.fetchone()
        vars(self._probes)[source] = probe
        if reason is None and wait > 0:
            self.pause(wait)
            wait, reason = self._closed_meanwhile(source, probe)
        if reason is not None:
            raise SourceBusy(source, max(wait, SHORTEST_ABSENCE_SECONDS), BusyReason(reason))

    def record(self, outcome: Outcome) -> None:
        """Learn how the request ended."""
        source = outcome.source
        answer = {
            "source": source,
            "verdict": outcome.verdict,
            "probe": vars(self._probes).pop(source, None),
            "status": outcome.status,
            "retry_after": outcome.retry_after,
            "busy_reason": outcome.reason,
            "quota_left": outcome.quota_left,
            "quota_resets_at": outcome.quota_resets_at,
            "per_day": limits_of(source)[1],
            "problem": outcome.problem,
        }
        named = ", ".join(f"{name} => %({name})s" for name in answer)
        with _own_cursor() as cursor:
            cursor.execute(f"SELECT record_source({named})", answer)
            if outcome.verdict is Verdict.ANSWERED:
                cursor.execute(TIMED, {"source": source, "took": outcome.elapsed_seconds * 1000})

    def _closed_meanwhile(self, source: Source, probe: int | None) -> tuple[float, str | None]:
        """Whoever waited looks again: an answer to another may have closed the source."""
        with _own_cursor() as cursor:
            cursor.execute("SELECT * FROM source_closed_meanwhile(%s, %s)", [source, probe])
            return cursor.fetchone() or (0.0, None)


gate = SharedGate()


@contextmanager
def _own_cursor() -> Iterator[CursorWrapper]:
    """A cursor outside any transaction: one that is rolled back must not take a call back, nor hold the row."""
    if not connection.in_atomic_block and connection.get_autocommit():
        with connection.cursor() as cursor:
            yield cursor
        return
    with closing(connection.copy()) as own, own.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")  # a caller that has the row locked itself would wait for ever
        yield cursor


def limits_of(source: Source) -> tuple[float, int]:
    """The source's calls per second and per day."""
    per_second, per_day = settings.SOURCE_LIMITS[source]
    return per_second, per_day or int(per_second * DAY.total_seconds())


def left_today(source: Source, share: Share, *, now: datetime) -> int:
    """How many calls the share may still make of the day's quota.

    A day begins with its first call. What the others have not used of their shares stays theirs, but less and
    less so as the day passes: with half of it gone, half of what they left is anyone's.
    """
    per_day = limits_of(source)[1]
    state = SourceState.objects.filter(pk=source).first()
    if state and state.blocked_reason == BusyReason.QUOTA and state.blocked_until and state.blocked_until > now:
        return 0
    if state is None or state.quota_resets_at is None or state.quota_resets_at <= now:
        return share_left(share, per_day=per_day, used=0, spent={}, day_left=1.0)
    day_left = min((state.quota_resets_at - now) / DAY, 1.0)
    return share_left(share, per_day=per_day, used=state.quota_used, spent=state.spent, day_left=day_left)


def share_left(share: Share, *, per_day: int, used: int, spent: dict[str, int], day_left: float) -> int:
    """`used` may be more than what we `spent`: others use the same key. `day_left`: 1 in the morning, 0 at night."""
    others = (other for other in Share if other is not share)
    unused = sum(max(per_day * PERCENT[other] / 100 - spent.get(other, 0), 0) for other in others)
    return max(int(per_day - used - unused * day_left), 0)


_kept = threading.local()  # source -> what its client was made of, and the client


def ticketmaster() -> TicketmasterClient:
    """This thread's client of Ticketmaster. Raises SourceNotConfigured without a key."""
    key, url = settings.TICKETMASTER_API_KEY, settings.TICKETMASTER_BASE_URL or ticketmaster_client.BASE_URL
    if not key:
        raise SourceNotConfigured(Source.TICKETMASTER, ticketmaster_client.SETTING)
    return _keep(Source.TICKETMASTER, (key, url), lambda: TicketmasterClient(api_key=key, base_url=url, gate=gate))


def setlistfm() -> SetlistfmClient:
    """This thread's client of setlist.fm. Raises SourceNotConfigured without a key."""
    key, url = settings.SETLISTFM_API_KEY, settings.SETLISTFM_BASE_URL or setlistfm_client.BASE_URL
    if not key:
        raise SourceNotConfigured(Source.SETLISTFM, setlistfm_client.SETTING)
    return _keep(Source.SETLISTFM, (key, url), lambda: SetlistfmClient(api_key=key, base_url=url, gate=gate))


def spotify() -> SpotifyClient:
    """This thread's client of Spotify. Raises SourceNotConfigured without credentials."""
    client_id, secret = settings.SPOTIFY_CLIENT_ID, settings.SPOTIFY_CLIENT_SECRET
    url = settings.SPOTIFY_BASE_URL or spotify_client.BASE_URL
    token_url = settings.SPOTIFY_TOKEN_URL or spotify_client.TOKEN_URL
    if not (client_id and secret):
        raise SourceNotConfigured(Source.SPOTIFY, spotify_client.SETTING)
    return _keep(
        Source.SPOTIFY,
        (client_id, secret, url, token_url),
        lambda: SpotifyClient(client_id=client_id, client_secret=secret, base_url=url, token_url=token_url, gate=gate),
    )


def client_for(source: Source) -> Client:
    """This thread's client of a source. Raises SourceNotConfigured when its key is missing."""
    make: dict[Source, Callable[[], Client]] = {
        Source.TICKETMASTER: ticketmaster,
        Source.SPOTIFY: spotify,
        Source.SETLISTFM: setlistfm,
    }
    return make[source]()


def _keep(source: Source, made_of: tuple[str, ...], make: Callable[[], ClientT]) -> ClientT:
    """A client keeps its connections and its token: one for many calls, until the settings change."""
    kept = vars(_kept)
    if source not in kept or kept[source][0] != made_of:
        kept[source] = (made_of, make())
    client: ClientT = kept[source][1]
    return client
