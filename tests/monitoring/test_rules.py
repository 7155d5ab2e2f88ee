"""Every rule, as a table: these facts, at this moment, are found to be this, or nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitoring.rules import (
    Finding,
    Job,
    Part,
    Past,
    Policy,
    Present,
    clock,
    duration,
    judge_job,
    judge_parts,
    sentence,
    with_causes,
)
from tests.factories import NOON

Table = list[tuple[str, Any, list[str]]]


def ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


def past(*statuses: str, error: str = "", rows: int | None = None) -> list[Past]:
    """Runs an hour apart, the newest first."""
    return [Past(status=status, at=ago(60 * n), error=error, rows=rows) for n, status in enumerate(statuses, 1)]


def job(**facts: Any) -> Job:
    return Job(name="master_sync", **facts)


THRICE = Policy(failures=3)


def skips(*minutes: float, error: str = "run 7 was under way") -> list[Past]:
    return [Past(status="skipped", at=ago(each), error=error) for each in minutes]


JOBS: Table = [
    ("nothing ran yet", job(), []),
    ("all is well", job(past=past("success", "partial")), []),
    (
        "it failed",
        job(past=past("failed", "success", error="no disk")),
        ["master_sync failed, last at 11:00: no disk."],
    ),
    ("it was abandoned", job(past=past("abandoned")), ["master_sync failed, last at 11:00."]),
    ("it failed and recovered", job(past=past("success", "failed", "failed")), []),
    ("partly is not failed", job(past=past("partial", "failed")), []),
    ("twice, of three that are too many", job(policy=THRICE, past=past("failed", "failed", "success")), []),
    (
        "three times, of three that are too many",
        job(policy=THRICE, past=past("failed", "abandoned", "failed", "success")),
        ["master_sync failed 3 times in a row, last at 11:00."],
    ),
    (
        "a skipped run ends no streak",
        job(policy=THRICE, past=past("failed", "skipped", "failed", "failed")),
        ["master_sync failed 3 times in a row, last at 11:00."],
    ),
    ("it missed a slot", job(past=past("missed", "success")), ["master_sync missed its slot of 11:00."]),
    (
        "it missed more",
        job(past=past("missed", "missed", "success")),
        ["master_sync missed 2 slots, the last of 11:00."],
    ),
    ("it missed one and ran since", job(past=past("success", "missed")), []),
    (
        "it missed one after it failed",
        job(past=past("missed", "failed")),
        ["master_sync failed, last at 10:00.", "master_sync missed its slot of 11:00."],
    ),
    ("it wrote nothing twice", job(past=past("success", "success", rows=0)), []),
    (
        "it wrote nothing three times",
        job(past=past("success", "partial", "success", rows=0)),
        ["master_sync wrote nothing in its last 3 runs, since 09:00."],
    ),
    ("it wrote nothing, which is usual", job(policy=Policy(idle=None), past=past(*["success"] * 5, rows=0)), []),
    ("what it wrote is not known", job(past=past(*["success"] * 5)), []),
    ("what failed wrote nothing, but that is known", job(policy=THRICE, past=past("failed", "failed", rows=0)), []),
    ("as often as may be", job(policy=Policy(most_per_hour=5), started_last_hour=5), []),
    (
        "too often",
        job(policy=Policy(most_per_hour=5), started_last_hour=6),
        ["master_sync started 6 times in the last hour; up to 5 are usual."],
    ),
    ("it waits, not for long", job(present=[Present(run=7, status="queued", since=ago(10))]), []),
    (
        "it is late",
        job(present=[Present(run=8, status="queued", since=ago(11)), Present(run=7, status="queued", since=ago(71))]),
        ["master_sync was wanted at 10:49 and has not started (run 7)."],
    ),
    (
        "it waits in vain: nobody is alive to start it",
        job(is_stranded=True, present=[Present(run=7, status="queued", since=ago(0.4))]),
        ["master_sync was wanted at 11:59 and has not started (run 7)."],
    ),
    (
        "it waits for somebody who may be on his way back",
        job(is_stranded=True, present=[Present(run=7, status="queued", since=ago(0.3))]),
        [],
    ),
    ("it skipped a slot", job(skips=skips(5)), ["master_sync skipped its slot of 11:55: run 7 was under way."]),
    (
        "it skipped more",
        job(skips=skips(5, 10)),
        ["master_sync skipped 2 slots, the last of 11:55: run 7 was under way."],
    ),
    ("why is not known", job(skips=skips(5, error="")), ["master_sync skipped its slot of 11:55."]),
    ("it runs, not for long", job(present=[Present(run=7, status="running", since=ago(60))]), []),
    (
        "it runs too long",
        job(present=[Present(run=7, status="running", since=ago(61))]),
        ["master_sync has been running since 10:59 (run 7); it may take 1 h."],
    ),
]

PARTS: Table = [
    ("all is well", [("database", "healthy", 60), ("worker a:1", "healthy", 1)], []),
    ("a check failed once", [("database", "down", 1)], []),
    ("a part is down", [("database", "down", 2)], ["database has been down since 11:58: Nobody listens."]),
    ("a part is not quite well, shortly", [("disk", "degraded", 9)], []),
    ("a part is not quite well", [("disk", "degraded", 10)], ["disk has been degraded since 11:50: Nobody listens."]),
    ("what other rules say of slots is said once", [("schedules", "degraded", 20)], []),
    ("data is old, since just now", [("trending", "degraded", 1)], []),
    ("data is old", [("trending", "degraded", 2)], ["trending has been stale since 11:58: Nobody listens."]),
    ("there never was a worker", [("relay a:1", "healthy", 1)], []),
    (
        "one of two workers is silent",
        [("worker a:1", "down", 5), ("worker a:2", "healthy", 5)],
        ["worker a:1 has been silent since 11:55."],
    ),
    (
        "one of two is silent, and another came in its place",
        [("worker a:1", "down", 5), ("worker a:2", "healthy", 4), ("worker a:3", "healthy", 9)],
        [],
    ),
    (
        "two are silent, and one came",
        [("worker a:1", "down", 5), ("worker a:2", "down", 3), ("worker a:3", "healthy", 2)],
        ["worker a:2 has been silent since 11:57."],
    ),
    (
        "the last worker is silent",
        [("worker a:1", "down", 5), ("worker a:2", "down", 3), ("relay a:3", "healthy", 9)],
        ["no worker has been alive since 11:57."],
    ),
    (
        "nobody schedules or publishes",
        [("scheduler a:1", "down", 5), ("relay a:2", "down", 3)],
        ["no relay has been alive since 11:57.", "no scheduler has been alive since 11:55."],
    ),
    ("a check that is named like a process is a check", [("worker", "down", 1)], []),
]


def part(name: str, status: str, minutes: float, detail: str = "Nobody listens.") -> Part:
    return Part(name=name, status=status, detail=detail, since=ago(minutes), seen=ago(minutes))


@pytest.mark.parametrize(("facts", "expected"), [row[1:] for row in JOBS], ids=[row[0] for row in JOBS])
def test_a_job(facts: Job, expected: list[str]) -> None:
    assert [sentence(finding) for finding in judge_job(facts, NOON)] == expected


@pytest.mark.parametrize(("facts", "expected"), [row[1:] for row in PARTS], ids=[row[0] for row in PARTS])
def test_a_part(facts: Sequence[tuple[str, str, float]], expected: list[str]) -> None:
    parts = [part(*each) for each in facts]
    assert [sentence(finding) for finding in judge_parts(parts, NOON)] == expected


BREAKER = Finding(
    rule="breaker_open",
    subject="ticketmaster",
    says="ticketmaster's breaker has been open since 02:14, HTTP 503 × 37",
    is_cause=True,
)
NO_WORKER = Finding(rule="nobody_lives", subject="worker", says="no worker has been alive since 11:57", is_cause=True)


def test_a_failed_job_names_the_source_that_its_error_is_about() -> None:
    (failed,) = judge_job(job(past=past("failed", error="SourceBusy: Ticketmaster answers 503")), NOON)
    cause, effect = with_causes([failed, BREAKER])
    assert cause == BREAKER
    assert sentence(effect) == (
        "master_sync failed, last at 11:00: SourceBusy: Ticketmaster answers 503"
        " because ticketmaster's breaker has been open since 02:14, HTTP 503 × 37."
    )


def test_an_error_about_another_source_has_another_cause() -> None:
    (failed,) = judge_job(job(past=past("failed", error="spotify answers 503")), NOON)
    assert [finding.cause for finding in with_causes([BREAKER, failed])] == [None, None]


def test_a_late_job_is_late_because_nobody_starts_it() -> None:
    (late,) = judge_job(job(present=[Present(run=7, status="queued", since=ago(30))]), NOON)
    assert sentence(with_causes([late, NO_WORKER])[1]) == (
        "master_sync was wanted at 11:30 and has not started (run 7) because no worker has been alive since 11:57."
    )


@pytest.mark.parametrize(("count", "is_notice"), [(1, True), (2, True), (3, False)])
def test_a_skip_is_policy_and_three_in_a_row_are_not(count: int, is_notice: bool) -> None:
    (skipped,) = judge_job(job(skips=skips(*range(count))), NOON)
    assert skipped.is_notice == is_notice


def test_what_waits_in_a_paused_queue_waits_because_of_it() -> None:
    policy = Policy(needs=("queue cron",))
    (late,) = judge_job(job(policy=policy, present=[Present(run=7, status="queued", since=ago(30))]), NOON)
    paused = Finding(rule="paused", subject="queue cron", says="the queue cron is paused since 11:00", is_cause=True)
    assert sentence(with_causes([late, paused])[1]).endswith(" because the queue cron is paused since 11:00.")


def test_what_is_old_names_the_job_that_is_switched_off() -> None:
    (stale,) = judge_parts(
        [part("trending", "degraded", 2, "The scores are old. Is calculate_trending scheduled?")], NOON
    )
    off = Finding(rule="switched_off", subject="calculate_trending", says="calculate_trending is off", is_cause=True)
    assert sentence(with_causes([stale, off])[1]).endswith(" because calculate_trending is off.")


def test_a_degraded_part_that_is_about_an_open_breaker_follows_from_it() -> None:
    (degraded,) = judge_parts([part("sources", "degraded", 11, "Ticketmaster's breaker is open.")], NOON)
    assert [finding.cause for finding in with_causes([degraded, BREAKER])] == [None, BREAKER]


def test_causes_are_one_level_deep() -> None:
    deep = Finding(rule="down", subject="database", says="the database is down", is_cause=True)
    worker = Finding(rule="nobody_lives", subject="worker", says="no worker", is_cause=True, because=("database",))
    assert [finding.cause for finding in with_causes([deep, worker])] == [None, None]


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "under a minute"), (1, "1 min"), (60, "1 h"), (61, "1 h 1 min"), (1440, "1 d"), (1510, "1 d 1 h")],
)
def test_a_duration_in_words(minutes: float, words: str) -> None:
    assert duration(timedelta(minutes=minutes)) == words


def test_a_moment_of_another_day_names_the_day() -> None:
    assert [clock(ago(1), NOON), clock(ago(60 * 24), NOON)] == ["11:59", "Jun 30 12:00"]
