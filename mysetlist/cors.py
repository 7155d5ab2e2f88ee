"""Pages of other origins may ask the API, if CORS_ALLOWED_ORIGINS names them. Without cookies: they send a token."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

METHODS = "GET, HEAD, POST, DELETE, OPTIONS"
SENT = "Authorization, Content-Type, If-None-Match, Last-Event-ID"
READ = "ETag, Retry-After"
REMEMBER_SECONDS = 600  # what a preflight allowed


class CorsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        origins = settings.CORS_ALLOWED_ORIGINS
        if not origins or not request.path_info.startswith("/api/"):
            return self.get_response(request)
        origin = request.headers.get("Origin", "")
        allowed = origin in origins
        asks_first = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        response = HttpResponse(status=204) if allowed and asks_first else self.get_response(request)
        patch_vary_headers(response, ["Origin"])  # caches must not give one origin's answer to another
        if allowed:
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = READ
            if asks_first:
                response["Access-Control-Allow-Methods"] = METHODS
                response["Access-Control-Allow-Headers"] = SENT
                response["Access-Control-Max-Age"] = str(REMEMBER_SECONDS)
        return response
