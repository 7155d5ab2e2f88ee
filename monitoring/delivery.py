"""Send what waits in the outbox: at least once, each channel by itself, never a secret."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import requests
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection

from monitoring.models import Alert, AlertMessage
from monitoring.redaction import redact

logger = logging.getLogger("monitoring.alerts")

CLAIM = timedelta(minutes=2)  # longer than any channel takes; who dies meanwhile lets another try again
FIRST_WAIT = timedelta(seconds=15)  # after a failure; it doubles …
LONGEST_WAIT = timedelta(minutes=5)  # … up to here
TIMEOUT_SECONDS = (3.05, 10.0)  # to connect, to answer
COLOURS = {"opened": "danger", "reminder": "warning", "flapping": "warning", "resolved": "good"}

CLAIM_NEXT = """
UPDATE alert_messages SET due_at = %(until)s, tries = tries + 1
 WHERE id = (SELECT id FROM alert_messages WHERE sent_at IS NULL AND due_at <= %(now)s AND channel = %(channel)s
              ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def deliver(*, now: datetime) -> dict[str, int]:
    """Send what is due. A channel that fails is left for later; the others go on."""
    counts = {"sent": 0, "failed": 0}
    for channel, send in CHANNELS.items():
        while (message := claim(channel, now)) is not None:
            try:
                send(message)
            except (OSError, requests.RequestException) as problem:  # SMTP's errors are OSErrors, too
                counts["failed"] += 1
                _put_off(message, redact(f"{type(problem).__name__}: {problem}"), now)
                break
            # Marked after sending: who dies between the two sends again, and the receiver knows it by its key.
            AlertMessage.objects.filter(pk=message.pk).update(sent_at=now, last_error="")
            counts["sent"] += 1
    return counts


def claim(channel: str, now: datetime) -> AlertMessage | None:
    """The oldest due message of a channel, nobody else's for a while."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM_NEXT, {"now": now, "until": now + CLAIM, "channel": channel})
        claimed = cursor.fetchone()
    return AlertMessage.objects.select_related("alert").get(pk=claimed[0]) if claimed else None


def _put_off(message: AlertMessage, error: str, now: datetime) -> None:
    """Try all that waits for this channel later: its order is kept."""
    wait = min(FIRST_WAIT * 2 ** min(message.tries - 1, 10), LONGEST_WAIT)
    logger.warning("Unable to send an alert by %s, next try in %d s: %s", message.channel, wait.seconds, error)
    AlertMessage.objects.filter(pk=message.pk).update(last_error=error[:1000])
    AlertMessage.objects.filter(channel=message.channel, sent_at=None).update(due_at=now + wait)


def _log(message: AlertMessage) -> None:
    is_calm = message.kind == AlertMessage.Kind.RESOLVED or message.alert.severity == Alert.Severity.NOTICE
    logger.log(logging.INFO if is_calm else logging.ERROR, "%s: %s", message.kind, message.text)


def _email(message: AlertMessage) -> None:
    EmailMessage(
        subject=f"[MySetlist] {message.kind}: {message.alert.rule.replace('_', ' ')}, {message.alert.subject}",
        body=f"{message.text}\n\n{link(message.alert)}".strip(),
        to=settings.ALERT_EMAILS,
        headers={"Message-ID": f"<alert-message-{message.pk}@mysetlist>"},
    ).send()


def _webhook(message: AlertMessage) -> None:
    answer = requests.post(
        settings.ALERT_WEBHOOK_URL,
        json=slack_shaped(message),
        headers={"Idempotency-Key": f"alert-message-{message.pk}"},
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
    )
    if answer.status_code >= 300:
        raise requests.HTTPError(f"HTTP {answer.status_code}")


def slack_shaped(message: AlertMessage) -> Mapping[str, Any]:
    """What Slack's incoming webhooks take, and those who do as Slack does."""
    alert = message.alert
    fields = {"Rule": alert.rule, "Subject": alert.subject, "Severity": alert.severity, "State": message.kind}
    return {
        "text": message.text,
        "attachments": [
            {
                "color": COLOURS[message.kind],
                "fallback": message.text,
                "title": f"Alert {alert.pk}",
                "title_link": link(alert),
                "fields": [{"title": title, "value": value, "short": True} for title, value in fields.items()],
                "ts": int(message.created_at.timestamp()),
            }
        ],
    }


def link(alert: Alert) -> str:
    """Where the alert is in the admin, when we know our own address."""
    return f"{settings.SITE_URL}/admin/monitoring/alert/{alert.pk}/change/" if settings.SITE_URL else ""


def ping_deadman() -> None:
    """Tell somebody outside that we still watch: he raises the alarm when we no longer do."""
    if not settings.DEADMAN_URL:
        return
    try:
        requests.get(settings.DEADMAN_URL, timeout=TIMEOUT_SECONDS).raise_for_status()
    except requests.RequestException as problem:
        logger.warning("Unable to ping DEADMAN_URL: %s", redact(f"{type(problem).__name__}: {problem}"))


CHANNELS: Mapping[str, Callable[[AlertMessage], None]] = {"log": _log, "email": _email, "webhook": _webhook}
