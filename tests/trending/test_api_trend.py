"""Why a score is what it is, how it moved, and the formula, over HTTP."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mysetlist.catalog.models import Artist
from tests.factories import NOON, make_artist, make_setlist_song, make_show, make_vote
from trending import scoring
from trending.editions import watch
from trending.models import ArtistTrend, TrendChange
from trending.services import refresh, whole_hour

pytestmark = pytest.mark.django_db


def get(client: Client, url: str, **query: Any) -> dict[str, Any]:
    response = client.get(url, query)
    assert response.status_code == 200, response.content
    return response.json()


def refreshed() -> None:
    refresh(as_of=whole_hour(timezone.now()))
    watch.forget()


def moved(artist: Artist, times: int) -> None:
    for number in range(times):
        TrendChange.objects.create(
            artist=artist,
            as_of=NOON,
            old_score=number,
            new_score=number + 10,
            units={"followers": number * scoring.POINT},
        )


def test_an_explanation_is_the_stored_row_to_the_last_unit(client: Client) -> None:
    artist = make_artist(name="Sigur Rós", slug="sigur-rós", popularity=None)
    make_vote(make_setlist_song(artist), at=timezone.now())
    refreshed()
    body = get(client, "/api/artists/sigur-rós/trend/")
    stored = ArtistTrend.objects.get(artist=artist)
    assert sum(line["units"] for line in body["factors"]) == body["raw_units"] == stored.raw
    assert (body["score"], body["rank"], body["artist"]["name"]) == (float(stored.score), 1, "Sigur Rós")
    assert next(line["factor"] for line in body["factors"]) == "recent_votes"
    popularity = next(line for line in body["factors"] if line["factor"] == "popularity")
    assert (popularity["count"], popularity["effective"], popularity["points"]) == (None, None, 0)


def test_an_explanation_stays_that_of_its_version_until_the_next_refresh(client: Client) -> None:
    artist = make_artist(popularity=40)
    refreshed()
    before = get(client, f"/api/artists/{artist.slug}/trend/")
    Artist.objects.update(popularity=80)
    assert get(client, f"/api/artists/{artist.slug}/trend/?") == before
    refreshed()
    assert get(client, f"/api/artists/{artist.slug}/trend/")["score"] == 40


def test_a_show_is_explained_too(client: Client) -> None:
    show = make_show(starts_at=timezone.now())
    refreshed()
    assert get(client, f"/api/shows/{show.slug}/trend/")["show"] == {
        "id": show.pk,
        "slug": show.slug,
        "name": show.name,
    }
    assert get(client, f"/api/shows/{show.slug}/history/")["results"] == []


@pytest.mark.parametrize("what", ["trend", "history"])
@pytest.mark.parametrize("slug", ["nobody", "a%00b", "%F0%9F%8E%B8", "x" * 300, "..%2F.."])
def test_who_is_unknown_is_not_found(client: Client, slug: str, what: str) -> None:
    answer = client.get(f"/api/artists/{slug}/{what}/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_an_artist_without_a_score_has_a_history_but_no_explanation_yet(client: Client) -> None:
    artist = make_artist()
    assert client.get(f"/api/artists/{artist.slug}/trend/").status_code == 404
    assert get(client, f"/api/artists/{artist.slug}/history/")["results"] == []
    refreshed()
    assert client.get(f"/api/artists/{artist.slug}/trend/").status_code == 200


def test_a_history_goes_back_page_by_page_and_says_what_moved(client: Client) -> None:
    artist = make_artist()
    moved(artist, 5)
    moved(make_artist(), 1)
    first = get(client, f"/api/artists/{artist.slug}/history/", limit=3)
    assert [change["new_score"] for change in first["results"]] == [14, 13, 12]
    assert first["results"][0]["mostly"] == "Followers +1.00"
    assert first["results"][2]["mostly"] == "Followers +1.00"  # compared with one of the next page
    second = get(client, first["next"])
    assert [change["new_score"] for change in second["results"]] == [11, 10]
    assert second["next"] is None
    assert second["results"][1]["mostly"] == ""


def test_the_formula_tells_the_numbers_that_scoring_uses(client: Client) -> None:
    body = get(client, "/api/trending/formula/")
    assert {line["factor"]: line["weight"] for line in body["factors"]}["recent_votes"] == 15
    assert body["decay"] == {"half_life_hours": scoring.HALF_LIFE_HOURS, "horizon_hours": scoring.HORIZON_HOURS}
    assert body["score"]["limit"] == 1000
    assert body["formula_version"] == scoring.FORMULA_VERSION


@pytest.mark.parametrize("raw", [0, 499, 500, 501, 750, 5000, 10**6])
def test_the_told_soft_cap_is_the_one_of_the_score(raw: int) -> None:
    knee, limit = 500, 1000  # limit - (limit - knee)² / (raw + limit - 2 knee)
    told = raw if raw <= knee else limit - (limit - knee) ** 2 / (raw + limit - 2 * knee)
    assert float(scoring.score(raw * scoring.POINT)) == pytest.approx(told, abs=0.01)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("/api/artists/someone/trend/?verbose=1", "verbose"),
        ("/api/artists/someone/history/?before=-1", "before"),
        ("/api/artists/someone/history/?before=99999999999999999999", "before"),
        ("/api/shows/someone/history/?limit=1000", "limit"),
        ("/api/trending/formula/?format=xml", "format"),
    ],
)
def test_bad_parameters_are_named(client: Client, url: str, named: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 400
    assert [error["name"] for error in answer.json()["errors"]] == [named]


@pytest.mark.parametrize("what", ["trend", "history"])
def test_a_story_takes_as_many_queries_however_long_it_is(client: Client, what: str) -> None:
    artist = make_artist()
    refreshed()

    def queries() -> int:
        watch.forget()
        with CaptureQueriesContext(connection) as seen:
            get(client, f"/api/artists/{artist.slug}/{what}/", **({"limit": 90} if what == "history" else {}))
        return len(seen)

    moved(artist, 2)
    few = queries()
    moved(artist, 50)
    make_vote(make_setlist_song(artist), at=timezone.now())
    refreshed()
    assert queries() == few <= 5
