"""When is something wrong? Pure functions of facts and `now`: no database, no clock, no settings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

PART_MARGIN = timedelta(minutes=2)  # a check may fail once
DEGRADED_MARGIN = timedelta(minutes=10)
STOPPED_MARGIN = timedelta(seconds=20)  # a process that was told to stop may be on its way back
STRANDED_MARGIN = STOPPED_MARGIN  # from a slot to its start, when nobody is alive to start it: why wait longer?
SKIPS = 3  # in a row that are no longer policy
PROCESSES = frozenset({"worker", "relay", "scheduler"})
FRESHNESS = frozenset({"trending", "shows", "artists"})  # checks about the age of data
TOLD_BY_RULES = frozenset({"schedules"})  # what this check says, the rules have said: nothing to add
BROKEN = frozenset({"failed", "abandoned"})
WITHOUT_THEM_NOTHING_STARTS = ("scheduler", "relay", "worker", "database", "broker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is wrong with a job, and what is usual."""

    failures: int = 1  # in a row
    late: timedelta = timedelta(minutes=10)  # from its slot to its start
    longest: timedelta = timedelta(hours=1)
    idle: int | None = 3  # runs in a row that wrote nothing; None: that is usual
    most_per_hour: int = 70  # every minute, and some by hand
    needs: tuple[str, ...] = ()  # subjects, besides processes and parts, without which it does not start


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A run that has ended."""

    status: str
    at: datetime  # its start, or when it should have been
    error: str = ""
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A run that is queued or running."""

    run: int
    status: str
    since: datetime  # its slot while it waits, its start while it runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is known of a job: its newest runs first."""

    name: str
    policy: Policy = field(default_factory=Policy)
    past: Sequence[Past] = ()
    present: Sequence[Present] = ()
    skips: Sequence[Past] = ()  # slots skipped since it last ended well; `error` says why
    started_last_hour: int = 0
    is_stranded: bool = False  # nobody is alive who could start it


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What system_health says of a part or a process."""

    name: str
    status: str
    detail: str
    since: datetime
    seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong: which rule, about what, in a clause that can follow "because"."""

    rule: str
    subject: str
    says: str
    is_critical: bool = False
    is_notice: bool = False  # shown and logged, and nobody is called
    is_cause: bool = False  # may explain others
    because: tuple[str, ...] = ()  # subjects of causes that would explain it …
    evidence: str = ""  # … or a text that may name one
    cause: "Finding | None" = None

    @property
    def key(self) -> tuple[str, str]:
        return self.rule, self.subject


# --- jobs ---


def judge_job(job: Job, now: datetime) -> Iterator[Finding]:
    for rule in (failed, idle, too_often):
        if finding := rule(job, now):
            yield finding
    yield from punctual(job, now)
    yield from too_long(job, now)


def punctual(job: Job, now: datetime) -> Iterator[Finding]:
    """What became of its slots, as far as their runs know."""
    for rule in (missed, skipped, late):
        if finding := rule(job, now):
            yield finding


def failed(job: Job, now: datetime) -> Finding | None:
    """It failed, as often in a row as its policy allows."""
    runs = [run for run in job.past if run.status not in {"skipped", "missed"}]
    streak = _leading(run.status in BROKEN for run in runs)
    if streak < job.policy.failures or not streak:
        return None
    times = "failed" if streak == 1 else f"failed {streak} times in a row"
    return Finding(
        rule="failed",
        subject=job.name,
        says=f"{job.name} {times}, last at {clock(runs[0].at, now)}" + (f": {runs[0].error}" if runs[0].error else ""),
        is_critical=True,
        because=("database",),
        evidence=runs[0].error,
    )


def missed(job: Job, now: datetime) -> Finding | None:
    """Nobody started its newest slots."""
    runs = [run for run in job.past if run.status != "skipped"]
    streak = _leading(run.status == "missed" for run in runs)
    if not streak:
        return None
    slots = "its slot" if streak == 1 else f"{streak} slots, the last"
    return Finding(
        rule="missed",
        subject=job.name,
        says=f"{job.name} missed {slots} of {clock(runs[0].at, now)}",
        is_critical=True,
        because=WITHOUT_THEM_NOTHING_STARTS,
    )


def skipped(job: Job, now: datetime) -> Finding | None:
    """Its newest slots were not started on purpose, and no run has ended well since."""
    if not job.skips:
        return None
    newest, count = job.skips[0], len(job.skips)
    slots = "its slot" if count == 1 else f"{count} slots, the last"
    return Finding(
        rule="skipped",
        subject=job.name,
        says=f"{job.name} skipped {slots} of {clock(newest.at, now)}" + (f": {newest.error}" if newest.error else ""),
        is_notice=count < SKIPS,
        because=(*WITHOUT_THEM_NOTHING_STARTS, *job.policy.needs),
    )


def idle(job: Job, now: datetime) -> Finding | None:
    """It ends well and writes nothing."""
    runs = [run for run in job.past if run.status in {"success", "partial"}]
    wanted = job.policy.idle
    if wanted is None or _leading(run.rows == 0 for run in runs) < wanted:
        return None
    return Finding(
        rule="idle",
        subject=job.name,
        says=f"{job.name} wrote nothing in its last {wanted} runs, since {clock(runs[wanted - 1].at, now)}",
    )


def too_often(job: Job, now: datetime) -> Finding | None:
    """Something starts it again and again."""
    if job.started_last_hour <= job.policy.most_per_hour:
        return None
    return Finding(
        rule="too_often",
        subject=job.name,
        says=f"{job.name} started {job.started_last_hour} times in the last hour; up to {job.policy.most_per_hour} are usual",
    )


