"""Kept answers before Django's own ASGI handler, which gives every request a thread: most of the work of an
answer that needs none."""

from collections.abc import Awaitable, Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.module_loading import import_string

from trending.answers import find

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

KEPT_FIRST = "trending.answers.kept_first"  # under WSGI this middleware does the same


def in_front(application: Application) -> Application:
    """An application that answers by itself what is kept, with all that the middleware before KEPT_FIRST says."""
    head = _headed(settings.MIDDLEWARE[: settings.MIDDLEWARE.index(KEPT_FIRST)])

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] == "http" and scope["path"].startswith("/api/")
        response = _kept(scope, head) if is_ours else None
        if response is None:
            await application(scope, receive, send)
            return
        headers = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in response.items()]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else response.content
        await send({"type": "http.response.body", "body": body})

    return answer


def _kept(scope: Scope, head: Callable[[ASGIRequest], HttpResponseBase]) -> Any:
    """The kept answer, if there is one for this caller. Asks neither database nor disk: this is the event loop."""
    request: Any = ASGIRequest(scope, BytesIO())
    try:
        request.get_host()
    except DisallowedHost:
        return None  # Django says so
    request.kept_answer = find(request, now=timezone.now())
    return head(request) if request.kept_answer else None


def _headed(middleware: Iterable[str]) -> Callable[[ASGIRequest], HttpResponseBase]:
    def handed_out(request: Any) -> HttpResponseBase:
        answer: HttpResponseBase = request.kept_answer
        return answer

    get_response = handed_out
    for path in reversed(list(middleware)):
        get_response = import_string(path)(get_response)
    return get_response
