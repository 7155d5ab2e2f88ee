"""The cap: at most ten votes of a fan for an artist count in any 168 hours, however they arrive (I12)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from threading import Barrier

import pytest
from django.db import transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mysetlist.catalog.models import Artist, SetlistSong, User, Vote
from mysetlist.catalog.services import CAP_HOURS, cast_vote, retract_vote
from tests.factories import NOON, make_artist, make_fan, make_setlist, make_show
from tests.trending.threads import holding, wait_until, workers
from tests.trending.world import (
    HOUR,
    column,
    counted,
    hour_of,
    listed,
    make_crowd,
    make_followers,
    make_shows,
    make_votes,
    rows,
    stored,
)
from trending.scoring import POINT
from trending.services import refresh

FAR = NOON + timedelta(days=365)
INDIA = timezone(timedelta(hours=5, minutes=30))


def songs(number: int, artist: Artist | None = None) -> list[SetlistSong]:
    show = make_show(artist, starts_at=FAR)
    return list(make_setlist(show, songs=number).setlist_songs.order_by("position"))


@dataclass
class Ballot:
    """The rule in the words of the reference: what one fan's votes for one artist come to."""

    live: dict[int, tuple[int, bool]] = field(default_factory=dict)  # song: hour, counted

    def cast(self, song: int, hour: int) -> tuple[bool, bool]:
        """Whether it counts, and whether it is new."""
        new = song not in self.live
        if new:
            rivals = [h for h, counted in self.live.values() if counted and h > hour - 168]
            self.live[song] = (hour, len(rivals) < 10)
        return self.live[song][1], new

    def retract(self, song: int) -> bool:
        return self.live.pop(song, None) is not None


# Hours at which a window opens or closes, in any order; a block is several votes at once.
moments = st.sampled_from([0, 1, 100, 167, 168, 169, 335, 336, 337, 504]) | st.integers(0, 700)
steps = st.tuples(
    st.sampled_from(["cast"] * 4 + ["retract"]),
    st.integers(0, 1),  # fan
    st.integers(0, 1),  # artist
    st.integers(0, 24),  # first song
    st.integers(1, 11),  # so many songs
    moments,
    st.integers(0, 3599),  # seconds within the hour
)


@pytest.mark.django_db
@settings(max_examples=30)
@given(st.lists(steps, min_size=1, max_size=9))
@example([("cast", 0, 0, first, 10, hour, 0) for first, hour in ((0, 336), (10, 168), (15, 0))])
@example([("cast", 0, 0, 0, 11, 200, 0), ("retract", 0, 0, 3, 1, 200, 0), ("cast", 0, 0, 20, 2, 100, 0)])
def test_i12_votes_count_as_the_rule_says_in_any_order_of_arrival(
    steps: list[tuple[str, int, int, int, int, int, int]],
) -> None:
    with transaction.atomic():
        fans, menus = make_crowd(2), [songs(25), songs(25)]
        model = {(fan, artist): Ballot() for fan in range(2) for artist in range(2)}
        for what, fan, artist, first, size, hour, seconds in steps:
            ballot, now = model[fan, artist], NOON + timedelta(hours=hour, seconds=seconds)
            now = now.astimezone(INDIA) if seconds % 2 else now
            for song in range(first, min(first + size, 25)):
                place = menus[artist][song]
                if what == "retract":
                    assert retract_vote(fan=fans[fan], setlist_song=place, now=now) == ballot.retract(song)
                    continue
                vote, new = cast_vote(fan=fans[fan], setlist_song=place, now=now)
                assert (vote.counted, new) == ballot.cast(song, hour_of(now))
        for fan in range(2):
            for artist in range(2):
                votes = Vote.objects.filter(fan=fans[fan], artist_id=menus[artist][0].setlist.artist_id)
                assert_within_bounds(votes)
                live = {(vote.setlist_song.position - 1, hour_of(vote.created_at), vote.counted) for vote in votes}
                assert live == {(song, *vote) for song, vote in model[fan, artist].live.items()}
        assert_one_fan_buys_little([menu[0].setlist.artist for menu in menus], fans[1])
        transaction.set_rollback(True)


def assert_within_bounds(votes: list[Vote]) -> None:
    hours = sorted(hour_of(vote.created_at) for vote in votes if vote.counted)
    for first in hours:
        assert sum(first <= hour < first + 168 for hour in hours) <= 10
        assert sum(first <= hour < first + 504 for hour in hours) <= 30


