"""The OpenAPI document and its page, without the net."""

from typing import Any

from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from mysetlist.doors import PublicView
from mysetlist.schema import DOCUMENT, reviewed


class YamlRenderer(BaseRenderer):
    """The reviewed file, as it is."""

    media_type = "application/yaml"
    format = "yaml"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return DOCUMENT.read_bytes()


class Schema(PublicView):
    """What the API takes and answers, as OpenAPI 3.1: the reviewed document."""

    renderer_classes = (JSONRenderer, YamlRenderer)
    schema = None

    def get(self, request: Request) -> Response:
        return Response(reviewed(), headers={"Cache-Control": "public, max-age=300"})


class Docs(SpectacularSwaggerView):
    """A page to read and try the API; its parts come from here."""

    schema = None
