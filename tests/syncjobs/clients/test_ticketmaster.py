"""Ticketmaster: what is asked, what is made of the answers, what its errors mean."""

import itertools
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncjobs.clients.errors import (
    BadAnswer,
    BadRequest,
    BusyReason,
    RecordNotFound,
    SourceBusy,
    SourceRefused,
)
from syncjobs.clients.records import ShowRecord, ShowStatus
from syncjobs.clients.ticketmaster import TicketmasterClient, split_window
from syncjobs.clients.ticketmaster_records import MUSIC_SEGMENT_ID, read_artist, read_artists, read_shows
from tests.syncjobs.clients.standin import SECRET, Reply, Scribe, Standin, load

ID = "K8vZ917Kew0"
START = datetime(2026, 7, 1, tzinfo=UTC)
END = START + timedelta(days=30)
QUOTA, SPIKE = (load("ticketmaster/errors")[number]["body"] for number in (1, 2))
MBID = "ca891d65-d9b0-4258-89f7-e6ba29d83767"


def page(*events: Any, total: int | None = None, pages: int = 1) -> dict[str, Any]:
    """Return a page of events as Ticketmaster sends it."""
    count = len(events) if total is None else total
    return {"_embedded": {"events": list(events)}, "page": {"totalElements": count, "totalPages": pages}}


def show(change: Callable[[Any], object] = lambda event: None) -> ShowRecord:
    """Return the recorded event after a change to its JSON."""
    event = load("ticketmaster/event")
    change(event)
    return read_shows(page(event), 0).items[0]


def start(**fields: Any) -> ShowRecord:
    return show(lambda event: event["dates"]["start"].update(fields))


def attraction(**fields: Any) -> Any:
    return load("ticketmaster/attraction") | fields


class TestQuestions:
    def test_events_are_searched_by_attraction_never_by_keyword(
        self, ticketmaster: TicketmasterClient, standin: Standin
    ) -> None:
        standin.says(Reply.recorded("ticketmaster/events"))
        ticketmaster.shows_of_artist(ID, page=2)
        assert standin.asked[0].query == {
            "attractionId": ID,
            "segmentId": MUSIC_SEGMENT_ID,
            "includeTBA": "yes",
            "includeTBD": "yes",
            "sort": "id,asc",
            "size": "200",
            "page": "2",
            "locale": "en-us,en,*",
            "apikey": SECRET,
        }

    def test_a_window_is_sent_in_utc_seconds(self, ticketmaster: TicketmasterClient, standin: Standin) -> None:
        standin.says(Reply.recorded("ticketmaster/no_result"))
        berlin = timezone(timedelta(hours=2))
        ticketmaster.shows_between(datetime(2026, 7, 1, 1, 2, 3, 999, tzinfo=berlin), END, country="DE")
        query = standin.asked[0].query
        assert (query["startDateTime"], query["endDateTime"]) == ("2026-06-30T23:02:03Z", "2026-07-31T00:00:00Z")
        assert query["countryCode"] == "DE"
        assert query["segmentId"] == MUSIC_SEGMENT_ID

    def test_a_window_without_a_zone_is_a_mistake(self, ticketmaster: TicketmasterClient, standin: Standin) -> None:
        with pytest.raises(ValueError, match="time zone"):
            ticketmaster.shows_between(START.replace(tzinfo=None), END, country="DE")
        assert standin.asked == []

    def test_attractions_are_searched_among_music_only(
        self, ticketmaster: TicketmasterClient, standin: Standin
    ) -> None:
        standin.says(Reply.recorded("ticketmaster/attractions"))
        found = ticketmaster.search_artists(" $3  Throwdown & Co\x00 ")
        query = standin.asked[0].query
        assert (query["keyword"], query["classificationId"]) == ("$3 Throwdown & Co", MUSIC_SEGMENT_ID)
        assert query["sort"] == "relevance,desc"
        assert [artist.ticketmaster_id for artist in found.items][:1] == ["K8vZ9175BhV"]

    @pytest.mark.parametrize(
        "ticketmaster_id", ["", "../venues", "a b", "K8v?x=1", "x" * 33, "K8vZ917Kew0/", "\u0660" * 8]
    )
    def test_an_impossible_id_is_not_asked_for(
        self, ticketmaster_id: str, ticketmaster: TicketmasterClient, standin: Standin
    ) -> None:
        for ask in (ticketmaster.artist, ticketmaster.shows_of_artist):
            with pytest.raises(BadRequest, match="not the id"):
                ask(ticketmaster_id)
        assert standin.asked == []

    @pytest.mark.parametrize("number", [-1, 5, 1000])
    def test_a_page_past_the_cap_is_not_asked_for(
        self, number: int, ticketmaster: TicketmasterClient, standin: Standin
    ) -> None:
        with pytest.raises(BadRequest, match="paging ends at item 1,000"):
            ticketmaster.shows_of_artist(ID, page=number)
        assert standin.asked == []

    def test_an_empty_name_or_an_odd_country_is_not_asked_for(
        self, ticketmaster: TicketmasterClient, standin: Standin
    ) -> None:
        with pytest.raises(BadRequest, match="empty"):
            ticketmaster.search_artists(" \u200b ")
        with pytest.raises(BadRequest, match="alpha-2"):
            ticketmaster.shows_between(START, END, country="Germany")
        assert standin.asked == []


