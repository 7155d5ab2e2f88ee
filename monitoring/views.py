"""Is it alive, can it serve, how are its parts?"""

import logging
from typing import Any

from django.db import Error
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from monitoring.metrics import scrape, up
from monitoring.readiness import NotMigrated, check_readiness
from monitoring.report import report
from monitoring.serializers import HealthReportSerializer, HealthSerializer
from mysetlist.doors import PublicView
from mysetlist.examples import HEALTH_REPORT
from mysetlist.health_json import RENDERERS, answers, health
from mysetlist.rights import OperatorToken, is_operator
from mysetlist.schema import told

logger = logging.getLogger(__name__)


class Livez(PublicView):
    """This process answers. Nothing else is asked: a restart would not mend the rest."""

    renderer_classes = RENDERERS

    @told(tag="health", answers=answers(HealthSerializer))
    def get(self, request: Request) -> Response:
        return health({"status": "pass"}, status="pass")


class Readyz(PublicView):
    """This process can serve: the database answers and is migrated."""

    renderer_classes = RENDERERS

    @told(tag="health", answers=answers(HealthSerializer))
    def get(self, request: Request) -> Response:
        status = "pass"
        try:
            check_readiness()
        except (Error, NotMigrated):
            logger.exception("Not ready")
            status = "fail"
        return health({"status": status}, status=status)


class Health(PublicView):
    """How all is, as the last checks said. Everybody gets the status, operators every part."""

    renderer_classes = RENDERERS
    authentication_classes = (OperatorToken, SessionAuthentication)

    @told(tag="health", answers=answers(HealthReportSerializer, HEALTH_REPORT), problems=(401,))
    def get(self, request: Request) -> Response:
        told = report(now=timezone.now())
        says = HealthReportSerializer if is_operator(request) else HealthSerializer
        return health(says(told).data, status=told.status)


class Metrics(PublicView):
    """Figures for Prometheus. Everybody gets whether all is well, operators everything."""

    authentication_classes = (OperatorToken, SessionAuthentication)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        said = scrape() if is_operator(request) else up(report(now=timezone.now()).status)
        return HttpResponse(said, content_type=CONTENT_TYPE_LATEST)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force=True)  # there is one format, whatever is asked for
