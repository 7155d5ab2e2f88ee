"""Health says which source is shut, and why; one without key is no illness."""

from datetime import timedelta

import pytest
from django.utils import timezone

from monitoring.checks import Degraded
from syncjobs.checks import sources
from syncjobs.models import SourceState

pytestmark = pytest.mark.django_db

ERRORS = [{"at": "2026-07-01T12:00:00", "verdict": "unavailable", "status": 503, "problem": "No answer in time."}]


@pytest.fixture(autouse=True)
def keys(settings):
    settings.TICKETMASTER_API_KEY = settings.SETLISTFM_API_KEY = "key"


def set_state(**columns):
    SourceState.objects.filter(pk="ticketmaster").update(last_answered_at=timezone.now(), **columns)


def test_without_trouble_it_says_how_each_is():
    set_state()
    assert sources() == "Ticketmaster answers. Spotify has no key. setlist.fm was not asked yet."


@pytest.mark.parametrize("breaker", ["open", "half_open"])
def test_a_source_that_is_shut_is_named_with_its_last_error(breaker):
    set_state(breaker=breaker, recent_errors=ERRORS)
    with pytest.raises(Degraded, match=r"^Ticketmaster is shut\. No answer in time\. Spotify has no key\."):
        sources()


def test_one_that_an_operator_forced_open_is_shut_and_one_forced_closed_is_not():
    later = timezone.now() + timedelta(hours=1)
    set_state(forced="open", forced_until=later, forced_reason="Asked to.")
    with pytest.raises(Degraded, match=r"An operator forced it open until 20\d\d.*: Asked to\."):
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
