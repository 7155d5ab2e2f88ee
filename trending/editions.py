"""Which scores are out: the stored state as answers tell of it, looked at most once a second a process."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError

from trending.checks import STALE_INTERVALS
from trending.models import TrendState
from trending.scoring import FORMULA_VERSION

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One state of all scores and both lists. Before the first refresh there is none: version 0."""

    version: int = 0
    as_of: datetime | None = None
    refreshed_at: datetime | None = None
    interval_seconds: int = 0
    formula_version: int = FORMULA_VERSION

    @property
    def next_refresh_at(self) -> datetime | None:
        return self.refreshed_at and self.refreshed_at + timedelta(seconds=self.interval_seconds)

    def is_stale(self, now: datetime) -> bool:
        """Older than three intervals, or not there."""
        if self.refreshed_at is None:
            return True
        return now - self.refreshed_at > timedelta(seconds=self.interval_seconds * STALE_INTERVALS)


def read_edition() -> Edition:
    """What the database says, in one query."""
    state = TrendState.objects.first()
    if state is None:
        return Edition()
    return Edition(
        version=state.version,
        as_of=state.as_of,
        refreshed_at=state.refreshed_at,
        interval_seconds=state.interval_seconds,
        formula_version=state.formula_version,
    )


class Watch:
    """The edition as this process knows it, at most a second old."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.seen: tuple[float, Edition] | None = None

    def known(self) -> Edition | None:
        """The edition, if there is no need to look."""
        seen = self.seen
        return seen[1] if seen and self.clock() - seen[0] < LOOK_SECONDS else None

    def current(self) -> Edition:
        """The edition; the one seen last while the database does not answer."""
        if known := self.known():
            return known
        seen = self.seen
        try:
            edition = read_edition()
        except (OperationalError, InterfaceError):
            if seen is None:
                raise
            logger.exception("Unable to read trend_state; going on with version %s", seen[1].version)
            edition = seen[1]
        self.note(edition)
        return edition

    def note(self, edition: Edition) -> None:
        """It has just been read."""
        self.seen = (self.clock(), edition)

    def forget(self) -> None:
        self.seen = None


watch = Watch()
