"""Of many processes one keeps watch at a time: it checks, judges, tells, and pings."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from monitoring.heartbeats import beat, leave
from monitoring.models import Alert, AlertMessage, SystemHealth
from monitoring.watch import claim_look, watch, watching
from tests.factories import NOON
from tests.monitoring.receiver import receiver
from tests.monitoring.runs import another_connection, at_once, log_cron_run, wait_until

MINUTE = timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
def test_of_many_one_gets_the_look() -> None:
    for minute in range(3):
        answers = at_once(*(partial(claim_look, now=NOON + minute * MINUTE, who=f"relay {n}") for n in range(4)))
        assert sorted(answers) == [False, False, False, True]


@pytest.mark.django_db
def test_the_next_look_is_had_when_half_a_minute_is_over_and_the_row_says_who_watches() -> None:
    assert watch(now=NOON, who="relay here:1")
    assert not watch(now=NOON + timedelta(seconds=25), who="scheduler here:2")
    assert watch(now=NOON + timedelta(seconds=29), who="scheduler here:2")
    row = SystemHealth.objects.get(component="watch")
    assert (row.detail, row.since) == ("scheduler here:2 watches.", NOON + timedelta(seconds=29))


@pytest.mark.django_db
def test_a_turn_checks_judges_and_pings(settings: Any, no_schedules: None) -> None:
    log_cron_run("cleanup_old_data", "failed")
    with receiver() as outside:
        settings.DEADMAN_URL = f"{outside.url}/alive"
        watch(now=timezone.now(), who="relay here:1")
        assert outside.paths == ["/alive"]
    assert SystemHealth.objects.filter(component="database", status="healthy").exists()
    assert Alert.objects.get().subject == "cleanup_old_data"


@pytest.mark.django_db
def test_when_it_cannot_judge_nobody_is_told_that_all_is_well(settings: Any) -> None:
    settings.ALERT_RULES = [f"{__name__}.unable"]
    with receiver() as outside:
        settings.DEADMAN_URL = outside.url
        with pytest.raises(DatabaseError):
            watch(now=NOON, who="relay here:1")
        assert outside.paths == []


def unable(*, now: Any) -> list[Any]:
    raise DatabaseError("the table is gone")


@pytest.mark.django_db(transaction=True)
def test_a_process_keeps_watch_beside_its_work_even_over_a_lost_connection(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitoring.watch.TURN_SECONDS", 0.05)
    monkeypatch.setattr("monitoring.watch.EVERY", timedelta(seconds=0.05))
    monkeypatch.setattr("monitoring.watch.TOLERANCE", timedelta(0))
    with watching("relay here:1"):
        wait_until(lambda: SystemHealth.objects.filter(component="trending").exists(), "the first turn")
        with another_connection(autocommit=True) as theirs:
            theirs.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid NOT IN (pg_backend_pid(), %s)",
                [connection.connection.info.backend_pid],
            )
        log_cron_run("cleanup_old_data", "failed")
        wait_until(lambda: AlertMessage.objects.filter(sent_at__isnull=False).exists(), "the alert")


@pytest.mark.django_db
def test_that_the_last_worker_is_gone_does_not_wait_for_the_next_look_and_is_told_once(
    settings: Any, no_schedules: None
) -> None:
    settings.HEALTH_CHECKS = {}
    now = timezone.now()
    assert watch(now=now, who="relay here:2")
    beat("worker here:1")
    leave("worker here:1")
    assert not watch(now=now + timedelta(seconds=5), who="relay here:2")
    SystemHealth.objects.filter(component="worker here:1").update(checked_at=now - timedelta(seconds=21))
    assert watch(now=now + timedelta(seconds=10), who="relay here:2")
    assert Alert.objects.get().subject == "worker"
    assert not watch(now=now + timedelta(seconds=15), who="relay here:2")


@pytest.mark.django_db
def test_a_killed_worker_is_told_of_and_that_another_took_over(settings: Any, no_schedules: None) -> None:
    settings.HEALTH_CHECKS = {}
    beat("worker here:1")
    now = timezone.now()
    SystemHealth.objects.update(checked_at=now - timedelta(seconds=61))
    watch(now=now, who="relay here:2")
    assert Alert.objects.get().says.startswith("no worker has been alive since")
    beat("worker here:3")
    watch(now=now + MINUTE, who="relay here:2")
    assert list(Alert.objects.values_list("rule", "state")) == [("nobody_lives", "resolved")]
