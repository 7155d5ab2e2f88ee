"""RFC 9457: every error of the API is one JSON object that says what is wrong, and leaks nothing."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions, status

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
DOORS = ("/api/", "/livez", "/readyz", "/metrics")  # addresses that machines ask; elsewhere errors are pages
RETRY_SECONDS = 5  # when the database is away

Error = Mapping[str, str]


class BadParameters(exceptions.ValidationError):
    """Parameters of the query that are unknown, or have values that cannot be."""


class Conflict(exceptions.APIException):
    """It cannot be done as things are."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "This cannot be done as things are."


class TooLarge(exceptions.APIException):
    """The body is larger than any that makes sense here."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The body is too large."


class Unavailable(exceptions.APIException):
    """A part that is needed does not answer."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "The service cannot answer right now; try again shortly."
    wait = RETRY_SECONDS


def problem(code: int, detail: str, *, name: str = "", errors: Sequence[Error] = (), **members: str) -> HttpResponse:
    """The answer for an error: status and title, a sentence for people, a `code` and more for programs."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(code).phrase, "status": code, "detail": detail}
    if name:
        body["code"] = name
    if errors:
        body["errors"] = errors
    body |= members
    response = JsonResponse(body, status=code, content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def exception_handler(problem_met: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """What a view of the API answers when it raises. None: nobody expected it, so it is a 500."""
    expected = _expected(problem_met)
    if expected is None:
        return None
    detail, errors = _told(expected)
    codes = expected.get_codes()
    name = codes if isinstance(codes, str) else expected.default_code
    response = problem(expected.status_code, detail, name=name, errors=errors)
    if header := getattr(expected, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(expected, "wait", None):
        response["Retry-After"] = str(max(1, int(wait + 0.999)))
    return response


def _expected(met: Exception) -> exceptions.APIException | None:
    if isinstance(met, exceptions.APIException):
        return met
    if isinstance(met, Http404):
        return exceptions.NotFound("There is nothing at this address.")
    if isinstance(met, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(met, RequestDataTooBig):  # Django looked at the body before our parser did
        return TooLarge()
    if isinstance(met, DataError) and "NUL" in str(met):
        return exceptions.ParseError("The request contains a NUL character.")
    if isinstance(met, OperationalError | InterfaceError):
        logger.error("The database did not answer", exc_info=met)
        return Unavailable()
    return None


def _told(met: exceptions.APIException) -> tuple[str, Sequence[Error]]:
    """A sentence, and each thing that is wrong by its name."""
    if not isinstance(met, exceptions.ValidationError):
        return str(met.detail), []
    errors = [{"name": name, "detail": detail} for name, detail in _flat(met.detail)]
    names = ", ".join(dict.fromkeys(error["name"] for error in errors if error["name"]))
    what = "Bad parameters" if isinstance(met, BadParameters) else "Bad fields"
    return (f"{what}: {names}." if names else "The request is not valid."), errors


def _flat(detail: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            own = "" if key == "non_field_errors" else str(key)
            yield from _flat(inner, ".".join(part for part in (name, own) if part))
    elif isinstance(detail, list | tuple):
        for inner in detail:
            yield from _flat(inner, name)
    else:
        yield name, str(detail)


# --- what Django answers by itself: for machines a problem, for people a page ---


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_door(request):
        if isinstance(exception, RequestDataTooBig):
            return problem(413, TooLarge.default_detail, name=TooLarge.default_code)
        return problem(400, "The request cannot be understood.", name="bad_request")
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_door(request):
        return problem(403, "You may not do this.", name="permission_denied")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_door(request):
        return problem(404, "There is nothing at this address.", name="not_found")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if is_door(request):
        return problem(500, "Something went wrong here. It has been noted.", name="error")
    return defaults.server_error(request)


def is_door(request: HttpRequest) -> bool:
    return request.path_info.startswith(DOORS)
