"""How a line of the log looks: JSON for machines, columns for people; whose request and whose run; no secrets."""

import re
import sys
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from structlog.contextvars import bound_contextvars
from structlog.types import EventDict, Processor

from monitoring.redaction import HIDDEN, is_secret_name, redact

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[\w.-]{8,64}", re.ASCII)  # what we take over from a proxy

RENDERERS: dict[str, Processor] = {
    "json": structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    "console": structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    ),
}


def hide_secrets(logger: Any, method: str, event: EventDict) -> EventDict:
    """Blot out known secrets, and what looks like one, wherever it stands."""
    return {name: _hidden(name, value) for name, value in event.items()}


def _hidden(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return HIDDEN if is_secret_name(name) else redact(value)
    if isinstance(value, dict):
        return {key: _hidden(str(key), each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden("", each) for each in value]
    return value


# What happens to each line before it is written, ours or a library's.
CHAIN: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    hide_secrets,
]


def logging_config(shape: str) -> dict[str, Any]:
    """Django's LOGGING. Raises ImproperlyConfigured on a shape that there is not."""
    if shape not in RENDERERS:
        raise ImproperlyConfigured(f"LOG_FORMAT must be json or console, not {shape!r}.")
    structlog.configure(
        processors=[*CHAIN, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": CHAIN,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, RENDERERS[shape]],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"ours": formatter},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "ours"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {"django.server": {"handlers": ["console"], "level": "INFO", "propagate": False}},
    }


@sync_and_async_middleware
def request_id(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Each request has an id, its proxy's or its own: in every line of the log about it, and in its answer."""

    def named(request: HttpRequest) -> str:
        given = request.headers.get(HEADER, "")
        return given if GIVEN.fullmatch(given) else uuid.uuid4().hex

    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponse:
            with bound_contextvars(request_id=(name := named(request))):
                response: HttpResponse = await get_response(request)
            response[HEADER] = name
            return response

        return answer_later

    def answer(request: HttpRequest) -> HttpResponse:
        with bound_contextvars(request_id=(name := named(request))):
            response: HttpResponse = get_response(request)
        response[HEADER] = name
        return response

    return answer


def start_sentry(dsn: str) -> None:
    """Send errors to Sentry, as this log tells them."""
    import sentry_sdk  # here: it takes a while to load, and few have a DSN

    sentry_sdk.init(dsn=dsn, send_default_pii=False, include_local_variables=False, before_send=without_secrets)


def without_secrets(event: Any, hint: Any) -> Any:
    """What Sentry gets is what the log gets."""
    return {name: _hidden(name, value) for name, value in event.items()}