class TestPaging:
    def test_an_empty_result_has_no_embedded(self) -> None:
        assert read_shows(load("ticketmaster/no_result"), 0).items == ()
        assert read_artists(load("ticketmaster/no_result")).items == ()
        assert read_shows({"page": {"totalElements": 0, "totalPages": 1}}, 0).items == ()

    def test_next_runs_to_the_last_page(self) -> None:
        event = load("ticketmaster/event")
        assert [read_shows(page(event, total=500, pages=3), number).next for number in range(3)] == [1, 2, None]

    def test_next_ends_where_paging_ends(self) -> None:
        event = load("ticketmaster/event")
        assert [read_shows(page(event, total=1001, pages=6), number).next for number in (3, 4)] == [4, None]

    @pytest.mark.parametrize(("total", "is_capped"), [(1000, False), (1001, True), (75568, True)])
    def test_a_capped_page_says_so(self, total: int, is_capped: bool) -> None:
        found = read_shows(page(load("ticketmaster/event"), total=total, pages=9), 0)
        assert (found.total, found.is_capped) == (total, is_capped)

    def test_a_page_past_the_end_is_empty(self) -> None:
        assert read_shows({"page": {"totalElements": 3, "totalPages": 1}}, 1).items == ()

    def test_a_page_that_should_hold_events_and_does_not_is_an_error(self) -> None:
        with pytest.raises(BadAnswer, match="_embedded is missing"):
            read_shows({"page": {"totalElements": 3, "totalPages": 1}}, 0)

    def test_one_bad_event_costs_itself_and_is_told(self) -> None:
        found = read_shows(page(load("ticketmaster/event"), {"id": "vv17FZfdGkSrrMju"}, None), 0)
        assert len(found.items) == 1
        assert found.rejected == (
            "_embedded.events[1].dates is missing",
            "_embedded.events[2] is null, not an object",
        )

    def test_when_no_event_can_be_read_the_format_has_changed(self) -> None:
        with pytest.raises(BadAnswer, match=r"Ticketmaster sent .* _embedded.events\[0\].dates is missing"):
            read_shows(page({}, {}), 0)


@given(
    seconds=st.integers(0, 10**7),
    parts=st.integers(1, 40),
    offset=st.integers(-12, 12),
)
def test_the_parts_of_a_window_cover_every_second_once(seconds: int, parts: int, offset: int) -> None:
    first = datetime(2026, 7, 1, 3, tzinfo=timezone(timedelta(hours=offset)))
    windows = split_window(first, first + timedelta(seconds=seconds), parts=parts)
    assert 1 <= len(windows) <= parts
    assert windows[0].start == first
    assert windows[-1].end == first + timedelta(seconds=seconds)
    for one, following in itertools.pairwise(windows):
        assert one.start <= one.end
        assert following.start - one.end == timedelta(seconds=1)
    lengths = {(window.end - window.start).total_seconds() for window in windows}
    assert max(lengths) - min(lengths) <= 1


