"""check_health(): every part is asked, every answer is remembered, and one broken check hides no other."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.models import F
from django.utils import timezone

from monitoring.checks import Degraded, broker, cache, dead_rows, room
from monitoring.health import check_health, overall
from monitoring.heartbeats import beat
from monitoring.models import SystemHealth
from tests.factories import NOON
from tests.monitoring.runs import another_connection, at_once
from tests.syncjobs.stage import real_redis

ROOT = Path(__file__).resolve().parents[2]
LATER, LATEST = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)


def fine() -> str:
    return "It answers."


def slow() -> str:
    raise Degraded("It is slow. Restart it.")


def broken() -> str:
    raise ConnectionRefusedError("nobody listens")


def nul() -> str:
    raise ValueError("a\0b")


def half_a_character() -> str:
    raise Degraded("a\ud800b")


def query() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1/0")
    return "?"


@pytest.fixture
def checks(settings: Any) -> Callable[..., None]:
    """Make these functions the checks."""

    def choose(**functions: str) -> None:
        settings.HEALTH_CHECKS = {part: f"{__name__}.{function}" for part, function in functions.items()}

    return choose


def said(now: datetime = NOON) -> dict[str, str]:
    return {answer.component: answer.status for answer in check_health(now=now)}


def row(component: str) -> SystemHealth:
    return SystemHealth.objects.get(component=component)


Checks = Callable[..., None]


@pytest.mark.django_db
def test_a_part_is_healthy_degraded_or_down(checks: Checks) -> None:
    checks(web="fine", queue="slow", source="broken")
    assert said() == {"web": "healthy", "queue": "degraded", "source": "down"}
    assert {health.component: health.detail for health in SystemHealth.objects.all()} == {
        "web": "It answers.",
        "queue": "It is slow. Restart it.",
        "source": "ConnectionRefusedError: nobody listens",
    }


@pytest.mark.parametrize(
    ("functions", "expected"),
    [
        ({"a": "fine", "b": "fine"}, "healthy"),
        ({"a": "fine", "b": "slow"}, "degraded"),
        ({"a": "slow", "b": "broken", "c": "fine"}, "down"),
        ({}, "down"),
    ],
    ids=["all fine", "one slow", "one broken", "no checks"],
)
@pytest.mark.django_db
def test_the_whole_is_as_well_as_its_worst_part(functions: Mapping[str, str], expected: str, checks: Checks) -> None:
    checks(**functions)
    assert overall(check_health(now=NOON)) == expected


@pytest.mark.django_db
def test_since_moves_only_when_the_status_does(checks: Checks) -> None:
    checks(web="fine")
    said(NOON), said(LATER)
    assert (row("web").since, row("web").checked_at) == (NOON, LATER)
    checks(web="slow")
    said(LATEST)
    assert (row("web").since, row("web").checked_at) == (LATEST, LATEST)


@pytest.mark.django_db
def test_the_last_good_moment_is_remembered_while_a_part_is_not_well(checks: Checks) -> None:
    checks(web="fine")
    said(NOON)
    checks(web="broken")
    said(LATER), said(LATEST)
    assert (row("web").last_good_at, row("web").since) == (NOON, LATER)
    checks(web="fine")
    said(LATEST)
    assert (row("web").last_good_at, row("web").since) == (LATEST, LATEST)


@pytest.mark.django_db
def test_a_part_that_never_was_well_has_no_good_moment(checks: Checks) -> None:
    checks(web="slow")
    said()
    assert row("web").last_good_at is None


@pytest.mark.django_db
def test_there_is_one_row_per_part_however_often_it_is_asked(checks: Checks) -> None:
    checks(web="fine")
    for _ in range(3):
        said()
    assert SystemHealth.objects.count() == 1
    assert row("web").latency_ms >= 0


@pytest.mark.parametrize("function", ["broken", "nul", "query", "no_such_function"])
@pytest.mark.django_db(transaction=True)
def test_a_broken_check_hides_no_other(function: str, checks: Checks) -> None:
    checks(first="fine", broken=function, last="fine")
    assert said() == {"first": "healthy", "broken": "down", "last": "healthy"}
    assert dict(SystemHealth.objects.values_list("component", "status")) == said()


@pytest.mark.django_db
def test_what_a_check_says_is_made_storable(checks: Checks) -> None:
    checks(web="nul", queue="half_a_character")
    said()
    assert (row("web").detail, row("queue").detail) == ("ValueError: ab", "a?b")


@pytest.mark.django_db(transaction=True)
def test_a_check_whose_module_is_missing_is_down(settings: Any, checks: Checks) -> None:
    checks(last="fine")
    settings.HEALTH_CHECKS = {"gone": "no.such.module", **settings.HEALTH_CHECKS}
    assert said() == {"gone": "down", "last": "healthy"}
    assert row("gone").detail == "ModuleNotFoundError: No module named 'no'"


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_broke_between_two_checks_is_no_news(settings: Any) -> None:
    settings.HEALTH_CHECKS = {"database": "monitoring.checks.database"}
    said(NOON)
    with another_connection(autocommit=True) as theirs:  # as a restart does
        theirs.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    assert said(LATER) == {"database": "healthy"}
    assert row("database").since == NOON


@pytest.mark.django_db(transaction=True)
def test_first_checks_at_the_same_moment_do_not_clash(checks: Checks) -> None:
    checks(web="fine", queue="slow")
    expected = {"web": "healthy", "queue": "degraded"}
    assert at_once(*[said] * 4) == [expected] * 4
    assert dict(SystemHealth.objects.values_list("component", "status")) == expected


@pytest.mark.django_db(transaction=True)
def test_answers_are_given_even_when_they_cannot_be_remembered(
    checks: Checks, caplog: pytest.LogCaptureFixture
) -> None:
    checks(web="fine")
    with another_connection(autocommit=True) as theirs:
        theirs.execute("ALTER TABLE system_health RENAME TO gone")
        try:
            assert said() == {"web": "healthy"}
        finally:
            theirs.execute("ALTER TABLE gone RENAME TO system_health")
    assert "Unable to write system_health" in caplog.text
    assert issubclass(caplog.records[-1].exc_info[0], DatabaseError)  # type: ignore[index,arg-type]


SEEN: list[str] = []


def who_lives() -> str:
    SEEN.extend(SystemHealth.objects.filter(component="worker here:1").values_list("status", flat=True))
    return ""


@pytest.mark.django_db
def test_checks_know_already_who_fell_silent(settings: Any) -> None:
    settings.HEALTH_CHECKS = {"part": f"{__name__}.who_lives"}
    beat("worker here:1")
    SystemHealth.objects.update(checked_at=timezone.now() - timedelta(seconds=41))
    check_health(now=timezone.now())
    assert SEEN == ["down"]


@pytest.mark.django_db
def test_the_product_s_own_checks_answer_on_an_empty_system(no_schedules: None) -> None:
    answers = said()
    assert answers.pop("disk") != "down"  # it is the machine's, whose state is no matter of ours
    assert answers.pop("trending") == "degraded"
    assert answers == dict.fromkeys(
        ("database", "dead rows", "broker", "cache", "schedules", "sources", "shows", "artists"), "healthy"
    )
    assert row("database").detail.startswith("PostgreSQL 18")


@pytest.mark.django_db
def test_processes_are_answers_too_and_silent_ones_are_down(checks: Checks) -> None:
    checks(web="fine")
    beat("worker here:1"), beat("worker here:2")
    SystemHealth.objects.filter(component="worker here:2").update(checked_at=F("checked_at") - timedelta(seconds=61))
    assert said() == {"web": "healthy", "worker here:1": "healthy", "worker here:2": "down"}
    assert (
        row("worker here:2").since
        == row("worker here:2").checked_at
        == row("worker here:2").last_good_at - timedelta(seconds=61)
    )
    beat("worker here:2")
    assert said()["worker here:2"] == "healthy"


@pytest.mark.django_db
def test_what_nobody_checks_any_more_is_forgotten_after_a_day(checks: Checks) -> None:
    checks(old="fine")
    said(NOON)
    checks(web="fine")
    said(NOON + timedelta(hours=23))
    assert SystemHealth.objects.filter(component="old").exists()
    said(NOON + timedelta(hours=25))
    assert not SystemHealth.objects.filter(component="old").exists()


def test_little_room_is_not_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"are free at {tmp_path}" in room(tmp_path / "not" / "made yet")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("monitoring.checks.LEAST_FREE_BYTES", usage.total + 1)
    with pytest.raises(Degraded, match=f"Only .* are free at {tmp_path}. Free some"):
        room(tmp_path)


@pytest.mark.django_db(transaction=True)
def test_a_table_that_is_half_dead_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert dead_rows() == "No table has many dead rows."
    monkeypatch.setattr("monitoring.checks.DEAD_ROWS", 20_000)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE dying WITH (autovacuum_enabled = off) AS SELECT n FROM generate_series(1, 30000) n"
        )
        cursor.execute("DELETE FROM dying")
        cursor.execute("SELECT pg_stat_force_next_flush()")
    try:
        with pytest.raises(Degraded, match="dying has 30,000 dead rows"):
            dead_rows()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE dying")


def test_a_redis_that_does_not_answer_is_no_catastrophe(settings: Any) -> None:
    settings.REDIS_URL = "redis://:geheim@127.0.0.1:1/0"
    with pytest.raises(Degraded, match="Redis does not answer") as problem:
        cache()
    assert "geheim" not in str(problem.value)
    with pytest.raises(redis.ConnectionError):  # but as the broker it is
        broker()


def test_a_redis_that_answers_is_well(settings: Any) -> None:
    with real_redis() as settings.REDIS_URL:
        assert cache() == broker() == "Redis answers."


def command(*options: str) -> tuple[int, str, str]:
    out, errors = StringIO(), StringIO()
    try:
        call_command("check_health", *options, stdout=out, stderr=errors, no_color=True)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), errors.getvalue()
    return 0, out.getvalue(), errors.getvalue()


@pytest.mark.django_db
def test_the_command_is_silent_and_exits_with_0_when_all_is_well(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks(web="fine")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert command() == (0, "", "")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert command() == (0, "web: healthy. It answers.\n", "")


@pytest.mark.django_db
def test_the_command_names_what_is_not_well_on_stderr_and_exits_with_1(
    checks: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks(web="fine", queue="slow", source="broken")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert command() == (
        1,
        "",
        "queue: degraded. It is slow. Restart it.\nsource: down. ConnectionRefusedError: nobody listens\n",
    )


@pytest.mark.parametrize(("function", "code", "status"), [("fine", 0, "healthy"), ("slow", 1, "degraded")])
@pytest.mark.django_db
def test_json_is_one_object_and_the_exit_code_stays(function: str, code: int, status: str, checks: Checks) -> None:
    checks(web=function)
    got, out, errors = command("--json")
    body = json.loads(out)
    assert (got, errors, body["status"]) == (code, "", status)
    assert body["checks"]["web"].keys() == {"status", "detail", "latency_ms"}
    assert body["checks"]["web"]["status"] == status


def test_when_the_database_is_down_the_command_says_so_and_exits_with_1() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "check_health", "--json"],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mysetlist.settings",
            "DATABASE_URL": "postgres://fan:geheim@127.0.0.1:1/x",
            "SECRET_KEY": "for this test",
        },
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    body = json.loads(ended.stdout)
    assert (body["status"], body["checks"]["database"]["status"]) == ("down", "down")
    assert "geheim" not in ended.stdout + ended.stderr
