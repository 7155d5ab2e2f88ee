"""Studio or live, and which recordings are one song."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncjobs.clients.records import AlbumKind, AlbumRecord, TrackRecord
from syncjobs.clients.songs import Take, distinct_songs, medley_titles, song_key, song_title, take_of, track_keys


@pytest.mark.parametrize(
    ("title", "album"),
    [
        ("Live Wire", "Too Fast for Love"),
        ("Living Things", ""),
        ("I Want to Live Forever", ""),
        ("Live and Let Die", ""),
        ("Live Forever", "Definitely Maybe"),
        ("The World We Live In", "Day & Age"),
        ("The World We Live In Now", ""),
        ("Live in the Moment", "Live in the Moment"),
        ("I Live (Where You Can't Live in Peace)", ""),
        ("Radio Ga Ga", "The Works"),
        ("Festival", ""),
        ("On Tour", ""),
        ("Acoustic", ""),
        ("Session", ""),
        ("Concerto", ""),
        ("Demons", "Night Visions"),
        ("Remix (I Like The)", ""),
        ("Radio Ga Ga - Remastered 2011", ""),
        ("All Too Well (Taylor's Version)", "Red (Taylor's Version)"),
        ("Here Comes the Sun - 2019 Mix", "Abbey Road"),
        ("One More Time (Original Mix)", ""),
        ("So What", "Funhouse (Tour Edition)"),
        ("Umbrella (feat. JAY-Z)", "Good Girl Gone Bad (Deluxe Edition)"),
        ("Edition", "Edition"),
    ],
)
def test_studio_takes(title: str, album: str) -> None:
    assert take_of(title, album) is Take.STUDIO


@pytest.mark.parametrize(
    ("title", "album"),
    [
        ("Live Wire - Live at the Forum", ""),
        ("mtv UNPLUGGED", ""),
        ("Creep (Live)", ""),
        ("Creep [live]", ""),
        ("Creep - Live", ""),
        ("Creep \u2013 Live", ""),
        ("Creep - Live / 2004", ""),
        ("Creep (Live, 1994)", ""),
        ("Creep (Live Acoustic Version)", ""),
        ("Creep - 2011 Remaster; Live from Oxford", ""),
        ("Creep (Recorded Live in Paris)", ""),
        ("Creep - Live @ Rock am Ring", ""),
        ("Hey Jude Live in Rio", ""),
        ("Creep", "Live at the BBC"),
        ("Creep", "Live in Japan"),
        ("Creep", "Radiohead Live from the Basement"),
        ("Creep", "In Concert"),
        ("Creep", "The Concert in Central Park"),
        ("About a Girl", "MTV Unplugged In New York"),
        ("Creep - BBC Radio 1 Session", ""),
        ("Creep", "The BBC Sessions"),
        ("Creep (Glastonbury Festival)", ""),
        ("Creep - 1997 Tour", ""),
        ("Creep (Abbey Road Session)", ""),
    ],
)
def test_live_takes(title: str, album: str) -> None:
    assert take_of(title, album) is Take.LIVE


@pytest.mark.parametrize(
    "title",
    [
        "Ignition - Remix",
        "Wanna Know Remix (feat. Drake)",
        "Creep (Acoustic)",
        "Creep - Acoustic Version",
        "Creep - Radio Edit",
        "Tres Delinquentes - Radio",
        "Creep (Sped Up)",
        "Creep (Demo)",
        "Creep - Instrumental",
        "I'd Rather Be High - Venetian Mix",
        "Creep - Single Version",
        "Get Back (Take 8)",
    ],
)
def test_other_versions(title: str) -> None:
    assert take_of(title) is Take.VERSION


@pytest.mark.parametrize(
    "title",
    [
        "Intro",
        "Outro",
        "Interlude II",
        "Skit 2",
        "Paul (Skit)",
        "Creep (Karaoke Version)",
        "Creep (In the Style of Radiohead)",
        "Creep - Originally Performed By Radiohead",
        "Interview",
        "Hope - Interlude",
        "Creep (Track by Track Commentary)",
    ],
)
def test_what_is_no_song(title: str) -> None:
    assert take_of(title) is Take.NO_SONG


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("Radio Ga Ga - Remastered 2011", "Radio Ga Ga"),
        ("Creep (Live at Oxford)", "Creep"),
        ("Creep (Live at Oxford) - Remastered", "Creep"),
        ("Umbrella (feat. JAY-Z) [Live]", "Umbrella"),
        ("Umbrella feat. JAY-Z", "Umbrella"),
        ('Let It Go - From "Frozen" / Soundtrack Version', "Let It Go"),
        ("Here Comes the Sun - 2019 Mix", "Here Comes the Sun"),
        ("Song For Clay (Disappear Here)", "Song For Clay"),
        ("(I Can't Get No) Satisfaction", "(I Can't Get No) Satisfaction"),
        ("Another Brick in the Wall, Pt. 2", "Another Brick in the Wall, Pt. 2"),
        ("Shine On You Crazy Diamond (Pts. 6-9)", "Shine On You Crazy Diamond (Pts. 6-9)"),
        ("Echoes - Pt. 1", "Echoes - Pt. 1"),
        ("Echoes - Pt. 1 - Live", "Echoes - Pt. 1"),
        ("Sgt. Pepper (Reprise)", "Sgt. Pepper (Reprise)"),
        ("Anti-Hero", "Anti-Hero"),
        ("Alone - Far Away", "Alone - Far Away"),
        ("He's Mine - (Tribute to Mokenstef)", "He's Mine"),
        ("(Interlude)", "(Interlude)"),
        ("", ""),
    ],
)
def test_remarks_are_cut_off_titles(title: str, short: str) -> None:
    assert song_title(title) == short


@given(st.text(), st.text())
def test_no_title_breaks_the_rules(title: str, album: str) -> None:
    assert song_key(song_title(title)) == song_key(title)
    assert take_of(title, album) in Take


def test_a_medley_falls_into_its_songs() -> None:
    assert medley_titles("Painkiller / Breaking the Law") == ("Painkiller", "Breaking the Law")
    assert medley_titles("AC/DC Bag") == ("AC/DC Bag",)


def album(name: str = "Pablo Honey", **fields: Any) -> AlbumRecord:
    defaults: dict[str, Any] = {"kind": AlbumKind.ALBUM, "release_date": date(1993, 2, 22)}
    return AlbumRecord(spotify_id="a" * 22, name=name, **(defaults | fields))


def track(spotify_id: str, title: str = "Creep", seconds: int = 238, **fields: Any) -> TrackRecord:
    return TrackRecord(spotify_id=spotify_id, title=title, duration_seconds=seconds, **({"album": album()} | fields))


def kept(*tracks: TrackRecord) -> list[str]:
    return [found.spotify_id for found in distinct_songs(tracks)]


class TestDistinctSongs:
    def test_the_same_isrc_is_the_same_recording_whatever_its_title(self) -> None:
        assert kept(track("1", isrc="GB1"), track("2", "Creep (Explicit)", 300, isrc="GB1")) == ["1"]
        assert kept(track("1", isrc="GB1"), track("2", "Cr\u00eape", 300, isrc="GB1")) == ["1"]

    def test_another_isrc_may_still_be_the_same_song(self) -> None:
        assert kept(track("1", isrc="GB1"), track("2", "Creep - Remastered 2017", 239, isrc="GB2")) == ["1"]

    def test_one_title_of_another_length_is_another_song(self) -> None:
        assert kept(track("1", "Untitled", 200), track("2", "Untitled", 300)) == ["1", "2"]

    def test_tracks_without_isrc_are_not_one_song(self) -> None:
        assert kept(track("1", "Creep"), track("2", "Lurgee")) == ["1", "2"]

    def test_a_live_or_remixed_copy_stays_only_where_there_is_no_other(self) -> None:
        live, remix = track("1", "Creep - Live", 290), track("2", "Creep (Remix)", 310)
        assert kept(live, remix, track("3")) == ["3"]
        assert kept(remix, live) == ["1"]
        assert kept(remix) == ["2"]

    def test_a_track_of_a_live_album_is_live(self) -> None:
        assert kept(track("1", seconds=250, album=album("Live in Japan")), track("2")) == ["2"]

    def test_what_is_no_song_never_stays(self) -> None:
        assert kept(track("1", "Intro"), track("2", "Skit")) == []

    def test_the_album_is_better_than_the_single_and_that_better_than_the_compilation(self) -> None:
        single = track("1", album=album(kind=AlbumKind.SINGLE, release_date=date(1992, 9, 21)))
        best_of = track("2", album=album("The Best Of", kind=AlbumKind.COMPILATION, release_date=date(1991, 1, 1)))
        assert kept(best_of, single, track("3")) == ["3"]
        assert kept(best_of, single) == ["1"]

    def test_the_earlier_release_is_better_and_an_unknown_date_worst(self) -> None:
        late, unknown = album(release_date=date(2009, 1, 1)), album(release_date=None)
        assert kept(track("1", album=unknown), track("2", album=late), track("3")) == ["3"]
        assert kept(track("1", album=unknown), track("2", album=late)) == ["2"]

    def test_order_is_kept_and_the_choice_does_not_depend_on_it(self) -> None:
        tracks = [track("1", "Lurgee"), track("2"), track("3"), track("4", "You", 208)]
        assert kept(*tracks) == ["1", "2", "4"]
        assert kept(*reversed(tracks)) == ["4", "2", "1"]

    def test_a_track_listed_twice_is_one(self) -> None:
        assert kept(track("1"), track("1")) == ["1"]


def test_track_keys_put_the_isrc_first() -> None:
    assert track_keys(track("1", "Creep (Live)", isrc="GBAYE9200070")) == ("isrc:GBAYE9200070", "song:creep:238")
    assert track_keys(track("1")) == ("song:creep:238",)
