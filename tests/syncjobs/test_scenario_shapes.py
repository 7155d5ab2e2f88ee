"""The scenario is composed, but in the recorded shapes: no field that no source sent, none that Spotify took away."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from tests.scenario.setlistfm import Setlistfm
from tests.scenario.spotify import Spotify
from tests.scenario.ticketmaster import Ticketmaster
from tests.scenario.world import World, build_world
from tests.standin.server import PAYLOADS, Asked

BEGIN = date(2026, 7, 1)
GONE = {"followers", "popularity", "available_markets", "linked_from", "label", "album_group", "preview_url"}
# Known from the vendors' descriptions and public notes, cut out of our recordings or newer than they.
DESCRIBED = {
    "ticketmaster": {
        "externalLinks",
        "upcomingEvents",
        "sales",
        "initialStartDate",
        "spanMultipleDays",
        "url",
        "state",
    },
    "spotify": {"release_date", "release_date_precision", "total_tracks", "artists", "is_local", "previous"},
    "setlistfm": {"tmid", "tape", "info", "cover", "with", "encore", "state"},
}


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(BEGIN)


def paths(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (place, type) of everything in a JSON value; entries of a list share their place."""
    yield path, "number" if type(content) in (int, float) else type(content).__name__
    if isinstance(content, dict):
        for key, value in content.items():
            yield from paths(value, f"{path}.{key}")
    elif isinstance(content, list):
        for value in content:
            yield from paths(value, f"{path}[]")


def recorded(source: str) -> set[tuple[str, str]]:
    """Every field of an object, and its type, wherever a recording of the source has it."""
    found: set[tuple[str, str]] = set()
    for file in (PAYLOADS / source).glob("*.json"):
        found |= {(place.rpartition(".")[2], kind) for place, kind in paths(json.loads(file.read_text()))}
    return found


def asked(path: str, **query: str) -> Asked:
    headers = {"x-api-key": "k", "accept": "application/json", "authorization": "Bearer composed-token-1"}
    return Asked(method="GET", path=path, query={"apikey": "k", **query}, headers=headers, body=b"")


def told(source: str, world: World) -> list[Any]:
    """Some of everything that the scenario tells for the source."""
    artist = world.artists["Metallica"]
    if source == "ticketmaster":
        teller = Ticketmaster(world)
        places = ["attractions", f"attractions/{artist.ticketmaster_id}", "events"]
        return [
            teller.answer(asked(f"/discovery/v2/{path}.json", size="200", includeTBA="yes"), BEGIN).body
            for path in places
        ]
    if source == "spotify":
        spotify = Spotify(world)
        spotify.tokens = 1
        album, song = world.releases["Metallica"][0], world.songs["Metallica"][0]
        places = [
            f"artists/{artist.spotify_id}",
            f"artists/{artist.spotify_id}/albums",
            f"albums/{album.spotify_id}/tracks",
            f"tracks/{song.spotify_id}",
            "search",
        ]
        return [spotify.answer(asked(f"/v1/{path}", q="Metallica")).body for path in places]
    setlistfm = Setlistfm(world)
    places = ["search/artists", f"artist/{artist.mbid}", f"artist/{artist.mbid}/setlists"]
    return [
        setlistfm.answer(asked(f"/rest/1.0/{path}", artistName="Metallica"), BEGIN + timedelta(days=90)).body
        for path in places
    ]


@pytest.mark.parametrize("source", ["ticketmaster", "spotify", "setlistfm"])
def test_every_field_is_one_that_the_source_has_sent_with_that_type(source: str, world: World) -> None:
    known, described = recorded(source), DESCRIBED[source]
    strange = {
        (place, kind)
        for answer in told(source, world)
        for place, kind in paths(answer)
        if (place.rpartition(".")[2], kind) not in known and not described & set(place.replace("[]", "").split("."))
    }
    assert strange == set()


def test_what_spotify_took_away_is_not_told(world: World) -> None:
    fields = {part for answer in told("spotify", world) for place, _ in paths(answer) for part in place.split(".")}
    assert fields & GONE == set()
    assert "isrc" in fields


def test_two_worlds_of_one_day_are_the_same_and_another_day_moves_only_dates(world: World) -> None:
    assert build_world(BEGIN) == world
    later = build_world(BEGIN + timedelta(days=10))
    assert [show.ticketmaster_id for show in later.shows] == [show.ticketmaster_id for show in world.shows]
    assert [show.day - timedelta(days=10) for show in later.shows] == [show.day for show in world.shows]


def test_no_two_things_share_an_id(world: World) -> None:
    tracks = {(track.spotify_id, track.title) for all_ in world.releases.values() for r in all_ for track in r.tracks}
    groups: list[list[str]] = [
        [artist.ticketmaster_id for artist in world.everyone()],
        [artist.spotify_id for artist in world.everyone()],
        [artist.mbid for artist in world.everyone()],
        [show.ticketmaster_id for show in world.shows],
        [played.setlistfm_id for played in world.played],
        [release.spotify_id for releases in world.releases.values() for release in releases],
        [spotify_id for spotify_id, _ in tracks],
        [song.isrc for songs in world.songs.values() for song in songs],
    ]
    for group in groups:
        assert len(set(group)) == len(group)
