"""From what is wrong now to alerts with a history, and to what people are told about them. The only writer of both."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from monitoring.models import Alert, AlertMessage
from monitoring.redaction import redact
from monitoring.rules import Finding, duration, sentence, with_causes

REMIND_AFTER = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))  # then each day
FLAPPING = 4  # times that one alert opens within an hour; from then on it is told no more
LONGEST = 1000  # characters of what is told

State = Alert.State
Severity = Alert.Severity
Kind = AlertMessage.Kind


def judge(*, now: datetime) -> dict[str, int]:
    """Ask every rule of settings.ALERT_RULES; open, remind of and resolve alerts accordingly."""
    findings = [finding for path in settings.ALERT_RULES for finding in import_string(path)(now=now)]
    return apply(findings, now=now)


def apply(findings: Iterable[Finding], *, now: datetime) -> dict[str, int]:
    """Make the alerts be what was found, one live row per rule and subject; the counts of what changed.

    What has a cause is not told by itself: the message about the cause names it. Unless that is a mere notice.
    """
    found = {finding.key: finding for finding in with_causes(findings)}  # causes first
    counts = {"opened": 0, "resolved": 0, "messages": 0}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('alerts', 0))")  # two may watch
        live = {(alert.rule, alert.subject): alert for alert in Alert.objects.filter(state__in=Alert.LIVE)}
        for key, finding in found.items():
            known = live.get(key)
            counts["opened"] += known is None
            alert = live[key] = _see(known, finding, live, now)
            kind = _due(alert, now)
            if kind:
                effects = [sentence(other) for other in found.values() if other.cause and other.cause.key == key]
                counts["messages"] += _tell(alert, kind, effects, now)
        for key, alert in live.items():
            if key not in found:
                counts["resolved"] += 1
                counts["messages"] += _resolve(alert, now)
    return counts


def acknowledge(alerts: QuerySet[Alert], *, by: str, now: datetime) -> int:
    """Somebody knows: no more reminders. How many were open."""
    return alerts.filter(state=State.OPEN).update(state=State.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=now)


def silence(alerts: QuerySet[Alert], *, until: datetime) -> int:
    """Tell nothing new of these until then, should they come and go meanwhile, too."""
    return alerts.filter(state__in=Alert.LIVE).update(silenced_until=until)


def _see(known: Alert | None, finding: Finding, live: dict[tuple[str, str], Alert], now: datetime) -> Alert:
    """The alert's row, new or as it is now."""
    alert = known or _new(finding, now)
    alert.says = redact(sentence(finding))[:LONGEST]
    severity = _severity(finding)
    if alert.severity == Severity.NOTICE != severity:
        alert.announced_at = None  # it was not worth a call, and now it is
    alert.severity = severity
    alert.cause = live[finding.cause.key] if finding.cause else None
    alert.last_seen_at = now
    alert.seen_count += known is not None
    alert.save()
    return alert


def _severity(finding: Finding) -> Alert.Severity:
    if finding.is_notice:
        return Severity.NOTICE
    return Severity.CRITICAL if finding.is_critical else Severity.WARNING


def _new(finding: Finding, now: datetime) -> Alert:
    """A new row; it knows how often it came lately, and whether it was silenced."""
    before = Alert.objects.filter(rule=finding.rule, subject=finding.subject, opened_at__gt=now - timedelta(hours=1))
    silenced = Alert.objects.filter(rule=finding.rule, subject=finding.subject, silenced_until__gt=now)
    return Alert(
        rule=finding.rule,
        subject=finding.subject,
        opened_at=now,
        is_flapping=before.count() + 1 >= FLAPPING,
        silenced_until=silenced.order_by("-silenced_until").values_list("silenced_until", flat=True).first(),
    )


def _due(alert: Alert, now: datetime) -> Kind | None:
    """What is to be told of a live alert now, if anything. A notice calls nobody, nor for what follows from it."""
    is_told_with_cause = alert.cause is not None and alert.cause.severity != Severity.NOTICE
    if is_told_with_cause or (alert.silenced_until and alert.silenced_until > now):
        return None
    if alert.announced_at is None:
        if not alert.is_flapping:
            return Kind.OPENED
        told = AlertMessage.objects.filter(alert__rule=alert.rule, alert__subject=alert.subject, kind=Kind.FLAPPING)
        return None if told.filter(created_at__gt=now - timedelta(hours=1)).exists() else Kind.FLAPPING
    if alert.severity == Severity.NOTICE:
        return None
    is_due = alert.state == State.OPEN and now - alert.announced_at >= remind_after(alert.reminders)
    return Kind.REMINDER if is_due else None


def remind_after(reminders: int) -> timedelta:
    """How long after the first message the next reminder is due."""
    if reminders < len(REMIND_AFTER):
        return REMIND_AFTER[reminders]
    return REMIND_AFTER[-1] * (reminders - len(REMIND_AFTER) + 2)


def _tell(alert: Alert, kind: Kind, effects: Sequence[str], now: datetime) -> int:
    if kind == Kind.REMINDER:
        alert.reminders += 1
    else:
        alert.announced_at = now
    alert.save(update_fields=["reminders", "announced_at"])
    return _enqueue(alert, kind, wording(alert, kind, effects, now), now)


def _resolve(alert: Alert, now: datetime) -> int:
    alert.state, alert.resolved_at = State.RESOLVED, now
    alert.save(update_fields=["state", "resolved_at"])
    if alert.announced_at is None or alert.is_flapping:
        return 0
    return _enqueue(alert, Kind.RESOLVED, wording(alert, Kind.RESOLVED, (), now), now)


def wording(alert: Alert, kind: Kind, effects: Sequence[str], now: datetime) -> str:
    """What people are told."""
    if kind == Kind.RESOLVED:
        return f"Over after {duration(now - alert.opened_at)}: {alert.says}"
    if kind == Kind.FLAPPING:
        return f"Comes and goes, {FLAPPING} times within an hour; told once: {alert.says}"
    text = alert.says if kind == Kind.OPENED else f"Still, for {duration(now - alert.opened_at)}: {alert.says}"
    return redact("\n".join([text, *effects]))[:LONGEST]


def _enqueue(alert: Alert, kind: Kind, text: str, now: datetime) -> int:
    messages = [
        AlertMessage(alert=alert, kind=kind, channel=channel, text=text, created_at=now, due_at=now)
        for channel in channels(alert.severity)
    ]
    return len(AlertMessage.objects.bulk_create(messages))


def channels(severity: str) -> list[str]:
    """The ways that are set up; the log always is, and is enough for a notice."""
    if severity == Severity.NOTICE:
        return ["log"]
    ways = {"log": True, "email": settings.ALERT_EMAILS, "webhook": settings.ALERT_WEBHOOK_URL}
    return [channel for channel, is_set in ways.items() if is_set]
