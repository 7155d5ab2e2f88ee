"""When are two names the same? For matching artists and songs across sources: exactly, never by a part."""

import re
import unicodedata
from collections.abc import Iterable

from syncjobs.clients.records import ArtistRecord

# Only Latin letters lose their accents: elsewhere (ガ and カ, й and и) the mark makes another letter.
_LATIN_ACCENTS = re.compile("(?<=[a-z])[\u0300-\u036f]+")
_INNER_BANG = re.compile(r"(?<=[^\W_])!(?=[^\W\d_])")  # P!nk, but not Wham!
_DOLLARS = (re.compile(r"\$(?=[^\W\d_])"), re.compile(r"(?<=[a-z])\$+"))  # A$AP, Joey Bada$$, but not $3 Throwdown
_AND = re.compile(r"&|\s\+\s")
_GAPS = re.compile(r"[-\u2010-\u2015\s_]+")
_APOSTROPHES = str.maketrans("\u02bc\u00b4`", "'''")  # those that are no punctuation
_LONE_N = re.compile(r"(?<=\S )n(?= \S)")  # Guns N' Roses


def normal_name(name: str) -> str:
    """Return what all spellings of a name share: "Guns N' Roses" and "GUNS & ROSES", "P!nk" and "Pink".

    Case, accents, punctuation and spacing go; letters and digits of every script stay.
    """
    folded = text = _folded(name)
    for pattern in _DOLLARS:
        text = pattern.sub(lambda match: "s" * len(match[0]), text)
    text = _GAPS.sub(" ", _AND.sub(" and ", _INNER_BANG.sub("i", text)))
    text = "".join(char for char in text if char == " " or unicodedata.category(char)[0] in "LMN")
    text = _LONE_N.sub("and", " ".join(_LATIN_ACCENTS.sub("", text).split()))
    # The band "!!!" has nothing but punctuation.
    return unicodedata.normalize("NFC", text or "".join(folded.split()))


def same_name(one: str, other: str) -> bool:
    """Whether these are two spellings of one name."""
    return normal_name(one) == normal_name(other)


def exact_matches(name: str, found: Iterable[ArtistRecord]) -> tuple[ArtistRecord, ...]:
    """Return the artists of exactly this name, those spelt the same first. Several: namesakes, so look further."""
    matches = [artist for artist in found if same_name(artist.name, name)]
    return tuple(sorted(matches, key=lambda artist: artist.name.casefold() != name.casefold()))


def _folded(text: str) -> str:
    """Return the text in one case and taken apart, so that all ways to write a letter are one."""
    text = text.translate(_APOSTROPHES)
    for _ in range(2):  # folding the case may make something to take apart, and the other way round
        text = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKD", text)
