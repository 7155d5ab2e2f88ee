"""What is wrong with queues, dead jobs and sources: the rules as tables, then from the tables of the database."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from monitoring.alerts import judge
from monitoring.heartbeats import beat
from monitoring.models import Alert
from monitoring.rules import sentence
from syncjobs.alerting import (
    Dead,
    Outside,
    Waiting,
    job_policies,
    judge_dead,
    judge_queues,
    judge_source,
)
from syncjobs.models import PausedQueue, QueueJob, SourceState
from tests.factories import NOON


def ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


def waits(minutes: float, queue: str = "images", count: int = 3) -> Waiting:
    return Waiting(queue=queue, count=count, oldest=ago(minutes))


QUEUES: list[tuple[str, list[Waiting], bool, list[str]]] = [
    ("nothing waits", [], False, []),
    ("it waits, not for long", [waits(10)], True, []),
    ("it waits too long", [waits(11)], True, ["3 jobs wait in the queue images, the oldest since 11:49."]),
    ("no worker, since just now", [waits(2)], False, []),
    (
        "no worker",
        [waits(3), waits(1, "cron")],
        False,
        ["no worker is alive and 6 jobs wait, the oldest since 11:57."],
    ),
]
SOURCES: list[tuple[str, Outside, list[str]]] = [
    ("all is well", Outside(name="Spotify", quota=100, used=10, resets_at=ago(-1000)), []),
    (
        "its breaker is open",
        Outside(name="Spotify", shut="Spotify's breaker is open since 11:55, HTTP 503 × 37"),
        ["Spotify's breaker is open since 11:55, HTTP 503 × 37."],
    ),
    (
        "little is left of the day, much of the window",
        Outside(name="Spotify", quota=100, used=90, resets_at=ago(-600)),
        ["Spotify has 10 of 100 calls left until 22:00."],
    ),
    (
        "little is left, and the day is nearly over",
        Outside(name="Spotify", quota=100, used=99, resets_at=ago(-200)),
        [],
    ),
    ("it has no limit", Outside(name="Spotify", used=99999, resets_at=ago(-600)), []),
]


@pytest.mark.parametrize(("waiting", "has_worker", "expected"), [r[1:] for r in QUEUES], ids=[r[0] for r in QUEUES])
def test_queues(waiting: list[Waiting], has_worker: bool, expected: list[str]) -> None:
    assert [sentence(found) for found in judge_queues(waiting, has_worker=has_worker, now=NOON)] == expected


@pytest.mark.parametrize(("source", "expected"), [row[1:] for row in SOURCES], ids=[row[0] for row in SOURCES])
def test_a_source(source: Outside, expected: list[str]) -> None:
    assert [sentence(found) for found in judge_source(source, NOON)] == expected


def test_dead_jobs_are_counted_by_their_kind() -> None:
    dead = [Dead(job="a", count=1, last=ago(1), error="no disk"), Dead(job="b", count=2, last=ago(2), error="x")]
    assert [sentence(found) for found in judge_dead(dead, NOON)] == [
        "1 job is dead of a, the last since 11:59: no disk.",
        "2 jobs are dead of b, the last since 11:58: x.",
    ]


def test_every_scheduled_job_has_a_policy() -> None:
    assert {"calculate_trending", "cleanup_old_data", "backup_logs"} <= job_policies().keys()
    assert job_policies()["calculate_trending"].idle is None


def found(rule: str) -> list[tuple[str, str]]:
    judge(now=timezone.now())
    return list(Alert.objects.filter(rule=rule, state="open").values_list("subject", "says"))


def make_job(job: str = "import_artist", **values: Any) -> QueueJob:
    return QueueJob.objects.create(**{"queue_name": "artist_import", "job_name": job, **values})


@pytest.mark.django_db
def test_a_dead_job_is_found_until_it_is_retried() -> None:
    now = timezone.now()
    job = make_job(status="dead", finished_at=now, last_error="SourceRefused: no")
    make_job("long_ago", status="dead", finished_at=now - timedelta(days=2))
    ((subject, says),) = found("dead_job")
    assert subject == "import_artist"
    assert says.endswith(": SourceRefused: no.")
    QueueJob.objects.filter(pk=job.pk).update(status="pending", finished_at=None)
    assert found("dead_job") == []


@pytest.mark.django_db
def test_what_waits_without_a_worker_is_told_with_its_cause(no_schedules: None) -> None:
    make_job(run_at=timezone.now() - timedelta(minutes=30))
    judge(now=timezone.now())
    cause, effect = Alert.objects.order_by("pk")
    assert (cause.rule, effect.rule, effect.cause) == ("nobody_lives", "queue_age", cause)
    beat("worker here:1")
    assert found("nobody_lives") == []
    assert len(found("queue_age")) == 1


@pytest.mark.django_db
def test_what_waits_in_a_paused_queue_waits_on_purpose() -> None:
    make_job(run_at=timezone.now() - timedelta(minutes=30))
    PausedQueue.objects.create(name="artist_import")
    assert found("queue_age") == found("nobody_lives") == []


@pytest.mark.django_db
def test_a_dead_job_names_the_source_whose_breaker_is_open(no_schedules: None) -> None:
    now = timezone.now()
    SourceState.objects.filter(name="ticketmaster").update(breaker="open", failures={"HTTP 503": 37})
    opened = SourceState.objects.get(name="ticketmaster").opened_at
    assert opened
    make_job(status="dead", finished_at=now, last_error="SourceBusy: Ticketmaster answered 503")
    judge(now=now)
    cause, effect = Alert.objects.order_by("pk")
    assert cause.says == f"Ticketmaster's breaker is open since {opened:%H:%M}, HTTP 503 × 37."
    assert effect.says.endswith(f" because {cause.says}")
    assert effect.cause == cause
    SourceState.objects.update(breaker="closed")
    judge(now=now + timedelta(minutes=1))
    cause.refresh_from_db()
    assert cause.state == "resolved"


@pytest.mark.django_db
def test_a_paused_queue_is_noted_with_since_when_and_why() -> None:
    PausedQueue.objects.create(name="images", reason="New crop sizes first.")
    since = PausedQueue.objects.get().paused_at
    assert found("paused") == [
        ("queue images", f"the queue images is paused since {since:%H:%M}: New crop sizes first.")
    ]
    assert Alert.objects.get(rule="paused").severity == "notice"
