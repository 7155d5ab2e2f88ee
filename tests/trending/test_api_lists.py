"""The lists over HTTP: pages, filters, cursors that outlive a refresh, answers kept by edition."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mysetlist.catalog.models import Artist, Show
from tests.factories import make_artist, make_follow, make_setlist, make_show, make_venue, make_vote
from trending import editions
from trending.answers import Kept, Key, kept
from trending.editions import Edition, Watch, watch
from trending.models import ArtistTrend, TrendState
from trending.services import refresh, whole_hour

pytestmark = pytest.mark.django_db

ARTISTS, SHOWS = "/api/trending/artists/", "/api/trending/shows/"


@pytest.fixture(autouse=True)
def _own_client(client: Client) -> None:
    client.raise_request_exception = False


def ranked(*popularity: int, **values: Any) -> list[Artist]:
    return [make_artist(popularity=number, **values) for number in popularity]


def refreshed() -> None:
    """The scores as of this hour; this process sees them at once."""
    refresh(as_of=whole_hour(timezone.now()))
    watch.forget()


def get(client: Client, url: str, **query: Any) -> dict[str, Any]:
    response = client.get(url, query)
    assert response.status_code == 200, response.content
    return response.json()


def names(body: dict[str, Any]) -> list[str]:
    return [row.get("show", row["artist"])["name"] for row in body["results"]]


def pages(client: Client, url: str, way: str = "next") -> Iterator[dict[str, Any]]:
    while url:
        body = get(client, url)
        yield body
        url = body[way]


# --- what a list is ---


def test_before_the_first_refresh_a_list_is_empty_and_says_so(client: Client) -> None:
    make_artist()
    body = get(client, ARTISTS)
    assert body["results"] == []
    assert (body["version"], body["as_of"], body["stale"], body["next_refresh_at"]) == (0, None, True, None)


def test_a_list_has_its_edition_and_its_rows_by_score(client: Client) -> None:
    ranked(10, 90, 50)
    refreshed()
    body = get(client, ARTISTS)
    state = TrendState.objects.get()
    assert list(body) == [
        *("version", "as_of", "refreshed_at", "next_refresh_at", "stale", "formula_version"),
        *("refreshed", "next", "previous", "results"),
    ]
    assert (body["version"], body["stale"], body["refreshed"], body["next"]) == (state.version, False, False, None)
    assert [(row["rank"], row["position"], row["score"]) for row in body["results"]] == [
        (1, 1, 45),
        (2, 2, 25),
        (3, 3, 5),
    ]


def test_the_points_of_the_factors_sum_to_the_score(client: Client) -> None:
    show = make_show(make_artist(popularity=40), starts_at=timezone.now() + timedelta(days=2))
    make_vote(make_setlist(show, songs=1).setlist_songs.get(), at=timezone.now())
    refreshed()
    for url in (ARTISTS, SHOWS):
        (row,) = get(client, url)["results"]
        assert sum(factor["points"] for factor in row["factors"].values()) == pytest.approx(row["score"], abs=0.05)
        assert row["factors"]["recent_votes"]["count"] == 1


def test_a_show_has_its_day_its_venue_and_its_headliner(client: Client) -> None:
    venue = make_venue(name="Tempodrom", city="Berlin", country="DE", timezone="Europe/Berlin")
    make_show(make_artist(name="Björk"), venue=venue, starts_at=timezone.now() + timedelta(days=2))
    refreshed()
    (row,) = get(client, SHOWS)["results"]
    assert row["show"]["venue"] == {"name": "Tempodrom", "city": "Berlin", "region": None, "country": "DE"}
    assert row["artist"]["name"] == "Björk"


# --- pages ---


@pytest.mark.parametrize("query", ["", "&genre=polka"])
def test_pages_forth_and_back_hold_every_row_once(client: Client, query: str) -> None:
    ranked(*[7] * 5, *range(20, 26), genres=["polka"])  # some of one score
    refreshed()
    everything = names(get(client, f"{ARTISTS}?limit=100{query}"))
    forth = list(pages(client, f"{ARTISTS}?limit=3{query}"))
    assert [name for body in forth for name in names(body)] == everything
    assert [row["position"] for body in forth for row in body["results"]] == list(range(1, 12))
    back = list(pages(client, forth[-1]["previous"], "previous"))
    assert [names(body) for body in back] == [names(body) for body in forth[-2::-1]]
    assert [row["position"] for body in back[::-1] for row in body["results"]] == list(range(1, 10))
    assert not any(body["refreshed"] for body in forth + back)


def test_a_page_of_a_newer_version_says_so_and_goes_on_where_it_was(client: Client) -> None:
    *_, last = ranked(90, 80, 70, 60)
    refreshed()
    first = get(client, ARTISTS, limit=2)
    Artist.objects.filter(pk=last.pk).update(popularity=100)  # overtakes everybody
    refreshed()
    second = get(client, first["next"])
    assert second["refreshed"] is True
    assert [row["position"] for row in second["results"]] == [3]
    assert get(client, ARTISTS)["refreshed"] is False


def test_a_cursor_of_one_list_is_none_of_another(client: Client) -> None:
    ranked(90, 80, genres=["polka"])
    refreshed()
    link = get(client, ARTISTS, limit=1)["next"]
    for other in (link.replace("artists", "shows"), f"{link}&genre=polka"):
        answer = client.get(other)
        assert answer.status_code == 400
        assert [error["name"] for error in answer.json()["errors"]] == ["cursor"]


def test_no_host_header_gets_into_an_answer_kept_for_others(client: Client) -> None:
    ranked(90, 80)
    refreshed()
    assert get(client, ARTISTS, limit=1)["next"].startswith(ARTISTS)


# --- filters ---


def test_a_filtered_list_ranks_overall_and_counts_its_own_places(client: Client) -> None:
    ranked(90)
    ranked(50, genres=["polka", "folk"])
    refreshed()
    (row,) = get(client, ARTISTS, genre="Polka")["results"]
    assert (row["rank"], row["position"]) == (2, 1)


def test_the_filter_reaches_beyond_the_first_thousand(client: Client) -> None:
    Artist.objects.bulk_create(Artist(name=f"A {n}", slug=f"a-{n}", popularity=50) for n in range(1000))
    ranked(1, genres=["polka"])
    refreshed()
    (row,) = get(client, ARTISTS, genre="polka")["results"]
    assert (row["rank"], row["position"]) == (None, 1)
    assert len(list(islice(pages(client, f"{ARTISTS}?limit=100"), 20))) == 10


def test_an_artist_is_found_where_a_coming_show_is(client: Client) -> None:
    soon, venue = timezone.now() + timedelta(days=3), make_venue(city="Köln", country="DE")
    here, guest, gone, off = (make_artist(name=name) for name in ("here", "guest", "gone", "off"))
    make_show(here, bill=[guest], venue=venue, starts_at=soon)
    make_show(gone, venue=venue, starts_at=soon - timedelta(days=9))
    make_show(off, venue=venue, starts_at=soon, status=Show.Status.CANCELLED)
    refreshed()
    for query in ({"country": "de"}, {"city": "KÖLN"}, {"country": "DE", "city": "köln"}):
        assert set(names(get(client, ARTISTS, **query))) == {"here", "guest"}
    assert names(get(client, ARTISTS, country="FR")) == []


def test_shows_are_found_by_place_genre_and_day_at_the_venue(client: Client) -> None:
    day = (timezone.now() + timedelta(days=10)).replace(hour=0, minute=0, second=0, microsecond=0)
    venue = make_venue(city="Los Angeles", country="US", timezone="America/Los_Angeles")
    show = make_show(make_artist(genres=["rock"]), venue=venue, starts_at=day + timedelta(hours=4))
    evening = (day - timedelta(days=1)).date()  # at the venue it is still the day before
    make_show(starts_at=day + timedelta(days=5))
    refreshed()
    assert len(names(get(client, SHOWS))) == 2
    for query in ({"from": evening, "to": evening}, {"country": "US"}, {"city": "los angeles"}, {"genre": "rock"}):
        assert names(get(client, SHOWS, **query)) == [show.name]
    assert show.name not in names(get(client, SHOWS, **{"from": day.date()}))
    assert names(get(client, SHOWS, **{"from": "0001-01-01", "to": "9999-12-31", "genre": "rock"})) == [show.name]


def test_a_show_called_off_is_in_no_filtered_list(client: Client) -> None:
    venue = make_venue(country="DE")
    make_show(venue=venue, starts_at=timezone.now() + timedelta(days=3), status=Show.Status.POSTPONED)
    make_show(venue=venue, starts_at=timezone.now() - timedelta(hours=9))
    refreshed()
    assert names(get(client, SHOWS, country="DE")) == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("limit=ten", ["limit"]),
        ("limit=", ["limit"]),
        ("limit=1&limit=2", ["limit"]),
        ("colour=red&limit=0&cursor=x&country=Germany", ["limit", "cursor", "country", "colour"]),
        ("city=%00", ["city"]),
        ("genre=%20", ["genre"]),
        ("country=D%C3%89", ["country"]),
        (f"cursor={'9' * 5000}", ["cursor"]),
        ("cursor=%F0%9F%8E%B8", ["cursor"]),
        ("cursor=bi4xLjEuMS4wLjAwMDAwMDAw", ["cursor"]),  # place 0 of a list
        ("from=tomorrow&to=2026-02-30", ["from", "to"]),
    ],
)
def test_bad_parameters_are_named_all_of_them(client: Client, query: str, named: list[str]) -> None:
    answer = client.get(f"{SHOWS}?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert list(dict.fromkeys(error["name"] for error in answer.json()["errors"])) == named
    assert all(name in answer.json()["detail"] for name in named)


# --- editions ---


def test_who_has_the_answer_gets_304_and_no_list_is_read(client: Client) -> None:
    ranked(90)
    refreshed()
    etag = client.get(ARTISTS)["ETag"]
    kept.forget()
    watch.forget()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(ARTISTS, headers={"if-none-match": f'"other", {etag}'})
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag)
    assert [query["sql"].split()[0:2] for query in queries] == [["SELECT", '"trend_state"."id",']]
    assert "max-age" in answer["Cache-Control"]


def test_the_etag_moves_with_the_version_the_query_and_staleness(client: Client) -> None:
    artist = make_artist()
    refreshed()
    seen = {client.get(ARTISTS)["ETag"], client.get(f"{ARTISTS}?limit=5")["ETag"]}
    make_follow(artist)
    refreshed()
    seen.add(client.get(ARTISTS)["ETag"])
    TrendState.objects.update(refreshed_at=timezone.now() - timedelta(hours=1))
    watch.forget()
    answer = client.get(ARTISTS)
    seen.add(answer["ETag"])
    assert len(seen) == 4
    assert answer.json()["stale"] is True


def test_an_answer_is_rendered_once_for_each_edition(client: Client, django_assert_num_queries: Any) -> None:
    ranked(90)
    refreshed()
    first = client.get(ARTISTS)
    with django_assert_num_queries(0):
        assert client.get(ARTISTS).content == first.content
        assert client.head(ARTISTS)["ETag"] == first["ETag"]
        assert client.get(ARTISTS, headers={"if-none-match": first["ETag"]}).status_code == 304


def test_a_refresh_that_changes_nothing_moves_the_times_in_a_kept_answer(client: Client) -> None:
    ranked(90)
    refreshed()
    before = get(client, ARTISTS)["refreshed_at"]
    TrendState.objects.update(refreshed_at=timezone.now() + timedelta(seconds=5))
    watch.forget()
    assert get(client, ARTISTS)["refreshed_at"] > before


def test_a_body_and_its_edition_belong_together_even_if_a_refresh_comes_between(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    artist = make_artist(popularity=10)
    refreshed()
    read = editions.read_edition
    seen = iter([read()])  # what the first look saw, before …
    Artist.objects.filter(pk=artist.pk).update(popularity=80)
    refresh(as_of=whole_hour(timezone.now()))  # … this
    monkeypatch.setattr("trending.answers.read_edition", lambda: next(seen, None) or read())
    body = get(client, ARTISTS)
    assert (body["version"], body["results"][0]["score"]) == (2, 40)


@pytest.mark.parametrize("query", ["", "?genre=polka", "?country=DE", "?limit=100&city=Berlin"])
@pytest.mark.parametrize("url", [ARTISTS, SHOWS])
def test_a_list_takes_as_many_queries_for_thirty_rows_as_for_three(client: Client, url: str, query: str) -> None:
    def rows(number: int) -> int:
        for _ in range(number):
            artist = make_artist(genres=["polka"])
            make_show(artist, venue=make_venue(), starts_at=timezone.now() + timedelta(days=3))
        refreshed()
        with CaptureQueriesContext(connection) as queries:
            assert get(client, f"{url}{query}")["results"]
        return len(queries)

    assert rows(3) == rows(27) == 4  # the edition thrice, the rows once


# --- what a process keeps ---


def test_the_edition_is_looked_at_once_a_second(django_assert_num_queries: Any) -> None:
    refreshed()
    now = iter([0.0, 0.9, 1.1, 1.1]).__next__
    look = Watch(clock=now)
    with django_assert_num_queries(1):
        assert look.current() == look.current()
    with django_assert_num_queries(1):
        look.current()


def test_while_the_database_is_away_the_last_edition_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    refreshed()
    look = Watch(clock=iter([0.0, 5.0, 5.0]).__next__)
    before = look.current()

    def away() -> Edition:
        raise OperationalError("connection refused at 10.0.0.1")

    monkeypatch.setattr(editions, "read_edition", away)
    assert look.current() == before


def test_the_answer_asked_for_longest_ago_leaves_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trending.answers.MOST", 2)
    answers, (a, b, c) = Kept(), (Key(Edition(), False, name) for name in "abc")
    answers.put(a, b"1")
    answers.put(b, b"2")
    answers.get(a)
    answers.put(c, b"3")
    assert (answers.get(a), answers.get(b), answers.get(c)) == (b"1", None, b"3")


def test_large_answers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trending.answers.MOST_BYTES", 10)
    answers = Kept()
    for name in "abc":
        answers.put(Key(Edition(), False, name), b"12345678")
    assert (len(answers.bodies), answers.size) == (1, 8)


def test_a_silent_artist_is_in_the_list_of_its_genre(client: Client) -> None:
    make_artist(genres=["Hip Hop"])
    refreshed()
    assert ArtistTrend.objects.get().raw == 0
    assert len(get(client, ARTISTS, genre="hip hop")["results"]) == 1
