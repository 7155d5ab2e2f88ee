"""When a schedule is due: the one place that knows. Scheduler, doors and the admin's preview all ask here.

A crontab has the rules of Debian's cron, on the wall clock of its own zone. With a day of the month and
a day of the week, either is enough, unless one of the two starts with `*`. Fixed times (`30 2 * * *`)
that a change of the clock leaves out come once, right after it; those that it repeats come once.
When minute or hour starts with `*`, every real moment that the clock shows counts.

Intervals count from the schedule's start time, or else from midnight of 1 January 1970, UTC, so that
their slots are the same whoever asks and whenever the scheduler was started.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAR = timedelta(days=2)  # no change of a clock shifts a time further (Samoa left out a day)
SHORTEST = timedelta(seconds=1)  # between two slots of an interval
GRACE = timedelta(seconds=10)  # for the scheduler, which looks each second
FIRST_LOOK = timedelta(hours=1)  # ahead for the next runs; then eight times as far, and so on …
LOOKS = 8  # … over two centuries: ten leap days are found


class BadTiming(ValueError):
    """This schedule has no times that could be worked out; the message says why."""


def due_slots(schedule: PeriodicTask, after: datetime, until: datetime) -> list[datetime]:
    """Every moment in (after, until] at which the schedule wants a run, oldest first, in UTC.

    Neighbouring windows join without a gap and without a double. Raises BadTiming.
    """
    after, until = after.astimezone(UTC), until.astimezone(UTC)
    if schedule.expires:
        until = min(until, schedule.expires - timedelta(microseconds=1))
    if schedule.start_time:
        after = max(after, schedule.start_time - timedelta(microseconds=1))
    if after >= until:
        return []
    return sorted({slot for slot in _slots(schedule, after, until) if after < slot <= until})


def unanswered(schedule: PeriodicTask, after: datetime, now: datetime) -> list[datetime]:
    """The slots since `after` that have come and that no scheduler has given a run. Raises BadTiming."""
    state = getattr(schedule, "state", None)
    if state is None or not schedule.enabled:
        return []
    return due_slots(schedule, max(state.accounted_until, after), now - GRACE)


def next_runs(schedule: PeriodicTask, after: datetime, count: int) -> list[datetime]:
    """The next `count` slots after a moment, in UTC; fewer when there are no more. Raises BadTiming."""
    if schedule.one_off:
        count = min(count, 1)
    found: list[datetime] = []
    after = max(after, schedule.start_time - SHORTEST) if schedule.start_time else after
    if schedule.clocked:
        return due_slots(schedule, after, max(after, schedule.clocked.clocked_time))
    look = FIRST_LOOK
    for _ in range(LOOKS):
        until = after + look
        found += due_slots(schedule, after, until)
        if len(found) >= count:
            break
        after, look = until, look * 8
    return found[:count]


def _slots(schedule: PeriodicTask, after: datetime, until: datetime) -> Iterable[datetime]:
    if schedule.crontab:
        return _of_crontab(schedule.crontab, after, until)
    if schedule.interval:
        return _of_interval(schedule.interval, schedule.start_time or EPOCH, after, until)
    if schedule.clocked:
        return [schedule.clocked.clocked_time.astimezone(UTC)]
    if schedule.solar:
        raise BadTiming("Sunrise and sunset are not supported; use a crontab, an interval or a clocked time.")
    raise BadTiming("It says nowhere when.")


def _of_interval(interval: IntervalSchedule, start: datetime, after: datetime, until: datetime) -> Iterator[datetime]:
    step = timedelta(**{interval.period: interval.every})
    if step < SHORTEST:
        raise BadTiming("An interval must be a second at least.")
    slot = start.astimezone(UTC) + max(0, (after - start) // step) * step
    while slot <= until:
        yield slot
        slot += step


def _of_crontab(crontab: CrontabSchedule, after: datetime, until: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(str(crontab.timezone))
    is_fixed = not (crontab.minute.startswith("*") or crontab.hour.startswith("*"))
    start, end = _on_the_wall(after, zone), _on_the_wall(until, zone)
    if len({moment.astimezone(zone).utcoffset() for moment in (after - FAR, after, until, until + FAR)}) > 1:
        start, end = start - FAR, end + FAR  # the clock changes nearby: a wall time may lie on its other side
    for wall in _wall_times(crontab, start):
        if wall > end:
            return
        yield from _moments(wall, zone, is_fixed)


def _on_the_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _wall_times(crontab: CrontabSchedule, after: datetime) -> Iterator[datetime]:
    """What the clock on the wall shows when it is time, as if clocks were never changed."""
    try:
        # Without a zone, cronsim counts plainly. Its own treatment of clock changes depends on where it
        # starts, so that neighbouring windows would not join.
        return CronSim(cron_line(crontab), after)
    except CronSimError as problem:
        raise BadTiming(f"{problem}: {cron_line(crontab)}") from problem


def cron_line(crontab: CrontabSchedule) -> str:
    fields = (crontab.minute, crontab.hour, crontab.day_of_month, crontab.month_of_year, crontab.day_of_week)
    return " ".join(field.replace(" ", "") for field in fields)


def _moments(wall: datetime, zone: ZoneInfo, is_fixed: bool) -> list[datetime]:
    """When the clock of this zone shows this time: once; twice or never while it is being changed."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if _on_the_wall(first, zone) != wall:  # left out
        return [_after_the_gap(wall, zone)] if is_fixed else []
    return [first] if is_fixed or first == second else [first, second]


def _after_the_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    minutes = (wall + timedelta(minutes=count) for count in range(int(FAR.total_seconds()) // 60))
    moments = ((minute, minute.replace(tzinfo=zone).astimezone(UTC)) for minute in minutes)
    return next(moment for minute, moment in moments if _on_the_wall(moment, zone) == minute)


def newest_slot(schedules: Iterable[PeriodicTask], now: datetime) -> tuple[PeriodicTask, datetime] | None:
    """The latest moment that has come at which one of these schedules was due."""
    latest = ((schedule, slot) for schedule in schedules if (slot := _last_slot(schedule, now)))
    return max(latest, key=lambda found: found[1], default=None)


def _last_slot(schedule: PeriodicTask, now: datetime) -> datetime | None:
    until, look = now, FIRST_LOOK
    for _ in range(LOOKS):
        if slots := due_slots(schedule, until - look, until):
            return slots[-1]
        until, look = until - look, look * 8
    return None
