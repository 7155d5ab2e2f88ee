"""Every question we ask is one that the published descriptions of the APIs know."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from syncjobs.clients.setlistfm import SetlistfmClient
from syncjobs.clients.spotify import SpotifyClient
from syncjobs.clients.ticketmaster import TicketmasterClient
from tests.standin.specs import problems
from tests.syncjobs.clients.standin import Asked, Reply, Standin, load

MBID = "27e2997f-f7a1-4353-bcc4-57b9274fa9a4"
TICKETMASTER_ID = "K8vZ917Kew0"
SPOTIFY_ID = "7Ln80lUS6He07XvHI8qqHH"
NOW = datetime(2026, 7, 1, tzinfo=UTC)

TICKETMASTER: dict[str, Callable[[TicketmasterClient], object]] = {
    "artist": lambda client: client.artist(TICKETMASTER_ID),
    "search_artists": lambda client: client.search_artists("Guns N' Roses"),
    "shows_of_artist": lambda client: client.shows_of_artist(TICKETMASTER_ID, page=4),
    "shows_between": lambda client: client.shows_between(NOW, NOW, country="DE"),
}
SPOTIFY: dict[str, Callable[[SpotifyClient], object]] = {
    "artist": lambda client: client.artist(SPOTIFY_ID),
    "search_artists": lambda client: client.search_artists("AC/DC", offset=10),
    "search_tracks": lambda client: client.search_tracks("Let There Be Rock", "AC/DC"),
    "albums_of_artist": lambda client: client.albums_of_artist(SPOTIFY_ID, offset=10),
    "tracks_of_album": lambda client: client.tracks_of_album(SPOTIFY_ID, offset=50),
    "track": lambda client: client.track(SPOTIFY_ID),
}
SETLISTFM: dict[str, Callable[[SetlistfmClient], object]] = {
    "artist": lambda client: client.artist(MBID),
    "search_artists": lambda client: client.search_artists("\u041a\u0438\u043d\u043e", page=3),
    "setlists_of_artist": lambda client: client.setlists_of_artist(MBID, page=2),
    "setlists_on": lambda client: client.setlists_on(MBID, date(2026, 7, 1)),
    "setlist": lambda client: client.setlist("6bd6ca6e"),
}


@pytest.mark.parametrize("name", TICKETMASTER)
def test_ticketmaster_knows_the_question(name: str, ticketmaster: TicketmasterClient, standin: Standin) -> None:
    empty = load("ticketmaster/no_result")
    standin.says(Reply(body=load("ticketmaster/attraction") | empty))
    TICKETMASTER[name](ticketmaster)
    assert problems("ticketmaster", standin.asked[0]) == []


@pytest.mark.parametrize("name", SPOTIFY)
def test_spotify_knows_the_question(name: str, spotify: SpotifyClient, standin: Standin) -> None:
    empty = {"items": [], "total": 0, "artists": {"items": [], "total": 0}, "tracks": {"items": [], "total": 0}}
    track = load("spotify/track") | {"artists": []}
    answers = {"artist": load("spotify/artist"), "track": track}
    standin.says(Reply.recorded("spotify/token"), Reply(body=answers.get(name, empty)))
    SPOTIFY[name](spotify)
    assert problems("spotify", standin.asked[1]) == []


@pytest.mark.parametrize("name", SETLISTFM)
def test_setlistfm_knows_the_question(name: str, setlistfm: SetlistfmClient, standin: Standin) -> None:
    answers = {
        "artist": "setlistfm/artist",
        "search_artists": "setlistfm/search_artists",
        "setlist": "setlistfm/setlist",
    }
    standin.says(Reply.recorded(answers.get(name, "setlistfm/setlists_1")))
    SETLISTFM[name](setlistfm)
    assert problems("setlistfm", standin.asked[0]) == []


@pytest.mark.parametrize(
    ("client", "questions"),
    [(TicketmasterClient, TICKETMASTER), (SpotifyClient, SPOTIFY), (SetlistfmClient, SETLISTFM)],
)
def test_every_question_is_among_them(client: type, questions: dict[str, object]) -> None:
    assert {name for name in vars(client) if not name.startswith("_")} - _fields(client) == set(questions)


def _fields(client: type) -> set[str]:
    return set(client.__dataclass_fields__)


@pytest.mark.parametrize(
    ("path", "query", "problem"),
    [
        ("/v1/artists/x/top-tracks", {}, "/artists/x/top-tracks is no path"),
        ("/v1/search", {"q": "x", "type": "artist", "limit": "50"}, "limit=50"),
        ("/v1/artists/x/albums", {"ids": "x"}, "ids=x"),
        ("/artists/x", {}, "GET /artists/x is not under /v1"),
    ],
)
def test_the_check_itself_finds_problems(path: str, query: dict[str, str], problem: str) -> None:
    assert problems("spotify", Asked(method="GET", path=path, query=query, headers={}, body=b"")) == [problem]
