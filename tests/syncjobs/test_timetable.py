"""Was every slot kept? The rules as tables, then what health and alerts say of the tables of the database."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from monitoring.alerts import judge
from monitoring.checks import Degraded
from monitoring.heartbeats import beat
from monitoring.models import Alert, AlertMessage, CronLog, SystemHealth
from monitoring.rules import sentence
from syncjobs.models import ScheduleState
from syncjobs.timetable import judge_slots, judge_switches, schedules, slot_findings
from tests.factories import NOON


def ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


MARGIN = timedelta(minutes=2)


@pytest.mark.parametrize(
    ("slots", "says"),
    [
        ([], []),
        ([2.0], []),  # as late as it may be
        ([2.1], ["master_sync has no run for its slot of 11:57."]),
        ([12.0, 7.0, 1.0], ["master_sync has no run for 2 slots, the first of 11:48."]),
    ],
)
def test_slots_without_a_run_are_late_past_the_jobs_margin(slots: list[float], says: list[str]) -> None:
    found = judge_slots("master_sync", [ago(minutes) for minutes in slots], MARGIN, NOON, is_stranded=False)
    assert [sentence(finding) for finding in found] == says


@pytest.mark.django_db
def test_slots_that_no_scheduler_has_come_to_are_found_in_the_tables_with_their_cause(settings: Any) -> None:
    settings.HEALTH_CHECKS = {}
    now = timezone.now()
    ScheduleState.objects.update(accounted_until=now)
    assert list(slot_findings(now=now)) == []
    ScheduleState.objects.filter(schedule__name="advance_shows").update(accounted_until=now - timedelta(minutes=11))
    assert [finding.key for finding in slot_findings(now=now)] == [("late", "advance_shows")]
    beat("scheduler here:1")
    SystemHealth.objects.update(status="down", checked_at=now - timedelta(minutes=12))
    judge(now=now)
    late = Alert.objects.get(rule="late")
    assert late.says.startswith("advance_shows has no run for ")
    assert " because no scheduler has been alive since " in late.says
    assert late.cause == Alert.objects.get(rule="nobody_lives")


@pytest.mark.parametrize(("seconds", "count"), [(20, 0), (21, 1)])
def test_without_a_scheduler_a_slot_is_late_at_once(seconds: float, count: int) -> None:
    slot = NOON - timedelta(seconds=seconds)
    assert len(list(judge_slots("master_sync", [slot], MARGIN, NOON, is_stranded=True))) == count


@pytest.mark.parametrize(
    ("given", "off"),
    [
        ([], []),
        ([("master_sync", True)], []),
        ([("master_sync", False), ("master_sync", True)], []),
        ([("master_sync", False), ("advance_shows", True)], ["master_sync is switched off."]),
    ],
)
def test_a_job_is_off_when_all_its_schedules_are(given: list[tuple[str, bool]], off: list[str]) -> None:
    assert [sentence(finding) for finding in judge_switches(given)] == off


JOB = "advance_shows"


@pytest.fixture
def calm(db: None, settings: Any) -> datetime:
    """Everybody lives, and every slot is accounted for; the moment."""
    settings.HEALTH_CHECKS = {"schedules": "syncjobs.timetable.schedules"}
    for who in ("worker here:1", "relay here:1", "scheduler here:1"):
        beat(who)
    now = timezone.now()
    ScheduleState.objects.update(accounted_until=now)
    return now


def answer(status: str, at: datetime, **values: Any) -> CronLog:
    """A slot's run, that ended two seconds after."""
    end = None if status in CronLog.OPEN else at + timedelta(seconds=2)
    return CronLog.objects.create(
        job_name=JOB, schedule=JOB, slot=at, status=status, started_at=at, finished_at=end, **values
    )


