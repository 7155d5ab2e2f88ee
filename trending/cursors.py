"""Where a page ends: a place in the order of scores, which a refresh cannot take away."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from hashlib import sha256

from django.core.exceptions import ValidationError

LARGEST = 2**63 - 1  # bigint
MOST_POSITION = 10**9
LONGEST = 200  # characters
FORM = re.compile(r"([np])\.(\d{1,19})\.(\d{1,19})\.(\d{1,19})\.(\d{1,10})\.([0-9a-f]{8})", re.ASCII)


class BadCursor(ValueError):
    """This cursor is none of this list; start again without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The row at the edge of a page, and the way on from it."""

    back: bool  # towards higher scores
    version: int
    raw: int
    id: int
    position: int  # of that row in the list
    of: str  # the list and its filters, in eight digits

    def __str__(self) -> str:
        way = "p" if self.back else "n"
        text = f"{way}.{self.version}.{self.raw}.{self.id}.{self.position}.{self.of}"
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def mark(*parts: object) -> str:
    """A list and its filters in eight digits."""
    return sha256(repr(parts).encode()).hexdigest()[:8]


def check_cursor(text: str) -> None:
    """Raise ValidationError unless this is a cursor of any list."""
    try:
        read_cursor(text)
    except BadCursor as problem:
        raise ValidationError(str(problem)) from problem


def read_cursor(text: str, *, of: str | None = None) -> Cursor:
    """The place that a cursor names. Raises BadCursor unless it is a cursor, and one of this very list."""
    try:
        plain = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii") if len(text) <= LONGEST else ""
    except (Error, ValueError) as problem:
        raise BadCursor(BadCursor.__doc__) from problem
    found = FORM.fullmatch(plain)
    if not found or of not in {found[6], None}:
        raise BadCursor(BadCursor.__doc__)
    version, raw, pk, position = (int(number) for number in found.groups()[1:5])
    if max(version, raw, pk) > LARGEST or not 0 < position <= MOST_POSITION:
        raise BadCursor(BadCursor.__doc__)
    return Cursor(back=found[1] == "p", version=version, raw=raw, id=pk, position=position, of=found[6])
