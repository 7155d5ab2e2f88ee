"""Jobs over HTTP."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from monitoring.models import CronLog
from monitoring.report import job_status
from monitoring.serializers import JobHealthSerializer
from mysetlist import examples
from mysetlist.doors import OperatorView, PublicView
from mysetlist.health_json import RENDERERS, answers, health
from mysetlist.rights import IsOperator, OperatorToken
from mysetlist.schema import Answer, told
from syncjobs.serializers import OverlapSerializer, RunRequestSerializer, RunSerializer
from syncjobs.starting import NO_STORE, run_told, slot_of, start

REFUSED = (401, 403, 404)
STARTED = {
    202: Answer("The run is queued.", RunSerializer, examples.QUEUED_RUN),
    200: Answer("The slot had this run already, or the run has ended.", RunSerializer, examples.RUN),
    409: Answer("Another run is under way.", OverlapSerializer, examples.OVERLAP, "application/problem+json"),
}


class CronJob(PublicView):
    """A job. Everybody may ask whether it is healthy; operators start it."""

    renderer_classes = RENDERERS

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [door() for door in OperatorView.authentication_classes] if self.is_start() else []

    def get_permissions(self) -> list[BasePermission]:
        return [IsOperator()] if self.is_start() else []

    def is_start(self) -> bool:
        return getattr(self.request, "method", "") == "POST"  # there is no request while the API is described

    @told(tag="jobs", answers=answers(JobHealthSerializer), problems=(404,))
    def get(self, request: Request, slug: str) -> Response:
        status = job_status(job_of(slug))
        return health(JobHealthSerializer({"status": status}).data, status=status)

    @told(
        tag="jobs",
        takes=RunRequestSerializer,
        sends={"slot": "latest"},
        answers=STARTED,
        problems=(*REFUSED, 400, 413, 415),
    )
    def post(self, request: Request, slug: str) -> HttpResponse:
        job = job_of(slug)
        return start(request, job, slot_of(request))


class CronJobByGet(OperatorView):
    """Start the latest slot of a job, for schedulers of platforms that can only GET. Off unless CRON_ALLOW_GET is 1.

    Bearer tokens alone: a link that a member of staff follows must not start anything.
    """

    authentication_classes = (OperatorToken,)  # type: ignore[assignment]
    http_method_names = ["get", "options"]  # HEAD would be GET

    @told(tag="jobs", answers=STARTED, problems=REFUSED)
    def get(self, request: Request, slug: str) -> HttpResponse:
        if not settings.CRON_ALLOW_GET:
            raise NotFound("Runs are started by POST. Starting them by GET is off; CRON_ALLOW_GET=1 switches it on.")
        return start(request, job_of(slug), "latest")


class CronRun(OperatorView):
    """A run with its whole result."""

    @told(tag="jobs", answers={200: Answer("As it stands.", RunSerializer, examples.RUN)}, problems=REFUSED)
    def get(self, request: Request, pk: int) -> Response:
        return Response(run_told(get_object_or_404(CronLog, pk=pk)), headers=NO_STORE)


def job_of(slug: str) -> str:
    """The job of an address; raises Http404. Hyphens stand in addresses alone."""
    job = slug.replace("-", "_")
    if "_" in slug or job not in settings.CRON_JOBS:
        raise Http404
    return job
