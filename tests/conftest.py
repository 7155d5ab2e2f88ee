"""What every test shares."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every machine: a red run can be run again.
settings.register_profile(
    "suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("suite")


def pytest_configure() -> None:
    """A shell lets what it starts in the background ignore Ctrl-C, and so would every process that a test starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The database, to which each test that commits gives back what it found."""
    from django.test import TransactionTestCase

    from tests.pristine import Pristine

    with django_db_blocker.unblock():
        pristine = Pristine()
    TransactionTestCase._fixture_teardown = lambda case: pristine.restore()  # type: ignore[method-assign]
