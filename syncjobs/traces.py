"""What hangs on a run: the schedule that wanted it, its queue jobs, the sources they ask, the scores it moved."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django_celery_beat.models import PeriodicTask

from monitoring.models import CronLog
from syncjobs.clients.errors import Source
from syncjobs.models import QueueJob, SourceState
from syncjobs.policies import QUEUES
from trending.models import TrendChange

SHOWN = 20  # queue jobs, and scores, on the page of a run
LAST = 10  # runs on the page of a schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The queue jobs of one kind that are in one status."""

    job: str
    queue: str
    status: str
    label: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    schedule: PeriodicTask | None
    groups: Sequence[Group]
    jobs: Sequence[QueueJob]  # the first, and those that gave up, before the others
    job_count: int
    sources: Sequence[tuple[Source, SourceState]]
    changes: Sequence[TrendChange]  # the hottest first
    has_more: bool  # scores that moved


def trace(run: CronLog) -> Trace:
    """In a handful of queries, however much hangs on it."""
    groups = _groups(run)
    asked = {source for group in groups if group.queue in QUEUES for source in QUEUES[group.queue].sources}
    states = SourceState.objects.filter(pk__in=asked).order_by("name") if asked else SourceState.objects.none()
    changes = TrendChange.objects.filter(run=run).select_related("artist", "show").order_by("rank", "-new_score", "pk")
    moved = list(changes[: SHOWN + 1])
    return Trace(
        schedule=_schedule(run),
        groups=groups,
        jobs=list(_jobs(run)) if groups else [],
        job_count=sum(group.number for group in groups),
        sources=[(Source(state.name), state) for state in states],
        changes=moved[:SHOWN],
        has_more=len(moved) > SHOWN,
    )


def runs_of_slots(schedule: PeriodicTask) -> list[CronLog]:
    """The runs of its newest slots."""
    runs = CronLog.objects.filter(schedule=schedule.name, slot__isnull=False).defer("result")
    return list(runs.order_by("-slot")[:LAST])


def _schedule(run: CronLog) -> PeriodicTask | None:
    """Whose slot it was; else the job's own."""
    found: PeriodicTask | None = PeriodicTask.objects.filter(name=run.schedule or run.job_name).first()
    return found


def _groups(run: CronLog) -> list[Group]:
    counted = QueueJob.objects.filter(run=run).values_list("job_name", "queue_name", "status").annotate(Count("pk"))
    return [
        Group(job=job, queue=queue, status=status, label=QueueJob.Status(status).label, number=number)
        for job, queue, status, number in counted.order_by("job_name", "queue_name", "status")
    ]


def _jobs(run: CronLog) -> QuerySet[QueueJob]:
    place = Case(
        When(parent=None, then=Value(0)),
        When(status__in=(QueueJob.Status.FAILED, QueueJob.Status.DEAD), then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return QueueJob.objects.filter(run=run).defer("job_data", "state", "result").order_by(place, "pk")[:SHOWN]
