"""Spotify: its token, its small pages, what it stopped sending, what its errors mean."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from syncjobs.clients.errors import (
    BadAnswer,
    BadRequest,
    BusyReason,
    RecordNotFound,
    SourceBusy,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from syncjobs.clients.gate import Verdict
from syncjobs.clients.records import AlbumKind
from syncjobs.clients.spotify import SpotifyClient
from syncjobs.clients.spotify_records import read_albums, read_artist, read_found_artists, read_track, read_tracks
from tests.syncjobs.clients.standin import SECRET, Reply, Scribe, Standin, load

ID = "7Ln80lUS6He07XvHI8qqHH"
ARTIST = Reply.recorded("spotify/artist")
EXPIRED = Reply.recorded("spotify/expired")


def token(text: str = "t0k3n-1", **fields: Any) -> Reply:
    return Reply(body=load("spotify/token") | {"access_token": text} | fields)


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestToken:
    def test_it_is_asked_for_once_and_sent_along(self, spotify: SpotifyClient, standin: Standin, gate: Scribe) -> None:
        standin.says(token(), ARTIST, ARTIST)
        assert spotify.artist(ID).name == spotify.artist(ID).name == "Arctic Monkeys"
        asked, first, second = standin.asked
        assert (asked.method, asked.path, asked.body) == ("POST", "/api/token", b"grant_type=client_credentials")
        assert asked.headers["authorization"].startswith("Basic ")
        assert first.headers["authorization"] == second.headers["authorization"] == "Bearer t0k3n-1"
        assert first.path == f"/v1/artists/{ID}"
        assert len(gate.acquired) == 3

    def test_it_is_renewed_five_minutes_early(self, spotify: SpotifyClient, standin: Standin) -> None:
        clock = Clock()
        client = replace(spotify, limits=replace(spotify.limits, clock=clock))
        standin.says(token(), ARTIST, ARTIST, token("t0k3n-2"), ARTIST)
        client.artist(ID)
        clock.now += 3299
        client.artist(ID)
        clock.now += 1
        client.artist(ID)
        sent = [asked.headers["authorization"] for asked in standin.asked if asked.method == "GET"]
        assert sent == ["Bearer t0k3n-1", "Bearer t0k3n-1", "Bearer t0k3n-2"]

    def test_a_short_lived_one_is_used_for_half_its_life(self, spotify: SpotifyClient, standin: Standin) -> None:
        clock = Clock()
        client = replace(spotify, limits=replace(spotify.limits, clock=clock))
        standin.says(token(expires_in=60), ARTIST, ARTIST, token("t0k3n-2"), ARTIST)
        client.artist(ID)
        clock.now += 29
        client.artist(ID)
        clock.now += 1
        client.artist(ID)
        assert [asked.method for asked in standin.asked] == ["POST", "GET", "GET", "POST", "GET"]

    def test_an_expired_one_is_renewed_once_and_the_breaker_hears_nothing(
        self, spotify: SpotifyClient, standin: Standin, gate: Scribe
    ) -> None:
        standin.says(token(), EXPIRED, token("t0k3n-2"), ARTIST)
        assert spotify.artist(ID).spotify_id == ID
        assert standin.asked[-1].headers["authorization"] == "Bearer t0k3n-2"
        assert {outcome.verdict for outcome in gate.outcomes} == {Verdict.ANSWERED}

    def test_a_second_401_is_a_refusal(self, spotify: SpotifyClient, standin: Standin, gate: Scribe) -> None:
        standin.says(token(), EXPIRED, token("t0k3n-2"), EXPIRED, ARTIST)
        with pytest.raises(SourceRefused, match="SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET") as caught:
            spotify.artist(ID)
        assert len(standin.asked) == 4
        assert gate.outcomes[-1].verdict is Verdict.REFUSED
        assert caught.value.__context__ is None

    def test_an_unknown_client_is_a_refusal(self, spotify: SpotifyClient, standin: Standin) -> None:
        standin.says(Reply(status=400, body=load("spotify/invalid_client")))
        with pytest.raises(SourceRefused, match="does not know this client"):
            spotify.artist(ID)
        assert len(standin.asked) == 1

    def test_a_failing_token_is_not_asked_for_again_by_us(self, spotify: SpotifyClient, standin: Standin) -> None:
        standin.says(Reply(status=500), token(), ARTIST)
        with pytest.raises(SourceUnavailable):
            spotify.artist(ID)
        assert len(standin.asked) == 1

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [],
            {"access_token": "t"},
            {"access_token": "t", "expires_in": "3600"},
            {"access_token": "t", "expires_in": -1},
            {"access_token": "", "expires_in": 3600},
            {"access_token": "a b", "expires_in": 3600},
            {"access_token": "a\r\nX-Evil: 1", "expires_in": 3600},
            {"access_token": "\u00e9", "expires_in": 3600},
            {"access_token": None, "expires_in": 3600},
        ],
    )
    def test_an_unusable_one_is_a_named_error(self, body: Any, spotify: SpotifyClient, standin: Standin) -> None:
        standin.says(Reply(body=body))
        with pytest.raises(BadAnswer, match=r"access_token|expires_in|the answer"):
            spotify.artist(ID)

    @pytest.mark.parametrize("missing", ["client_id", "client_secret"])
    def test_without_credentials_nothing_is_asked(self, missing: str, spotify: SpotifyClient, standin: Standin) -> None:
        with pytest.raises(SourceRefused, match="no usable credentials"):
            replace(spotify, **{missing: ""}).artist(ID)
        assert standin.asked == []

    def test_no_text_of_ours_shows_it(self, spotify: SpotifyClient, standin: Standin) -> None:
        standin.says(token(), ARTIST)
        spotify.artist(ID)
        assert SECRET not in repr(spotify)
        assert "t0k3n-1" not in repr(spotify) + repr(spotify._token)


class TestQuestions:
    def test_a_search_asks_for_ten_artists(self, spotify: SpotifyClient, standin: Standin) -> None:
        standin.says(token(), Reply.recorded("spotify/search_artists"))
        spotify.search_artists(' AC/DC & "Friends"\x00 ', offset=20)
        query = standin.asked[1].query
        assert query == {"q": 'AC/DC & "Friends"', "type": "artist", "limit": "10", "offset": "20"}

    def test_albums_are_own_albums_and_singles_ten_at_a_time(self, spotify: SpotifyClient, standin: Standin) -> None:
        standin.says(token(), Reply.recorded("spotify/albums"))
        spotify.albums_of_artist(ID)
        assert standin.asked[1].path == f"/v1/artists/{ID}/albums"
        assert standin.asked[1].query == {"include_groups": "album,single", "limit": "10", "offset": "0"}

    def test_tracks_come_fifty_at_a_time_until_the_end(self, spotify: SpotifyClient, standin: Standin) -> None:
        standin.says(token(), Reply.recorded("spotify/tracks_first"), Reply.recorded("spotify/tracks_last"))
        first = spotify.tracks_of_album("2js3lkzAjWpD656NK7ZaJX")
        assert (len(first.items), first.total, first.next) == (50, 69, 50)
        last = spotify.tracks_of_album("2js3lkzAjWpD656NK7ZaJX", offset=50)
        assert (len(last.items), last.total, last.next) == (19, 69, None)
        assert [asked.query for asked in standin.asked[1:]] == [
            {"limit": "50", "offset": "0"},
            {"limit": "50", "offset": "50"},
        ]

    def test_the_link_to_the_next_page_is_never_followed(self, spotify: SpotifyClient, standin: Standin) -> None:
        body = load("spotify/albums") | {"next": "https://evil.example/v1/steal?offset=2"}
        standin.says(token(), Reply(body=body))
        assert spotify.albums_of_artist(ID).next == 2
        assert len(standin.asked) == 2

    def test_what_cannot_be_is_not_asked_for(self, spotify: SpotifyClient, standin: Standin) -> None:
        for ask in (spotify.artist, spotify.albums_of_artist, spotify.tracks_of_album, spotify.track):
            for spotify_id in ("", "short", "../me", ID + "?", ID[:-1] + "-"):
                with pytest.raises(BadRequest, match="not a Spotify id"):
                    ask(spotify_id)
        with pytest.raises(BadRequest, match="empty"):
            spotify.search_artists("\u200b")
        for offset in (-1, 10_001):
            with pytest.raises(BadRequest, match="pages start"):
                spotify.albums_of_artist(ID, offset=offset)
        with pytest.raises(BadRequest, match="from 0 to 990"):
            spotify.search_artists("Muse", offset=991)
        assert standin.asked == []


class TestArtists:
    def test_the_recorded_artist(self) -> None:
        artist = read_artist(load("spotify/artist"))
        assert (artist.spotify_id, artist.name) == (ID, "Arctic Monkeys")
        assert (artist.popularity, artist.spotify_followers) == (73, 1_469_386)
        assert artist.url == f"https://open.spotify.com/artist/{ID}"
        assert artist.image_url
        assert artist.small_image_url
        assert artist.image_url != artist.small_image_url
        assert artist.is_music is None

    @pytest.mark.parametrize(
        "gone",
        [{}, {"popularity": None, "followers": None, "genres": None, "images": None}, {"followers": {"total": None}}],
    )
    def test_what_spotify_stopped_sending_is_unknown_not_zero(self, gone: Any) -> None:
        artist = read_artist({"id": ID, "name": "Arctic Monkeys", **gone})
        assert (artist.popularity, artist.spotify_followers, artist.genres) == (None, None, ())
        assert (artist.image_url, artist.small_image_url, artist.url) == (None, None, None)

    def test_zero_followers_are_known(self) -> None:
        assert read_artist({"id": ID, "name": "x", "followers": {"total": 0}}).spotify_followers == 0

    def test_genres_are_unique_and_five_at_most(self) -> None:
        genres = ["rock", " rock", "", "b", "c", "d", "e", "f"]
        assert read_artist({"id": ID, "name": "x", "genres": genres}).genres == ("rock", "b", "c", "d", "e")

    def test_the_recorded_search(self) -> None:
        found = read_found_artists(load("spotify/search_artists"), 0)
        assert [artist.name for artist in found.items].count("Arctic") == 5
        assert (found.total, found.next, found.is_capped) == (127, 10, False)

    def test_a_search_ends_at_a_thousand(self) -> None:
        found = read_found_artists(load("spotify/search_artists"), 990)
        assert (found.next, found.is_capped) == (None, True)

    def test_an_empty_search_is_an_empty_page(self) -> None:
        found = read_found_artists({"artists": {"items": [], "total": 0, "next": None}}, 0)
        assert (found.items, found.next) == ((), None)

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"popularity": 101}, "popularity is not between 0 and 100"),
            ({"popularity": "73"}, "popularity is a text, not a whole number"),
            ({"popularity": 73.5}, "popularity is a fraction, not a whole number"),
            ({"followers": 5}, "followers is a whole number, not an object"),
            ({"followers": {"total": 10**30}}, "followers.total is not between"),
            ({"genres": "rock"}, "genres is a text, not a list"),
            ({"genres": [None]}, "genres is not a list of texts"),
            ({"id": None}, "id is missing"),
            ({"id": "short"}, "id is not an id"),
        ],
    )
    def test_a_bad_field_is_named(self, fields: Any, problem: str) -> None:
        with pytest.raises(BadAnswer, match=problem):
            read_artist(load("spotify/artist") | fields)


class TestAlbums:
    def test_the_recorded_page(self) -> None:
        found = read_albums(load("spotify/albums"), 0)
        assert (found.total, found.next) == (64, 2)
        album = found.items[0]
        assert (album.name, album.kind, album.track_count) == (
            "Heaven (David Guetta & MORTEN Remix)",
            AlbumKind.SINGLE,
            2,
        )
        assert album.release_date == date(2019, 8, 23)
        assert album.artist_spotify_ids[:1] == ("1vCWHaC5f2uS3yhpwWbIA6",)

    def test_the_page_of_2014_names_neither_date_nor_artists(self) -> None:
        album = read_albums(load("spotify/albums_2014"), 0).items[0]
        assert (album.name, album.release_date, album.artist_spotify_ids) == ("AM", None, ())

    @pytest.mark.parametrize(
        ("written", "known"),
        [
            ("1999", date(1999, 1, 1)),
            ("1999-09", date(1999, 9, 1)),
            ("1999-09-14", date(1999, 9, 14)),
            ("0000", None),
            ("1066", None),
            ("1999-13", None),
            ("1999-02-30", None),
            ("unknown", None),
            ("", None),
            (None, None),
        ],
    )
    def test_a_release_date_may_be_a_year_or_a_month(self, written: str | None, known: date | None) -> None:
        body = load("spotify/albums")
        body["items"][0]["release_date"] = written
        assert read_albums(body, 0).items[0].release_date == known

    def test_a_kind_we_do_not_know_is_an_album(self) -> None:
        body = load("spotify/albums")
        body["items"][0]["album_type"] = "ep"
        assert read_albums(body, 0).items[0].kind is AlbumKind.ALBUM

    def test_a_null_in_a_page_costs_itself(self) -> None:
        body = load("spotify/albums")
        body["items"].append(None)
        found = read_albums(body, 0)
        assert (len(found.items), found.rejected) == (2, ("items[2] is null, not an object",))
        assert found.next == 3  # what was sent counts, not what could be read

    def test_an_empty_page_is_the_last_whatever_it_says(self) -> None:
        assert read_albums(load("spotify/albums") | {"items": []}, 0).next is None


class TestTracks:
    def test_the_recorded_page_has_no_isrc(self) -> None:
        found = read_tracks(load("spotify/tracks_first"), 0)
        track = found.items[0]
        assert (track.title, track.duration_seconds, track.isrc) == ("Absolutely Cuckoo", 95, None)
        assert (track.disc_number, track.track_number, track.popularity, track.album) == (1, 1, None, None)
        assert track.artist_spotify_ids == ("6RWjTQqILL7a1tQ0VapyLK",)

    def test_the_recorded_track_has_isrc_and_album(self) -> None:
        track = read_track(load("spotify/track"))
        assert (track.title, track.isrc, track.popularity) == ("Do I Wanna Know?", "GBCEL1300362", 86)
        assert track.duration_seconds == 272
        assert track.album
        assert track.album.name == "AM"

    def test_a_track_after_february_2026(self) -> None:
        body = load("spotify/track_2019")
        del body["popularity"], body["external_ids"]
        track = read_track(body)
        assert (track.popularity, track.isrc) == (None, None)

    @pytest.mark.parametrize(
        ("sent", "isrc"), [("gb-cel-13-00362", "GBCEL1300362"), ("GBCEL130036", None), ("", None), (None, None)]
    )
    def test_an_isrc_is_kept_only_if_it_is_one(self, sent: str | None, isrc: str | None) -> None:
        assert read_track(load("spotify/track") | {"external_ids": {"isrc": sent}}).isrc == isrc

    def test_a_local_file_is_no_track(self) -> None:
        body = load("spotify/tracks_last")
        body["items"][0]["id"] = None
        assert read_tracks(body, 50).rejected == ("items[0].id is missing",)


class TestErrors:
    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (Reply(status=404, body={"error": {"status": 404, "message": "non existing id"}}), RecordNotFound),
            (Reply(status=404, body=b""), SourceUnavailable),
            (Reply(status=400, body={"error": {"status": 400, "message": "invalid id"}}), BadRequest),
            (Reply(status=403, body=b"Forbidden"), SourceRefused),
            (Reply(status=429, body=b""), SourceBusy),
        ],
    )
    def test_errors_are_named(
        self, reply: Reply, error: type[SourceError], spotify: SpotifyClient, standin: Standin
    ) -> None:
        standin.says(token(), reply)
        with pytest.raises(error):
            spotify.artist(ID)

    def test_a_plain_403_about_premium_is_said_in_our_words(self, spotify: SpotifyClient, standin: Standin) -> None:
        quoted = load("spotify/errors")[3]
        standin.says(token(), Reply(status=403, body=quoted["body_text"].encode()))
        with pytest.raises(SourceRefused, match="the owner of the app needs Spotify Premium"):
            spotify.artist(ID)

    @pytest.mark.parametrize(
        ("body", "headers", "wait", "reason"),
        [
            (b"", {"Retry-After": "79892"}, 79892, BusyReason.RATE),
            (b"", {"Retry-After": "900000"}, 86400, BusyReason.RATE),
            (b"", {}, 30, BusyReason.RATE),
            (b"Too many requests", {"Retry-After": "0"}, 30, BusyReason.RATE),
            ({"error": {"status": 429, "reason": "QUOTA_EXCEEDED"}}, {}, 3600, BusyReason.QUOTA),
            ({"error": {"status": 429, "reason": "QUOTA_EXCEEDED"}}, {"Retry-After": "5"}, 5, BusyReason.QUOTA),
            ({"error": "text"}, {}, 30, BusyReason.RATE),
        ],
    )
    def test_a_429_says_how_long_and_why(
        self,
        body: Any,
        headers: dict[str, str],
        wait: float,
        reason: BusyReason,
        spotify: SpotifyClient,
        standin: Standin,
        pauses: list[float],
    ) -> None:
        standin.says(token(), Reply(status=429, body=body, headers=headers))
        with pytest.raises(SourceBusy) as caught:
            spotify.artist(ID)
        assert (caught.value.retry_after, caught.value.reason) == (wait, reason)
        assert pauses == []
