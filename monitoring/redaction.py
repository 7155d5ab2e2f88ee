"""No secret in what we write or send: known values, and what looks like one."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from django.conf import settings

HIDDEN = "[hidden]"
SHORTEST = 6  # characters; a shorter value would blot out innocent text
NAMED = (  # settings that are secrets, or addresses that contain one
    "SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "TICKETMASTER_API_KEY",
    "SPOTIFY_CLIENT_SECRET",
    "SETLISTFM_API_KEY",
    "ALERT_WEBHOOK_URL",
    "DEADMAN_URL",
    "SENTRY_DSN",
    "EMAIL_HOST_PASSWORD",
)
PAIR = re.compile(
    r"""(?ix) \b ( [\w-]* (?: password | passwd | secret | token | api[_-]?key | x-api-key | authorization ) [\w-]* )
    ( ["']? \s* [=:] \s* ) (?! \[hidden\] ) ( (?: bearer | basic | token ) \s+ [^\s"',;&]+ | " [^"]* " | ' [^']* ' | [^\s"',;&)}\]]+ )"""
)
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
IN_URL = re.compile(r"(\w+://[^/\s:@]*):[^/\s@]+@")
KEY_IN_QUERY = re.compile(r"(?i)([?&](?:apikey|api_key|key|token|secret|signature|sig)=)[^&\s\"']+")


def redact(text: str) -> str:
    """The text without secrets."""
    for value in known_secrets():
        text = text.replace(value, HIDDEN)
    text = IN_URL.sub(rf"\1:{HIDDEN}@", text)
    text = KEY_IN_QUERY.sub(rf"\1{HIDDEN}", text)
    text = PAIR.sub(rf"\1\2{HIDDEN}", text)
    return BEARER.sub(rf"\1 {HIDDEN}", text)


def is_secret_name(name: str) -> bool:
    return PAIR.fullmatch(f"{name}=x") is not None


def known_secrets() -> tuple[str, ...]:
    """Every secret of the settings, the longest first, so that none leaves a rest."""
    said = [str(getattr(settings, name, "") or "") for name in NAMED]
    return _spelt_out((*said, *(str(database.get("PASSWORD") or "") for database in settings.DATABASES.values())))


@lru_cache(maxsize=8)
def _spelt_out(said: tuple[str, ...]) -> tuple[str, ...]:
    values = {value for each in said for value in parts(each)}
    return tuple(sorted((value for value in values if len(value) >= SHORTEST), key=len, reverse=True))


def parts(value: str) -> Iterable[str]:
    """The value; of an address also its password, its path and its query, as error messages have them."""
    yield value
    if "://" in value:
        address = urlsplit(value)
        yield unquote(address.password or "")
        yield address.password or ""
        yield address.query
        if value.startswith("http"):
            yield address.path.rstrip("/")
            yield from (part for part in address.path.split("/") if len(part) >= 2 * SHORTEST)
