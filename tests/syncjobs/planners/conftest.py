"""The outside that imports ask."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.standin.outside import Outside
from tests.syncjobs.outsiders import stand_in


@pytest.fixture
def world(transactional_db: None, settings: Settings) -> Iterator[Outside]:
    """Ticketmaster, Spotify and setlist.fm as composed."""
    with stand_in(settings) as made:
        yield made
