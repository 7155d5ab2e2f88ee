"""Health says when shows stop coming in, and when an active artist is left behind."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from monitoring.checks import Degraded
from syncjobs.checks import ARTIST_OLD_AFTER, SHOWS_OLD_AFTER, artists, shows
from tests.factories import make_artist, make_show

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _key(settings: Any) -> None:
    settings.TICKETMASTER_API_KEY = "composed-key"


def synced(age: timedelta, *, is_active: bool = True) -> None:
    now = timezone.now()
    artist = make_artist(shows_synced_at=now - age)
    make_show(artist, starts_at=now + timedelta(days=7 if is_active else 100))


def test_without_a_key_nothing_is_stale(settings: Any) -> None:
    settings.TICKETMASTER_API_KEY = ""
    synced(SHOWS_OLD_AFTER + ARTIST_OLD_AFTER)
    assert "no key" in shows()
    assert "no key" in artists()


def test_a_new_catalogue_is_not_stale() -> None:
    make_show(make_artist())
    assert (shows(), artists()) == ("No shows were synced yet.", "No active artist was synced yet.")


def test_shows_are_fresh_while_somebodys_come_in() -> None:
    synced(SHOWS_OLD_AFTER - HOUR)
    synced(SHOWS_OLD_AFTER + HOUR)
    assert shows().startswith("Shows were last synced at ")


def test_shows_are_stale_when_nobodys_come_in() -> None:
    synced(SHOWS_OLD_AFTER + HOUR)
    with pytest.raises(Degraded, match="update_active_artists"):
        shows()


def test_an_active_artist_left_behind_is_told_of() -> None:
    synced(HOUR)
    synced(ARTIST_OLD_AFTER + HOUR)
    with pytest.raises(Degraded, match="quota"):
        artists()


def test_an_artist_without_a_show_soon_may_wait() -> None:
    synced(HOUR)
    synced(ARTIST_OLD_AFTER + HOUR, is_active=False)
    assert "every active artist" in artists()
