"""What the database itself refuses, whoever writes."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError, IntegrityError, transaction

from mysetlist.catalog.models import (
    Activity,
    ArtistSong,
    Setlist,
    SetlistSong,
    Show,
    User,
    Venue,
    Vote,
)
from tests.factories import (
    make_artist,
    make_fan,
    make_follow,
    make_setlist,
    make_setlist_song,
    make_show,
    make_song,
    make_venue,
    make_vote,
)

pytestmark = pytest.mark.django_db


def refuses(constraint: str, make: Callable[..., Any], *arguments: Any, **values: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make(*arguments, **values)


@pytest.mark.parametrize("popularity", [-1, 101, 32767])
def test_popularity_is_0_to_100(popularity: int) -> None:
    refuses("popularity", make_artist, popularity=popularity)
    refuses("popularity", make_song, popularity=popularity)


@pytest.mark.parametrize("popularity", [0, 1, 100, None])
def test_popularity_may_be_unknown(popularity: int | None) -> None:
    assert make_artist(popularity=popularity).popularity == popularity
    assert make_song(popularity=popularity).popularity == popularity


def test_followers_on_spotify_are_not_negative() -> None:
    refuses("spotify_followers", make_artist, spotify_followers=-1)


def test_artists_and_songs_have_a_name() -> None:
    refuses("artist_has_a_name", make_artist, name="")
    refuses("song_has_a_title", make_song, title="")


@pytest.mark.parametrize(
    ("field", "value"), [("slug", "x"), ("ticketmaster_id", "x"), ("spotify_id", "x"), ("mbid", uuid4())]
)
def test_what_finds_an_artist_again_is_unique(field: str, value: Any) -> None:
    make_artist(**{field: value})
    refuses(field, make_artist, **{field: value})


@pytest.mark.parametrize("field", ["slug", "ticketmaster_id"])
def test_what_finds_a_show_again_is_unique(field: str) -> None:
    make_show(**{field: "x"})
    refuses(field, make_show, **{field: "x"})


@pytest.mark.parametrize("field", ["spotify_id", "isrc"])
def test_what_finds_a_song_again_is_unique(field: str) -> None:
    make_song(**{field: "x"})
    refuses(field, make_song, **{field: "x"})


def test_many_may_be_without_an_external_id() -> None:
    for make in (make_artist, make_show, make_song, make_venue):
        make(), make()


@pytest.mark.parametrize("country", ["DE", None])
def test_a_venue_without_an_id_is_one_per_name_city_and_country(country: str | None) -> None:
    make_venue(name="Arena", city="Berlin", country=country)
    refuses("one_venue_per_name_city_country", make_venue, name="Arena", city="Berlin", country=country)


def test_venues_of_one_name_may_lie_in_several_places_or_have_ids() -> None:
    for place in ({"city": "Berlin"}, {"city": "Bern"}, {"country": "AT"}, {"country": None}):
        make_venue(name="Arena", **place)
    for ticketmaster_id in ("x", "y"):
        make_venue(name="Arena", city="Berlin", ticketmaster_id=ticketmaster_id)
    refuses("ticketmaster_id", make_venue, name="Other", ticketmaster_id="x")
    assert Venue.objects.count() == 6


@pytest.mark.parametrize("country", ["de", "D", "D1", "", "ÄÖ", "D\n"])
def test_a_country_is_two_capital_letters(country: str) -> None:
    refuses("venue_country_is_alpha_2", make_venue, country=country)


def test_a_country_has_no_third_letter() -> None:
    with pytest.raises(DataError), transaction.atomic():
        make_venue(country="DEU")


@pytest.mark.parametrize("status", ["upcoming", "ongoing", "completed", "cancelled", "postponed"])
def test_a_show_may_be(status: str) -> None:
    assert make_show(status=status).status == status


@pytest.mark.parametrize("status", ["", "canceled", "UPCOMING", "live"])
def test_a_show_may_not_be(status: str) -> None:
    refuses("show_status_is_known", make_show, status=status)


def test_a_show_is_upcoming_unless_told() -> None:
    artist = make_artist()
    assert Show.objects.create(headliner=artist, name="x", slug="x").status == "upcoming"


def test_a_setlist_is_predicted_or_actual() -> None:
    refuses("setlist_kind_is_known", make_setlist, make_show(), kind="guessed")


def test_there_is_one_predicted_setlist_per_show_and_artist() -> None:
    artist, guest = make_artist(), make_artist()
    show = make_show(artist, bill=[guest])
    make_setlist(show)
    make_setlist(show, guest)
    make_setlist(make_show(artist))
    refuses("one_predicted_setlist_per_show_and_artist", make_setlist, show)


def test_an_artist_may_have_played_twice_at_a_show() -> None:
    show = make_show()
    make_setlist(show)
    for _ in range(2):
        make_setlist(show, kind=Setlist.Kind.ACTUAL)
    make_setlist(show, kind=Setlist.Kind.ACTUAL, setlistfm_id="x")
    refuses("setlistfm_id", make_setlist, show, kind=Setlist.Kind.ACTUAL, setlistfm_id="x")


def test_a_position_of_a_setlist_holds_one_song() -> None:
    setlist = make_setlist(make_show(), songs=1)
    refuses(
        "one_song_per_position_of_a_setlist", SetlistSong.objects.create, setlist=setlist, song=make_song(), position=1
    )
    song = make_song()
    for position in (2, 9):  # a song may be played twice
        SetlistSong.objects.create(setlist=setlist, song=song, position=position)


def test_a_fan_has_one_live_vote_per_song_of_a_setlist() -> None:
    fan, setlist_song = make_fan(), make_setlist_song()
    make_vote(setlist_song, fan=fan)
    refuses("one_live_vote_per_fan_and_setlist_song", make_vote, setlist_song, fan=fan)
    make_vote(setlist_song)
    make_vote(make_setlist_song(), fan=fan)
    assert Vote.objects.count() == 3


def test_a_fan_follows_an_artist_once() -> None:
    fan, artist = make_fan(), make_artist()
    make_follow(artist, fan)
    refuses("one_follow_per_fan_and_artist", make_follow, artist, fan)
    assert make_follow(artist).created_at is not None


def test_an_artist_has_a_song_once() -> None:
    artist = make_artist()
    song = make_song(artist)
    refuses("one_row_per_artist_and_song", ArtistSong.objects.create, artist=artist, song=song)
    ArtistSong.objects.create(artist=make_artist(), song=song)


def test_activity_is_of_a_known_kind() -> None:
    refuses("activity_kind_is_known", Activity.objects.create, kind="share", artist_id=1, change=1)


def test_fans_have_a_name_each() -> None:
    make_fan(username="x")
    refuses("username", make_fan, username="x")


def test_a_fan_s_votes_and_follows_go_with_the_fan() -> None:
    fan, other = make_fan(), make_fan()
    setlist_song = make_setlist_song()
    for each in (fan, other):
        make_vote(setlist_song, fan=each)
        make_follow(setlist_song.setlist.artist, each)
    fan.delete()
    assert list(User.objects.all()) == [other]
    assert (Vote.objects.get().fan, setlist_song.setlist.artist.follows.get().fan) == (other, other)


def test_a_show_survives_its_venue() -> None:
    venue = make_venue()
    show = make_show(venue=venue)
    venue.delete()
    show.refresh_from_db()
    assert show.venue is None
