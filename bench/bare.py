"""What Django does at least: a function that hands out the same bytes.

`/bench/bare/…` stands behind the product's own middleware, `/bench/barest/…` before all of it. Both are first
among the addresses.
"""

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.urls import path, resolve

from mysetlist.urls import urlpatterns as ours


@cache
def bodies() -> dict[str, bytes]:
    """What the product answered before, by name."""
    told = json.loads(Path(os.environ["BENCH_BODIES"]).read_text())
    return {name: body.encode() for name, body in told.items()}


def bare(request: HttpRequest, name: str) -> HttpResponse:
    if name == "304":
        return HttpResponseNotModified()
    return HttpResponse(bodies()[name], content_type="application/json")


def barest(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """No other middleware for these addresses."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/bench/barest/"):
            return get_response(request)
        found = resolve(request.path_info)
        response: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
        return response

    return answer


urlpatterns = [path("bench/bare/<name>/", bare), path("bench/barest/<name>/", bare), *ours]
