"""Health of the scores: none, fresh, stale."""

from datetime import timedelta

import pytest
from django.utils import timezone

from monitoring.checks import Degraded
from tests.factories import NOON
from trending.checks import STALE_INTERVALS, score_age
from trending.models import TrendState

pytestmark = pytest.mark.django_db

INTERVAL = timedelta(seconds=300)


def refreshed(ago: timedelta) -> None:
    TrendState.objects.create(
        version=7,
        as_of=NOON,
        refreshed_at=timezone.now() - ago,
        interval_seconds=INTERVAL.total_seconds(),
        formula_version=1,
    )


def test_without_scores_it_is_degraded_and_says_how_to_make_them() -> None:
    with pytest.raises(Degraded, match=r"No scores yet\. Run: manage\.py calculate_trending"):
        score_age()


def test_fresh_scores_are_good_news() -> None:
    refreshed(timedelta(minutes=4, seconds=30))
    assert score_age() == "The scores are 4 minutes old (version 7)."


def test_three_intervals_are_still_fresh() -> None:
    refreshed(INTERVAL * STALE_INTERVALS - timedelta(seconds=30))
    assert score_age() == "The scores are 14 minutes old (version 7)."


def test_older_scores_are_degraded() -> None:
    refreshed(INTERVAL * STALE_INTERVALS + timedelta(seconds=1))
    with pytest.raises(Degraded, match=r"The scores are 15 minutes old\. Is calculate_trending scheduled"):
        score_age()
