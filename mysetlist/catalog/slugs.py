"""Slugs: names as they stand in an address."""

import re
import unicodedata
from collections.abc import Iterable

from django.utils.text import slugify

# Letters in disguise: P!nk, Ke$ha, A$AP Rocky. A stroke joins: AC/DC.
DISGUISES = (
    (re.compile(r"(?<=\w)!(?=\w)"), "i"),
    (re.compile(r"\$(?=\w)|(?<=\w)\$"), "s"),
    (re.compile(r"(?<=\w)/(?=\w)"), ""),
)
LONGEST = 230  # leaves room for a number behind it


def slug(*parts: str) -> str:
    """An address for a name: in ASCII where it can be told in ASCII, else in its own letters."""
    name = " ".join(part for part in parts if part)
    for pattern, letter in DISGUISES:
        name = pattern.sub(letter, name)
    own = slugify(name, allow_unicode=True)
    # BØRNS is not brns: where a letter would be lost, the name keeps its own.
    loses = any(not sign.isascii() and not unicodedata.combining(sign) for sign in unicodedata.normalize("NFKD", own))
    return ((own if loses else slugify(name)) or "unnamed")[:LONGEST].strip("-")


def unique_slugs(names: Iterable[str], taken: set[str]) -> list[str]:
    """A slug for each name, in order; a second Halsey becomes halsey-2. Adds them to `taken`."""
    slugs = []
    for name in names:
        base = candidate = slug(name)
        number = 1
        while candidate in taken:
            number += 1
            candidate = f"{base}-{number}"
        taken.add(candidate)
        slugs.append(candidate)
    return slugs