def test_health_counts_the_slots_of_a_day(calm: datetime) -> None:
    assert schedules() == "Slots of the last day: none yet."
    for minutes, status in ((70, "missed"), (60, "skipped"), (50, "failed"), (10, "success"), (5, "partial")):
        answer(status, calm - timedelta(minutes=minutes), result={"running": 1} if status == "skipped" else None)
    assert schedules() == "Slots of the last day: 2 ran, 1 failed, 1 skipped, 1 missed."


def test_a_missed_slot_is_told_by_health_until_a_run_came_after_it(calm: datetime) -> None:
    slot = calm - timedelta(minutes=9)
    answer("missed", slot)
    with pytest.raises(Degraded, match=f"^advance_shows missed its slot of {slot:%H:%M}"):
        schedules()
    answer("success", calm - timedelta(minutes=4))
    assert schedules() == "Slots of the last day: 1 ran, 1 missed."


def test_a_slot_that_has_no_run_is_told_with_its_cause_in_the_words_of_the_alert(calm: datetime) -> None:
    ScheduleState.objects.filter(schedule__name=JOB).update(accounted_until=calm - timedelta(minutes=5, seconds=30))
    SystemHealth.objects.filter(component__startswith="scheduler").update(
        status="down", checked_at=calm - timedelta(minutes=6)
    )
    with pytest.raises(Degraded) as told:
        schedules()
    judge(now=calm)
    late = Alert.objects.get(rule="late")
    assert str(told.value).startswith(late.says)
    assert " because no scheduler has been alive since " in late.says


def test_a_skipped_slot_is_a_notice_until_a_run_has_ended_well(calm: datetime) -> None:
    under_way = answer("running", calm - timedelta(minutes=10))
    skipped = answer("skipped", calm - timedelta(minutes=5), result={"running": under_way.pk})
    said = f"advance_shows skipped its slot of {skipped.slot:%H:%M}: run {under_way.pk} was under way."
    assert schedules().startswith(f"{said} Slots of the last day:")
    judge(now=calm)
    alert = Alert.objects.get(rule="skipped")
    assert (alert.says, alert.severity) == (said, "notice")
    CronLog.objects.filter(pk=under_way.pk).update(status="success", finished_at=calm)
    judge(now=calm)
    alert.refresh_from_db()
    assert alert.state == "resolved"
    assert schedules() == "Slots of the last day: 1 ran, 1 skipped."


def test_a_notice_calls_nobody_and_the_third_skip_does(calm: datetime, settings: Any) -> None:
    settings.ALERT_EMAILS = ["ops@example.org"]
    for minutes in (15, 10):
        answer("skipped", calm - timedelta(minutes=minutes), result={"running": 7})
    judge(now=calm)
    assert list(AlertMessage.objects.values_list("channel", flat=True)) == ["log"]
    answer("skipped", calm - timedelta(minutes=5), result={"running": 7})
    judge(now=calm)
    judge(now=calm)
    alert = Alert.objects.get(rule="skipped")
    assert (alert.severity, alert.messages.filter(channel="email").count()) == ("warning", 1)


def test_a_run_that_skipped_itself_kept_its_slot(calm: datetime) -> None:
    answer("skipped", calm - timedelta(minutes=5), result={"skipped_because": "BACKUP_DIR is not set."})
    judge(now=calm)
    assert not Alert.objects.filter(rule="skipped").exists()


def test_a_job_that_is_switched_off_is_a_notice_and_what_follows_from_it_is_told(calm: datetime, settings: Any) -> None:
    settings.ALERT_EMAILS = ["ops@example.org"]
    PeriodicTask.objects.filter(name="calculate_trending").update(enabled=False)
    SystemHealth.objects.create(
        component="trending",
        status="degraded",
        detail="The scores are 20 minutes old. Is calculate_trending scheduled and running?",
        latency_ms=1,
        checked_at=calm,
        since=calm - timedelta(minutes=5),
    )
    judge(now=calm)
    (message,) = AlertMessage.objects.filter(channel="email")
    assert message.alert.rule == "stale"
    assert message.text.endswith(" because calculate_trending is switched off.")
    assert schedules().startswith("calculate_trending is switched off. ")
