"""Runs and queue jobs, as JSON has them."""

import hashlib
import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Count
from django.urls import reverse

from monitoring import heartbeats
from monitoring.models import CronLog
from syncjobs.models import QueueJob
from syncjobs.serializers import JobSerializer, RunSerializer

NO_STORE = {"Cache-Control": "no-store"}
NEEDED = ("worker", "relay")  # without them nothing that is queued starts


def run_told(run: CronLog) -> dict[str, Any]:
    """A run."""
    run.url = url_of(run.pk)  # type: ignore[attr-defined]
    return {**RunSerializer(run).data, **_notice(run.status == CronLog.Status.QUEUED, "run")}


def url_of(run: int) -> str:
    return reverse("cron-run", args=[run])


def job_told(job: QueueJob) -> dict[str, Any]:
    """A queue job and how its children are, in two queries."""
    links = {
        "url": job_url(job.pk),
        "events": reverse("job-events", args=[job.pk]),
        "run": url_of(job.run_id) if job.run_id else None,
        "parent": job_url(job.parent_id) if job.parent_id else None,
    }
    body = {**JobSerializer(job).data, **links, "children": children_told(job)}
    return body | _notice(job.status == QueueJob.Status.PENDING and not job.started_at, "job")


def job_url(job: int) -> str:
    return reverse("job", args=[job])


def etag_of(told: dict[str, Any]) -> str:
    """Of what is told: it changes with every word of it."""
    body = json.dumps(told, cls=DjangoJSONEncoder, sort_keys=True)
    return f'W/"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def children_told(job: QueueJob) -> dict[str, int]:
    """How many there are of each kind."""
    by_status = dict(
        QueueJob.objects.filter(parent=job.pk).order_by().values_list("status").annotate(number=Count("pk"))
    )
    live = sum(number for status, number in by_status.items() if status in QueueJob.LIVE)
    final = {status.value: by_status.get(status, 0) for status in sorted(QueueJob.TERMINAL)}
    return {"total": sum(by_status.values()), "live": live, **final}


def _notice(waits: bool, what: str) -> dict[str, str]:
    away = [part for part in NEEDED if not heartbeats.living(part)] if waits else []
    if not away:
        return {}
    return {"notice": f"No {' and no '.join(away)} is alive: the {what} waits in the queue until one is."}
