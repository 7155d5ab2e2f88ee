"""What came back over the wire, before anyone knows what it means."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import NoReturn

LONGEST_WAIT_SECONDS = 86400.0  # sources have asked for that much; more is asked again after a day
_COUNT = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, headers and body of one answer. Names of headers are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: float  # seconds since 1970

    def json(self) -> object:
        """Return the body as JSON; raise ValueError for anything else, however deep or odd."""
        try:
            content: object = json.loads(self.body, parse_constant=_refuse_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        return content

    def json_object(self) -> dict[str, object]:
        """Return the body if it is a JSON object, else an empty one: to look for error codes in."""
        try:
            content = self.json()
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    def count(self, header: str) -> int | None:
        """Return the header's number, if it is one."""
        text = self.headers.get(header, "").strip()
        return int(text) if _COUNT.fullmatch(text) else None

    def retry_after(self) -> float | None:
        """Return the seconds of Retry-After (a number or a date), from 0 to a day, if it says so."""
        seconds: float | None = self.count("Retry-After")
        if seconds is None:
            try:
                seconds = parsedate_to_datetime(self.headers.get("Retry-After", "")).timestamp() - self.received_at
            except (ValueError, OverflowError):
                return None
        return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
