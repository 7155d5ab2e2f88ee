"""Dates and times as the sources write them: strictly, since Python's own parser accepts far more."""

import re
from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from syncjobs.clients.parsing import Node

EARLIEST_YEAR, LATEST_YEAR = 1900, 2200  # outside, a date is a placeholder or a slip of the hand

_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DAY_FIRST = re.compile(r"([0-9]{2})-([0-9]{2})-([0-9]{4})")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:?[0-9]{2})")


def maybe_day(node: Node, key: str) -> date | None:
    """Return the day written yyyy-MM-dd, if any."""
    text = node.get(key, str)
    if text is None:
        return None
    match = _DAY.fullmatch(text)
    if not match:
        raise node.wrong(key, "is not a yyyy-MM-dd date")
    year, month, day = map(int, match.groups())
    return _date(node, key, year, month, day)


def day_first(node: Node, key: str) -> date:
    """Return the day written dd-MM-yyyy, as setlist.fm does."""
    match = _DAY_FIRST.fullmatch(node.need(key, str))
    if not match:
        raise node.wrong(key, "is not a dd-MM-yyyy date")
    day, month, year = map(int, match.groups())
    return _date(node, key, year, month, day)


def moment(node: Node, key: str) -> datetime:
    """Return the moment in UTC; it must say its zone."""
    text = node.need(key, str)
    if not _MOMENT.fullmatch(text):
        raise node.wrong(key, "is not a date and time with a zone")
    try:
        found = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise node.wrong(key, "is not a date and time with a zone") from None
    _date(node, key, found.year, found.month, found.day)
    return found


def maybe_moment(node: Node, key: str) -> datetime | None:
    """Return the moment in UTC, if any."""
    return None if node.get(key, str) is None else moment(node, key)


def maybe_timezone(node: Node, key: str) -> str | None:
    """Return the IANA zone; None if there is none of that name."""
    name = node.get(key, str)
    return name if name in known_timezones() else None


def day_in(found: datetime, timezone: str) -> date:
    """Return the local day of a moment."""
    return found.astimezone(ZoneInfo(timezone)).date()


@cache
def known_timezones() -> frozenset[str]:
    """Return the names of all zones; read once, the list is a walk through many files."""
    return frozenset(available_timezones())


def _date(node: Node, key: str, year: int, month: int, day: int) -> date:
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise node.wrong(key, f"is not between {EARLIEST_YEAR} and {LATEST_YEAR}")
    try:
        return date(year, month, day)
    except ValueError:
        raise node.wrong(key, "is no day of the calendar") from None
