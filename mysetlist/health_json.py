"""application/health+json: the shape of answers about health (draft-inadarei-api-health-check-06)."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from mysetlist.examples import HEALTH
from mysetlist.schema import Answer


class HealthRenderer(JSONRenderer):
    media_type = "application/health+json"
    format = "health"


def answers(serializer: type[Serializer[Any]], well: Mapping[str, Any] = HEALTH) -> dict[int, Answer]:
    """The two answers of a door about health, for the OpenAPI document."""
    ill = {**well, "status": "fail"}
    return {
        200: Answer("It works, if only somehow (warn).", serializer, well, HealthRenderer.media_type),
        503: Answer("It does not work.", serializer, ill, HealthRenderer.media_type),
    }


RENDERERS = (HealthRenderer, JSONRenderer)


def health(body: object, *, status: str) -> Response:
    """200 while it works, if only somehow; else 503. Nobody may keep it."""
    return Response(body, status=503 if status == "fail" else 200, headers={"Cache-Control": "no-store"})
