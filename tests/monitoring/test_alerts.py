"""One alert from when something is found until it is over; people are told once, reminded, and told that it is over."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse

from monitoring.alerts import acknowledge, apply, judge, silence
from monitoring.delivery import claim, deliver, ping_deadman
from monitoring.models import Alert, AlertMessage, SystemHealth
from monitoring.rules import Finding
from tests.factories import NOON
from tests.monitoring.receiver import Receiver, receiver
from tests.monitoring.runs import at_once, log_cron_run

pytestmark = pytest.mark.django_db

FAILED = Finding(rule="failed", subject="master_sync", says="master_sync failed, last at 11:00", is_critical=True)
BREAKER = Finding(rule="breaker_open", subject="ticketmaster", says="ticketmaster's breaker is open", is_cause=True)
BECAUSE = Finding(rule="failed", subject="master_sync", says="master_sync failed", because=("ticketmaster",))
LATE = Finding(rule="late", subject="import_artist", says="import_artist is late", because=("ticketmaster",))


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def told() -> list[str]:
    """What the log's channel was told, in order."""
    return list(AlertMessage.objects.filter(channel="log").order_by("pk").values_list("text", flat=True))


def found(minutes: float, *findings: Finding) -> dict[str, int]:
    return apply(findings, now=after(minutes))


def test_it_is_told_once_while_it_lasts_and_when_it_is_over() -> None:
    assert found(0, FAILED) == {"opened": 1, "resolved": 0, "messages": 1}
    assert found(1, FAILED) == found(2, FAILED) == {"opened": 0, "resolved": 0, "messages": 0}
    assert found(90 / 60 + 30, FAILED)["opened"] == 0
    assert found(45) == {"opened": 0, "resolved": 1, "messages": 1}
    assert told() == ["master_sync failed, last at 11:00.", "Over after 45 min: master_sync failed, last at 11:00."]
    alert = Alert.objects.get()
    assert (alert.state, alert.severity, alert.seen_count) == ("resolved", "critical", 4)
    assert (alert.opened_at, alert.resolved_at) == (NOON, after(45))


def test_it_is_reminded_of_after_1_6_and_24_hours_and_then_each_day() -> None:
    reminded = []
    for hour in range(0, 80):
        if found(60 * hour, FAILED)["messages"]:
            reminded.append(hour)
    assert reminded == [0, 1, 6, 24, 48, 72]
    assert told()[1] == "Still, for 1 h: master_sync failed, last at 11:00."


def test_who_acknowledged_is_not_reminded_but_told_when_it_is_over() -> None:
    found(0, FAILED)
    assert acknowledge(Alert.objects.all(), by="kim", now=after(5)) == 1
    assert acknowledge(Alert.objects.all(), by="alex", now=after(6)) == 0
    for hour in range(1, 30):
        found(60 * hour, FAILED)
    found(60 * 30)
    assert told() == ["master_sync failed, last at 11:00.", "Over after 1 d 6 h: master_sync failed, last at 11:00."]
    assert Alert.objects.get().acknowledged_by == "kim"


def test_what_is_silenced_is_not_told_until_then_even_if_it_comes_anew() -> None:
    found(0, FAILED)
    silence(Alert.objects.all(), until=after(120))
    found(61, FAILED)
    found(62)
    found(70, FAILED)
    assert len(told()) == 2  # that it opened, and that it was over
    found(121, FAILED)
    assert len(told()) == 3


def test_effects_are_told_with_their_cause_and_not_by_themselves() -> None:
    assert found(0, BECAUSE, BREAKER, LATE) == {"opened": 3, "resolved": 0, "messages": 1}
    assert told() == [
        "ticketmaster's breaker is open.\nmaster_sync failed because ticketmaster's breaker is open."
        "\nimport_artist is late because ticketmaster's breaker is open."
    ]
    breaker = Alert.objects.get(rule="breaker_open")
    assert {effect.says for effect in breaker.effects.all()} == {
        "master_sync failed because ticketmaster's breaker is open.",
        "import_artist is late because ticketmaster's breaker is open.",
    }


def test_an_effect_that_outlasts_its_cause_is_told_then() -> None:
    found(0, BECAUSE, BREAKER)
    found(5, BECAUSE)
    assert told()[1:] == ["master_sync failed.", "Over after 5 min: ticketmaster's breaker is open."]
    assert Alert.objects.get(rule="failed").cause is None


