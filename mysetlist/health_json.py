"""application/health+json: the shape of answers about health (draft-inadarei-api-health-check-06)."""

from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response


class HealthRenderer(JSONRenderer):
    media_type = "application/health+json"
    format = "health"


RENDERERS = (HealthRenderer, JSONRenderer)


def health(body: object, *, status: str) -> Response:
    """200 while it works, if only somehow; else 503. Nobody may keep it."""
    return Response(body, status=503 if status == "fail" else 200, headers={"Cache-Control": "no-store"})
