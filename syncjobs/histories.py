"""What happened to a queue job, for people: its attempts and its events, its parent and its children."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring.durations import spoken
from syncjobs.models import JobEvent, QueueJob

MOST_EVENTS = 300  # the newest
MOST_CHILDREN = 50  # the newest
UNFINISHED = frozenset({JobEvent.Kind.STARTED, JobEvent.Kind.PROGRESS})


@dataclass(slots=True, kw_only=True)
class Attempt:
    """From a claim to its end."""

    began: JobEvent
    end: JobEvent | None = None

    @property
    def kind(self) -> str:
        return str(self.end.kind) if self.end else "active"

    @property
    def took(self) -> str:
        """In words; empty while it lasts."""
        if self.end is None:
            return ""
        return spoken(round((self.end.created_at - self.began.created_at).total_seconds() * 1000))


def events_of(job: QueueJob) -> list[JobEvent]:
    """The newest events, newest first."""
    return list(JobEvent.objects.filter(job=job.pk).order_by("-seq")[:MOST_EVENTS])


def attempts_of(events: Iterable[JobEvent]) -> list[Attempt]:
    """The attempts in these events, given newest first, as they are returned."""
    found: list[Attempt] = []
    for event in reversed(list(events)):
        if event.kind == JobEvent.Kind.STARTED:
            found.append(Attempt(began=event))
        elif found and found[-1].end is None and event.kind not in UNFINISHED:
            found[-1].end = event
    return found[::-1]


def children_of(job: QueueJob) -> list[QueueJob]:
    """Some of them: the newest."""
    return list(QueueJob.objects.filter(parent=job.pk).order_by("-pk")[:MOST_CHILDREN])