def test_what_comes_and_goes_is_told_as_that_once() -> None:
    for turn in range(8):
        found(turn * 4, FAILED)
        found(turn * 4 + 2)
    opened = [text for text in told() if text.startswith("master_sync")]
    assert len(opened) == 3
    assert [text for text in told() if text.startswith("Comes and goes")] == [
        "Comes and goes, 4 times within an hour; told once: master_sync failed, last at 11:00."
    ]
    assert len(told()) == 3 + 3 + 1
    assert Alert.objects.count() == 8


def test_a_secret_is_in_no_alert(settings: Any) -> None:
    settings.TICKETMASTER_API_KEY = "sesame-open"
    found(0, Finding(rule="failed", subject="x", says="x failed: GET /?apikey=sesame-open", evidence="sesame-open"))
    assert "sesame" not in Alert.objects.get().says + told()[0]


@pytest.mark.django_db(transaction=True)
def test_two_that_watch_open_one_alert() -> None:
    at_once(*[lambda: apply([FAILED], now=NOON)] * 3)
    assert (Alert.objects.count(), AlertMessage.objects.count()) == (1, 1)


# --- from the tables to the alert ---


def test_a_job_that_failed_is_found_and_one_that_recovered_is_over(settings: Any) -> None:
    settings.ALERT_RULES = ["monitoring.facts.job_findings"]
    log_cron_run("cleanup_old_data", "failed", {"error": "no disk"})
    judge(now=NOON)
    assert Alert.objects.get().says.endswith(": no disk.")
    log_cron_run("cleanup_old_data", "success")
    judge(now=after(1))
    assert Alert.objects.get().state == "resolved"


@pytest.mark.parametrize(
    ("statuses", "rules"),
    [
        (["failed"] * 1, []),  # of calculate_trending two in a row are too many
        (["failed"] * 2, ["failed"]),
        (["missed"], ["missed"]),
        (["success"] * 5, []),
    ],
)
def test_each_job_has_its_policy(statuses: list[str], rules: list[str]) -> None:
    for status in statuses:
        log_cron_run("calculate_trending", status)
    judge(now=NOON)
    assert list(Alert.objects.values_list("rule", flat=True)) == rules


def test_a_part_that_is_down_is_found() -> None:
    SystemHealth.objects.create(component="worker here:1", status="down", latency_ms=0, checked_at=NOON, since=NOON)
    judge(now=after(5))
    assert [(alert.rule, alert.subject) for alert in Alert.objects.all()] == [("nobody_lives", "worker")]
    SystemHealth.objects.update(status="healthy")
    judge(now=after(6))
    assert Alert.objects.get().state == "resolved"


# --- delivery ---


@pytest.fixture
def hook(settings: Any) -> Any:
    with receiver() as kept:
        settings.ALERT_WEBHOOK_URL = f"{kept.url}/services/T000/secret-in-the-path"
        yield kept


def test_the_webhook_gets_what_slack_takes(hook: Receiver, settings: Any) -> None:
    settings.SITE_URL = "https://desk.example"
    found(0, FAILED)
    assert deliver(now=NOON) == {"sent": 2, "failed": 0}
    (body,) = hook.heard
    assert body["text"] == "master_sync failed, last at 11:00."
    (attachment,) = body["attachments"]
    assert attachment["color"] == "danger"
    assert attachment["title_link"] == f"https://desk.example/admin/monitoring/alert/{Alert.objects.get().pk}/change/"
    assert {field["title"]: field["value"] for field in attachment["fields"]}["Subject"] == "master_sync"
    assert deliver(now=after(1)) == {"sent": 0, "failed": 0}


def test_e_mail_goes_to_everybody_named(settings: Any) -> None:
    settings.ALERT_EMAILS = ["kim@example.org", "alex@example.org"]
    found(0, FAILED)
    deliver(now=NOON)
    (sent,) = mail.outbox
    assert sent.to == ["kim@example.org", "alex@example.org"]
    assert sent.subject == "[MySetlist] opened: failed, master_sync"
    assert sent.body == "master_sync failed, last at 11:00."


def test_the_log_says_it_too(caplog: pytest.LogCaptureFixture) -> None:
    found(0, FAILED)
    found(1)
    deliver(now=after(1))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "opened: master_sync failed, last at 11:00."),
        ("INFO", "resolved: Over after 1 min: master_sync failed, last at 11:00."),
    ]


