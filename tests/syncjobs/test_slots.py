"""When schedules are due: over changes of the clock, in windows that join, and never twice."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from hypothesis import given
from hypothesis import strategies as st

from syncjobs.slots import BadTiming, due_slots, newest_slot, next_runs
from tests.syncjobs.walls import once_a_day, whole_hours

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
ZONES = ["UTC", BERLIN, NEW_YORK, LORD_HOWE, "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu"]
LINES = ["* * * * *", "*/5 * * * *", "0 * * * *", "30 2 * * *", "15 1,2,3 * * *", "0 */6 * * *", "*/30 2 * * *"]
LINES += ["0 0 * * *", "59 23 * * 6", "0 3 * * 0", "0 12 13 * 5", "0 0 1 1 *", "45 1-3 * 3,4,10,11 *"]


def cron(line: str, zone: str = "UTC", **rest: object) -> PeriodicTask:
    minute, hour, day_of_month, month_of_year, day_of_week = line.split()
    crontab = CrontabSchedule(
        minute=minute,
        hour=hour,
        day_of_month=day_of_month,
        month_of_year=month_of_year,
        day_of_week=day_of_week,
        timezone=ZoneInfo(zone),
    )
    return PeriodicTask(name="job", crontab=crontab, **rest)


def every(count: int, period: str, **rest: object) -> PeriodicTask:
    return PeriodicTask(name="job", interval=IntervalSchedule(every=count, period=period), **rest)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on(schedule: PeriodicTask, day: str) -> list[str]:
    """The slots of a local day, as UTC shows them."""
    zone = ZoneInfo(str(schedule.crontab.timezone))
    start = datetime.fromisoformat(day).replace(tzinfo=zone)
    slots = due_slots(schedule, start - timedelta(microseconds=1), start + timedelta(hours=27))
    return [f"{slot:%H:%M}" for slot in slots if slot.astimezone(zone).date() == start.date()]


schedules = st.one_of(
    st.builds(cron, st.sampled_from(LINES), st.sampled_from(ZONES)),
    st.builds(every, st.integers(1, 400), st.sampled_from(["seconds", "minutes", "hours", "days"])),
)
CHANGES = ["2024-03-31T01:00", "2024-10-27T01:00", "2026-03-08T07:00", "2026-11-01T06:00", "2025-04-05T15:00"]
CHANGES += ["2025-10-04T15:30", "2011-12-30T10:00", "2010-11-07T02:31"]
moments = st.builds(
    lambda moment, seconds: moment + timedelta(seconds=seconds),
    st.one_of(
        st.integers(0, 30 * 365 * 86_400).map(lambda seconds: utc("2010-01-01T00:00") + timedelta(seconds=seconds)),
        st.sampled_from([utc(text) for text in CHANGES]),
    ),
    st.integers(-200_000, 200_000),
)
spans = st.integers(0, 100_000).map(lambda seconds: timedelta(seconds=seconds))


@given(schedules, moments, spans, spans)
def test_neighbouring_windows_join_without_a_gap_or_a_double(schedule, start, one, two):
    first = due_slots(schedule, start, start + one)
    second = due_slots(schedule, start + one, start + one + two)
    assert first + second == due_slots(schedule, start, start + one + two)


@given(schedules, moments, spans)
def test_slots_rise_strictly_and_lie_in_their_window(schedule, start, span):
    slots = due_slots(schedule, start, start + span)
    assert all(earlier < later for earlier, later in pairwise(slots))
    assert all(start < slot <= start + span for slot in slots)
    assert all(slot.microsecond == 0 and slot.tzinfo is UTC for slot in slots)


@given(schedules, moments)
def test_the_next_runs_are_the_coming_slots(schedule, now):
    runs = next_runs(schedule, now, 10)
    assert len(runs) == 10
    assert runs == due_slots(schedule, now, runs[-1])


@given(schedules, moments)
def test_the_newest_slot_has_none_between_it_and_now(schedule, now):
    _, slot = newest_slot([schedule], now)
    assert slot <= now
    assert due_slots(schedule, slot, now) == []
    assert due_slots(schedule, slot - timedelta(seconds=1), now) == [slot]


@given(st.sampled_from(LINES), moments, spans)
def test_without_a_change_of_the_clock_cronsim_agrees(line, start, span):
    expected = []
    for slot in CronSim(line, start):
        if slot > start + span:
            break
        expected.append(slot)
    assert due_slots(cron(line), start, start + span) == expected


@given(st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE]), moments, spans)
def test_every_shown_time_of_an_hourly_schedule_is_a_whole_hour_on_the_wall(zone, start, span):
    expected = whole_hours(ZoneInfo(zone), start, start + span)
    assert due_slots(cron("0 * * * *", zone), start, start + span) == expected


@pytest.mark.parametrize(
    ("zone", "day", "slots"),
    [
        (BERLIN, "2026-03-28", ["01:30"]),
        (BERLIN, "2026-03-29", ["01:00"]),  # 02:00-03:00 is left out: once, right after
        (BERLIN, "2026-10-25", ["00:30"]),  # 02:30 comes twice: once, the first time
        (NEW_YORK, "2026-03-08", ["07:00"]),
        (NEW_YORK, "2026-11-01", ["07:30"]),  # 01:00-02:00 is repeated, 02:30 is not
        (LORD_HOWE, "2026-10-04", ["15:30"]),  # 02:00-02:30 is left out: 02:30 is there
        (LORD_HOWE, "2026-04-05", ["16:00"]),  # 01:30-02:00 is repeated
    ],
)
def test_half_past_two_comes_once_on_every_day(zone, day, slots):
    assert on(cron("30 2 * * *", zone), day) == slots


@pytest.mark.parametrize(
    ("line", "zone", "day", "slots"),
    [
        ("15 2 * * *", LORD_HOWE, "2026-10-04", ["15:30"]),  # left out
        ("45 1 * * *", LORD_HOWE, "2026-04-05", ["14:45"]),  # repeated
        ("30 1 * * *", NEW_YORK, "2026-11-01", ["05:30"]),  # repeated
        ("0,30 2 * * *", BERLIN, "2026-03-29", ["01:00"]),  # both left out: once
        ("0 2,3 * * *", BERLIN, "2026-03-29", ["01:00"]),  # and what is due right then anyhow is no second one
        ("*/30 2 * * *", BERLIN, "2026-03-29", []),
        ("*/30 2 * * *", BERLIN, "2026-10-25", ["00:00", "00:30", "01:00", "01:30"]),
    ],
)
def test_fixed_times_come_once_and_repeated_ones_as_the_clock_shows_them(line, zone, day, slots):
    assert on(cron(line, zone), day) == slots


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE])
def test_a_daily_schedule_has_one_slot_for_each_local_day_of_five_years(zone):
    slots = due_slots(cron("30 2 * * *", zone), utc("2024-01-01T00:00"), utc("2029-01-01T00:00"))
    days = [slot.astimezone(ZoneInfo(zone)).date() for slot in slots]
    assert slots == once_a_day(ZoneInfo(zone), 2, 30, utc("2024-01-01T00:00"), utc("2029-01-01T00:00"))
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))
    assert len(days) in {1826, 1827}


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
def test_an_hourly_schedule_has_one_slot_for_each_real_hour_of_five_years(zone):
    slots = due_slots(cron("0 * * * *", zone), utc("2024-01-01T00:00"), utc("2029-01-01T00:00"))
    assert {later - earlier for earlier, later in pairwise(slots)} == {timedelta(hours=1)}
    assert len(slots) == 1827 * 24


def test_with_both_days_given_either_is_enough_unless_one_starts_with_a_star():
    slots = due_slots(cron("0 12 13 * 5"), utc("2026-02-01T00:00"), utc("2026-03-01T00:00"))
    assert [slot.day for slot in slots] == [6, 13, 20, 27]
    slots = due_slots(cron("0 12 */2 * 5"), utc("2026-02-01T00:00"), utc("2026-03-01T00:00"))
    assert [slot.day for slot in slots] == [13, 27]


def test_an_interval_counts_from_its_start_or_from_1970():
    now = utc("2026-07-01T12:02:30")
    assert next_runs(every(5, "minutes"), now, 2) == [utc("2026-07-01T12:05"), utc("2026-07-01T12:10")]
    started = every(7, "minutes", start_time=utc("2026-07-01T12:00"))
    assert next_runs(started, now, 2) == [utc("2026-07-01T12:07"), utc("2026-07-01T12:14")]
    assert next_runs(started, utc("2026-06-01T00:00"), 1) == [utc("2026-07-01T12:00")]


def test_a_clocked_schedule_has_one_slot():
    clock = PeriodicTask(name="job", clocked=ClockedSchedule(clocked_time=utc("2031-07-01T12:00")), one_off=True)
    assert next_runs(clock, utc("2026-07-01T12:00"), 10) == [utc("2031-07-01T12:00")]
    assert next_runs(clock, utc("2031-07-01T12:00"), 10) == []
    assert due_slots(clock, utc("2031-07-01T11:59"), utc("2031-07-01T12:01")) == [utc("2031-07-01T12:00")]


def test_a_one_off_schedule_shows_one_run():
    assert next_runs(cron("0 * * * *", one_off=True), utc("2026-07-01T12:00"), 10) == [utc("2026-07-01T13:00")]


def test_no_slot_lies_before_the_start_or_at_the_end():
    schedule = cron("0 * * * *", start_time=utc("2026-07-01T12:00"), expires=utc("2026-07-01T14:00"))
    slots = due_slots(schedule, utc("2026-07-01T00:00"), utc("2026-07-02T00:00"))
    assert slots == [utc("2026-07-01T12:00"), utc("2026-07-01T13:00")]
    assert next_runs(schedule, utc("2020-07-01T00:00"), 10) == slots


def test_a_rare_day_is_found_many_years_ahead():
    assert next_runs(cron("0 0 29 2 *"), utc("2096-03-01T00:00"), 1) == [utc("2104-02-29T00:00")]


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        (cron("61 * * * *"), "Bad minute"),
        (cron("0 0 31 2 *"), "Bad day-of-month"),
        (cron("0 0 * * frog"), "Bad day-of-week"),
        (every(5, "microseconds"), "a second at least"),
        (PeriodicTask(name="job"), "nowhere when"),
        (PeriodicTask(name="job", solar=SolarSchedule(event="sunset", latitude=52, longitude=13)), "not supported"),
    ],
)
def test_what_has_no_times_says_why(schedule, why):
    with pytest.raises(BadTiming, match=why):
        due_slots(schedule, utc("2026-07-01T00:00"), utc("2026-07-02T00:00"))
