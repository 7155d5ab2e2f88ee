"""trending_artist_sync: the discography of the hottest, first in the queue."""

from datetime import timedelta

import pytest
from django.db import connection

from mysetlist.catalog.models import Artist
from syncjobs.models import QueueJob
from syncjobs.planners.artists import plan_trending_artist_sync, trending_artist_sync
from tests.factories import NOON, make_artist, make_setlist_song, make_vote
from tests.syncjobs.planners.planned import jobs_of
from trending.services import calculate_trending


@pytest.fixture
def hot(transactional_db: None, keys: None) -> list[int]:
    """Three artists, the hottest first."""
    artists = [make_artist(spotify_id=f"{number:022}") for number in range(3)]
    for votes, artist in enumerate(reversed(artists), 1):
        song = make_setlist_song(artist)
        for _ in range(votes):
            make_vote(song, at=NOON - timedelta(hours=1))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE catalog_activity")
    calculate_trending(as_of=NOON, full=True)
    return [artist.pk for artist in artists]


def test_the_hottest_come_first_and_at_high_priority(hot: list[int]) -> None:
    plan = plan_trending_artist_sync(now=NOON)
    assert jobs_of(plan) == [("sync_spotify_artist", pk) for pk in hot]
    assert {piece.priority for piece in plan.pieces} == {QueueJob.Priority.HIGH}


def test_a_catalogue_of_this_week_is_left_alone(hot: list[int]) -> None:
    Artist.objects.filter(pk=hot[0]).update(songs_synced_at=NOON - timedelta(days=6))
    Artist.objects.filter(pk=hot[1]).update(songs_synced_at=NOON - timedelta(days=8))
    assert jobs_of(plan_trending_artist_sync(now=NOON)) == [("sync_spotify_artist", pk) for pk in hot[1:]]


def test_the_run_queues_them_for_itself(hot: list[int]) -> None:
    run = trending_artist_sync(now=NOON, limit=2)
    assert (run.status, run.result["planned"], run.result["left"]) == ("success", 2, 1)
    assert set(QueueJob.objects.values_list("run_id", flat=True)) == {run.run}
    again = trending_artist_sync(now=NOON, limit=2)
    assert (again.result["already_queued"], QueueJob.objects.count()) == (2, 2)
