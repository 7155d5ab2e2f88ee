"""Of several artists of one name the evidence decides; where there is none, a person does."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from mysetlist.catalog.models import Artist
from syncjobs.clients.records import ArtistRecord, TrackRecord
from syncjobs.imports.identifiers import choose
from syncjobs.imports.import_artist import import_artist
from syncjobs.imports.namesakes import as_state, decide, from_state, players
from syncjobs.progress import Permanent, Unqueued
from tests.standin.outside import Outside


def muse(number: int, name: str = "Muse", **told: Any) -> ArtistRecord:
    return ArtistRecord(name=name, spotify_id=f"{number:022}", **told)


def attraction(ticketmaster_id: str, **told: Any) -> ArtistRecord:
    return ArtistRecord(name="Muse", ticketmaster_id=ticketmaster_id, **told)


@pytest.mark.parametrize(
    ("right", "other", "reason"),
    [
        (muse(1), muse(2, "M\u00fcse"), "its spelling"),
        (muse(1, "Muse"), muse(2, disambiguation="UK folk singer"), "the lack of a remark"),
        (attraction("K8v1", mbid="m"), attraction("K8v2"), "its links"),
        (muse(1, genres=("alternative rock",)), muse(2, genres=("folk",)), "its genres"),
        (muse(1, spotify_followers=5000), muse(2, spotify_followers=500), "its followers"),
    ],
)
def test_what_singles_one_out_decides_whoever_is_found_first(
    right: ArtistRecord, other: ArtistRecord, reason: str
) -> None:
    for found in ([right, other], [other, right]):
        choice = choose("Muse", found, genres=["Rock"])
        assert (choice.record, choice.reason) == (right, f"{reason}, among 2 of its name")


@pytest.mark.parametrize(
    "others",
    [
        (muse(1), muse(2)),
        (muse(1, genres=("rock",)), muse(2)),  # one that says nothing may be it
        (muse(1, genres=("rock",)), muse(2, genres=("hard rock",))),
        (muse(1, spotify_followers=5000), muse(2, spotify_followers=600)),
        (muse(1, spotify_followers=5000), muse(2)),
        (muse(1, disambiguation="band"), muse(2, disambiguation="singer")),
    ],
)
def test_where_nothing_tells_them_apart_nobody_is_taken(others: tuple[ArtistRecord, ...]) -> None:
    choice = choose("Muse", others, genres=["Rock"])
    assert (choice.record, choice.namesakes) == (None, others)


def test_evidence_narrows_the_choice_step_by_step() -> None:
    found = [muse(1, genres=("folk",)), muse(2, "M\u00fcse", genres=("rock",)), muse(3, genres=("rock",))]
    assert choose("Muse", found, genres=["Rock"]).record is found[2]


def recording(title: str, *artists: ArtistRecord) -> TrackRecord:
    ids = tuple(str(artist.spotify_id) for artist in artists)
    return TrackRecord(spotify_id="t" * 22, title=title, duration_seconds=200, artist_spotify_ids=ids)


def test_who_has_recorded_a_title_is_asked_of_the_namesakes_alone() -> None:
    one, two, stranger = muse(1), muse(2), muse(3)
    found = [
        recording("Starlight - Remastered 2011", one),
        recording("Starlight Serenade", two),
        recording("Starlight", stranger),
    ]
    assert players("Starlight", found, [one, two]) == [one.spotify_id]


@pytest.mark.parametrize(
    ("told", "winner"),
    [
        ({"a": [1], "b": [1], "c": []}, 1),
        ({"a": [1, 2], "b": [1], "c": [1]}, 1),
        ({"a": [2]}, 2),
        ({"a": [1, 2], "b": [1, 2]}, None),
        ({"a": [1], "b": [], "c": []}, None),
        ({"a": [1], "b": [2]}, None),
        ({}, None),
    ],
)
def test_most_of_the_titles_must_be_of_one_alone(told: dict[str, list[int]], winner: int | None) -> None:
    who = {title: [f"{number:022}" for number in numbers] for title, numbers in told.items()}
    best = decide([muse(1), muse(2)], who)
    assert (best and best.spotify_id) == (winner and f"{winner:022}")


def test_namesakes_survive_the_state_of_a_job() -> None:
    records = [muse(1, genres=("rock", "pop"), popularity=0, image_url="https://i.scdn.co/x"), muse(2)]
    assert from_state(as_state(records)) == records


def test_what_is_played_tells_spotifys_namesakes_apart_and_costs_little(world: Outside) -> None:
    known = world.world.artists["Muse"]
    counts = import_artist(Unqueued(), ticketmaster_id=known.ticketmaster_id)
    assert Artist.objects.get(ticketmaster_id=known.ticketmaster_id).spotify_id == known.spotify_id
    assert "Spotify: found by what is played, among 2 of its name." in counts["notes"]
    searches = [call for call in world.log.calls if "type=track" in call.query]
    assert 0 < len(searches) <= 3
    assert world.log.repeated() == {}


def test_without_evidence_the_id_stays_open_and_the_result_says_what_to_do(world: Outside, settings: Settings) -> None:
    settings.SETLISTFM_API_KEY = ""
    known = world.world.artists["Heart"]
    counts = import_artist(Unqueued(), ticketmaster_id=known.ticketmaster_id)
    artist = Artist.objects.get(ticketmaster_id=known.ticketmaster_id)
    assert artist.spotify_id is None
    (note,) = [note for note in counts["notes"] if "nothing tells them apart" in note]
    assert note.startswith("Spotify: 2 artists are called Heart")
    assert known.spotify_id in note
    assert "import_artist --spotify-id" in note
    import_artist(Unqueued(), spotify_id=known.spotify_id)
    artist.refresh_from_db()
    assert (artist.spotify_id, Artist.objects.filter(name="Heart").count()) == (known.spotify_id, 1)


def test_ticketmasters_namesakes_are_left_to_a_person_too(world: Outside) -> None:
    counts = import_artist(Unqueued(), mbid=world.world.artists["Heart"].mbid)
    assert Artist.objects.get(name="Heart").ticketmaster_id is None
    assert any("Ticketmaster: 2 artists are called Heart" in note for note in counts["notes"])


def test_a_name_that_two_have_is_not_imported_by_chance(world: Outside, settings: Settings) -> None:
    settings.SETLISTFM_API_KEY = ""  # it alone tells them apart, by a remark
    with pytest.raises(Permanent, match="Several artists are called Heart") as problem:
        import_artist(Unqueued(), name="Heart")
    assert world.world.artists["Heart"].ticketmaster_id in str(problem.value)
    assert not Artist.objects.exists()