def assert_one_fan_buys_little(artists: list[Artist], other: User) -> None:
    """With one fan's votes alone, and the show that they are for, at any moment."""
    other.delete()
    for as_of in (NOON + hours * HOUR for hours in (0, 168, 336, 504, 700)):
        found = counted("artist", as_of)
        for artist in artists:
            activity = column(found[artist.pk], "raw") - 8 * POINT
            assert activity * 100 <= 23424 * POINT
            older = Vote.objects.filter(artist=artist, created_at__lt=as_of - 167 * HOUR).exists()
            assert older or activity <= 195 * POINT


@pytest.mark.django_db
def test_the_eleventh_vote_is_kept_but_does_not_count() -> None:
    fan, menu = make_fan(), songs(11)
    votes = [cast_vote(fan=fan, setlist_song=song, now=NOON)[0] for song in menu]
    assert [vote.counted for vote in votes] == [True] * 10 + [False]


@pytest.mark.django_db
def test_a_late_arriving_old_vote_does_not_slip_past_those_cast() -> None:
    fan, menu = make_fan(), songs(11)
    for song in menu[:10]:
        cast_vote(fan=fan, setlist_song=song, now=NOON)
    vote, _ = cast_vote(fan=fan, setlist_song=menu[10], now=NOON - timedelta(hours=100))
    assert not vote.counted


@pytest.mark.django_db
def test_a_week_later_votes_count_again() -> None:
    fan, menu = make_fan(), songs(12)
    for song in menu[:10]:
        cast_vote(fan=fan, setlist_song=song, now=NOON + timedelta(minutes=59))
    just_before, _ = cast_vote(fan=fan, setlist_song=menu[10], now=NOON + timedelta(hours=CAP_HOURS, seconds=-1))
    then, _ = cast_vote(fan=fan, setlist_song=menu[11], now=NOON + timedelta(hours=CAP_HOURS))
    assert (just_before.counted, then.counted) == (False, True)


@pytest.mark.django_db
def test_a_retraction_frees_its_slot_for_later_votes_and_promotes_none() -> None:
    fan, menu = make_fan(), songs(13)
    for song in menu[:11]:
        cast_vote(fan=fan, setlist_song=song, now=NOON)
    before = dict(Vote.objects.values_list("setlist_song", "counted"))

    assert retract_vote(fan=fan, setlist_song=menu[0], now=NOON)

    assert before.pop(menu[0].pk)
    assert dict(Vote.objects.values_list("setlist_song", "counted")) == before
    assert not Vote.objects.get(setlist_song=menu[10]).counted
    assert cast_vote(fan=fan, setlist_song=menu[11], now=NOON)[0].counted
    assert not cast_vote(fan=fan, setlist_song=menu[12], now=NOON)[0].counted


@pytest.mark.django_db
def test_a_retraction_of_what_was_never_cast_changes_nothing() -> None:
    fan, (one, other) = make_fan(), songs(2)
    cast_vote(fan=fan, setlist_song=one, now=NOON)
    assert not retract_vote(fan=fan, setlist_song=other, now=NOON)
    assert not retract_vote(fan=make_fan(), setlist_song=one, now=NOON)
    assert Vote.objects.count() == 1


@pytest.mark.django_db
def test_the_cap_is_per_artist_and_per_fan() -> None:
    fan, other = make_fan(), make_fan()
    here, there = songs(10), songs(1)
    for song in here:
        cast_vote(fan=fan, setlist_song=song, now=NOON)
    assert cast_vote(fan=fan, setlist_song=there[0], now=NOON)[0].counted
    assert cast_vote(fan=other, setlist_song=here[0], now=NOON)[0].counted


@pytest.mark.django_db
def test_the_cap_goes_over_all_shows_of_an_artist() -> None:
    fan, artist = make_fan(), make_artist()
    for song in songs(6, artist) + songs(4, artist):
        cast_vote(fan=fan, setlist_song=song, now=NOON)
    (last,) = songs(1, artist)
    assert not cast_vote(fan=fan, setlist_song=last, now=NOON)[0].counted


@pytest.mark.django_db
def test_i11_twenty_fresh_fans_lift_an_unknown_artist_above_the_most_famous_of_equal_activity() -> None:
    """Through the rules, the tables and the list."""
    famous, emerging = make_artist(popularity=100), make_artist()
    make_shows(famous, 300, NOON + HOUR)
    make_shows(famous, 300, NOON - HOUR)
    make_followers(famous, 4000)
    regulars = make_crowd(50)
    for artist in (famous, emerging):
        make_votes(songs(10, artist), regulars)
    refresh(as_of=NOON)
    assert listed("artist") == [(1, famous.pk), (2, emerging.pk)]

    (song,) = songs(1, emerging)
    for number, fan in enumerate(make_crowd(20)):
        vote, _ = cast_vote(fan=fan, setlist_song=song, now=NOON + timedelta(minutes=number))
        assert vote.counted
    refresh(as_of=NOON)

    assert listed("artist") == [(1, emerging.pk), (2, famous.pk)]


