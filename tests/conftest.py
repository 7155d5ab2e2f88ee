"""What every test shares."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every machine: a red run can be run again.
settings.register_profile(
    "suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    """No answer, and no count of calls, outlives the database of its test."""
    yield
    from mysetlist.throttles import limiter
    from trending.answers import kept
    from trending.editions import watch

    kept.forget()
    watch.forget()
    limiter.forget()


@pytest.fixture
def no_schedules(db: None) -> None:
    """No slot comes, and is missed, while the test looks at the real time."""
    from django_celery_beat.models import PeriodicTask

    PeriodicTask.objects.all().delete()