def test_a_window_of_one_second_cannot_be_split() -> None:
    assert len(split_window(START, START)) == 1


@pytest.mark.parametrize(("end", "parts"), [(START - timedelta(seconds=1), 2), (END, 0), (END.replace(tzinfo=None), 2)])
def test_an_impossible_window_is_a_mistake(end: datetime, parts: int) -> None:
    with pytest.raises(ValueError, match="window"):
        split_window(START, end, parts=parts)


class TestShows:
    def test_the_recorded_event(self) -> None:
        record = show()
        assert record.ticketmaster_id == "vv17FZfdGkSrrMju"
        assert record.name == "Susquehanna Breakdown RV Pass"
        assert record.status is ShowStatus.UPCOMING
        assert record.local_date == date(2016, 5, 20)
        assert record.starts_at == datetime(2016, 5, 20, 21, tzinfo=UTC)
        assert record.timezone == "America/New_York"
        assert record.is_music
        assert [artist.name for artist in record.bill] == ["Susquehanna Breakdown Music Festival"]
        venue = record.venue
        assert venue
        assert (venue.name, venue.city, venue.region) == (
            "The Pavilion at Montage Mountain",
            "Scranton",
            "Pennsylvania",
        )
        assert (venue.country, venue.timezone, venue.ticketmaster_id) == ("US", "America/New_York", "KovZpZAEA76A")
        assert (venue.latitude, venue.longitude) == (41.3479758, -75.6638888)

    def test_the_recorded_page(self) -> None:
        found = read_shows(load("ticketmaster/events"), 0)
        tour, season, cruise, baseball, film = found.items
        assert (found.total, found.next, found.is_capped, found.rejected) == (75568, 1, True, ())
        assert (tour.venue, tour.bill, tour.is_music) == (None, (), None)
        assert season.status is ShowStatus.UPCOMING  # an empty status object
        assert season.venue
        assert season.venue.region == "TX"
        assert (cruise.local_date, cruise.starts_at) == (date(2016, 5, 20), None)  # timeTBA
        assert [artist.name for artist in baseball.bill] == [
            "University of Houston Cougars Baseball",
            "Tulane University Baseball",
        ]
        assert baseball.status is ShowStatus.UPCOMING  # rescheduled
        assert film.is_music is False

    def test_a_venue_without_a_location(self) -> None:
        venue = read_shows(load("ticketmaster/events_page"), 2).items[0].venue
        assert venue
        assert (venue.name, venue.latitude, venue.longitude) == ("Teatro Benito Ju\u00e1rez", None, None)

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("onsale", ShowStatus.UPCOMING),
            ("offsale", ShowStatus.UPCOMING),
            ("rescheduled", ShowStatus.UPCOMING),
            ("postponed", ShowStatus.POSTPONED),
            ("cancelled", ShowStatus.CANCELLED),
            ("canceled", ShowStatus.CANCELLED),
            ("Cancelled", ShowStatus.CANCELLED),
            ("some new word", ShowStatus.UPCOMING),
            (None, ShowStatus.UPCOMING),
        ],
    )
    def test_statuses_become_our_words(self, code: str | None, status: ShowStatus) -> None:
        assert show(lambda event: event["dates"].update(status={"code": code})).status is status

    @pytest.mark.parametrize("flag", ["dateTBD", "dateTBA"])
    def test_a_show_whose_day_is_open_has_no_date_even_if_one_is_sent(self, flag: str) -> None:
        record = start(**{flag: True})
        assert (record.local_date, record.starts_at) == (None, None)

    @pytest.mark.parametrize("flag", ["timeTBA", "noSpecificTime"])
    def test_a_show_whose_hour_is_open_keeps_its_day(self, flag: str) -> None:
        record = start(**{flag: True})
        assert (record.local_date, record.starts_at) == (date(2016, 5, 20), None)

    def test_the_day_follows_from_the_moment_in_the_local_zone(self) -> None:
        record = start(localDate=None, dateTime="2016-05-21T02:30:00Z")
        assert record.local_date == date(2016, 5, 20)

    def test_a_missing_or_unknown_zone_is_the_venues(self) -> None:
        assert show(lambda event: event["dates"].pop("timezone")).timezone == "America/New_York"
        assert show(lambda event: event["dates"].update(timezone="Mars/Olympus")).timezone == "America/New_York"

    def test_without_any_zone_there_is_none(self) -> None:
        def forget(event: Any) -> None:
            del event["dates"]["timezone"], event["_embedded"]["venues"][0]["timezone"]

        assert show(forget).timezone is None

    @pytest.mark.parametrize(
        "fields",
        [
            {"localDate": "20-05-2016"},
            {"localDate": "2016-02-30"},
            {"localDate": "20160520"},
            {"localDate": "0001-01-01"},
            {"localDate": 20160520},
            {"dateTime": "2016-05-20T21:00:00"},
            {"dateTime": "2016-05-20"},
            {"dateTime": "1900-01-01T00:00:00+23:59"},
            {"dateTime": "0001-01-01T00:00:00+23:59"},
            {"dateTime": "2016-05-20T25:00:00Z"},
            {"dateTBA": "yes"},
        ],
    )
    def test_an_unreadable_date_is_a_named_error(self, fields: Any) -> None:
        with pytest.raises(BadAnswer, match=rf"dates\.start\.{next(iter(fields))} is"):
            start(**fields)

    def test_the_whole_bill_is_kept_in_order_and_nobody_twice(self) -> None:
        bill = [attraction(id=f"K8vZ917Kew{number}", name=f"Band {number}") for number in (3, 1, 2, 3)]
        record = show(lambda event: event["_embedded"].update(attractions=bill))
        assert [artist.name for artist in record.bill] == ["Band 3", "Band 1", "Band 2"]

    def test_an_attraction_or_venue_without_a_name_is_not_announced_yet(self) -> None:
        record = show(
            lambda event: event["_embedded"].update(
                attractions=[{"id": "K8vZ917Kew0"}], venues=[{"id": "KovZpZAEA76A"}]
            )
        )
        assert (record.bill, record.venue) == ((), None)

    @pytest.mark.parametrize(
        ("text", "number"), [("41.5", 41.5), ("", None), ("n/a", None), ("nan", None), ("inf", None), ("90.1", None)]
    )
    def test_a_latitude_is_a_text_and_may_be_none(self, text: str, number: float | None) -> None:
        record = show(lambda event: event["_embedded"]["venues"][0]["location"].update(latitude=text))
        assert record.venue
        assert record.venue.latitude == number

    def test_text_is_cleaned(self) -> None:
        record = show(lambda event: event.update(name=" P!NK:\u202e Summer\x00  Carnival "))
        assert record.name == "P!NK: Summer Carnival"

    @pytest.mark.parametrize("link", ["javascript:alert(1)", "ticketmaster.com/x", None])
    def test_a_link_that_is_no_web_link_is_dropped(self, link: str | None) -> None:
        assert show(lambda event: event.update(url=link)).url is None


