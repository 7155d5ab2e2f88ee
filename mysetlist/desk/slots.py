"""Every slot of the last day, answered: it ran, late, was missed, skipped and why, caught up; or nobody answered."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django_celery_beat.models import PeriodicTask

from monitoring.rules import clock, duration
from mysetlist.charts import Cell
from mysetlist.desk import links
from syncjobs.policies import POLICIES
from syncjobs.schedules import job_of
from syncjobs.slots import BadTiming, unanswered

DAY = timedelta(days=1)
HOURS = 24
MOST_TOLD = 20  # of the slots that did not simply run

# The worst first: an hour has the colour of its worst slot.
WORDS = {
    "unanswered": "not answered",
    "missed": "missed",
    "failed": "failed",
    "to_catch_up": "missed, to be caught up",
    "late": "late",
    "skipped": "skipped",
    "caught_up": "caught up",
    "waiting": "waiting",
    "running": "running",
    "ran": "ran",
}
KINDS = {
    **dict.fromkeys(("unanswered", "missed", "failed"), "bad"),
    **dict.fromkeys(("to_catch_up", "late", "skipped", "caught_up"), "warn"),
    **dict.fromkeys(("waiting", "running"), "busy"),
    "ran": "good",
}

# One range of the index (schedule, slot) for each schedule, however long the log is.
ANSWERED = """
WITH answered AS (
  SELECT r.id, s.name, r.slot, r.started_at, r.error_message, r.result,
         CASE WHEN r.status = 'missed' AND r.trigger = 'catch_up' THEN 'to_catch_up'
              WHEN r.status IN ('missed', 'skipped', 'running') THEN r.status
              WHEN r.status = 'queued' THEN 'waiting'
              WHEN r.status IN ('failed', 'abandoned') THEN 'failed'
              WHEN r.trigger = 'catch_up' THEN 'caught_up'
              WHEN r.started_at - r.slot > make_interval(secs => s.margin) THEN 'late'
              ELSE 'ran' END AS outcome
    FROM unnest(%(names)s::text[], %(margins)s::float[]) AS s (name, margin)
    JOIN cron_logs r ON r.schedule = s.name AND r.slot > %(since)s AND r.slot <= %(now)s)
"""
COUNTS = (
    ANSWERED
    + """
SELECT name, floor(extract(epoch FROM %(now)s - slot) / 3600)::int, outcome, count(*) FROM answered GROUP BY 1, 2, 3
"""
)
EXCEPTIONS = (
    ANSWERED
    + """
SELECT id, name, slot, started_at, outcome, left(error_message, 200), result ->> 'skipped_because',
       (result ->> 'running')::bigint
  FROM answered WHERE outcome NOT IN ('ran', 'running') ORDER BY slot DESC, name LIMIT %(most)s
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A slot that did not simply run, and why."""

    schedule: str
    slot: datetime
    word: str
    kind: str
    why: str
    url: str = ""  # of its run
    cause: str = ""  # address of the run that it was skipped for


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One schedule's last 24 hours."""

    cells: Sequence[Cell]  # hour by hour, oldest first
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    counts: Mapping[str, int]  # by word
    is_calm: bool
    told: Sequence[Told]  # newest first
    untold: int  # so many more
    days: Mapping[str, Day] = field(default_factory=dict)  # by schedule


def last_day(schedules: Sequence[PeriodicTask], now: datetime) -> Slots:
    """What became of the slots of these schedules within a day."""
    asked = {
        "names": [schedule.name for schedule in schedules],
        "margins": [_margin(schedule).total_seconds() for schedule in schedules],
        "since": now - DAY,
        "now": now,
        "most": MOST_TOLD,
    }
    by_hour: dict[str, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for name, hours_ago, outcome, count in _ask(COUNTS, asked):
        by_hour[name][hours_ago][outcome] += count
    told = [_told(*row, now=now) for row in _ask(EXCEPTIONS, asked)]
    for schedule in schedules:
        silent = _open(schedule, now)
        for slot in silent:
            by_hour[schedule.name][(now - slot) // timedelta(hours=1)]["unanswered"] += 1
        told += [_unanswered(schedule, slot) for slot in silent[-MOST_TOLD:]]
    told = sorted(told, key=lambda each: (each.slot, each.schedule), reverse=True)[:MOST_TOLD]
    total: Counter[str] = sum((count for hours in by_hour.values() for count in hours.values()), Counter())
    odd = sum(total.values()) - total["ran"] - total["running"]
    return Slots(
        counts={word: total[outcome] for outcome, word in reversed(WORDS.items()) if total[outcome]},
        is_calm=not odd,
        told=told,
        untold=odd - len(told),
        days={schedule.name: _day(by_hour[schedule.name], now) for schedule in schedules},
    )


def _open(schedule: PeriodicTask, now: datetime) -> list[datetime]:
    with suppress(BadTiming):  # the list of jobs says so
        return unanswered(schedule, now - DAY, now)
    return []


def _margin(schedule: PeriodicTask) -> timedelta:
    policy = POLICIES.get(job_of(schedule))
    return policy.start_margin if policy else timedelta(minutes=5)


def _ask(sql: str, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return list(cursor.fetchall())


def _told(
    run: int,
    schedule: str,
    slot: datetime,
    started_at: datetime,
    outcome: str,
    error: str,
    because: str | None,
    other: int | None,
    *,
    now: datetime,
) -> Told:
    why = error or because or ""
    if outcome in {"late", "caught_up"}:
        why = f"Started at {clock(started_at, now)}, {duration(started_at - slot)} after."
    elif outcome == "waiting":
        why = f"Queued for {duration(now - slot)}."
    elif outcome in {"missed", "to_catch_up"}:
        why = why or "Nobody started it in time: no scheduler was alive."
    elif other:
        why = f"Run {other} was under way."
    return Told(
        schedule=schedule,
        slot=slot,
        word=WORDS[outcome],
        kind=KINDS[outcome],
        why=why,
        url=links.row("monitoring.cronlog", run),
        cause=links.row("monitoring.cronlog", other) if other else "",
    )


def _unanswered(schedule: PeriodicTask, slot: datetime) -> Told:
    why = "It has no run yet: no scheduler has come so far."
    return Told(
        schedule=schedule.name,
        slot=slot,
        word=WORDS["unanswered"],
        kind=KINDS["unanswered"],
        why=why,
        url=links.row("django_celery_beat.periodictask", schedule.pk),
    )


def _day(hours: Mapping[int, Counter[str]], now: datetime) -> Day:
    cells = []
    for ago in reversed(range(HOURS)):
        counts = hours.get(ago, Counter())
        worst = next((outcome for outcome in WORDS if counts[outcome]), None)
        begin = (now - timedelta(hours=ago + 1)).astimezone(UTC)
        cells.append(
            Cell(
                kind=KINDS[worst] if worst else "none",
                says=f"{begin:%H:%M} to {begin + timedelta(hours=1):%H:%M}: {_listed(counts)}",
            )
        )
    return Day(cells=cells, says=_listed(sum(hours.values(), Counter())))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[name]:,} {word}" for name, word in reversed(WORDS.items()) if counts.get(name)) or "none"
