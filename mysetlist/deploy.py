"""What `manage.py check --deploy` says besides Django's own checks: what an installation for others still lacks."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning

LOCAL = {"localhost", "127.0.0.1", "[::1]"}


def database(**_: Any) -> Iterator[CheckMessage]:
    if not settings.DATABASE_URL:
        yield Error(
            "DATABASE_URL is not set: the embedded PostgreSQL trusts every local process of its user, and is for "
            "one person's machine.",
            hint="DATABASE_URL=postgresql://user:password@host/name",
            id="mysetlist.E001",
        )


def broker(**_: Any) -> Iterator[CheckMessage]:
    """Either is fine."""
    if settings.REDIS_URL:
        yield Info("Jobs are published through Redis (REDIS_URL), which also is the shared cache.", id="mysetlist.I001")
    else:
        yield Info(
            "REDIS_URL is not set: jobs are published through PGMQ, in the database; each process has a cache of its own.",
            id="mysetlist.I002",
        )


def tokens(**_: Any) -> Iterator[CheckMessage]:
    if not settings.OPERATOR_TOKENS:
        yield Warning(
            "Neither CRON_TOKENS nor CRON_SECRET is set: nobody but signed-in staff can start jobs over HTTP, and "
            "no scraper can read /metrics.",
            hint="CRON_TOKENS=name:token,name:token",
            id="mysetlist.W001",
        )


def secret(**_: Any) -> Iterator[CheckMessage]:
    if settings.IS_OWN_SECRET:
        yield Warning(
            "SECRET_KEY is not set: this machine made one of its own, which no other machine has.",
            hint='python -c "import secrets; print(secrets.token_urlsafe(50))"',
            id="mysetlist.W002",
        )


def addresses(**_: Any) -> Iterator[CheckMessage]:
    if set(settings.ALLOWED_HOSTS) <= LOCAL:
        yield Warning(
            "ALLOWED_HOSTS names this machine alone: whoever asks for another name is refused.",
            hint="ALLOWED_HOSTS=mysetlist.example",
            id="mysetlist.W003",
        )
    if not settings.SITE_URL:
        yield Warning(
            "SITE_URL is not set: alerts have no links, and forms sent through a proxy that ends TLS may be refused.",
            hint="SITE_URL=https://mysetlist.example",
            id="mysetlist.W004",
        )
    elif not settings.SITE_URL.startswith("https://"):
        yield Warning(
            "SITE_URL is not https: passwords and cookies travel in the clear, and cookies are not marked secure.",
            id="mysetlist.W005",
        )
    elif not settings.TRUSTED_PROXIES:
        yield Warning(
            "TRUSTED_PROXIES is 0, so X-Forwarded-Proto is not believed: behind a proxy that ends TLS, Django takes "
            "every request for plain HTTP.",
            hint="TRUSTED_PROXIES=1 when one proxy stands before us and sets X-Forwarded-For and X-Forwarded-Proto",
            id="mysetlist.W006",
        )


CHECKS = (database, broker, tokens, secret, addresses)


def everything(**options: Any) -> list[CheckMessage]:
    """All that is said."""
    return [message for check in CHECKS for message in check(**options)]
