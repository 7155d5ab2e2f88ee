"""sync_artist_images: for those who have none and were not looked for within a month."""

from datetime import timedelta

import pytest

from mysetlist.catalog.models import Artist
from syncjobs.imports.pieces import sync_artist_image
from syncjobs.planners.artists import plan_sync_artist_images
from syncjobs.progress import Unqueued
from tests.factories import NOON, make_artist
from tests.standin.outside import Outside
from tests.syncjobs.planners.planned import jobs_of


@pytest.mark.usefixtures("keys")
def test_only_who_has_none_and_is_known_somewhere_is_looked_for() -> None:
    make_artist(spotify_id="1" * 22, image_url="https://s1.ticketm.net/a.jpg")
    make_artist()
    make_artist(spotify_id="2" * 22, image_synced_at=NOON - timedelta(days=29))
    old = make_artist(spotify_id="3" * 22, image_synced_at=NOON - timedelta(days=31))
    new = make_artist(ticketmaster_id="K8v0001")
    assert jobs_of(plan_sync_artist_images(now=NOON)) == [("sync_artist_image", new.pk), ("sync_artist_image", old.pk)]


def test_ticketmasters_image_is_taken_and_spotify_not_asked(world: Outside) -> None:
    known = world.world.artists["Sting"]
    artist = make_artist(ticketmaster_id=known.ticketmaster_id, spotify_id=known.spotify_id)
    assert sync_artist_image(Unqueued(), artist=artist.pk)["updated"] == 1
    artist.refresh_from_db()
    assert artist.image_url
    assert "ticketm.net" in artist.image_url
    assert len(world.log.calls) == 1


def test_that_nobody_has_one_is_remembered(world: Outside) -> None:
    artist = make_artist(ticketmaster_id="K8vNobody1")
    assert sync_artist_image(Unqueued(), artist=artist.pk)["skipped"] == 1
    assert Artist.objects.get().image_synced_at
