"""The stand-in is what it says: three sources whose ids join, and faults at the turn of a switch."""

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from syncjobs.clients.errors import (
    RecordNotFound,
    Source,
    SourceBusy,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from syncjobs.clients.http import Limits
from syncjobs.clients.names import exact_matches
from syncjobs.clients.records import ShowStatus, TrackRecord
from syncjobs.clients.setlistfm import SetlistfmClient
from syncjobs.clients.songs import distinct_songs, song_title
from syncjobs.clients.spotify import SpotifyClient
from syncjobs.clients.ticketmaster import TicketmasterClient, split_window
from tests.scenario.cast import CAST, TWISTS
from tests.standin.calls import most_within
from tests.standin.faults import Fault, Kind
from tests.standin.outside import Outside, outside

BEGIN = date(2026, 7, 1)
NAMES = [act.name for act in CAST]
PATIENT = Limits(pause=lambda seconds: None, retries=0)
HURRIED = Limits(pause=lambda seconds: None, retries=0, deadline_seconds=0.5)


@pytest.fixture(scope="module")
def standing() -> Iterator[Outside]:
    with outside(begin=BEGIN) as made:
        yield made


@pytest.fixture
def standin(standing: Outside) -> Outside:
    standing.fails(seed=0)
    standing.today = BEGIN
    standing.log.clear()
    return standing


def ticketmaster(standin: Outside, key: str = "composed-key", limits: Limits = PATIENT) -> TicketmasterClient:
    return TicketmasterClient(api_key=key, base_url=standin.settings()["TICKETMASTER_BASE_URL"], limits=limits)


def spotify(standin: Outside, client_id: str = "composed-client", limits: Limits = PATIENT) -> SpotifyClient:
    settings = standin.settings()
    return SpotifyClient(
        client_id=client_id,
        client_secret="composed-secret",
        base_url=settings["SPOTIFY_BASE_URL"],
        token_url=settings["SPOTIFY_TOKEN_URL"],
        limits=limits,
    )


def setlistfm(standin: Outside, key: str = "composed-key", limits: Limits = PATIENT) -> SetlistfmClient:
    return SetlistfmClient(api_key=key, base_url=standin.settings()["SETLISTFM_BASE_URL"], limits=limits)


def all_tracks(client: SpotifyClient, spotify_id: str) -> list[TrackRecord]:
    tracks: list[TrackRecord] = []
    offset: int | None = 0
    while offset is not None:
        albums = client.albums_of_artist(spotify_id, offset=offset)
        for album in albums.items:
            start: int | None = 0
            while start is not None:
                page = client.tracks_of_album(album.spotify_id, offset=start)
                tracks += [replace(track, album=album) for track in page.items]
                start = page.next
        offset = albums.next
    return tracks


@pytest.mark.parametrize("name", NAMES)
def test_the_three_sources_tell_of_the_same_artist(name: str, standin: Outside) -> None:
    artist = standin.world.artists[name]
    found = ticketmaster(standin).artist(artist.ticketmaster_id)
    assert (found.name, found.is_music) == (name, True)
    assert found.mbid in (None, artist.mbid)
    assert found.spotify_id in (None, artist.spotify_id)
    assert (found.mbid is not None, found.spotify_id is not None) == (
        "musicbrainz" in artist.links,
        "spotify" in artist.links,
    )
    assert spotify(standin).artist(artist.spotify_id).name == name
    assert exact_matches(name, [setlistfm(standin).artist(artist.mbid)])


@pytest.mark.parametrize("name", NAMES)
def test_of_all_that_a_search_finds_the_first_of_the_exact_name_is_the_artist(name: str, standin: Outside) -> None:
    artist = standin.world.artists[name]
    assert ticketmaster_id_of(name, standin) == artist.ticketmaster_id
    assert exact_matches(name, spotify(standin).search_artists(name).items)[0].spotify_id == artist.spotify_id
    found = exact_matches(name, setlistfm(standin).search_artists(name).items)
    assert [match.mbid for match in found if not match.disambiguation] == [artist.mbid]


def ticketmaster_id_of(name: str, standin: Outside) -> str | None:
    return exact_matches(name, ticketmaster(standin).search_artists(name).items)[0].ticketmaster_id


def test_some_names_belong_to_several(standin: Outside) -> None:
    matches = {name: exact_matches(name, spotify(standin).search_artists(name).items) for name in NAMES}
    assert {name for name, found in matches.items() if len(found) > 1} == {"Muse", "Sting", "Heart"}


@pytest.mark.parametrize("name", NAMES)
def test_every_show_is_listed_and_nothing_that_is_over(name: str, standin: Outside) -> None:
    artist = standin.world.artists[name]
    page = ticketmaster(standin).shows_of_artist(artist.ticketmaster_id)
    coming = {
        show.ticketmaster_id
        for show in standin.world.shows_of(name)
        if show.day >= BEGIN and "no_bill" not in show.twists
    }
    assert page.rejected == ()
    assert coming <= {show.ticketmaster_id for show in page.items}


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_for_songs_find_exactly_the_songs_of_the_scenario(name: str, standin: Outside) -> None:
    tracks = all_tracks(spotify(standin), standin.world.artists[name].spotify_id)
    songs = distinct_songs(tracks)
    assert Counter(song_title(song.title) for song in songs) == Counter(standin.world.titles(name))
    assert len(tracks) > len(songs)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_played_can_be_paged_through(name: str, standin: Outside) -> None:
    artist = standin.world.artists[name]
    standin.today = BEGIN + timedelta(days=60)
    found = []
    page: int | None = 1
    while page is not None:
        setlists = setlistfm(standin).setlists_of_artist(artist.mbid, page=page)
        assert setlists.rejected == ()
        found += setlists.items
        page = setlists.next
    assert [setlist.setlistfm_id for setlist in found] == [
        played.setlistfm_id for played in standin.world.setlists_of(name)
    ]


def test_every_twist_happens_somewhere() -> None:
    words = {word for act in CAST for twists in act.twists.values() for word in twists.split()}
    assert words == set(TWISTS)


def test_the_traps_are_there(standin: Outside) -> None:
    shows = [
        show
        for name in NAMES
        for show in ticketmaster(standin).shows_of_artist(standin.world.artists[name].ticketmaster_id).items
    ]
    assert {show.status for show in shows} == set(ShowStatus)
    assert any(show.local_date is None for show in shows)
    assert any(show.local_date and show.starts_at is None for show in shows)
    assert any(show.timezone is None for show in shows)
    assert any(len(show.bill) > 3 for show in shows)
    assert {"Live and Let Die", "Live Wire", "Living Things"} <= {
        title for name in NAMES for title in standin.world.titles(name)
    }


def test_played_songs_have_tapes_gaps_medleys_covers_guests_and_encores(standin: Outside) -> None:
    page = setlistfm(standin).setlists_of_artist(standin.world.artists["Metallica"].mbid)
    songs = [song for setlist in page.items for song in setlist.songs]
    assert any(not setlist.songs for setlist in page.items)
    assert any(song.is_tape for song in songs)
    assert any(song.title is None for song in songs)
    assert any(" / " in (song.title or "") for song in songs)
    assert any(song.cover_of for song in songs)
    assert any(song.guest for song in songs)
    assert any(song.encore == 2 for song in songs)


def test_a_show_passes_and_its_setlist_appears(standin: Outside) -> None:
    artist = standin.world.artists["AC/DC"]
    show = next(show for show in standin.world.shows_of("AC/DC") if show.day > BEGIN)
    assert setlistfm(standin).setlists_on(artist.mbid, show.day).items == ()
    standin.today = show.day + timedelta(days=1)
    assert len(setlistfm(standin).setlists_on(artist.mbid, show.day).items) == 1
    assert show.ticketmaster_id not in [
        listed.ticketmaster_id for listed in ticketmaster(standin).shows_of_artist(artist.ticketmaster_id).items
    ]


def test_an_edited_setlist_has_a_new_version_and_a_name_for_the_unknown_song(standin: Outside) -> None:
    played = next(night for night in standin.world.setlists_of("Metallica") if night.sets and night.day <= BEGIN)
    before = setlistfm(standin).setlist(played.setlistfm_id)
    standin.setlistfm.edits[played.setlistfm_id] = 1
    after = setlistfm(standin).setlist(played.setlistfm_id)
    assert before.version_id != after.version_id
    assert [None in [song.title for song in setlist.songs] for setlist in (before, after)] == [True, False]


def test_a_window_holds_the_shows_of_its_country(standin: Outside) -> None:
    start = datetime(2026, 7, 1, tzinfo=UTC)
    page = ticketmaster(standin).shows_between(start, start + timedelta(days=30), country="DE")
    assert page.items
    assert {show.venue.country for show in page.items if show.venue} == {"DE"}


def test_a_crowded_month_has_more_shows_than_paging_reaches_until_it_is_split() -> None:
    start = datetime(2026, 7, 1, tzinfo=UTC)
    with outside(begin=BEGIN, crowd=1200) as crowded:
        client = ticketmaster(crowded)
        whole = client.shows_between(start, start + timedelta(days=31), country="US")
        assert whole.is_capped
        parts = [
            client.shows_between(window.start, window.end, country="US")
            for window in split_window(start, start + timedelta(days=31))
        ]
        assert not any(part.is_capped for part in parts)
        assert sum(part.total for part in parts) == whole.total >= 1200


def test_what_nobody_has_is_not_found(standin: Outside) -> None:
    with pytest.raises(RecordNotFound):
        ticketmaster(standin).artist("K8vNobody00")
    with pytest.raises(RecordNotFound):
        spotify(standin).artist("0" * 22)
    with pytest.raises(RecordNotFound):
        setlistfm(standin).artist("00000000-0000-0000-0000-000000000000")


def test_a_wrong_key_is_refused_by_each_source(standin: Outside) -> None:
    artist = standin.world.artists["Coldplay"]
    with pytest.raises(SourceRefused):
        ticketmaster(standin, "wrong").artist(artist.ticketmaster_id)
    with pytest.raises(SourceRefused):
        spotify(standin, "wrong").artist(artist.spotify_id)
    with pytest.raises(SourceRefused):
        setlistfm(standin, "wrong").artist(artist.mbid)


FAULTS = [
    (Kind.ERROR, SourceUnavailable),
    (Kind.BUSY, SourceBusy),
    (Kind.WAIT, SourceBusy),
    (Kind.QUOTA, SourceBusy),
    (Kind.SILENT, SourceUnavailable),
    (Kind.DRIP, SourceUnavailable),
    (Kind.CUT, SourceUnavailable),
    (Kind.RESET, SourceUnavailable),
    (Kind.HTML, SourceUnavailable),
    (Kind.EMPTY, SourceUnavailable),
    (Kind.REFUSED, SourceRefused),
]


@pytest.mark.parametrize(("kind", "error"), FAULTS)
@pytest.mark.parametrize("source", list(Source))
def test_each_fault_shows_itself_at_each_source(
    source: Source, kind: Kind, error: type[SourceError], standin: Outside
) -> None:
    artist = standin.world.artists["Coldplay"]
    asks: dict[Source, Callable[[Limits], object]] = {
        Source.TICKETMASTER: lambda limits: ticketmaster(standin, limits=limits).artist(artist.ticketmaster_id),
        Source.SPOTIFY: lambda limits: spotify(standin, limits=limits).artist(artist.spotify_id),
        Source.SETLISTFM: lambda limits: setlistfm(standin, limits=limits).artist(artist.mbid),
    }
    standin.fails(Fault(kind=kind, source=source, path="artist|attraction", seconds=0.5))
    with pytest.raises(error):
        asks[source](HURRIED if kind is Kind.DRIP else PATIENT)
    for other in set(asks) - {source}:
        assert asks[other](PATIENT)
    assert {call.fault for call in standin.log.of(source)} - {""} == {kind}


def test_a_slow_answer_is_still_one(standin: Outside) -> None:
    standin.fails(Fault(kind=Kind.SLOW, seconds=0.3))
    assert setlistfm(standin).artist(standin.world.artists["Coldplay"].mbid).name == "Coldplay"


def test_an_expired_token_is_renewed_once(standin: Outside) -> None:
    client = spotify(standin)
    standin.fails(Fault(kind=Kind.EXPIRED, times=1))
    assert client.artist(standin.world.artists["Coldplay"].spotify_id).name == "Coldplay"
    assert [call.path for call in standin.log.of(Source.SPOTIFY)].count("/api/token") == 2


def test_whoever_comes_before_retry_after_is_over_is_written_down(standin: Outside) -> None:
    client, mbid = setlistfm(standin), standin.world.artists["Coldplay"].mbid
    standin.fails(Fault(kind=Kind.WAIT, seconds=30, times=1))
    for _ in range(2):
        with pytest.raises(SourceBusy) as caught:
            client.artist(mbid)
        assert 28 <= caught.value.retry_after <= 30
    first, second = standin.log.of(Source.SETLISTFM)
    assert not first.is_early
    assert second.is_early == (second.at - first.at > 0.25)


def test_faults_come_as_often_as_asked_for_and_the_same_for_the_same_seed(standin: Outside) -> None:
    client, mbid = setlistfm(standin), standin.world.artists["Coldplay"].mbid

    def struck() -> list[str]:
        standin.log.clear()
        standin.fails(Fault(kind=Kind.EMPTY, chance=0.3), seed=11)
        for _ in range(100):
            try:
                client.artist(mbid)
            except SourceUnavailable:
                continue
        return [call.fault for call in standin.log.calls]

    first = struck()
    assert 15 <= sum(map(bool, first)) <= 45
    assert struck() == first


def test_every_question_is_checked_against_the_published_descriptions(standin: Outside) -> None:
    spotify(standin).albums_of_artist(standin.world.artists["Coldplay"].spotify_id)
    ticketmaster(standin).search_artists("Coldplay")
    setlistfm(standin).search_artists("Coldplay")
    assert standin.log.misfits() == []
    urllib.request.urlopen(f"{standin.url}/discovery/v2/events.json?apikey=k&colour=blue").close()
    assert standin.log.misfits() == ["colour=blue"]


def test_no_key_is_written_down(standin: Outside) -> None:
    ticketmaster(standin, "s3cr3t").artist(standin.world.artists["Coldplay"].ticketmaster_id)
    assert "s3cr3t" not in json.dumps(standin.log.report())


def test_it_runs_as_a_program_that_other_processes_can_turn_the_switches_of() -> None:
    command = [sys.executable, "-m", "tests.standin", "--begin", "2026-07-01", "--today", "2026-07-02"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout
            lines = [process.stdout.readline().strip() for _ in range(8)]
            settings = dict(line.split("=", 1) for line in lines)
            url = settings["SETLISTFM_BASE_URL"].removesuffix("/rest/1.0")
            turn = json.dumps([{"kind": "busy", "source": "setlistfm"}]).encode()
            urllib.request.urlopen(urllib.request.Request(f"{url}/standin/faults", turn, method="PUT")).close()
            client = SetlistfmClient(api_key="any", base_url=settings["SETLISTFM_BASE_URL"], limits=PATIENT)
            with pytest.raises(SourceBusy):
                client.search_artists("Coldplay")
            with urllib.request.urlopen(f"{url}/standin/calls") as answer:
                assert [call["fault"] for call in json.load(answer)] == ["busy"]
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("moments", "most"), [([], 0), ([1.0], 1), ([0.0, 0.5, 0.99, 1.0], 3), ([3.0, 1.0, 2.0], 1), ([0.0, 0.0], 2)]
)
def test_the_fullest_second_is_found(moments: list[float], most: int) -> None:
    assert most_within(moments, 1) == most
