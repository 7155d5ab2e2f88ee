"""Health says which source is shut, and why; one without key is no illness."""

from datetime import timedelta

import pytest
from django.utils import timezone

from monitoring.checks import Degraded
from syncjobs.checks import says_failures, sources
from syncjobs.models import SourceState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings):
    settings.TICKETMASTER_API_KEY = settings.SETLISTFM_API_KEY = "key"


def set_state(**columns):
    SourceState.objects.filter(pk="ticketmaster").update(last_answered_at=timezone.now(), **columns)


def test_without_trouble_it_says_how_each_is():
    set_state()
    assert sources() == "Ticketmaster answers. Spotify has no key. setlist.fm was not asked yet."


@pytest.mark.parametrize("breaker", ["open", "half_open"])
def test_a_source_that_is_shut_is_named_with_since_when_and_why(breaker):
    set_state(breaker=breaker, failures={"No answer in time.": 2, "HTTP 503": 37})
    opened = SourceState.objects.get(pk="ticketmaster").opened_at
    says = (
        f"^Ticketmaster's breaker is open since {opened:%H:%M}, HTTP 503 × 37, No answer in time × 2\\. Spotify has no"
    )
    with pytest.raises(Degraded, match=says):
        sources()


def test_of_many_kinds_of_failures_the_most_frequent_are_told():
    assert says_failures(SourceState(failures={"a": 1, "b": 2, "c": 3, "d": 4})) == "d × 4, c × 3, b × 2, and others"


def test_one_that_an_operator_forced_open_is_shut_and_one_forced_closed_is_not():
    later = timezone.now() + timedelta(hours=1)
    set_state(forced="open", forced_until=later, forced_reason="Asked to.")
    at = SourceState.objects.get(pk="ticketmaster").forced_at
    with pytest.raises(Degraded, match=rf"^Ticketmaster's breaker is open since {at:%H:%M}, forced: Asked to\. "):
        sources()
    set_state(forced="closed", breaker="open")
    assert sources().startswith("Ticketmaster answers.")


def test_the_end_of_a_quota_is_told_with_when_it_comes_back():
    set_state(blocked_until=timezone.now() + timedelta(hours=1), blocked_reason="quota")
    with pytest.raises(Degraded, match=r"Ticketmaster's quota is used up until 20\d\d-"):
        sources()
    set_state(blocked_until=timezone.now() - timedelta(seconds=1))
    assert "Ticketmaster answers." in sources()


def test_a_source_that_lost_its_row_was_not_asked_yet():
    SourceState.objects.all().delete()
    assert sources().startswith("Ticketmaster was not asked yet.")
