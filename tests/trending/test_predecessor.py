"""What the earlier system did, on the rows that it did it on. README.md here lists all its defects."""

import pytest
from django.db import ProgrammingError

from mysetlist.catalog.models import Artist
from tests.factories import NOON, hours_before, make_artist, make_follow, make_setlist, make_show, make_vote
from tests.trending.world import HOUR, make_crowd, make_followers, make_shows, make_votes, run_sql
from trending.models import ArtistTrend, ShowTrend
from trending.services import refresh

pytestmark = pytest.mark.django_db


def test_one_popular_artist_multiplies_nothing_and_costs_seconds_not_minutes() -> None:
    """Shows x follows x votes of this artist would be 180 million rows."""
    hot = make_artist(popularity=50)
    make_shows(hot, 60, NOON + HOUR)
    make_followers(hot, 1000)
    song, *_ = make_setlist(make_show(hot), songs=1).setlist_songs.all()
    make_votes([song], make_crowd(3000))
    run_sql("SET LOCAL statement_timeout = '10s'")
    for full in (False, True):
        refresh(as_of=NOON, full=full)
        row = ArtistTrend.objects.get()
        assert (row.vote_count, row.fan_count, row.upcoming_shows, row.followers) == (3000, 3000, 61, 1000)
    assert ShowTrend.objects.get(show=song.setlist.show).vote_count == 3000


def test_refreshing_keeps_no_idle_artist_warm() -> None:
    make_artist(popularity=10)
    song = make_setlist(make_show(make_artist(), starts_at=None), songs=1).setlist_songs.get()
    make_vote(song, at=hours_before(500))
    for hours in range(6):
        refresh(as_of=NOON + hours * HOUR, full=hours % 2 == 1)
    assert sorted(ArtistTrend.objects.values_list("score", "recency_boost")) == [(0, 0), (5, 0)]


def test_a_show_of_today_and_one_far_away_weigh_the_same_and_one_without_a_date_nothing() -> None:
    today, far, unknown = (make_show(starts_at=start) for start in (NOON + HOUR, NOON + 9000 * HOUR, None))
    refresh(as_of=NOON)
    assert [show.trend.score for show in (today, far, unknown)] == [8, 8, 0]


def test_scored_and_changed_are_counted_apart() -> None:
    still, moved = make_artist(), make_artist()
    refresh(as_of=NOON)
    Artist.objects.filter(pk=still.pk).update(genres=["polka"])
    make_follow(moved)
    result = refresh(as_of=NOON)
    assert (result["artists_scored"], result["artists_updated"]) == (2, 1)


def test_a_list_that_cannot_be_refreshed_is_an_error() -> None:
    run_sql("ALTER MATERIALIZED VIEW trending_shows_mv RENAME TO gone")
    with pytest.raises(ProgrammingError, match="trending_shows_mv"):
        refresh(as_of=NOON)