class TestArtists:
    def test_the_recorded_attraction(self) -> None:
        artist = read_artist(load("ticketmaster/attraction"))
        assert (artist.ticketmaster_id, artist.name) == (ID, "Susquehanna Breakdown Music Festival")
        assert artist.is_music
        assert artist.genres == ()  # "Undefined" is none
        assert (artist.mbid, artist.spotify_id, artist.event_count) == (None, None, None)
        assert artist.image_url
        assert artist.image_url.endswith("_62221_RETINA_PORTRAIT_3_2.jpg")
        assert artist.small_image_url != artist.image_url

    def test_the_recorded_search(self) -> None:
        found = read_artists(load("ticketmaster/attractions"))
        assert [(artist.name, artist.is_music, artist.genres) for artist in found.items] == [
            ("!!!", True, ("Rock", "Pop")),
            ("!Women Art Revolution", False, ("Miscellaneous",)),
            ('"The Coach" Tom Whiteley', False, ("Comedy",)),
            ("#SummersEND Music Festival", True, ("Dance/Electronic", "Club Dance")),
            ("#Ukggold", True, ("Hip-Hop/Rap", "Urban")),
        ]
        # A fallback image shows the genre, not the artist.
        assert [artist.image_url is None for artist in found.items] == [False, True, True, True, True]
        assert [artist.small_image_url is None for artist in found.items][3:] == [False, True]

    def test_external_links_give_the_mbid_and_the_spotify_id(self) -> None:
        links = {
            "musicbrainz": [{"url": "https://musicbrainz.org"}, {"id": "none"}, {"id": MBID.upper()}],
            "spotify": [{"url": "https://open.spotify.com/artist/2e4nwiX8ZCU09LGLOpeqTH?autoplay=true"}],
        }
        artist = read_artist(attraction(externalLinks=links))
        assert (artist.mbid, artist.spotify_id) == (MBID, "2e4nwiX8ZCU09LGLOpeqTH")

    @pytest.mark.parametrize(
        ("link", "spotify_id"),
        [
            ("https://open.spotify.com/intl-de/artist/2e4nwiX8ZCU09LGLOpeqTH", "2e4nwiX8ZCU09LGLOpeqTH"),
            ("https://open.spotify.com/user/2e4nwiX8ZCU09LGLOpeqTH", None),
            ("https://open.spotify.com/artist/short", None),
            ("https://example.org/artist/2e4nwiX8ZCU09LGLOpeqTH", None),
            ("spotify:artist:2e4nwiX8ZCU09LGLOpeqTH", None),
            (None, None),
        ],
    )
    def test_only_a_link_to_an_artist_on_spotify_counts(self, link: str | None, spotify_id: str | None) -> None:
        assert read_artist(attraction(externalLinks={"spotify": [{"url": link}]})).spotify_id == spotify_id

    def test_images_are_the_first_large_and_the_first_small_one(self) -> None:
        widths = (305, 100, 640, 2048, None)
        images = [{"url": f"https://s1.ticketm.net/{width}.jpg", "width": width} for width in widths]
        images.insert(0, {"url": "https://s1.ticketm.net/genre.jpg", "width": 1024, "fallback": True})
        artist = read_artist(attraction(images=images))
        assert artist.image_url == "https://s1.ticketm.net/640.jpg"
        assert artist.small_image_url == "https://s1.ticketm.net/305.jpg"

    def test_the_primary_classification_counts_and_genres_are_five_at_most(self) -> None:
        def classification(segment: str, *genres: str, primary: bool = False) -> Any:
            first, second = ({"name": genre} for genre in genres)
            return {"primary": primary, "segment": {"id": segment}, "genre": first, "subGenre": second}

        entries = [
            classification("KZFzniwnSyZfZ7v7na", "Other", "Comedy"),
            classification("x", "A", "B"),
            classification("x", "C", "D"),
            classification(MUSIC_SEGMENT_ID, "Rock", "Rock", primary=True),
        ]
        artist = read_artist(attraction(classifications=entries))
        assert artist.is_music
        assert artist.genres == ("Rock", "Comedy", "A", "B", "C")

    def test_the_number_of_events_tells_a_residency(self) -> None:
        assert read_artist(attraction(upcomingEvents={"_total": 213, "ticketmaster": 213})).event_count == 213

    @pytest.mark.parametrize(
        ("field", "value", "problem"),
        [
            ("name", None, "name is missing"),
            ("name", "\u200b ", "name is empty"),
            ("name", 311, "name is a whole number, not a text"),
            ("id", "../x", "id is not an id"),
            ("id", None, "id is missing"),
            ("images", {}, "images is an object, not a list"),
            ("images", ["x"], r"images\[0\] is a text, not an object"),
            ("images", [{"width": True}], r"images\[0\].width is a yes or no, not a whole number"),
            ("images", [{"width": -1}], r"images\[0\].width is not between 0 and"),
            ("classifications", [{"segment": []}], r"classifications\[0\].segment is a list, not an object"),
            ("externalLinks", [], "externalLinks is a list, not an object"),
            ("externalLinks", {"musicbrainz": [{"id": 5}]}, r"externalLinks.musicbrainz\[0\].id is a whole number"),
        ],
    )
    def test_a_bad_field_is_named(self, field: str, value: Any, problem: str) -> None:
        with pytest.raises(BadAnswer, match=problem):
            read_artist(attraction(**{field: value}))

    @pytest.mark.parametrize("content", [None, [], "text", 5, 1.5, True, {}])
    def test_an_answer_of_another_type_is_a_named_error(self, content: Any) -> None:
        for read in (read_artist, read_artists, lambda answer: read_shows(answer, 0)):
            with pytest.raises(BadAnswer):
                read(deepcopy(content))


