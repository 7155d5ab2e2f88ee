"""Settings: the only reader of the environment. Every name is listed in README.md, Environment."""

import hashlib
import os
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from monitoring.logs import logging_config
from mysetlist import broker
from mysetlist.database import database

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")  # cron has no environment; what is set already wins


def text(name: str, default: str = "") -> str:
    """A setting as text. An empty value counts as not set."""
    return str(env.str(name, default="")).strip() or default


def switch(name: str) -> bool:
    """A setting that is on or off; off when not set.

    Raises ImproperlyConfigured when the value is neither.
    """
    value = text(name, "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int) -> int:
    """A setting that is a whole number.

    Raises ImproperlyConfigured when the value is none.
    """
    value = text(name, str(default))
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def rate(name: str, default: str) -> float:
    """A setting that is a number of calls per second, such as 5 or 1.6.

    Raises ImproperlyConfigured when the value is none, or nothing could ever be called.
    """
    value = text(name, default)
    try:
        calls = float(value)
    except ValueError:
        calls = 0.0
    if not 0.001 <= calls <= 1000:
        raise ImproperlyConfigured(f"{name} must be a number of calls per second, such as 5 or 1.6, not {value!r}.")
    return calls


def listed(name: str, default: str = "") -> list[str]:
    """A comma-separated setting as a list."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


DEBUG = switch("DEBUG")
DATABASE_URL = text("DATABASE_URL")
REDIS_URL = text("REDIS_URL")
DATA_DIR = Path(text("MYSETLIST_DATA_DIR", str(BASE_DIR / ".data"))).expanduser().resolve()


def own_secret(folder: Path) -> str:
    """The secret of an embedded installation: made once, readable by its owner alone."""
    path = folder / "secret_key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # Written whole under another name first: of two processes that start, neither reads half.
            descriptor, draft = tempfile.mkstemp(dir=folder)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(50))
            with suppress(FileExistsError):
                os.link(draft, path)
            os.unlink(draft)
        return path.read_text()
    except OSError as problem:
        raise ImproperlyConfigured(
            f"The data folder {folder} cannot be used ({problem.strerror}). "
            "Set MYSETLIST_DATA_DIR to a folder of yours, or set SECRET_KEY and DATABASE_URL."
        ) from problem


SECRET_KEY = text("SECRET_KEY")
if not SECRET_KEY and DATABASE_URL and not DEBUG:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Put a line SECRET_KEY=<50 random characters> into .env or the environment; "
        'make one with: python -c "import secrets; print(secrets.token_urlsafe(50))"'
    )
IS_OWN_SECRET = not SECRET_KEY
SECRET_KEY = SECRET_KEY or own_secret(DATA_DIR)

ALLOWED_HOSTS = listed("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_celery_beat",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "mysetlist.catalog",
    "monitoring",
    "trending",
    "syncjobs",
]

MIDDLEWARE = [
    "monitoring.logs.request_id",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "mysetlist.cors.CorsMiddleware",
    "trending.answers.kept_first",  # those above are cheap and ask nobody: mysetlist.front calls them, too
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "mysetlist.one_thread.one_thread",
]

ROOT_URLCONF = "mysetlist.urls"
WSGI_APPLICATION = "mysetlist.wsgi.application"
ASGI_APPLICATION = "mysetlist.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "mysetlist" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"charts": "mysetlist.charts", "words": "mysetlist.desk.words"},
        },
    },
]

# PostgreSQL always. Without DATABASE_URL the first query starts the embedded server.
DATABASES = {"default": database(DATABASE_URL, DATA_DIR / "postgres")}

AUTH_USER_MODEL = "catalog.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "mysetlist.formats"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "mysetlist" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = not STATIC_ROOT.is_dir()  # before `make serve` or `collectstatic` has run

PORT = number("PORT", 8000)  # of `make serve`

UNFOLD = {
    "SITE_TITLE": "MySetlist",
    "SITE_HEADER": "MySetlist",
    "SITE_SUBHEADER": "The operator's desk",
    "SITE_SYMBOL": "equalizer",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("mysetlist/icon.svg")}],
    "STYLES": [
        lambda request: static("mysetlist/charts.css"),
        lambda request: static("mysetlist/admin.css"),
        lambda request: static("mysetlist/desk.css"),
    ],
    "DASHBOARD_CALLBACK": "mysetlist.desk.front_page",
    "SIDEBAR": {"show_search": True, "navigation": "mysetlist.desk.navigation"},
}

# Celery wakes workers; the tables are the record (DESIGN.md, section 6). Schedules live in the
# database alone: a CELERY_BEAT_SCHEDULE here would overwrite an operator's edits at every start.
CELERY_BROKER_URL = REDIS_URL or "pgmq://localhost"  # where it is really: see its options
CELERY_BROKER_TRANSPORT_OPTIONS = broker.transport_options(REDIS_URL, DATABASES["default"])
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_CONSUMER = "mysetlist.consumer:Consumer"  # asks more often for a broker that is gone
CELERY_TASK_DEFAULT_QUEUE = "jobs"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "syncjobs.scheduler:SlotScheduler"  # of `celery beat`; `manage.py scheduler` is it, too
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = broker.PREFETCH["redis" if REDIS_URL else "pgmq"]
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300_000  # kB
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20  # what is at work when a worker is stopped has so long to end
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # the ledger fences out what runs twice
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # its queues would stay behind
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_DISABLE_RATE_LIMITS = True  # they count per worker; the sources' limits are rows (syncjobs.sources)
CELERY_WORKER_ETA_TASK_LIMIT = 100  # we send none: `run_at` is in the ledger
CELERY_DB_REUSE_MAX = 500  # jobs on one database connection

# What a lower floor must learn of a higher one, it learns from these paths.
CRON_JOBS = {
    "calculate_trending": "trending.services.calculate_trending",
    "verify_trending": "trending.services.verify_trending",
    "advance_shows": "syncjobs.planners.shows.advance_shows",
    "master_sync": "syncjobs.planners.discovery.master_sync",
    "update_active_artists": "syncjobs.planners.artists.update_active_artists",
    "sync_artist_data": "syncjobs.planners.artists.sync_artist_data",
    "trending_artist_sync": "syncjobs.planners.artists.trending_artist_sync",
    "complete_catalog_sync": "syncjobs.planners.artists.complete_catalog_sync",
    "import_past_setlists": "syncjobs.planners.shows.import_past_setlists",
    "sync_artist_images": "syncjobs.planners.artists.sync_artist_images",
    "finish_mysetlist_sync": "syncjobs.planners.shows.finish_mysetlist_sync",
    "cleanup_old_data": "monitoring.services.cleanup_old_data",
    "backup_logs": "monitoring.services.backup_logs",
}
SLOTS = "syncjobs.runs.slot_said"  # the slot of a schedule that somebody names
HEALTH_CHECKS = {
    "database": "monitoring.checks.database",
    "disk": "monitoring.checks.disk",
    "dead rows": "monitoring.checks.dead_rows",
    "broker": "monitoring.checks.broker",
    "cache": "monitoring.checks.cache",
    "trending": "trending.checks.score_age",
    "schedules": "syncjobs.timetable.schedules",
    "sources": "syncjobs.checks.sources",
    "shows": "syncjobs.checks.shows",
    "artists": "syncjobs.checks.artists",
}

ALERT_RULES = [
    "monitoring.facts.part_findings",
    "monitoring.facts.job_findings",
    "syncjobs.alerting.queue_findings",
    "syncjobs.timetable.slot_findings",
    "syncjobs.alerting.source_findings",
]
METRICS = [
    "monitoring.metrics.runs",
    "monitoring.metrics.latest_runs",
    "monitoring.metrics.parts",
    "syncjobs.metrics.queues",
    "syncjobs.metrics.sources",
]
EACH_LOOK = ["syncjobs.metrics.sum_up_queues"]  # what the process that keeps watch does besides
JOB_POLICIES = "syncjobs.alerting.job_policies"  # what is wrong with which job
ALERT_EMAILS = listed("ALERT_EMAILS")
ALERT_WEBHOOK_URL = text("ALERT_WEBHOOK_URL")
DEADMAN_URL = text("DEADMAN_URL")
SITE_URL = text("SITE_URL").rstrip("/")  # our own address, for links in messages

vars().update(env.email_url_config(text("EMAIL_URL", "smtp://localhost:25")))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = text("EMAIL_FROM", "mysetlist@localhost")

TRENDING_INTERVAL_SECONDS = 300
SYNC_COUNTRIES = listed("SYNC_COUNTRIES", "US,CA,MX,GB,IE,DE,FR,ES,NL,AU")  # where master_sync looks for shows

BACKUP_DIR = Path(text("BACKUP_DIR")).expanduser().resolve() if text("BACKUP_DIR") else None
BACKUP_KEEP = number("BACKUP_KEEP", 30)  # days of logs, and dumps, that are kept


def operator_tokens() -> dict[str, bytes]:
    """The operators' tokens by name, hashed: what is not kept cannot leak.

    Raises ImproperlyConfigured, which never says a token.
    """
    pairs = [part.partition(":") for part in listed("CRON_TOKENS")]
    if secret := text("CRON_SECRET"):
        pairs.append(("secret", ":", secret))
    tokens = {}
    for number, (name, colon, token) in enumerate(pairs, 1):
        if not (colon and name and token):
            raise ImproperlyConfigured(f"CRON_TOKENS must be name:token,name:token; part {number} is not name:token.")
        if name in tokens:
            raise ImproperlyConfigured(f"CRON_TOKENS has the name {name!r} twice (CRON_SECRET is named 'secret').")
        tokens[name] = hashlib.new("sha512_256", token.encode()).digest()
    return tokens


OPERATOR_TOKENS = operator_tokens()
CRON_ALLOW_GET = switch("CRON_ALLOW_GET")

# How many proxies stand before us: so many addresses at the end of X-Forwarded-For are theirs to say.
TRUSTED_PROXIES = number("TRUSTED_PROXIES", 0)

# With a database of its own it is an installation for others, and they come by https unless SITE_URL says otherwise.
IS_PUBLIC = bool(DATABASE_URL) and not DEBUG
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_PUBLIC and not SITE_URL.startswith("http://")
SECURE_HSTS_SECONDS = 3600 if SESSION_COOKIE_SECURE else 0  # sent over https alone
if TRUSTED_PROXIES:  # else whoever calls could say so
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL else []
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # other names under ours may not be ours to decide for
    "security.W008",  # the proxy redirects to https; probes of the machine come by http
    "security.W021",  # nor is the list that browsers ship with
]
DEPLOY_CHECK = "mysetlist.deploy.everything"  # what `check --deploy` asks besides
FAN_RATE = "60/minute"  # calls that write, of one fan …
ADDRESS_RATE = "600/minute"  # … and of one address, whoever calls

CORS_ALLOWED_ORIGINS = listed("CORS_ALLOWED_ORIGINS")  # such as https://app.example; none by default

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["mysetlist.rights.OperatorToken"],
    "DEFAULT_PERMISSION_CLASSES": ["mysetlist.rights.IsOperator"],  # closed unless a view says otherwise
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["mysetlist.parsing.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "mysetlist.schema.AutoSchema",
    "EXCEPTION_HANDLER": "mysetlist.problems.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": TRUSTED_PROXIES,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "MySetlist",
    "DESCRIPTION": "Who is rising, and why; votes and follows of fans; how the house is.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/",
    "SERVE_AUTHENTICATION": [],
    "POSTPROCESSING_HOOKS": [],  # enums stand where they are used
    "PATH_CONVERTER_OVERRIDES": {
        "address": {"type": "string", "minLength": 1, "maxLength": 255, "examples": ["madonna"]},
        "number": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# The three sources. One without its key is left out, and whoever needs it is told. An empty URL is the source's own.
TICKETMASTER_API_KEY = text("TICKETMASTER_API_KEY")
TICKETMASTER_BASE_URL = text("TICKETMASTER_BASE_URL")
SPOTIFY_CLIENT_ID = text("SPOTIFY_CLIENT_ID")
SPOTIFY_CLIENT_SECRET = text("SPOTIFY_CLIENT_SECRET")
SPOTIFY_BASE_URL = text("SPOTIFY_BASE_URL")
SPOTIFY_TOKEN_URL = text("SPOTIFY_TOKEN_URL")
SETLISTFM_API_KEY = text("SETLISTFM_API_KEY")
SETLISTFM_BASE_URL = text("SETLISTFM_BASE_URL")
# source: calls per second, and per day (0: as many as the rate lets through), over all processes
SOURCE_LIMITS = {
    "ticketmaster": (rate("TICKETMASTER_PER_SECOND", "5"), number("TICKETMASTER_PER_DAY", 5000)),
    "spotify": (rate("SPOTIFY_PER_SECOND", "3"), number("SPOTIFY_PER_DAY", 0)),  # its own limit is not published
    "setlistfm": (rate("SETLISTFM_PER_SECOND", "2"), number("SETLISTFM_PER_DAY", 1440)),
}

SENTRY_DSN = text("SENTRY_DSN")
LOG_FORMAT = text("LOG_FORMAT", "console" if DEBUG or sys.stderr.isatty() else "json")
LOGGING = logging_config(LOG_FORMAT)
