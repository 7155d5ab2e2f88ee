"""Health as others are told of it: what the last checks said, and whether anybody still checks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import F

from monitoring.heartbeats import PROCESS, SILENT_SECONDS
from monitoring.models import CronLog, SystemHealth
from monitoring.rules import unreplaced

Status = SystemHealth.Status

CHECKED_EVERY = timedelta(minutes=1)
SILENT_AFTER = 5 * CHECKED_EVERY  # what nobody has checked for so long, nobody knows

# In the words of application/health+json (draft-inadarei-api-health-check-06).
WORDS = {Status.HEALTHY: "pass", Status.DEGRADED: "warn", Status.DOWN: "fail"}
WELL = frozenset({CronLog.Status.SUCCESS, CronLog.Status.PARTIAL})
TOLD = WELL | {CronLog.Status.FAILED, CronLog.Status.ABANDONED, CronLog.Status.MISSED}  # a skipped run says nothing

WORST_FIRST = ("fail", "warn", "pass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    status: str  # pass, warn or fail
    output: str
    latency_ms: float
    time: datetime
    since: datetime
    last_good_at: datetime | None
    is_process: bool = False  # a worker, relay or scheduler that says by itself that it lives
    is_replaced: bool = False  # it is gone, and another came in its place
    unit: str = "ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    status: str  # the worst of the parts
    output: str
    checks: Mapping[str, Sequence[Part]]  # by component


def report(*, now: datetime) -> Report:
    """How all is, from `system_health`. Nothing checked, or not lately, is a warning."""
    rows = list(SystemHealth.objects.order_by("component"))
    checks = {row.component: [_process(row, rows, now) if _kind(row) else _part(row, now)] for row in rows}
    if not checks:
        return Report(status="warn", output="Nothing has been checked yet. Run: manage.py check_health", checks={})
    said = {part.status for (part,) in checks.values()}
    wrong = [component for component, (part,) in checks.items() if part.status != "pass"]
    return Report(
        status=next(word for word in WORST_FIRST if word in said),
        output=f"Not well: {', '.join(wrong)}." if wrong else "All is well.",
        checks=checks,
    )


def _kind(row: SystemHealth) -> str:
    """worker, relay or scheduler; nothing for what is no process."""
    return row.component.partition(" ")[0] if re.match(PROCESS, row.component) else ""


def _lives(row: SystemHealth, now: datetime) -> bool:
    return row.status == Status.HEALTHY and now - row.checked_at <= timedelta(seconds=SILENT_SECONDS)


def _process(row: SystemHealth, rows: Sequence[SystemHealth], now: datetime) -> Part:
    """Found out here from its heartbeats: when scheduler and relay are dead, nobody else would."""
    if _lives(row, now):
        return replace(_part(row, now), is_process=True)
    detail = row.detail if row.status == Status.DOWN else f"Silent since {row.checked_at:%Y-%m-%d %H:%M:%S} UTC."
    kind = _kind(row)
    ours = [other for other in rows if _kind(other) == kind]
    living = [other for other in ours if _lives(other, now)]
    missing = unreplaced(
        {other.component: other.checked_at for other in ours if other not in living}, [other.since for other in living]
    )
    is_replaced = bool(living) and row.component not in missing
    if is_replaced:
        status, output = "pass", f"{detail} Another {kind} came in its place."
    elif living:
        status, output = "warn", f"{detail} Another {kind} lives."
    else:
        status, output = "fail", f"{detail} No {kind} is alive."
    return replace(
        _part(row, now), status=status, output=output, since=row.checked_at, is_process=True, is_replaced=is_replaced
    )


def _part(row: SystemHealth, now: datetime) -> Part:
    status, output = WORDS[Status(row.status)], row.detail
    if status == "pass" and now - row.checked_at > SILENT_AFTER:
        status, output = (
            "warn",
            f"Not checked for {(now - row.checked_at) // CHECKED_EVERY} minutes. Last: {row.detail}",
        )
    return Part(
        status=status,
        output=output,
        latency_ms=row.latency_ms,
        time=row.checked_at,
        since=row.since,
        last_good_at=row.last_good_at,
    )


def job_status(job: str) -> str:
    """pass or fail, as the job's latest finished run says.

    A job without one is well: a slot that nobody started has left a missed run.
    """
    run = CronLog.objects.filter(job_name=job, status__in=TOLD).order_by(F("finished_at").desc(), "-pk").first()
    return "pass" if run is None or run.status in WELL else "fail"
