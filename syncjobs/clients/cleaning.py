"""Text from outside, cleaned once at the boundary."""

import re
import unicodedata
from urllib.parse import urlsplit

NAME_LENGTH = 255  # characters, as in the catalogue
NOTE_LENGTH = 1000
LINK_LENGTH = 500

# Marks nobody sees: those that turn the direction of text around, zero-width spaces, soft hyphens.
# U+200C and U+200D stay: Persian and emoji are written with them.
INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)
# Such a link shows one host and opens another, or breaks out of the page it is put in.
UNSAFE_IN_LINK = re.compile(r"[\s\\<>\"'`{}|^]")


def clean_text(text: str, longest: int = NAME_LENGTH) -> str:
    """Return `text` without NUL, control, bidi or half characters and stray spaces; may be empty."""
    text = "".join(" " if char.isspace() else char for char in text)
    text = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cs"))
    text = unicodedata.normalize("NFC", INVISIBLE.sub("", text))
    return " ".join(text.split())[:longest].rstrip()


def clean_link(text: str) -> str | None:
    """Return the http(s) link, or None: half a link or a risky one is worse than none."""
    link = text.strip()
    if UNSAFE_IN_LINK.search(link) or clean_text(link, LINK_LENGTH) != link:
        return None
    try:
        parts = urlsplit(link)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_plain = parts.username is None and parts.password is None and (parts.port or 0) >= 0
    except ValueError:
        return None
    return link if is_web and is_plain else None
