"""What is wrong with jobs, queues and sources: what monitoring learns of this floor by settings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from monitoring import rules
from monitoring.heartbeats import living
from syncjobs.checks import says_shut
from syncjobs.clients.errors import Source
from syncjobs.models import PausedQueue, SourceState
from syncjobs.policies import POLICIES
from syncjobs.sources import limits_of

# A run lasts until the last job that it put into the queue is final; these put none there.
ALONE = frozenset({"calculate_trending", "verify_trending", "advance_shows", "backup_logs", "cleanup_old_data"})
LONGEST = timedelta(hours=12)  # of a run whose jobs ask the sources
IDLE = 3  # runs in a row that wrote nothing
MAY_BE_IDLE = ALONE | {"sync_artist_images", "finish_mysetlist_sync"}  # when there is nothing to do


def job_policies() -> dict[str, rules.Policy]:
    """What is usual of each job that has a schedule."""
    return {
        job: rules.Policy(
            failures=policy.failures,
            late=policy.start_margin,
            longest=policy.longest if job in ALONE else LONGEST,
            idle=None if job in MAY_BE_IDLE else IDLE,
            needs=(f"queue {policy.queue}",),
        )
        for job, policy in POLICIES.items()
        if policy.schedule
    }


# --- queues ---

OLDEST = timedelta(minutes=10)  # that a due job may wait for a worker
NO_WORKER = timedelta(minutes=2)  # that due jobs may wait before somebody asks where the workers are
QUOTA_LOW, WINDOW_LEFT = 0.9, 0.2  # of the day's calls are spent, of the day is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The due jobs of one queue that is not paused."""

    queue: str
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """The jobs of one kind whose attempts were used up within a day."""

    job: str
    count: int
    last: datetime
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """A source as the gate knows it."""

    name: str
    shut: str = ""  # since when and why, while its breaker is open
    is_forced: bool = False  # an operator shut it
    quota: int = 0  # calls a day; 0: no limit
    used: int = 0
    resets_at: datetime | None = None


def judge_queues(waiting: Sequence[Waiting], *, has_worker: bool, now: datetime) -> Iterator[rules.Finding]:
    """Due jobs wait too long, or nobody is there to do them."""
    if not has_worker and any(now - each.oldest > NO_WORKER for each in waiting):
        jobs, oldest = sum(each.count for each in waiting), min(each.oldest for each in waiting)
        yield rules.Finding(
            rule="nobody_lives",
            subject="worker",
            says=f"no worker is alive and {jobs} jobs wait, the oldest since {rules.clock(oldest, now)}",
            is_critical=True,
            is_cause=True,
        )
    for each in waiting:
        if now - each.oldest > OLDEST:
            yield rules.Finding(
                rule="queue_age",
                subject=each.queue,
                says=f"{each.count} jobs wait in the queue {each.queue}, the oldest since {rules.clock(each.oldest, now)}",
                because=rules.WITHOUT_THEM_NOTHING_STARTS,
            )


def judge_paused(queue: str, since: datetime, reason: str, now: datetime) -> rules.Finding:
    """An operator paused it: that explains what waits."""
    why = f": {reason.rstrip('.')}" if reason else ""
    return rules.Finding(
        rule="paused",
        subject=f"queue {queue}",
        says=f"the queue {queue} is paused since {rules.clock(since, now)}{why}",
        is_notice=True,
        is_cause=True,
    )


def judge_dead(dead: Sequence[Dead], now: datetime) -> Iterator[rules.Finding]:
    """Jobs whose attempts are used up, until they are retried or a day has passed."""
    for each in dead:
        jobs = "1 job is" if each.count == 1 else f"{each.count} jobs are"
        yield rules.Finding(
            rule="dead_job",
            subject=each.job,
            says=f"{jobs} dead of {each.job}, the last since {rules.clock(each.last, now)}: {each.error}",
            is_critical=True,
            because=("database",),
            evidence=each.error,
        )


def judge_source(source: Outside, now: datetime) -> Iterator[rules.Finding]:
    """Its breaker is open, or little is left of its day."""
    if source.shut:
        yield rules.Finding(
            rule="breaker_open",
            subject=source.name,
            says=source.shut,
            is_critical=not source.is_forced,
            is_cause=True,
        )
    left = (source.resets_at - now) / timedelta(days=1) if source.resets_at else 0
    if source.quota and source.used >= source.quota * QUOTA_LOW and left > WINDOW_LEFT:
        assert source.resets_at
        yield rules.Finding(
            rule="quota_low",
            subject=source.name,
            says=f"{source.name} has {max(source.quota - source.used, 0)} of {source.quota} calls left until"
            f" {rules.clock(source.resets_at, now)}",
        )


# --- what settings.ALERT_RULES names ---

WAITING = """
SELECT queue_name, count(*), min(run_at) FROM queue_jobs
 WHERE status = 'pending' AND run_at <= %s AND queue_name NOT IN (SELECT name FROM paused_queues)
 GROUP BY queue_name ORDER BY queue_name
"""
DEAD = """
SELECT job_name, count(*), max(finished_at), (array_agg(last_error ORDER BY finished_at DESC))[1] FROM queue_jobs
 WHERE status = 'dead' AND finished_at > %s GROUP BY job_name ORDER BY job_name
"""


def queue_findings(*, now: datetime) -> Iterator[rules.Finding]:
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [now])
        waiting = [Waiting(queue=queue, count=count, oldest=oldest) for queue, count, oldest in cursor.fetchall()]
        cursor.execute(DEAD, [now - timedelta(days=1)])
        dead = [
            Dead(job=job, count=count, last=last, error=error[:300]) for job, count, last, error in cursor.fetchall()
        ]
    yield from judge_queues(waiting, has_worker=bool(living("worker")), now=now)
    yield from judge_dead(dead, now)
    for paused in PausedQueue.objects.order_by("name"):
        yield judge_paused(paused.name, paused.paused_at, paused.reason, now)


def source_findings(*, now: datetime) -> Iterator[rules.Finding]:
    for state in SourceState.objects.order_by("name"):
        if state.name in set(Source):
            yield from judge_source(_outside(state, now), now)


def _outside(state: SourceState, now: datetime) -> Outside:
    source = Source(state.name)
    is_over = state.quota_resets_at is None or state.quota_resets_at <= now
    return Outside(
        name=source.label,
        shut=says_shut(source, state, now) if state.is_shut(now) else "",
        is_forced=state.is_forced(now),
        quota=limits_of(source)[1],
        used=0 if is_over else state.quota_used,
        resets_at=state.quota_resets_at,
    )
