"""catalog_activity: one line for each change that a score or a list shows, whoever made it; none for others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from mysetlist.catalog.models import Activity, Artist, Billing, Follow, Show, Vote
from tests.factories import (
    NOON,
    make_artist,
    make_fan,
    make_follow,
    make_setlist,
    make_show,
    make_song,
    make_venue,
    make_vote,
)

pytestmark = pytest.mark.django_db

HALF_PAST = NOON + timedelta(minutes=30)


class Noted:
    """The lines that came while something was done."""

    lines: list[tuple[Any, ...]]


@contextmanager
def noted() -> Iterator[Noted]:
    Activity.objects.all().delete()
    found = Noted()
    yield found
    found.lines = sorted(
        Activity.objects.values_list("kind", "artist_id", "show_id", "fan_id", "hour", "counted", "change"),
        key=str,
    )


def vote_line(vote: Vote, change: int, *, hour: datetime = NOON, counted: bool | None = None) -> tuple[Any, ...]:
    return (
        "vote",
        vote.artist_id,
        vote.show_id,
        vote.fan_id,
        hour,
        vote.counted if counted is None else counted,
        change,
    )


def show_line(show: Show, artist: Artist, change: int) -> tuple[Any, ...]:
    return ("show", artist.pk, show.pk, None, None, None, change)


def artist_line(artist_id: int, change: int) -> tuple[Any, ...]:
    return ("artist", artist_id, None, None, None, None, change)


def lines(*expected: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return sorted(expected, key=str)


def execute(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


# --- votes ---


@pytest.fixture
def show() -> Show:
    return make_show(bill=[make_artist()])


@pytest.fixture
def votes(show: Show) -> list[Vote]:
    """Three votes of three fans, the last one uncounted."""
    return [
        make_vote(song, at=HALF_PAST, counted=place < 2)
        for place, song in enumerate(make_setlist(show, songs=3).setlist_songs.order_by("position"))
    ]


def test_a_vote_is_noted_by_its_hour(show: Show) -> None:
    song = make_setlist(show, songs=1).setlist_songs.get()
    with noted() as seen:
        vote = make_vote(song, at=HALF_PAST)
    assert seen.lines == [vote_line(vote, 1)]


def test_an_hour_is_an_hour_in_utc_whatever_zone_the_writer_lives_in(show: Show) -> None:
    song = make_setlist(show, songs=1).setlist_songs.get()
    with noted() as seen:
        execute("SET LOCAL timezone = 'Asia/Kathmandu'")  # 45 minutes off the hour
        vote = make_vote(song, at=HALF_PAST)
        execute("SET LOCAL timezone = 'UTC'")
    assert seen.lines == [vote_line(vote, 1)]


def test_votes_in_bulk_are_noted_one_by_one(show: Show) -> None:
    songs = make_setlist(show, songs=3).setlist_songs.all()
    fan = make_fan()
    with noted() as seen:
        votes = Vote.objects.bulk_create(
            Vote(fan=fan, setlist_song=song, show=show, artist=show.headliner, created_at=HALF_PAST, counted=True)
            for song in songs
        )
    assert seen.lines == lines(*(vote_line(vote, 1) for vote in votes))


def test_copied_votes_are_noted(show: Show) -> None:
    song, fan = make_setlist(show, songs=1).setlist_songs.get(), make_fan()
    with (
        noted() as seen,
        connection.cursor() as cursor,
        cursor.copy(
            "COPY catalog_vote (fan_id, setlist_song_id, show_id, artist_id, created_at, counted) FROM STDIN"
        ) as copy,
    ):
        copy.write_row((fan.pk, song.pk, show.pk, show.headliner_id, HALF_PAST, False))
    assert seen.lines == [vote_line(Vote.objects.get(), 1)]


def test_retracted_votes_are_noted(votes: list[Vote]) -> None:
    with noted() as seen:
        votes[0].delete()
    assert seen.lines == [vote_line(votes[0], -1)]
    with noted() as seen:
        Vote.objects.all().delete()
    assert seen.lines == lines(*(vote_line(vote, -1) for vote in votes[1:]))


def test_a_changed_vote_is_taken_back_and_cast_anew(votes: list[Vote]) -> None:
    earlier = NOON - timedelta(hours=5)
    with noted() as seen:
        Vote.objects.filter(pk=votes[0].pk).update(created_at=earlier, counted=False)
    assert seen.lines == lines(vote_line(votes[0], -1), vote_line(votes[0], 1, hour=earlier, counted=False))


def test_changed_votes_in_bulk_are_noted_one_by_one(votes: list[Vote]) -> None:
    with noted() as seen:
        Vote.objects.update(counted=True)
    assert seen.lines == lines(
        *(vote_line(vote, -1) for vote in votes), *(vote_line(vote, 1, counted=True) for vote in votes)
    )


def test_nothing_changed_is_nothing_noted(votes: list[Vote]) -> None:
    with noted() as seen:
        Vote.objects.filter(pk=-1).update(counted=True)
        Vote.objects.filter(pk=-1).delete()
        Vote.objects.bulk_create([])
    assert seen.lines == []


# --- follows ---


def test_follows_are_noted() -> None:
    artist, other, fan = make_artist(), make_artist(), make_fan()
    with noted() as seen:
        follow = make_follow(artist, fan)
    assert seen.lines == [("follow", artist.pk, None, fan.pk, None, None, 1)]
    with noted() as seen:
        Follow.objects.filter(pk=follow.pk).update(artist=other)
    assert seen.lines == lines(
        ("follow", artist.pk, None, fan.pk, None, None, -1), ("follow", other.pk, None, fan.pk, None, None, 1)
    )
    with noted() as seen:
        follow.delete()
    assert seen.lines == [("follow", other.pk, None, fan.pk, None, None, -1)]


# --- shows and bills ---


def test_a_new_show_is_noted_for_everyone_on_its_bill() -> None:
    artist, guest = make_artist(), make_artist()
    with noted() as seen:
        show = make_show(artist, bill=[guest])
    assert seen.lines == lines(show_line(show, artist, 1), show_line(show, guest, 1))


def test_a_guest_who_leaves_the_bill_is_noted(show: Show) -> None:
    billing = Billing.objects.get(show=show, position=1)
    with noted() as seen:
        billing.delete()
    assert seen.lines == [show_line(show, billing.artist, -1)]


def test_another_headliner_is_noted_for_the_old_and_the_new_one_and_the_guests(show: Show) -> None:
    guest, new = Billing.objects.get(show=show, position=1).artist, make_artist()
    with noted() as seen:
        Show.objects.filter(pk=show.pk).update(headliner=new)
    assert seen.lines == lines(
        show_line(show, show.headliner, -1), show_line(show, new, 1), show_line(show, new, 0), show_line(show, guest, 0)
    )


@pytest.mark.parametrize(
    "edit",
    [
        lambda: {"starts_at": NOON},
        lambda: {"starts_at": None, "local_date": date(2026, 9, 1)},
        lambda: {"status": "cancelled"},
        lambda: {"name": "Another name"},
        lambda: {"slug": "another-slug"},
        lambda: {"venue": make_venue()},
        lambda: {"local_date": date(2026, 7, 8)},
    ],
    ids=["start", "date", "status", "name", "slug", "venue", "day of a known start"],
)
def test_an_edit_that_scores_or_lists_see_is_noted_once_for_each_on_the_bill(
    edit: Callable[[], dict[str, Any]], show: Show
) -> None:
    values = edit()
    guest = Billing.objects.get(show=show, position=1).artist
    with noted() as seen:
        Show.objects.filter(pk=show.pk).update(**values)
    assert seen.lines == lines(show_line(show, show.headliner, 0), show_line(show, guest, 0))


def test_a_zone_that_moves_the_start_is_noted() -> None:
    show = make_show(starts_at=None, local_date=date(2026, 7, 1))
    with noted() as seen:
        Show.objects.filter(pk=show.pk).update(timezone="Asia/Tokyo")
    assert seen.lines == [show_line(show, show.headliner, 0)]


@pytest.mark.parametrize(
    "values",
    [{"ticketmaster_id": "x"}, {"timezone": "Asia/Tokyo"}, {"status": "upcoming"}],
    ids=["external id", "zone of a known start", "the same status"],
)
def test_an_edit_that_nobody_sees_is_not_noted(values: dict[str, Any], show: Show) -> None:
    with noted() as seen:
        Show.objects.filter(pk=show.pk).update(**values)
        show.refresh_from_db()
        show.save()  # the same again
    assert seen.lines == []


def test_of_many_edited_shows_only_the_changed_ones_are_noted() -> None:
    shows = [make_show(status=status) for status in ("upcoming", "cancelled", "upcoming")]
    with noted() as seen:
        Show.objects.update(status="cancelled")
    assert seen.lines == lines(*(show_line(shows[place], shows[place].headliner, 0) for place in (0, 2)))


def test_a_deleted_show_is_noted_with_its_votes(show: Show, votes: list[Vote]) -> None:
    guest = Billing.objects.get(show=show, position=1).artist
    with noted() as seen:
        Show.objects.filter(pk=show.pk).delete()
    assert seen.lines == lines(
        show_line(show, show.headliner, -1), show_line(show, guest, -1), *(vote_line(vote, -1) for vote in votes)
    )


# --- venues ---


@pytest.mark.parametrize("values", [{"name": "Arena"}, {"city": "Bern"}, {"region": "BE"}, {"country": "CH"}])
def test_a_renamed_venue_is_noted_for_its_shows(values: dict[str, str], show: Show) -> None:
    venue = make_venue()
    Show.objects.filter(pk=show.pk).update(venue=venue)
    make_show()
    guest = Billing.objects.get(show=show, position=1).artist
    with noted() as seen:
        type(venue).objects.filter(pk=venue.pk).update(**values)
    assert seen.lines == lines(show_line(show, show.headliner, 0), show_line(show, guest, 0))


def test_an_edit_of_a_venue_that_nobody_sees_is_not_noted() -> None:
    venue = make_venue(timezone="Europe/Berlin")
    make_show(venue=venue)
    with noted() as seen:
        venue.ticketmaster_id = "x"
        venue.save()
        make_venue()
    assert seen.lines == []


def test_a_corrected_zone_of_a_venue_is_noted_for_the_shows_that_it_moves() -> None:
    venue = make_venue(timezone="Europe/Berlin")
    dated = make_show(venue=venue, starts_at=None, local_date=date(2026, 7, 1))
    make_show(venue=venue)  # its exact start is known
    with noted() as seen:
        venue.timezone = "Asia/Tokyo"
        venue.save()
    assert seen.lines == [show_line(dated, dated.headliner, 0)]


def test_a_deleted_venue_is_noted_for_its_shows() -> None:
    venue = make_venue()
    show = make_show(venue=venue)
    with noted() as seen:
        venue.delete()
    assert seen.lines == [show_line(show, show.headliner, 0)]


# --- artists ---


def test_a_new_artist_is_noted() -> None:
    with noted() as seen:
        artist = make_artist()
    assert seen.lines == [artist_line(artist.pk, 1)]


@pytest.mark.parametrize(
    "values",
    [
        {"popularity": 50},
        {"popularity": None},
        {"name": "Björk"},
        {"slug": "bjork"},
        {"image_url": "https://x.test/a.png"},
        {"genres": ["pop"]},
    ],
    ids=lambda values: "-".join(f"{name} {value}" for name, value in values.items()),
)
def test_an_edited_artist_is_noted(values: dict[str, Any]) -> None:
    artist, _ = make_artist(popularity=40), make_artist()
    with noted() as seen:
        Artist.objects.filter(pk=artist.pk).update(**values)
    assert seen.lines == [artist_line(artist.pk, 0)]


@pytest.mark.parametrize(
    "values", [{"spotify_followers": 5}, {"spotify_id": "x"}, {"ticketmaster_id": "x"}, {"popularity": 40}]
)
def test_an_edit_of_an_artist_that_nobody_sees_is_not_noted(values: dict[str, Any]) -> None:
    artist = make_artist(popularity=40)
    with noted() as seen:
        Artist.objects.filter(pk=artist.pk).update(**values)
    assert seen.lines == []


def test_songs_and_setlists_are_not_noted(show: Show) -> None:
    with noted() as seen:
        song = make_song(show.headliner)
        setlist = make_setlist(show, songs=2)
        song.popularity = 90
        song.save()
        setlist.locked_at = NOON
        setlist.save()
    assert seen.lines == []


def test_a_deleted_artist_takes_everything_along_and_all_of_it_is_noted(show: Show, votes: list[Vote]) -> None:
    artist, guest = show.headliner, Billing.objects.get(show=show, position=1).artist
    fan = make_follow(artist).fan
    elsewhere = make_show(guest, bill=[artist])
    with noted() as seen:
        Artist.objects.filter(pk=artist.pk).delete()
    assert seen.lines == lines(
        artist_line(artist.pk, -1),
        ("follow", artist.pk, None, fan.pk, None, None, -1),
        show_line(show, artist, -1),
        show_line(show, guest, -1),
        show_line(elsewhere, artist, -1),
        *(vote_line(vote, -1) for vote in votes),
    )


def test_a_deleted_fan_takes_votes_and_follows_along(votes: list[Vote]) -> None:
    fan = votes[0].fan
    make_follow(votes[0].artist, fan)
    with noted() as seen:
        fan.delete()
    assert seen.lines == lines(
        vote_line(votes[0], -1), ("follow", votes[0].artist_id, None, votes[0].fan_id or fan.pk, None, None, -1)
    )


@pytest.mark.parametrize("path", ["''", "pg_catalog"])
def test_the_triggers_work_under_any_search_path(path: str, show: Show, votes: list[Vote]) -> None:
    new, venue = make_artist(), make_venue(timezone="Asia/Tokyo")
    Show.objects.filter(pk=show.pk).update(venue=venue)
    with noted() as seen:
        execute(f"SET LOCAL search_path = {path}")
        execute("UPDATE public.catalog_vote SET counted = NOT counted WHERE id = %s", votes[0].pk)
        execute("UPDATE public.catalog_show SET headliner_id = %s WHERE id = %s", new.pk, show.pk)
        execute("UPDATE public.catalog_venue SET timezone = 'Europe/Berlin', name = 'Arena' WHERE id = %s", venue.pk)
        execute("UPDATE public.catalog_artist SET popularity = 3 WHERE id = %s", new.pk)
        execute("DELETE FROM public.catalog_follow")
        execute("SET LOCAL search_path TO DEFAULT")
    assert {kind for kind, *_ in seen.lines} == {"vote", "show", "artist"}
    assert Billing.objects.get(show=show, position=0).artist == new