def late(job: Job, now: datetime) -> Finding | None:
    """It should have started by now; when nobody is alive to start it, that is known at once."""
    margin = min(job.policy.late, STRANDED_MARGIN) if job.is_stranded else job.policy.late
    waiting = [run for run in job.present if run.status == "queued" and now - run.since > margin]
    if not waiting:
        return None
    first = min(waiting, key=lambda run: run.since)
    return Finding(
        rule="late",
        subject=job.name,
        says=f"{job.name} was wanted at {clock(first.since, now)} and has not started (run {first.run})",
        because=(*WITHOUT_THEM_NOTHING_STARTS, *job.policy.needs),
    )


def too_long(job: Job, now: datetime) -> Iterator[Finding]:
    """It runs longer than it may."""
    running = [run for run in job.present if run.status == "running" and now - run.since > job.policy.longest]
    if running:
        first = min(running, key=lambda run: run.since)
        yield Finding(
            rule="too_long",
            subject=job.name,
            says=f"{job.name} has been running since {clock(first.since, now)} (run {first.run});"
            f" it may take {duration(job.policy.longest)}",
            because=(*WITHOUT_THEM_NOTHING_STARTS, *job.policy.needs),
        )


# --- parts and processes ---


def judge_parts(parts: Sequence[Part], now: datetime) -> Iterator[Finding]:
    processes = [part for part in parts if part.name.partition(" ")[0] in PROCESSES and " " in part.name]
    yield from silent(processes, now)
    for part in parts:
        if part not in processes and (finding := unwell(part, now)):
            yield finding


def silent(processes: Sequence[Part], now: datetime) -> Iterator[Finding]:
    """A process fell silent; when it was the last of its kind, that is what is said."""
    for kind in sorted(PROCESSES):
        ours = [part for part in processes if part.name.partition(" ")[0] == kind]
        dead = [part for part in ours if part.status == "down"]
        if dead and len(dead) == len(ours):
            last = max(part.seen for part in dead)
            if now - last < STOPPED_MARGIN:
                continue
            yield Finding(
                rule="nobody_lives",
                subject=kind,
                says=f"no {kind} has been alive since {clock(last, now)}",
                is_critical=True,
                is_cause=True,
            )
        else:
            came = [part.since for part in ours if part.status != "down"]
            missing = unreplaced({part.name: part.seen for part in dead}, came)
            for part in (part for part in dead if part.name in missing):
                yield Finding(
                    rule="silent", subject=part.name, says=f"{part.name} has been silent since {clock(part.seen, now)}"
                )


def unreplaced(dead: Mapping[str, datetime], came: Iterable[datetime]) -> set[str]:
    """Of those that fell silent at these moments, the ones in whose place no other came since: one for one."""
    left = sorted(came)
    missing = set()
    for name, seen in sorted(dead.items(), key=lambda each: each[1]):
        successor = next((moment for moment in left if moment > seen), None)
        if successor:
            left.remove(successor)
        else:
            missing.add(name)
    return missing


def unwell(part: Part, now: datetime) -> Finding | None:
    """A check has said so for a while."""
    is_stale = part.name in FRESHNESS and part.status != "healthy"
    margin = PART_MARGIN if part.status == "down" or is_stale else DEGRADED_MARGIN
    if part.status == "healthy" or now - part.since < margin or part.name in TOLD_BY_RULES:
        return None
    if is_stale:
        return Finding(
            rule="stale",
            subject=part.name,
            says=f"{part.name} has been stale since {clock(part.since, now)}: {part.detail}",
            because=WITHOUT_THEM_NOTHING_STARTS,
            evidence=part.detail,
        )
    return Finding(
        rule=part.status,
        subject=part.name,
        says=f"{part.name} has been {part.status} since {clock(part.since, now)}: {part.detail}",
        is_critical=part.status == "down",
        is_cause=part.status == "down",
        evidence=part.detail,
    )


# --- causes ---


def with_causes(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding with what explains it, if anything does; those without a cause first. One level deep."""
    found = list(findings)
    causes = [finding for finding in found if finding.is_cause]
    explained = [
        finding if finding.is_cause else replace(finding, cause=_cause_of(finding, causes)) for finding in found
    ]
    return sorted(explained, key=lambda finding: finding.cause is not None)


def sentence(finding: Finding) -> str:
    """What people read."""
    clause = finding.says.rstrip(".")
    if finding.cause:
        clause += f" because {finding.cause.says.rstrip('.')}"
    return f"{clause}."


def _cause_of(finding: Finding, causes: Sequence[Finding]) -> Finding | None:
    evidence = finding.evidence.lower()
    for cause in causes:
        if cause.subject in finding.because or (cause.subject.lower() in evidence):
            return cause
    return None


def _leading(flags: Iterable[bool]) -> int:
    count = 0
    for flag in flags:
        if not flag:
            break
        count += 1
    return count


# --- words ---


def clock(moment: datetime, now: datetime) -> str:
    """A moment as people say it: the time today, else with its day. UTC."""
    return f"{moment:%H:%M}" if moment.date() == now.date() else f"{moment:%b %d %H:%M}"


def duration(span: timedelta) -> str:
    """How long, in at most two units."""
    minutes = max(round(span.total_seconds() / 60), 0)
    hours, rest = divmod(minutes, 60)
    days, left = divmod(hours, 24)
    if days:
        return f"{days} d {left} h" if left else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{minutes} min" if minutes else "under a minute"
