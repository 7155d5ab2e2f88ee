"""Step through foreign JSON. What is missing or of another type becomes a BadAnswer that names the field.

A wrong type means that the format has changed: an error. Poor content of a mere detail (a link that is
none, a latitude of "n/a") costs the detail, not the record.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from syncjobs.clients.cleaning import NAME_LENGTH, clean_link, clean_text
from syncjobs.clients.errors import BadAnswer, Source

ParsedT = TypeVar("ParsedT")

MOST = 2**31 - 1  # what an integer column holds
MBID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_WORDS: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a yes or no",
    int: "a whole number",
    float: "a fraction",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A JSON object and its place in the answer."""

    source: Source
    content: dict[str, object]
    path: str = ""

    @classmethod
    def root(cls, source: Source, content: object) -> "Node":
        """Return the whole answer, which must be an object."""
        return cls.of(source, content, "")

    @classmethod
    def of(cls, source: Source, content: object, path: str) -> "Node":
        """Return the object at `path`, which must be one."""
        if not isinstance(content, dict):
            raise BadAnswer(source, path or "the answer", f"is {_WORDS[type(content)]}, not an object")
        return cls(source, content, path)

    def place(self, key: str) -> str:
        """Return where a field stands, such as events[3].dates.start."""
        return f"{self.path}.{key}" if self.path else key

    def wrong(self, key: str, problem: str) -> BadAnswer:
        """Return the error for one of this object's fields."""
        return BadAnswer(self.source, self.place(key), problem)

    def get(self, key: str, kind: type[ParsedT]) -> ParsedT | None:
        """Return the field; None if it is missing or null."""
        found = self.content.get(key)
        if found is None:
            return None
        # To Python a bool is an int; to an API it is not.
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise self.wrong(key, f"is {_WORDS[type(found)]}, not {_WORDS[kind]}")
        return found

    def need(self, key: str, kind: type[ParsedT]) -> ParsedT:
        """Return the field, which must be there."""
        found = self.get(key, kind)
        if found is None:
            raise self.wrong(key, "is missing")
        return found

    def child(self, key: str) -> "Node":
        """Return the object in this field, which must be there."""
        return Node(self.source, self.need(key, dict), self.place(key))

    def maybe_child(self, key: str) -> "Node":
        """Return the object in this field; an empty one if there is none."""
        return Node(self.source, self.get(key, dict) or {}, self.place(key))

    def each(self, key: str) -> list["Node"]:
        """Return the objects listed in this field; none if there is no list."""
        entries = enumerate(self.get(key, list) or [])
        return [Node.of(self.source, entry, f"{self.place(key)}[{number}]") for number, entry in entries]

    def gather(self, key: str, parse: Callable[["Node"], ParsedT]) -> tuple[tuple[ParsedT, ...], tuple[str, ...]]:
        """Return the listed records and what was wrong with the others: one bad entry must not cost the page.

        When no entry can be read, the format has changed: that raises.
        """
        items: list[ParsedT] = []
        errors: list[BadAnswer] = []
        for number, entry in enumerate(self.need(key, list)):
            try:
                items.append(parse(Node.of(self.source, entry, f"{self.place(key)}[{number}]")))
            except BadAnswer as error:
                errors.append(error)
        if errors and not items:
            raise errors[0]
        return tuple(items), tuple(f"{error.field} {error.problem}" for error in errors)

    def text(self, key: str, longest: int = NAME_LENGTH) -> str:
        """Return the clean text, which must hold something."""
        text = clean_text(self.need(key, str), longest)
        if not text:
            raise self.wrong(key, "is empty")
        return text

    def maybe_text(self, key: str, longest: int = NAME_LENGTH) -> str | None:
        """Return the clean text; None if there is none."""
        return clean_text(self.get(key, str) or "", longest) or None

    def identifier(self, key: str, pattern: re.Pattern[str]) -> str:
        """Return the id, which must be there and look like one."""
        found = self.need(key, str)
        if not pattern.fullmatch(found):
            raise self.wrong(key, "is not an id")
        return found

    def maybe_identifier(self, key: str, pattern: re.Pattern[str]) -> str | None:
        """Return the id; None if there is none or it does not look like one."""
        found = self.get(key, str) or ""
        return found if pattern.fullmatch(found) else None

    def link(self, key: str) -> str | None:
        """Return the http(s) link, if it is one."""
        return clean_link(self.get(key, str) or "")

    def whole(self, key: str, *, least: int = 0, most: int = MOST) -> int:
        """Return the whole number, which must be there and within bounds."""
        return self._within(key, self.need(key, int), least, most)

    def maybe_whole(self, key: str, *, least: int = 0, most: int = MOST) -> int | None:
        """Return the whole number within bounds; None if there is none."""
        found = self.get(key, int)
        return None if found is None else self._within(key, found, least, most)

    def _within(self, key: str, number: int, least: int, most: int) -> int:
        if not least <= number <= most:
            raise self.wrong(key, f"is not between {least} and {most}")
        return number

    def flag(self, key: str) -> bool:
        """Return the yes or no; missing is no."""
        return self.get(key, bool) or False
