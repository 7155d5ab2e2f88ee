"""The front page: the lists as people see them, without JavaScript, with everything escaped."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_artist, make_setlist, make_show, make_venue, make_vote
from trending.editions import watch
from trending.models import TrendState
from trending.services import refresh, whole_hour

pytestmark = pytest.mark.django_db


def voted_show(number: int = 1, **artist: Any) -> None:
    venue = make_venue(city="Köln")
    show = make_show(make_artist(popularity=50, **artist), venue=venue, starts_at=timezone.now() + timedelta(days=3))
    song = make_setlist(show, songs=1).setlist_songs.get()
    for _ in range(number):
        make_vote(song, at=timezone.now())


def page(client: Client) -> str:
    refresh(as_of=whole_hour(timezone.now()))
    watch.forget()
    answer = client.get("/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")
    return answer.content.decode()


def test_it_shows_who_is_rising_why_and_where(client: Client) -> None:
    voted_show(name="Björk", slug="björk")
    text = page(client)
    assert text.count("Björk") >= 2  # as an artist and as a headliner
    assert 'href="/api/artists/bj%C3%B6rk/trend/"' in text
    assert "1 vote by 1 fan in three weeks" in text
    assert "Köln" in text
    assert text.count('class="stacked-bar"') == 2


def test_every_link_leads_somewhere(client: Client) -> None:
    voted_show()
    links = set(re.findall(r'href="(/[^"]*)"', page(client)))
    assert len(links) > 5
    for link in links:
        if not link.startswith("/static/"):
            assert client.get(link).status_code in {200, 302}, link


def test_before_the_first_refresh_it_says_what_to_do(client: Client) -> None:
    text = client.get("/").content.decode()
    assert "There are no scores yet" in text
    assert "make demo" in text


def test_names_are_text_whatever_they_are(client: Client) -> None:
    voted_show(name='<script>alert("1")</script>', genres=["<b>", "'\" onload=x"])
    text = page(client)
    assert "<script" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text


def test_it_needs_nothing_but_itself(client: Client) -> None:
    voted_show()
    text = page(client)
    assert not re.search(r"<script|javascript:|style=|https?://", text)
    assert client.get("/")["Content-Security-Policy"].startswith("default-src 'none'")


def test_late_scores_say_so(client: Client) -> None:
    voted_show()
    assert "the refresh is late" not in page(client)
    TrendState.objects.update(refreshed_at=timezone.now() - timedelta(hours=1))
    watch.forget()
    assert "the refresh is late" in client.get("/").content.decode()


def test_it_is_rendered_once_for_each_edition(client: Client, django_assert_num_queries: Any) -> None:
    voted_show()
    page(client)
    with django_assert_num_queries(0):
        etag = client.get("/")["ETag"]
        assert client.get("/", headers={"if-none-match": etag}).status_code == 304
        assert client.head("/").status_code == 200


def test_it_takes_as_many_queries_for_ten_as_for_one(client: Client, django_assert_max_num_queries: Any) -> None:
    for _ in range(12):
        voted_show()
    refresh(as_of=whole_hour(timezone.now()))
    watch.forget()
    with django_assert_max_num_queries(5):
        text = client.get("/").content.decode()
    assert text.count('class="place"') == 20


def test_it_is_for_reading(client: Client) -> None:
    assert client.post("/").status_code == 405
