"""Settings of the suite: the product's own, on a database cluster of its own, with nothing from .env."""

import os
from pathlib import Path

# An empty value counts as not set, and keeps .env from setting it.
for name in (
    *("DATABASE_URL", "REDIS_URL", "DEBUG", "SECRET_KEY", "ALLOWED_HOSTS"),
    *("CRON_TOKENS", "CRON_SECRET", "TRUSTED_PROXIES", "CORS_ALLOWED_ORIGINS"),
    *("TICKETMASTER_API_KEY", "SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET", "SETLISTFM_API_KEY"),
    *("BACKUP_DIR", "ALERT_EMAILS", "ALERT_WEBHOOK_URL", "DEADMAN_URL", "SITE_URL", "EMAIL_URL", "SENTRY_DSN"),
):
    os.environ[name] = ""
os.environ["LOG_FORMAT"] = "console"
os.environ["MYSETLIST_DATA_DIR"] = str(Path(__file__).resolve().parent.parent / ".data" / "tests")

from mysetlist.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fans log in often here
DATABASES["default"]["EMBEDDED_OPTIONS"] = {"durable": False}  # noqa: F405
WHITENOISE_AUTOREFRESH = True  # each test client would look through all static files first
