"""A refresh is seen whole or not at all, loses no vote that comes meanwhile (I20), survives a crash (I23)."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection

from monitoring.cron import Run
from monitoring.models import CronLog
from mysetlist.catalog.models import SetlistSong, User
from mysetlist.catalog.services import cast_vote
from tests.factories import NOON, make_artist, make_fan, make_follow, make_setlist_song
from tests.trending.threads import another_connection, ask, holding, tell, wait_until, workers
from tests.trending.world import HOUR, column, counted, listed, rows, run_sql, stored
from trending.models import TrendingArtist, TrendState
from trending.services import calculate_trending

pytestmark = pytest.mark.django_db(transaction=True)

# The last table that a refresh writes before it refreshes the lists: rollups and scores are written by then.
AT_THE_STATE = "LOCK TABLE trend_state IN SHARE ROW EXCLUSIVE MODE"
AT_THE_HISTORY = "LOCK TABLE trend_changes IN SHARE ROW EXCLUSIVE MODE"  # after the lists

STOPS = {"before the lists": AT_THE_STATE, "after the lists": AT_THE_HISTORY}


@pytest.fixture
def song(transactional_db: None) -> SetlistSong:
    """A song with one vote, scored; a second artist above it."""
    song = make_setlist_song()
    make_artist(popularity=100)
    cast_vote(fan=make_fan(), setlist_song=song, now=NOON)
    run_sql("SELECT refresh_trending_data()")  # what an earlier test left listed
    calculate_trending(as_of=NOON)
    return song


@contextmanager
def stopped_half_way(stop: str) -> Iterator[tuple["Future[Run]", int]]:
    """A refresh that waits in the middle of its work; it goes on at the end of the block."""
    with workers(1) as start, holding(stop):
        refreshing = start(lambda: calculate_trending(as_of=NOON))
        (pid,) = wait_until(1)
        yield refreshing, pid


def elsewhere(sql: str) -> list[Any]:
    with another_connection() as other:
        return ask(other, sql)


def everything() -> list[Any]:
    """What a reader sees of scores, lists, history and state."""
    tables = (
        "artist_trends",
        "show_trends",
        "trending_artists_mv",
        "trending_shows_mv",
        "trend_changes",
        "trend_state",
    )
    rollups = ("artist_hours", "artist_fans", "show_hours", "show_fans", "catalog_activity")
    return [elsewhere(f"SELECT t::text FROM {table} t ORDER BY 1") for table in (*tables, *rollups)]


def assert_caught_up(votes: int) -> None:
    assert sum(column(row, "vote_count") for row in stored("artist").values()) == votes
    assert stored("artist") == counted("artist", NOON)
    assert stored("show") == counted("show", NOON)


@pytest.mark.parametrize("stop", STOPS)
def test_i20_a_vote_committed_during_a_refresh_is_counted_by_the_next(song: SetlistSong, stop: str) -> None:
    cast_vote(fan=make_fan(), setlist_song=song, now=NOON)
    with stopped_half_way(STOPS[stop]):
        cast_vote(fan=make_fan(), setlist_song=song, now=NOON)
    assert {column(row, "vote_count") for row in stored("artist").values()} == {0, 2}

    assert calculate_trending(as_of=NOON).result["activity"] == {"vote": 1}
    assert_caught_up(votes=3)


def test_i20_a_vote_that_was_cast_before_others_and_committed_after_them_is_counted(song: SetlistSong) -> None:
    """Its line in the log has a lower number and an earlier time than those that were taken before it."""
    early, late = make_fan(), make_fan()
    with another_connection() as other:
        tell(other, "BEGIN")
        tell(
            other,
            "INSERT INTO catalog_vote (fan_id, setlist_song_id, show_id, artist_id, created_at, counted)"
            " SELECT %s, setlist_song_id, show_id, artist_id, created_at, true FROM catalog_vote",
            early.pk,
        )
        cast_vote(fan=late, setlist_song=song, now=NOON)
        assert calculate_trending(as_of=NOON).result["activity"] == {"vote": 1}
        assert {column(row, "vote_count") for row in stored("artist").values()} == {0, 2}
        tell(other, "COMMIT")
    calculate_trending(as_of=NOON)
    assert_caught_up(votes=3)


def retract(song: SetlistSong, fans: list[User]) -> None:
    song.votes.get(fan=fans[0]).delete()


def ban(song: SetlistSong, fans: list[User]) -> None:
    fans[0].delete()


def vote_again(song: SetlistSong, fans: list[User]) -> None:
    retract(song, fans)
    cast_vote(fan=fans[0], setlist_song=song, now=NOON)


@pytest.mark.parametrize("act", [retract, ban, vote_again])
def test_i20_what_is_taken_back_during_a_refresh_is_taken_back_by_the_next(
    song: SetlistSong, act: Callable[[SetlistSong, list[User]], None]
) -> None:
    fans = [make_fan()]
    cast_vote(fan=fans[0], setlist_song=song, now=NOON - HOUR)
    with stopped_half_way(AT_THE_STATE):
        act(song, fans)
    calculate_trending(as_of=NOON)
    assert_caught_up(votes=2 if act is vote_again else 1)


def test_a_follow_and_an_edit_during_a_refresh_are_counted_by_the_next(song: SetlistSong) -> None:
    artist = song.setlist.artist
    make_follow(artist)
    with stopped_half_way(AT_THE_STATE):
        make_follow(artist)
        artist.popularity = 7
        artist.save()
    calculate_trending(as_of=NOON)
    assert_caught_up(votes=1)


@pytest.mark.parametrize("stop", STOPS)
def test_a_reader_sees_all_of_a_refresh_or_nothing(song: SetlistSong, stop: str) -> None:
    for _ in range(3):
        cast_vote(fan=make_fan(), setlist_song=song, now=NOON)
    before = everything()
    with stopped_half_way(STOPS[stop]):
        assert everything() == before
    after = everything()
    assert all(new != old for new, old in zip(after, before, strict=True) if new or old)


@pytest.mark.parametrize("stop", STOPS)
def test_i23_a_refresh_whose_backend_is_killed_leaves_all_as_it_was_and_the_next_succeeds(
    song: SetlistSong, stop: str
) -> None:
    for _ in range(3):
        cast_vote(fan=make_fan(), setlist_song=song, now=NOON)
    before, old_list = everything(), listed("artist")
    with stopped_half_way(STOPS[stop]) as (refreshing, pid):
        assert elsewhere(f"SELECT pg_terminate_backend({pid})") == [(True,)]
        with pytest.raises(OperationalError):
            refreshing.result(timeout=20)
        assert everything() == before
    log = CronLog.objects.latest("pk")
    assert (log.status, log.execution_time_ms is not None) == ("failed", True)
    assert listed("artist") == old_list

    assert calculate_trending(as_of=NOON).status == "success"  # the lock went with the backend
    assert_caught_up(votes=4)
    assert [pk for _, pk in listed("artist")] == [song.setlist.artist_id, TrendingArtist.objects.get(rank=2).pk]
    assert TrendState.objects.get().version == 2


def test_a_refresh_that_fails_gives_the_lock_back(song: SetlistSong) -> None:
    """The lock belongs to the session, which lives on."""
    cast_vote(fan=make_fan(), setlist_song=song, now=NOON)
    run_sql("ALTER FUNCTION refresh_trending_data() RENAME TO gone")
    try:
        with pytest.raises(Exception, match="refresh_trending_data"):
            calculate_trending(as_of=NOON)
    finally:
        run_sql("ALTER FUNCTION gone() RENAME TO refresh_trending_data")
    assert rows(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database"
        " WHERE datname = current_database())"
    ) == [(0,)]
    assert calculate_trending(as_of=NOON).status == "success"
    assert_caught_up(votes=2)


def test_a_serialisation_failure_is_tried_again(song: SetlistSong) -> None:
    """Another session has changed a row that this refresh writes, since its snapshot."""
    cast_vote(fan=make_fan(), setlist_song=song, now=NOON)
    with workers(1) as start:
        with another_connection() as other:
            tell(other, "BEGIN")
            tell(other, "UPDATE artist_trends SET changed_at = now()")
            refreshing = start(lambda: calculate_trending(as_of=NOON))
            wait_until(1)
            tell(other, "COMMIT")
        assert refreshing.result(timeout=20).status == "success"
    assert_caught_up(votes=2)
    assert connection.is_usable()