@pytest.mark.django_db
def test_twenty_votes_of_one_fan_do_not_replace_twenty_fans() -> None:
    famous, loud = make_artist(popularity=100), make_artist()
    make_shows(famous, 50, NOON + HOUR)
    fan = make_fan()
    for song in songs(40, loud):
        cast_vote(fan=fan, setlist_song=song, now=NOON)
    refresh(as_of=NOON)
    assert column(stored("artist")[loud.pk], "raw") == (195 + 8) * POINT
    assert listed("artist")[0] == (1, famous.pk)


def in_threads(number: int, work: Callable[[int], object]) -> list[object]:
    """Do the work in so many threads at the same instant, each on a connection of its own."""
    barrier = Barrier(number)

    def run(index: int) -> object:
        barrier.wait()
        return work(index)

    with workers(number) as start:
        return [future.result() for future in [start(lambda index=index: run(index)) for index in range(number)]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("counted_before", "count_now"), [(9, 1), (10, 0), (0, 2)])
def test_of_two_votes_at_the_same_instant_no_more_count_than_the_cap_has_room_for(
    counted_before: int, count_now: int
) -> None:
    """Both have looked, or wait to look, before either is stored: a check without a lock lets both through."""
    fan, menu = make_fan(), songs(12)
    for song in menu[:counted_before]:
        cast_vote(fan=fan, setlist_song=song, now=NOON)
    with workers(2) as start:
        with holding("LOCK TABLE catalog_vote IN SHARE MODE"):
            cast = [start(lambda song=song: cast_vote(fan=fan, setlist_song=song, now=NOON)) for song in menu[10:]]
            wait_until(2)
        assert sum(vote.counted for vote, _ in (future.result() for future in cast)) == count_now
    assert Vote.objects.filter(fan=fan, counted=True).count() == counted_before + count_now
    assert Vote.objects.filter(fan=fan).count() == counted_before + 2


@pytest.mark.django_db(transaction=True)
def test_of_twelve_votes_of_one_fan_at_the_same_instant_exactly_ten_count() -> None:
    fan, menu = make_fan(), songs(12)
    in_threads(12, lambda index: cast_vote(fan=fan, setlist_song=menu[index], now=NOON))
    assert Vote.objects.filter(counted=True).count() == 10
    assert Vote.objects.filter(counted=False).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_double_click_is_one_vote() -> None:
    """Both clicks have looked, or wait to look, before either is stored."""
    fan, (song,) = make_fan(), songs(1)
    with workers(2) as start:
        with holding("LOCK TABLE catalog_vote IN SHARE MODE"):
            clicks = [start(lambda: cast_vote(fan=fan, setlist_song=song, now=NOON)) for _ in range(2)]
            wait_until(2)
        answers = [click.result() for click in clicks]
    assert sorted(new for _, new in answers) == [False, True]
    assert {vote.pk for vote, _ in answers} == {Vote.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_clicks_to_and_fro_at_the_same_instant_leave_one_vote_or_none_and_a_true_log() -> None:
    fan, (song,) = make_fan(), songs(1)

    def click(index: int) -> object:
        act = cast_vote if index % 2 else retract_vote
        return act(fan=fan, setlist_song=song, now=NOON)

    in_threads(8, click)

    live = Vote.objects.count()
    assert live <= 1
    assert rows("SELECT coalesce(sum(change), 0) FROM catalog_activity WHERE kind = 'vote'") == [(live,)]


@pytest.mark.django_db(transaction=True)
def test_many_fans_vote_at_once_and_every_vote_is_counted() -> None:
    fans, menu = [make_fan() for _ in range(10)], songs(3)

    def vote_for_all(index: int) -> None:
        for song in menu:
            cast_vote(fan=fans[index], setlist_song=song, now=NOON)

    in_threads(10, vote_for_all)

    assert Vote.objects.filter(counted=True).count() == 30
    with transaction.atomic():
        refresh(as_of=NOON)
    (row,) = stored("artist").values()
    assert (column(row, "vote_count"), column(row, "fan_count")) == (30, 10)
    assert stored("artist") == counted("artist", NOON)
