"""The page of the sources: what is shown, and the one thing an operator may do."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from syncjobs.models import SourceState

pytestmark = pytest.mark.django_db

LIST = reverse("admin:syncjobs_sourcestate_changelist")
PAGE = reverse("admin:syncjobs_sourcestate_change", args=["spotify"])


@pytest.fixture
def spotify() -> SourceState:
    return SourceState.objects.get(pk="spotify")


def force(client, *, forced="open", days=1, reason="They asked us to stop."):
    until = timezone.now() + timedelta(days=days)
    return client.post(
        PAGE,
        {
            "forced": forced,
            "forced_until_0": f"{until:%Y-%m-%d}",
            "forced_until_1": f"{until:%H:%M:%S}",
            "forced_reason": reason,
        },
    )


def test_a_breaker_is_forced_with_reason_and_end_and_the_gate_obeys(admin_client, spotify):
    assert force(admin_client).status_code == 302
    spotify.refresh_from_db()
    assert (spotify.forced, spotify.forced_reason) == ("open", "They asked us to stop.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT reason FROM acquire_source('spotify', 5, 100)")
        assert cursor.fetchone() == ("breaker",)
    assert "They asked us to stop." in admin_client.get(LIST).content.decode()
    assert LogEntry.objects.filter(object_id="spotify").exists()


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"days": -1}, {"forced": "ajar"}])
def test_without_reason_or_with_an_end_that_is_past_nothing_is_forced(admin_client, spotify, wrong):
    assert force(admin_client, **wrong).status_code == 200
    spotify.refresh_from_db()
    assert spotify.forced == ""


def test_to_force_no_more_takes_nothing_else(admin_client, spotify):
    force(admin_client)
    assert admin_client.post(PAGE, {"forced": "", "forced_reason": "left over"}).status_code == 302
    spotify.refresh_from_db()
    assert (spotify.forced, spotify.forced_until, spotify.forced_reason) == ("", None, "")


def test_saving_the_page_writes_nothing_that_the_gate_counts(admin_client, monkeypatch):
    clean = SourceState.clean_fields

    def count_meanwhile(self, *args, **kwargs):
        SourceState.objects.filter(pk="spotify").update(quota_used=77, breaker="open")
        return clean(self, *args, **kwargs)

    monkeypatch.setattr(SourceState, "clean_fields", count_meanwhile)
    assert force(admin_client).status_code == 302
    assert SourceState.objects.filter(pk="spotify", quota_used=77, breaker="open", forced="open").exists()


def test_the_page_tells_state_quota_and_last_errors(admin_client, settings):
    settings.SOURCE_LIMITS = settings.SOURCE_LIMITS | {"spotify": (3, 5000)}
    later = timezone.now() + timedelta(hours=2)
    errors = [{"at": "2026-07-01T12:00:00", "verdict": "unavailable", "status": 503, "problem": "<b>No</b> answer."}]
    SourceState.objects.filter(pk="spotify").update(
        breaker="half_open", quota_used=1200, quota_resets_at=later, blocked_until=later, recent_errors=errors
    )
    for url in (LIST, PAGE):
        text = admin_client.get(url).content.decode()
        assert "half open" in text
        assert "3,800 of 5,000" in text
        assert "2026-07-01 12:00:00 &lt;b&gt;No&lt;/b&gt; answer. (status 503)" in text


def test_an_open_breaker_can_be_closed_from_the_list(admin_client, spotify):
    SourceState.objects.filter(pk="spotify").update(breaker="open", retry_at=timezone.now() + timedelta(hours=1))
    chosen = {"action": "close_breaker", "_selected_action": ["spotify", "setlistfm"]}
    text = admin_client.post(LIST, chosen, follow=True).content.decode()
    assert "Spotify: closed. Calls pass again." in text
    assert "setlist.fm: closed" not in text
    spotify.refresh_from_db()
    assert spotify.breaker == "closed"


def test_nobody_adds_or_deletes_a_source(admin_client):
    assert admin_client.post(reverse("admin:syncjobs_sourcestate_add"), {}).status_code == 403
    assert admin_client.post(reverse("admin:syncjobs_sourcestate_delete", args=["spotify"])).status_code == 403


def test_whoever_may_only_look_can_force_nothing(client, django_user_model, spotify):
    user = django_user_model.objects.create_user("reader", password="reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_sourcestate"))
    client.force_login(user)
    assert client.get(PAGE).status_code == 200
    assert force(client).status_code == 403
    spotify.refresh_from_db()
    assert spotify.forced == ""