class TestErrors:
    def test_an_unknown_id_is_not_found(self, ticketmaster: TicketmasterClient, standin: Standin) -> None:
        standin.says(Reply.recorded("ticketmaster/not_found"))
        with pytest.raises(RecordNotFound):
            ticketmaster.artist(ID)

    @pytest.mark.parametrize("number", [3, 4, 5])
    def test_a_bad_question_tells_the_code(
        self, number: int, ticketmaster: TicketmasterClient, standin: Standin
    ) -> None:
        body = load("ticketmaster/errors")[number]["body"]
        standin.says(Reply(status=400, body=body))
        with pytest.raises(BadRequest, match=body["errors"][0]["code"]):
            ticketmaster.artist(ID)
        assert len(standin.asked) == 1

    def test_a_used_up_quota_waits_until_its_reset(
        self, ticketmaster: TicketmasterClient, standin: Standin, gate: Scribe
    ) -> None:
        client = replace(ticketmaster, limits=replace(ticketmaster.limits, now=lambda: 1_466_050_000.0))
        headers = {"Rate-Limit-Available": "0", "Rate-Limit-Reset": "1466057554290"}
        standin.says(Reply(status=429, body=QUOTA, headers=headers))
        with pytest.raises(SourceBusy) as caught:
            client.artist(ID)
        assert caught.value.reason is BusyReason.QUOTA
        assert caught.value.retry_after == pytest.approx(7554.29)
        assert (gate.outcomes[0].quota_left, gate.outcomes[0].quota_resets_at) == (0, 1_466_057_554.29)
        assert gate.outcomes[0].reason is BusyReason.QUOTA

    @pytest.mark.parametrize(
        ("reset", "wait"), [(None, 3600), ("1000", 60), ("999999999999999", 86400), ("soon", 3600)]
    )
    def test_an_odd_reset_is_held_in_bounds(
        self, reset: str | None, wait: float, ticketmaster: TicketmasterClient, standin: Standin
    ) -> None:
        standin.says(Reply(status=429, body=QUOTA, headers={"Rate-Limit-Reset": reset} if reset else {}))
        with pytest.raises(SourceBusy) as caught:
            ticketmaster.artist(ID)
        assert caught.value.retry_after == wait

    def test_too_many_in_a_second_waits_briefly(self, ticketmaster: TicketmasterClient, standin: Standin) -> None:
        standin.says(Reply(status=429, body=SPIKE))
        with pytest.raises(SourceBusy) as caught:
            ticketmaster.artist(ID)
        assert (caught.value.reason, caught.value.retry_after) == (BusyReason.RATE, 2)

    def test_a_wrong_key_is_refused(self, ticketmaster: TicketmasterClient, standin: Standin) -> None:
        error = load("ticketmaster/errors")[0]
        standin.says(Reply(status=error["status"], body=error["body"], headers={"Content-Type": "application/json"}))
        with pytest.raises(SourceRefused, match="Check TICKETMASTER_API_KEY"):
            ticketmaster.artist(ID)

    def test_the_quota_left_is_told_with_every_answer(
        self, ticketmaster: TicketmasterClient, standin: Standin, gate: Scribe
    ) -> None:
        standin.says(Reply.recorded("ticketmaster/no_result"))
        ticketmaster.shows_of_artist(ID)
        assert (gate.outcomes[0].quota_left, gate.outcomes[0].quota_resets_at) == (499973, 1_466_057_554.29)

    @pytest.mark.parametrize(
        "body", [[], {"errors": [5]}, {"errors": [{"code": None}]}, {"fault": "x"}, {"fault": {"detail": 5}}, b"text"]
    )
    @pytest.mark.parametrize("status", [400, 429])
    def test_an_error_of_another_shape_is_read_by_its_status(
        self, status: int, body: Any, ticketmaster: TicketmasterClient, standin: Standin
    ) -> None:
        standin.says(Reply(status=status, body=body))
        with pytest.raises(SourceBusy if status == 429 else BadRequest):
            ticketmaster.artist(ID)
