"""The outside that jobs ask, and keys for those that only plan."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from tests.standin.outside import Outside
from tests.syncjobs.outsiders import FAST, FRESH, stand_in


@pytest.fixture
def world(transactional_db: None, settings: Settings) -> Iterator[Outside]:
    """Ticketmaster, Spotify and setlist.fm as composed."""
    with stand_in(settings) as made:
        yield made


@pytest.fixture
def keys(db: None, settings: Settings) -> None:
    """Every source is set up, and nobody has called one yet. Plans call none."""
    with connection.cursor() as cursor:
        cursor.execute(FRESH)
    for name in ("TICKETMASTER_API_KEY", "SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET", "SETLISTFM_API_KEY"):
        setattr(settings, name, "a-key")
    settings.SOURCE_LIMITS = FAST
    settings.SYNC_COUNTRIES = ["DE", "US"]
