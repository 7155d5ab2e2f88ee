"""Repairs: what nothing needs goes, one night with two rows becomes one, and nothing that a fan did is lost."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from mysetlist.catalog.models import Billing, Follow, Setlist, SetlistSong, Show, Song, Venue, Vote
from mysetlist.catalog.services import SetlistGone, cast_vote, retract_vote
from syncjobs.jobs import repair_catalogue
from syncjobs.progress import Unqueued
from syncjobs.services.repairs import merge_shows, remove_useless, repairable, twin_shows
from tests.catalog.test_api import door, problem, vote
from tests.factories import (
    NOON,
    hours_before,
    make_artist,
    make_fan,
    make_setlist,
    make_show,
    make_song,
    make_venue,
)
from tests.monitoring.runs import somebody_waits_for_a_lock, wait_until
from trending.services import calculate_trending, verify_trending

DAY = date(2026, 7, 8)


def twins(number: int = 2, **values: Any) -> list[Show]:
    """Rows of one night."""
    artist, venue = make_artist(), make_venue()
    return [make_show(artist, venue=venue, local_date=DAY, **values) for _ in range(number)]


def night_of_fans(dice: random.Random) -> tuple[Show, Show]:
    """Two rows of one night, with bills, setlists and votes drawn at random."""
    stays, goes = twins()
    Show.objects.filter(pk=stays.pk).update(ticketmaster_id=f"Z{stays.pk}")
    guests = [make_artist() for _ in range(3)]
    fans = [make_fan() for _ in range(4)]
    songs = {artist: [make_song(artist) for _ in range(4)] for artist in (stays.headliner, *guests)}
    for show in (stays, goes):
        bill = dice.sample(guests, dice.randint(0, 3))
        for position, guest in enumerate(bill, 1):
            Billing.objects.create(show=show, artist=guest, position=position)
        for artist in (stays.headliner, *bill):
            if dice.random() < 0.8:
                add_setlist(show, artist, dice.sample(songs[artist], dice.randint(1, 4)), fans, dice)
        make_setlist(show, kind=Setlist.Kind.ACTUAL, songs=dice.randint(0, 2))
    for fan in fans:
        Follow.objects.create(fan=fan, artist=stays.headliner)
    return stays, goes


def add_setlist(show: Show, artist: Any, songs: list[Song], fans: list[Any], dice: random.Random) -> None:
    setlist = make_setlist(show, artist)
    for position, song in enumerate(songs, 1):
        place = SetlistSong.objects.create(setlist=setlist, song=song, position=position)
        for fan in dice.sample(fans, dice.randint(0, 4)):
            Vote.objects.create(
                fan=fan,
                setlist_song=place,
                show=show,
                artist=artist,
                created_at=hours_before(dice.randint(0, 99)),
                counted=dice.random() < 0.7,
            )


def done_by_fans() -> dict[tuple[int, int, int], bool]:
    """Who voted for whose song, and whether it counts."""
    told: dict[tuple[int, int, int], bool] = {}
    for cast in Vote.objects.select_related("setlist_song"):
        key = (cast.fan_id, cast.artist_id, cast.setlist_song.song_id)
        told[key] = told.get(key, False) or cast.counted
    return told


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
@pytest.mark.django_db
def test_merging_loses_nothing_that_a_fan_did_and_doubles_nothing(seed: int) -> None:
    Show.objects.all().delete()
    stays, goes = night_of_fans(random.Random(seed))
    fans, follows = done_by_fans(), Follow.objects.count()
    bills = set(Billing.objects.values_list("artist", flat=True))
    played = Setlist.objects.filter(kind="actual").count()
    merge_shows(stays=stays.pk, goes=goes.pk)
    assert done_by_fans() == fans
    assert Vote.objects.count() == len(fans)
    assert Follow.objects.count() == follows
    assert set(Vote.objects.values_list("show", "setlist_song__setlist__show")) <= {(stays.pk, stays.pk)}
    assert list(Show.objects.all()) == [stays]
    assert sorted(stays.billings.values_list("artist", flat=True)) == sorted(bills)
    assert stays.billings.get(position=0).artist_id == stays.headliner_id
    assert Setlist.objects.filter(kind="actual", show=stays).count() == played


@pytest.mark.parametrize("seed", range(3))
def test_scores_stay_exact(transactional_db: None, seed: int) -> None:
    stays, goes = night_of_fans(random.Random(seed))
    calculate_trending(as_of=NOON)
    merge_shows(stays=stays.pk, goes=goes.pk)
    calculate_trending(as_of=NOON)
    assert verify_trending().result["failed"] == 0


@pytest.mark.django_db
def test_who_has_a_ticketmaster_id_stays_then_the_oldest() -> None:
    first, second, third = twins(3)
    assert twin_shows() == [[first.pk, second.pk, third.pk]]
    Show.objects.filter(pk=third.pk).update(ticketmaster_id="Z3")
    assert twin_shows() == [[third.pk, first.pk, second.pk]]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "cancelled"},
        {"starts_at": hours_before(-170)},
        {"local_date": date(2026, 7, 9)},
        {"venue": None},
        {"ticketmaster_id": "Z2"},
    ],
)
@pytest.mark.django_db
def test_what_may_be_two_shows_is_left_alone(change: dict[str, Any]) -> None:
    first, second = twins()
    Show.objects.filter(pk=first.pk).update(ticketmaster_id="Z1")
    assert twin_shows()
    Show.objects.filter(pk=second.pk).update(**change)
    assert twin_shows() == []


@pytest.mark.django_db
def test_a_show_that_is_gone_is_merged_no_more() -> None:
    stays, goes = twins()
    goes_pk = goes.pk
    goes.delete()
    assert merge_shows(stays=stays.pk, goes=goes_pk) == 0
    assert Show.objects.get() == stays


@pytest.mark.parametrize("has_same_song", [False, True])
def test_a_vote_cast_while_its_show_is_merged_is_refused_and_says_why(
    transactional_db: None, has_same_song: bool
) -> None:
    stays, goes = twins(starts_at=timezone.now() + timedelta(days=3))
    choice = make_setlist(goes, songs=1).setlist_songs.get()
    if has_same_song:
        SetlistSong.objects.create(setlist=make_setlist(stays), song=choice.song, position=1)
    client = door(make_fan())

    def late_vote() -> Any:
        try:
            return vote(client, choice.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor() as another:
        with transaction.atomic():
            merge_shows(stays=stays.pk, goes=goes.pk)
            answer = another.submit(late_vote)
            wait_until(somebody_waits_for_a_lock, "the vote")
        assert problem(answer.result(), 409)["code"] == "setlist_gone"
    assert not Vote.objects.exists()
    again = SetlistSong.objects.get(setlist__show=stays)
    assert vote(client, again.pk).status_code == 201


@pytest.mark.django_db
def test_who_looked_at_a_setlist_before_it_was_merged_is_told_to_look_again() -> None:
    stays, goes = twins(starts_at=timezone.now() + timedelta(days=3))
    choice = make_setlist(goes, songs=1).setlist_songs.get()
    make_setlist(stays)
    merge_shows(stays=stays.pk, goes=goes.pk)
    for do in (cast_vote, retract_vote):
        with pytest.raises(SetlistGone, match="load the show anew"):
            do(fan=make_fan(), setlist_song=choice, now=timezone.now())


@pytest.mark.django_db
def test_rows_that_nothing_needs_are_removed_and_all_others_stay() -> None:
    show = make_show(venue=make_venue())
    needed = make_setlist(show, songs=2)
    played_by_nobody = make_song()
    SetlistSong.objects.create(setlist=needed, song=played_by_nobody, position=3)
    make_song(), make_venue(), make_setlist(make_show(venue=show.venue))
    assert repairable() == {"songs_to_remove": 1, "venues_to_remove": 1, "setlists_to_remove": 1, "shows_to_merge": 0}
    repair_catalogue(Unqueued())
    assert set(repairable().values()) == {0}
    assert (Song.objects.count(), Venue.objects.get(), Setlist.objects.get()) == (3, show.venue, needed)


@pytest.mark.django_db
def test_a_batch_is_bounded() -> None:
    for _ in range(3):
        make_song()
    assert [remove_useless("songs", limit=2) for _ in range(3)] == [2, 1, 0]


def test_the_job_counts_what_it_did_and_a_second_time_does_nothing(transactional_db: None) -> None:
    stays, goes = twins()
    make_setlist(goes, songs=1)
    place = SetlistSong.objects.get()
    fan = make_fan()
    Vote.objects.create(fan=fan, setlist_song=place, show=goes, artist=goes.headliner, created_at=NOON, counted=True)
    make_song()
    counts = repair_catalogue(Unqueued())
    done = {"songs_removed": 1, "venues_removed": 0, "setlists_removed": 0, "shows_merged": 1, "votes_moved": 1}
    assert counts == done
    assert Vote.objects.get().show_id == stays.pk
    assert set(repair_catalogue(Unqueued()).values()) == {0}
