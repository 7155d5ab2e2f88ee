"""The front page: what ran, what did not, why, and what it changed. Each section for those who may see its rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from mysetlist.desk.jobs import all_schedules, jobs
from mysetlist.desk.queues import queues
from mysetlist.desk.slots import last_day
from mysetlist.desk.sources import sources
from mysetlist.desk.state import alerts, health
from mysetlist.desk.trends import trending

# section -> the models that one must be allowed to view
NEEDS = {
    "health": ("monitoring.systemhealth",),
    "alerts": ("monitoring.alert",),
    "jobs": ("monitoring.cronlog", "django_celery_beat.periodictask"),
    "queues": ("syncjobs.queuejob",),
    "sources": ("syncjobs.sourcestate",),
    "trending": ("trending.trendchange",),
}


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the template of the front page needs besides."""
    now = timezone.now()
    allowed = {section for section, models in NEEDS.items() if all(_may_view(request, model) for model in models)}
    return {**context, "title": "The desk", "now": now, **sections(allowed, now)}


def sections(allowed: set[str], now: datetime) -> Mapping[str, Any]:
    """What the tables say now, for each section that is allowed."""
    makers = {"health": health, "alerts": alerts, "queues": queues, "sources": sources, "trending": trending}
    made: dict[str, Any] = {name: make(now) for name, make in makers.items() if name in allowed}
    if "jobs" in allowed:
        schedules = all_schedules()
        made["slots"] = last_day(schedules, now)
        made["jobs"] = jobs(schedules, made["slots"].days, now)
    return made


def _may_view(request: HttpRequest, model: str) -> bool:
    return request.user.has_perm("{}.view_{}".format(*model.split(".")))
