"""Was every slot kept? One answer for health and alerts, in the same words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from monitoring import facts, rules
from monitoring.checks import Degraded
from monitoring.heartbeats import living
from syncjobs.policies import POLICIES
from syncjobs.schedules import job_of
from syncjobs.slots import BadTiming, unanswered

DAY = timedelta(days=1)

# One range of the index (schedule, slot) for each schedule, however long the log is.
ANSWERS = """
SELECT CASE WHEN r.status IN ('queued', 'running', 'missed', 'skipped') THEN r.status
            WHEN r.status IN ('failed', 'abandoned') THEN 'failed' ELSE 'ran' END, count(*)
  FROM unnest(%s::text[]) AS s (name)
  JOIN cron_logs r ON r.schedule = s.name AND r.slot > %s AND r.slot <= %s
 GROUP BY 1
"""
ORDER = ("ran", "running", "queued", "failed", "skipped", "missed")


def judge_slots(
    job: str, slots: Sequence[datetime], margin: timedelta, now: datetime, *, is_stranded: bool
) -> Iterator[rules.Finding]:
    """Slots have come, longer ago than the job's margin, and have no run; without a scheduler there is no use waiting."""
    margin = min(margin, rules.STRANDED_MARGIN) if is_stranded else margin
    overdue = [slot for slot in slots if now - slot > margin]
    if overdue:
        of = "its slot" if len(overdue) == 1 else f"{len(overdue)} slots, the first"
        yield rules.Finding(
            rule="late",
            subject=job,
            says=f"{job} has no run for {of} of {rules.clock(overdue[0], now)}",
            because=rules.WITHOUT_THEM_NOTHING_STARTS,
        )


def judge_switches(schedules: Iterable[tuple[str, bool]]) -> Iterator[rules.Finding]:
    """Jobs none of whose schedules, given by job and whether it is on, is on: that may explain what is old."""
    listed = list(schedules)
    on = {job for job, is_on in listed if is_on}
    for job in sorted({job for job, _ in listed} - on):
        yield rules.Finding(
            rule="switched_off", subject=job, says=f"{job} is switched off", is_notice=True, is_cause=True
        )


def slot_findings(*, now: datetime) -> Iterator[rules.Finding]:
    """What settings.ALERT_RULES names."""
    schedules = _schedules()
    is_stranded = not living("scheduler")
    for schedule in schedules:
        policy = POLICIES.get(job_of(schedule))
        with suppress(BadTiming):
            slots = unanswered(schedule, now - DAY, now) if policy else []
            if policy and slots:
                yield from judge_slots(job_of(schedule), slots, policy.start_margin, now, is_stranded=is_stranded)
    ours = ((job_of(schedule), schedule) for schedule in schedules if not schedule.one_off)
    yield from judge_switches((job, schedule.enabled) for job, schedule in ours if job in POLICIES)


def schedules() -> str:
    """Every slot is kept. What was not on purpose is told, and is no illness."""
    now = timezone.now()
    found = list(slot_findings(now=now))
    for job in facts.jobs(now):
        found += rules.punctual(job, now)
    ours = {finding.key for finding in found}
    told = [each for each in rules.with_causes([*facts.part_findings(now=now), *found]) if each.key in ours]
    words = " ".join([*(rules.sentence(finding) for finding in told), _answers(now)])
    if all(finding.is_notice for finding in told):
        return words
    raise Degraded(words)


def _schedules() -> list[PeriodicTask]:
    related = PeriodicTask.objects.select_related("crontab", "interval", "clocked", "solar", "state")
    return list(related.order_by("name"))


def _answers(now: datetime) -> str:
    """What became of the slots of a day, in numbers."""
    names = list(PeriodicTask.objects.values_list("name", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(ANSWERS, [names, now - DAY, now])
        counts = Counter(dict(cursor.fetchall()))
    said = ", ".join(f"{counts[status]:,} {status}" for status in ORDER if counts[status])
    return f"Slots of the last day: {said or 'none yet'}."
