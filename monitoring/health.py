"""How is each part? Runs the checks of settings.HEALTH_CHECKS and keeps what they said."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from time import perf_counter

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Case, F, Value, When
from django.utils.module_loading import import_string

from monitoring import heartbeats
from monitoring.checks import Degraded
from monitoring.cron import describe, storable
from monitoring.models import SystemHealth

logger = logging.getLogger(__name__)

Status = SystemHealth.Status
WORST_FIRST = (Status.DOWN, Status.DEGRADED, Status.HEALTHY)
FORGET = timedelta(days=1)  # what nobody checks any more, since its check is gone


def check_health(*, now: datetime) -> list[SystemHealth]:
    """Run every check, remember its answer in `system_health`, and give the answers and the processes.

    A part is healthy when its check returns, degraded when it raises Degraded, else down; a process is down
    when it fell silent. When the database is down nothing can be remembered; the answers are given all the same.
    """
    if not connection.in_atomic_block:
        connection.close()  # who watches for days must not trust a connection that broke
    try:
        heartbeats.sweep()  # first: what checks say may be because a process fell silent
    except DatabaseError:
        logger.exception("Unable to read heartbeats")
    answers = [_ask(component, path, now) for component, path in settings.HEALTH_CHECKS.items()]
    try:
        for answer in answers:
            _remember(answer)
        rows = SystemHealth.objects.exclude(component__in=settings.HEALTH_CHECKS).order_by("component")
        rows.filter(checked_at__lt=now - FORGET).exclude(component__regex=heartbeats.PROCESS).delete()
        answers += rows.filter(component__regex=heartbeats.PROCESS)
    except DatabaseError:
        logger.exception("Unable to write system_health")
    return answers


def overall(answers: list[SystemHealth]) -> Status:
    """The worst of the parts; down when there are none."""
    said = {Status(answer.status) for answer in answers}
    return next((status for status in WORST_FIRST if status in said), Status.DOWN)


def _ask(component: str, path: str, now: datetime) -> SystemHealth:
    started = perf_counter()
    try:
        check: Callable[[], str] = import_string(path)
        status, detail = Status.HEALTHY, check()
    except Degraded as problem:
        status, detail = Status.DEGRADED, str(problem)
    except Exception as problem:  # one broken check must not hide the others
        logger.exception("The check of %s failed", component)
        status, detail = Status.DOWN, describe(problem)
    return SystemHealth(
        component=component,
        status=status,
        detail=storable(detail),
        latency_ms=round((perf_counter() - started) * 1000, 1),
        checked_at=now,
        since=now,
        last_good_at=now if status == Status.HEALTHY else None,
    )


def _remember(answer: SystemHealth) -> None:
    """Keep the answer; `since` moves only when the status does, `last_good_at` only when it is healthy."""
    values = {name: getattr(answer, name) for name in ("status", "detail", "latency_ms", "checked_at")}
    if answer.last_good_at:
        values["last_good_at"] = answer.last_good_at
    # F("status") is the one from before this statement.
    since = Case(When(status=answer.status, then=F("since")), default=Value(answer.since))
    if not SystemHealth.objects.filter(component=answer.component).update(**values, since=since):
        SystemHealth.objects.bulk_create([answer], ignore_conflicts=True)
