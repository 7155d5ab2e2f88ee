"""The stand-in for all three sources: the scenario, the switchboard before it, the log behind it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from urllib.parse import urlencode

from syncjobs.clients.errors import Source
from tests.scenario.setlistfm import Setlistfm
from tests.scenario.spotify import Spotify
from tests.scenario.ticketmaster import Ticketmaster
from tests.scenario.world import World, build_world
from tests.standin.calls import GRACE_SECONDS, Call, Log
from tests.standin.faults import Fault, Kind, Switchboard, quota_end, spoil, too_many
from tests.standin.server import Asked, Reply, Server
from tests.standin.specs import problems

TOKEN_PATH = "/api/token"
PREFIXES = {
    "/discovery/v2/": Source.TICKETMASTER,
    "/v1/": Source.SPOTIFY,
    TOKEN_PATH: Source.SPOTIFY,
    "/rest/1.0/": Source.SETLISTFM,
}
CONTROL = "/standin/"
ERRORS = (500, 502, 503)
NEVER = (0.0, 0.0)


class Outside:
    """Ticketmaster, Spotify and setlist.fm at one address. `today` may be moved: shows pass, setlists appear."""

    def __init__(
        self,
        *,
        begin: date | None = None,
        today: date | None = None,
        seed: int = 0,
        port: int = 0,
        crowd: int = 0,
    ) -> None:
        begin = begin or datetime.now(UTC).date()
        self.world: World = build_world(begin, crowd=crowd)
        self.today = today or begin
        self.ticketmaster, self.spotify = Ticketmaster(self.world), Spotify(self.world)
        self.setlistfm = Setlistfm(self.world)
        self.switchboard = Switchboard(seed=seed)
        self.log = Log()
        self.server = Server(self.answer, port=port)
        self._closed: dict[Source, tuple[float, float]] = {}  # by Retry-After: from, until
        self._quota_ended: set[Source] = set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return self.server.url

    def settings(self) -> dict[str, str]:
        """The settings, or environment, that send the product here."""
        return {
            "TICKETMASTER_API_KEY": "composed-key",
            "TICKETMASTER_BASE_URL": f"{self.url}/discovery/v2",
            "SPOTIFY_CLIENT_ID": "composed-client",
            "SPOTIFY_CLIENT_SECRET": "composed-secret",
            "SPOTIFY_BASE_URL": f"{self.url}/v1",
            "SPOTIFY_TOKEN_URL": f"{self.url}/api/token",
            "SETLISTFM_API_KEY": "composed-key",
            "SETLISTFM_BASE_URL": f"{self.url}/rest/1.0",
        }

    def fails(self, *faults: Fault, seed: int | None = None) -> None:
        """Let these go wrong from now on; nothing when none is given."""
        with self._lock:
            self._closed.clear()
            self._quota_ended.clear()
        self.switchboard.set(*faults, seed=seed)

    def pass_time(self, seconds: float) -> None:
        """Let so much of every running Retry-After be over: a caller waits no more than that in truth."""
        with self._lock:
            for source, (closed_at, until) in self._closed.items():
                self._closed[source] = (closed_at - seconds, until - seconds)

    def answer(self, asked: Asked) -> Reply:
        """Return the answer to any request, and write it down."""
        if asked.path.startswith(CONTROL):
            return self._control(asked)
        source = next((source for prefix, source in PREFIXES.items() if asked.path.startswith(prefix)), None)
        if source is None:
            return Reply(status=404, body=b"<html>no such place</html>")
        closed = self._sent_away(source, asked)
        fault = None if closed else self.switchboard.pick(source, asked)
        reply = closed or self._whole(source, asked)
        if fault:
            reply = self._spoilt(fault, source, reply)
        reply.headers = {**reply.headers, "X-Composed": "scenario"}
        self._write_down(source, asked, reply, fault)
        return reply

    def _whole(self, source: Source, asked: Asked) -> Reply:
        match source:
            case Source.TICKETMASTER:
                return self.ticketmaster.answer(asked, self.today)
            case Source.SPOTIFY:
                return self.spotify.token(asked) if asked.path == TOKEN_PATH else self.spotify.answer(asked)
            case _:
                return self.setlistfm.answer(asked, self.today)

    def _sent_away(self, source: Source, asked: Asked) -> Reply | None:
        """Whoever comes while a Retry-After runs, or after the quota's end, is sent away again."""
        with self._lock:
            left = self._closed.get(source, NEVER)[1] - asked.at
            if source in self._quota_ended:
                return quota_end(source, 60)
        return too_many(source, left) if left > 0 else None

    def _spoilt(self, fault: Fault, source: Source, reply: Reply) -> Reply:
        status = self.switchboard.choose(*ERRORS)
        spoilt = spoil(fault, source, reply, status)
        with self._lock:
            if fault.kind is Kind.WAIT:
                now = time.time()
                self._closed[source] = (now, now + int(spoilt.headers["Retry-After"]))
            if fault.kind is Kind.QUOTA:
                self._quota_ended.add(source)
        return spoilt

    def _write_down(self, source: Source, asked: Asked, reply: Reply, fault: Fault | None) -> None:
        with self._lock:
            closed_at, closed_until = self._closed.get(source, NEVER)
        is_early = closed_at + GRACE_SECONDS < asked.at < closed_until
        query = urlencode(sorted((name, value) for name, value in asked.query.items() if name != "apikey"))
        self.log.add(
            Call(
                source=source,
                at=asked.at,
                path=asked.path,
                query=query,
                status=reply.status,
                fault=fault.kind if fault else "",
                is_early=is_early,
                misfit="" if asked.path == TOKEN_PATH else "; ".join(problems(source, asked)),
            )
        )

    def _control(self, asked: Asked) -> Reply:
        """Other processes read the log and turn the switches over HTTP."""
        commands: dict[tuple[str, str], Callable[[], object]] = {
            ("GET", "calls"): self.log.report,
            ("DELETE", "calls"): self.log.clear,
            ("PUT", "faults"): lambda: self.fails(*(_fault(entry) for entry in json.loads(asked.body))),
            ("PUT", "today"): lambda: setattr(self, "today", date.fromisoformat(json.loads(asked.body))),
            ("GET", "settings"): self.settings,
        }
        command = commands.get((asked.method, asked.path.removeprefix(CONTROL)))
        return Reply(body=command()) if command else Reply(status=404, body=sorted(map(list, commands)))


def _fault(entry: dict[str, object]) -> Fault:
    source = entry.pop("source", None)
    return Fault(kind=Kind(str(entry.pop("kind"))), source=Source(str(source)) if source else None, **entry)  # type: ignore[arg-type]


@contextmanager
def outside(
    *, begin: date | None = None, today: date | None = None, seed: int = 0, port: int = 0, crowd: int = 0
) -> Iterator[Outside]:
    """Serve the world until the block ends."""
    made = Outside(begin=begin, today=today, seed=seed, port=port, crowd=crowd)
    with made.server.serving():
        yield made
