"""What a clock on a wall shows, minute by minute: found by looking, without a rule about its changes."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


def minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    """Each whole minute behind the start, to the end."""
    minute = start.replace(second=0, microsecond=0) + MINUTE
    while minute <= end:
        yield minute
        minute += MINUTE


def whole_hours(zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """Whenever it shows a whole hour."""
    return [minute for minute in minutes(start, end) if minute.astimezone(zone).minute == 0]


def once_a_day(zone: ZoneInfo, hour: int, minute: int, start: datetime, end: datetime) -> list[datetime]:
    """The first minute of each local day at which it shows this time, or a later one where this was left out."""
    found: dict[date, datetime] = {}
    for moment in minutes(start - timedelta(days=1), end):
        shown = moment.astimezone(zone)
        if (shown.hour, shown.minute) >= (hour, minute):
            found.setdefault(shown.date(), moment)
    return [moment for moment in found.values() if start < moment <= end]
