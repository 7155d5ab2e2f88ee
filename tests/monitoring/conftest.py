"""What the tests of this room are given."""

from collections.abc import Iterator

import pytest

from tests.monitoring.processes import Stage, stage


@pytest.fixture
def processes() -> Iterator[Stage]:
    with stage() as made:
        yield made
