"""The product's settings turned to the stand-in, and sources that nobody has called yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from pytest_django.fixtures import Settings

from syncjobs.clients.errors import Source
from tests.standin.outside import Outside, outside

FAST = {"ticketmaster": (1000.0, 5000), "spotify": (1000.0, 0), "setlistfm": (1000.0, 1440)}
FRESH = "DELETE FROM source_state; INSERT INTO source_state (name) VALUES ('ticketmaster'), ('spotify'), ('setlistfm')"


@contextmanager
def stand_in(settings: Settings, **options: Any) -> Iterator[Outside]:
    """The composed world, begun today, and the product asking it."""
    with connection.cursor() as cursor:
        cursor.execute(FRESH)
    options.setdefault("begin", datetime.now(UTC).date())
    with outside(**options) as world:
        for name, value in world.settings().items():
            setattr(settings, name, value)
        settings.SOURCE_LIMITS = FAST
        settings.SYNC_COUNTRIES = ["US", "CA", "MX", "GB", "DE", "FR", "ES", "AU"]
        yield world


def today_is(world: Outside, days: int) -> None:
    """So many days after the world's begin."""
    world.today = world.world.begin + timedelta(days=days)


def questions(world: Outside, artists: int) -> list[tuple[Source, str, str]]:
    """Five of each of the first artists: the source, the client's method, the id."""
    return [
        question
        for artist in list(world.world.artists.values())[:artists]
        for question in (
            (Source.TICKETMASTER, "artist", artist.ticketmaster_id),
            (Source.TICKETMASTER, "shows_of_artist", artist.ticketmaster_id),
            (Source.SPOTIFY, "artist", artist.spotify_id),
            (Source.SPOTIFY, "albums_of_artist", artist.spotify_id),
            (Source.SETLISTFM, "artist", artist.mbid),
        )
    ]
