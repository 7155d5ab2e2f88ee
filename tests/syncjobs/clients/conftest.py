"""Clients of a small server on the loopback that answers as the sources do."""

from collections.abc import Iterator

import pytest

from syncjobs.clients.http import Limits
from syncjobs.clients.setlistfm import SetlistfmClient
from syncjobs.clients.spotify import SpotifyClient
from syncjobs.clients.ticketmaster import TicketmasterClient
from tests.syncjobs.clients.standin import SECRET, Scribe, Standin


@pytest.fixture(scope="session")
def server() -> Iterator[Standin]:
    server = Standin()
    with server.serving():
        yield server


@pytest.fixture
def standin(server: Standin) -> Standin:
    server.says()
    return server


@pytest.fixture
def gate() -> Scribe:
    return Scribe()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def limits(pauses: list[float]) -> Limits:
    return Limits(pause=pauses.append)


@pytest.fixture
def ticketmaster(standin: Standin, gate: Scribe, limits: Limits) -> TicketmasterClient:
    return TicketmasterClient(api_key=SECRET, base_url=f"{standin.url}/discovery/v2/", gate=gate, limits=limits)


@pytest.fixture
def setlistfm(standin: Standin, gate: Scribe, limits: Limits) -> SetlistfmClient:
    return SetlistfmClient(api_key=SECRET, base_url=f"{standin.url}/rest/1.0", gate=gate, limits=limits)


@pytest.fixture
def spotify(standin: Standin, gate: Scribe, limits: Limits) -> SpotifyClient:
    return SpotifyClient(
        client_id="client",
        client_secret=SECRET,
        base_url=f"{standin.url}/v1",
        token_url=f"{standin.url}/api/token",
        gate=gate,
        limits=limits,
    )