def test_a_channel_that_is_down_for_ten_minutes_gets_everything_once_and_in_order(hook: Receiver) -> None:
    hook.status = 503
    found(0, FAILED)
    for second in range(0, 600, 10):
        if second == 120:
            found(2, FAILED, BREAKER)
        deliver(now=NOON + timedelta(seconds=second))
    assert 4 <= len(hook.paths) <= 8  # it was not hammered
    waiting = AlertMessage.objects.filter(channel="webhook", sent_at=None).order_by("pk")
    assert (waiting.count(), waiting[0].last_error) == (2, "HTTPError: HTTP 503")
    hook.status = 200
    for second in range(600, 1200, 10):
        deliver(now=NOON + timedelta(seconds=second))
    assert [body["text"] for body in hook.heard] == [
        "master_sync failed, last at 11:00.",
        "ticketmaster's breaker is open.",
    ]
    assert not AlertMessage.objects.filter(sent_at=None).exists()


def test_one_channel_that_is_down_holds_up_no_other(hook: Receiver, settings: Any) -> None:
    settings.ALERT_EMAILS = ["kim@example.org"]
    hook.status = 500
    found(0, FAILED)
    assert deliver(now=NOON) == {"sent": 2, "failed": 1}
    assert len(mail.outbox) == 1


def test_when_nobody_listens_the_address_stays_secret(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.ALERT_WEBHOOK_URL = settings.DEADMAN_URL = "http://127.0.0.1:1/services/secret-in-the-path"
    found(0, FAILED)
    deliver(now=NOON)
    ping_deadman()
    message = AlertMessage.objects.get(channel="webhook")
    assert "refused" in message.last_error
    assert "Unable to ping DEADMAN_URL" in caplog.text
    assert "secret-in-the-path" not in message.last_error + caplog.text


def test_who_dies_between_sending_and_marking_sends_again_with_the_same_key(hook: Receiver) -> None:
    found(0, FAILED)
    dead = claim("webhook", NOON)  # and never heard of again
    deliver(now=after(1))
    assert hook.heard == []
    deliver(now=after(2))
    assert hook.keys == [f"alert-message-{dead.pk if dead else 0}"]


@pytest.mark.django_db(transaction=True)
def test_many_that_deliver_at_once_send_each_message_once(hook: Receiver) -> None:
    apply([Finding(rule="failed", subject=f"job {n}", says=f"job {n} failed") for n in range(12)], now=NOON)
    at_once(*[lambda: deliver(now=NOON)] * 4)
    assert sorted(body["text"] for body in hook.heard) == sorted(f"job {n} failed." for n in range(12))


def test_the_dead_man_s_switch_is_pinged(settings: Any) -> None:
    with receiver() as kept:
        settings.DEADMAN_URL = f"{kept.url}/ping/1"
        ping_deadman()
        assert kept.paths == ["/ping/1"]


# --- the page ---

ALERTS = reverse("admin:monitoring_alert_changelist")


def do(client: Any, action: str) -> None:
    alert = Alert.objects.get()
    client.post(ALERTS, {"action": action, "_selected_action": [alert.pk]}, follow=True)


def test_staff_acknowledge_and_silence_on_the_page(admin_client: Any) -> None:
    found(0, FAILED)
    assert "master_sync failed, last at 11:00." in admin_client.get(ALERTS).content.decode()
    do(admin_client, "acknowledge")
    do(admin_client, "silence_for_a_day")
    alert = Alert.objects.get()
    assert (alert.state, alert.acknowledged_by) == ("acknowledged", "admin")
    assert alert.silenced_until - alert.acknowledged_at > timedelta(hours=23)
    page = admin_client.get(reverse("admin:monitoring_alert_change", args=[alert.pk]))
    assert "master_sync failed, last at 11:00." in page.content.decode()


def test_who_may_only_look_does_not_acknowledge(client: Any, django_user_model: Any) -> None:
    from django.contrib.auth.models import Permission

    looker = django_user_model.objects.create(username="looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_alert"))
    client.force_login(looker)
    found(0, FAILED)
    do(client, "acknowledge")
    assert Alert.objects.get().state == "open"


def test_alerts_are_found_by_their_state(admin_client: Any) -> None:
    found(0, FAILED, BREAKER)
    found(1, BREAKER)
    result = admin_client.get(ALERTS, {"state__exact": "open"}).context["cl"].result_list
    assert [alert.rule for alert in result] == ["breaker_open"]
