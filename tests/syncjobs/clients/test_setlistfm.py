"""setlist.fm: its 404s, its dates, its sets and songs."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from syncjobs.clients.errors import (
    BadAnswer,
    BadRequest,
    BusyReason,
    RecordNotFound,
    SourceBusy,
    SourceRefused,
    SourceUnavailable,
)
from syncjobs.clients.gate import Verdict
from syncjobs.clients.records import SetlistRecord
from syncjobs.clients.setlistfm import SetlistfmClient
from syncjobs.clients.setlistfm_records import read_artist, read_artists, read_setlist, read_setlists
from tests.syncjobs.clients.standin import SECRET, Reply, Scribe, Standin, load

MBID = "27e2997f-f7a1-4353-bcc4-57b9274fa9a4"
NO_RESULT = Reply(status=404, body=load("setlistfm/no_result"))
UNKNOWN_MBID = Reply(status=404, body=load("setlistfm/errors")[0]["body"])


def setlist(**fields: Any) -> SetlistRecord:
    return read_setlist(load("setlistfm/setlist") | fields)


def played(*songs: Any) -> SetlistRecord:
    return setlist(sets={"set": [{"song": list(songs)}]})


class TestQuestions:
    def test_key_and_language_are_headers(self, setlistfm: SetlistfmClient, standin: Standin) -> None:
        standin.says(Reply.recorded("setlistfm/artist"))
        assert setlistfm.artist(MBID.upper()).name == "BABYMETAL"
        asked = standin.asked[0]
        assert (asked.path, asked.query) == (f"/rest/1.0/artist/{MBID}", {})
        assert asked.headers["x-api-key"] == SECRET
        assert (asked.headers["accept"], asked.headers["accept-language"]) == ("application/json", "en")

    def test_a_search_is_sorted_by_relevance(self, setlistfm: SetlistfmClient, standin: Standin) -> None:
        standin.says(Reply.recorded("setlistfm/search_artists"))
        setlistfm.search_artists(" The  Beatles ", page=2)
        assert standin.asked[0].path == "/rest/1.0/search/artists"
        assert standin.asked[0].query == {"artistName": "The Beatles", "sort": "relevance", "p": "2"}

    def test_a_day_is_written_day_first(self, setlistfm: SetlistfmClient, standin: Standin) -> None:
        standin.says(Reply.recorded("setlistfm/setlists_1"))
        setlistfm.setlists_on(MBID, date(2017, 9, 7))
        assert standin.asked[0].path == "/rest/1.0/search/setlists"
        assert standin.asked[0].query == {"artistMbid": MBID, "date": "07-09-2017", "p": "1"}

    def test_setlists_of_an_artist_and_one_setlist(self, setlistfm: SetlistfmClient, standin: Standin) -> None:
        standin.says(Reply.recorded("setlistfm/setlists_2"), Reply.recorded("setlistfm/setlist"))
        setlistfm.setlists_of_artist(MBID, page=2)
        setlistfm.setlist("6bd6ca6e")
        assert [asked.path for asked in standin.asked] == [
            f"/rest/1.0/artist/{MBID}/setlists",
            "/rest/1.0/setlist/6bd6ca6e",
        ]
        assert standin.asked[0].query == {"p": "2"}

    def test_what_cannot_be_is_not_asked_for(self, setlistfm: SetlistfmClient, standin: Standin) -> None:
        for mbid in ("", "735610", "../setlist/1", MBID + "/", MBID.replace("-", "")):
            for ask in (setlistfm.artist, setlistfm.setlists_of_artist):
                with pytest.raises(BadRequest, match="not a MusicBrainz id"):
                    ask(mbid)
        with pytest.raises(BadRequest, match="not the id"):
            setlistfm.setlist("../artist")
        with pytest.raises(BadRequest, match="empty"):
            setlistfm.search_artists(" ")
        for page in (0, -1, 10_001):
            with pytest.raises(BadRequest, match="pages run from 1"):
                setlistfm.setlists_of_artist(MBID, page=page)
        assert standin.asked == []


class TestNoResult:
    @pytest.mark.parametrize("reply", [NO_RESULT, UNKNOWN_MBID], ids=["no result", "unknown mbid"])
    def test_an_empty_list_answers_404(
        self, reply: Reply, setlistfm: SetlistfmClient, standin: Standin, gate: Scribe
    ) -> None:
        standin.says(reply, reply, reply)
        pages = [
            setlistfm.search_artists("Nobody"),
            setlistfm.setlists_of_artist(MBID, page=99),
            setlistfm.setlists_on(MBID, date(2017, 9, 7)),
        ]
        assert [(page.items, page.total, page.next) for page in pages] == [((), 0, None)] * 3
        assert {outcome.verdict for outcome in gate.outcomes} == {Verdict.ANSWERED}

    def test_one_unknown_record_is_not_found(self, setlistfm: SetlistfmClient, standin: Standin) -> None:
        standin.says(UNKNOWN_MBID, NO_RESULT)
        with pytest.raises(RecordNotFound, match=r"setlist\.fm has no such record"):
            setlistfm.artist(MBID)
        with pytest.raises(RecordNotFound):
            setlistfm.setlist("6bd6ca6e")

    @pytest.mark.parametrize("body", [b"", b"<html>", {"message": "Missing route"}, [], {"code": "404"}])
    def test_a_404_of_some_other_server_is_no_result_of_ours(
        self, body: Any, setlistfm: SetlistfmClient, standin: Standin
    ) -> None:
        standin.says(Reply(status=404, body=body))
        with pytest.raises(SourceUnavailable, match="base URL"):
            setlistfm.search_artists("Nobody")


class TestErrors:
    def test_a_429_comes_without_retry_after(self, setlistfm: SetlistfmClient, standin: Standin) -> None:
        standin.says(Reply(status=429, body={"message": "Too Many Requests"}))
        with pytest.raises(SourceBusy) as caught:
            setlistfm.artist(MBID)
        assert (caught.value.retry_after, caught.value.reason) == (2, BusyReason.RATE)

    def test_a_used_up_day_waits_longer(self, setlistfm: SetlistfmClient, standin: Standin) -> None:
        standin.says(Reply(status=429, body={"message": "Limit Exceeded"}))
        with pytest.raises(SourceBusy) as caught:
            setlistfm.artist(MBID)
        assert (caught.value.retry_after, caught.value.reason) == (3600, BusyReason.QUOTA)

    def test_a_wrong_key_is_refused(self, setlistfm: SetlistfmClient, standin: Standin) -> None:
        standin.says(Reply(status=403, body={"message": "Forbidden"}))
        with pytest.raises(SourceRefused, match="Check SETLISTFM_API_KEY"):
            setlistfm.artist(MBID)

    def test_without_a_key_nothing_is_asked(self, standin: Standin) -> None:
        with pytest.raises(SourceRefused, match="SETLISTFM_API_KEY"):
            SetlistfmClient(api_key="", base_url=standin.url).artist(MBID)
        assert standin.asked == []

    def test_xml_is_a_named_error(self, setlistfm: SetlistfmClient, standin: Standin) -> None:
        standin.says(*[Reply(body=b'<?xml version="1.0"?><artist/>')] * 3)
        with pytest.raises(SourceUnavailable, match="a web page or XML instead of JSON"):
            setlistfm.artist(MBID)


class TestArtists:
    def test_the_recorded_search(self) -> None:
        found = read_artists(load("setlistfm/search_artists"))
        assert [(artist.name, artist.disambiguation) for artist in found.items] == [
            ("The Beatles", None),
            ("Paul McCartney", None),
            ("Wings", "Paul McCartney's band"),
        ]
        assert found.items[0].mbid == "b10bbbfc-cf9e-42e0-be17-e2c3e1d2600d"
        assert found.items[0].ticketmaster_id is None  # the tmid is shared by all three
        assert (found.total, found.next) == (3, None)

    def test_a_missing_disambiguation_is_none(self) -> None:
        found = read_artists(load("setlistfm/search_artists_page"))
        assert [artist.disambiguation for artist in found.items] == [None] * 3
        assert (found.total, found.next) == (293, 3)

    @pytest.mark.parametrize(
        ("page", "total", "following"), [(1, 30, None), (1, 31, 2), (2, 60, None), (9, 293, 10), (10, 293, None)]
    )
    def test_pages_hold_what_the_answer_says(self, page: int, total: int, following: int | None) -> None:
        found = read_artists(load("setlistfm/search_artists") | {"page": page, "total": total})
        assert found.next == following

    @pytest.mark.parametrize("field", ["page", "itemsPerPage", "total", "artist"])
    @pytest.mark.parametrize("value", [None, "1", -1, [{}]])
    def test_broken_paging_is_a_named_error(self, field: str, value: Any) -> None:
        with pytest.raises(BadAnswer, match=field):
            read_artists(load("setlistfm/search_artists") | {field: value})

    @pytest.mark.parametrize("content", [None, [], "text", 0, {}])
    def test_an_answer_of_another_type_is_a_named_error(self, content: Any) -> None:
        for read in (read_artist, read_artists, read_setlist, read_setlists):
            with pytest.raises(BadAnswer):
                read(content)


class TestSetlists:
    def test_the_recorded_setlist(self) -> None:
        record = read_setlist(load("setlistfm/setlist"))
        assert (record.setlistfm_id, record.version_id) == ("6bd6ca6e", "3d50d17")
        assert record.local_date == date(2008, 1, 15)
        assert record.updated_at == datetime(2009, 9, 11, 14, 11, 2, tzinfo=UTC)
        assert (record.artist.name, record.artist.mbid) == ("Fotos", "01c5b492-6002-4780-a2c8-4edc7564ada1")
        assert record.url
        assert record.url.startswith("https://www.setlist.fm/setlist/fotos/2008/")
        venue = record.venue
        assert venue
        assert (venue.name, venue.city, venue.region) == ("Kulturfabrik", "Krefeld", "North Rhine-Westphalia")
        assert (venue.country, venue.setlistfm_id, venue.latitude) == ("DE", "3bd61ca8", None)
        assert [song.position for song in record.songs] == list(range(1, 14))
        assert record.songs[4].title is None  # nobody knew it
        assert [song.encore for song in record.songs] == [None] * 11 + [1, 1]
        assert (record.tour_name, record.note) == (None, None)

    def test_the_recorded_version_has_a_venue_without_a_town(self) -> None:
        record = read_setlist(load("setlistfm/setlist_version"))
        assert record.venue
        assert (record.venue.name, record.venue.city, record.venue.country) == (
            "Civic Hall, Wolverhampton, UK",
            None,
            None,
        )
        assert record.tour_name == "Intimacy Tour"
        assert [song.encore for song in record.songs[-2:]] == [2, 2]

    def test_the_recorded_pages_go_on(self) -> None:
        first, second = read_setlists(load("setlistfm/setlists_1")), read_setlists(load("setlistfm/setlists_2"))
        assert (first.total, first.next, second.next) == (214, 2, 3)
        assert first.items[0].local_date == date(2017, 9, 27)
        medley = next(song for song in second.items[1].songs if song.cover_of)
        assert (medley.title, medley.cover_of and medley.cover_of.name) == (
            "Painkiller / Breaking the Law",
            "Judas Priest",
        )
        assert medley.guest

    def test_stubs_tapes_covers_and_named_sets(self) -> None:
        stub, cher, nsync = read_setlists(load("setlistfm/venue_setlists")).items
        assert stub.songs == ()
        assert any(song.is_tape for song in cher.songs)
        assert any(song.cover_of for song in nsync.songs)
        baustelle, appino, madonna = read_setlists(load("setlistfm/attended")).items
        assert baustelle.songs[0].set_name == "Wolgang Amadeus Mozart (1756 - 1791). Sonata Kv 545"
        assert [song.title for song in appino.songs].count(None) == 2
        assert madonna.songs[-1].set_name == "Party / Flapper"

    def test_a_missing_venue_is_none(self) -> None:
        assert setlist(venue=None).venue is None
        assert setlist(venue={"id": "3bd61ca8"}).venue is None

    def test_a_note_is_kept_with_its_song(self) -> None:
        assert played({"name": "THE ONE", "info": " English  ver."}).songs[0].note == "English ver."

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"sets": None}, "sets"),
            ({"sets": {}}, "sets.set"),
            ({"sets": {"set": {"song": {"name": "x"}}}}, "sets.set"),
            ({"sets": {"set": [None]}}, r"sets.set\[0\]"),
            ({"sets": {"set": [{"song": "x"}]}}, r"sets.set\[0\].song"),
            ({"sets": {"set": [{"song": [{"name": 5}]}]}}, r"sets.set\[0\].song\[0\].name"),
            ({"sets": {"set": [{"song": [{"name": "x", "tape": "true"}]}]}}, r"sets.set\[0\].song\[0\].tape"),
            (
                {"sets": {"set": [{"song": [{"name": "x", "cover": {}}, {"with": {"name": ""}}]}]}},
                r"song\[1\].with.name",
            ),
            ({"sets": {"set": [{"encore": "1", "song": []}, {"encore": "1", "song": [{}]}]}}, r"sets.set\[1\].encore"),
            ({"artist": None}, "artist"),
            ({"artist": {"name": ""}}, "artist.name"),
            ({"id": "XYZ!"}, "id"),
            ({"versionId": None}, "versionId"),
            ({"venue": {"name": "x", "city": "Berlin"}}, "venue.city"),
        ],
    )
    def test_a_bad_field_is_named(self, fields: Any, field: str) -> None:
        with pytest.raises(BadAnswer, match=rf"cannot be read: (\S*\.)?{field} is"):
            setlist(**fields)

    @pytest.mark.parametrize(
        "day", ["2008-01-15", "1-1-2008", "15-13-2008", "31-02-2008", "15/01/2008", "15-01-0008", "", 15, None]
    )
    def test_only_a_date_written_day_first_is_one(self, day: Any) -> None:
        with pytest.raises(BadAnswer, match="eventDate is"):
            setlist(eventDate=day)

    @pytest.mark.parametrize(
        "moment",
        ["2009-09-11T14:11:02.000", "2009-09-11", "11-09-2009", "2009-09-11T24:61:02Z", "now", 1252678262, None],
    )
    def test_an_edit_without_a_zone_is_a_named_error(self, moment: Any) -> None:
        with pytest.raises(BadAnswer, match="lastUpdated is"):
            setlist(lastUpdated=moment)

    def test_an_edit_is_told_in_utc(self) -> None:
        assert setlist(lastUpdated="2009-09-11T14:11:02.500+0200").updated_at == datetime(
            2009, 9, 11, 12, 11, 2, 500_000, tzinfo=UTC
        )

    def test_one_bad_setlist_costs_itself(self) -> None:
        body = load("setlistfm/setlists_1")
        body["setlist"][1]["eventDate"] = "soon"
        found = read_setlists(body)
        assert len(found.items) == 2
        assert found.rejected == ("setlist[1].eventDate is not a dd-MM-yyyy date",)
