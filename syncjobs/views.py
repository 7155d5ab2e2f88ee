"""Jobs over HTTP."""

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from monitoring.models import CronLog
from monitoring.report import job_status
from monitoring.serializers import JobHealthSerializer
from mysetlist import examples
from mysetlist.doors import OperatorView, PublicView
from mysetlist.health_json import RENDERERS, answers, health
from mysetlist.problems import Unavailable
from mysetlist.rights import IsOperator, OperatorToken
from mysetlist.schema import Answer, told
from syncjobs import streams
from syncjobs.importing import start_import
from syncjobs.models import QueueJob
from syncjobs.serializers import (
    ImportRequestSerializer,
    JobEventSerializer,
    JobStateSerializer,
    OverlapSerializer,
    RunRequestSerializer,
    RunSerializer,
)
from syncjobs.starting import slot_of, start
from syncjobs.telling import NO_STORE, etag_of, job_told, run_told
from trending.answers import matches

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


class ImportArtist(OperatorView):
    """Import an artist: identifiers, shows, songs, played and predicted setlists. Follow the queue job to its end."""

    @told(
        tag="jobs",
        takes=ImportRequestSerializer,
        sends={"name": "Madonna"},
        answers={
            202: Answer("The import is queued.", JobStateSerializer, examples.QUEUED_JOB),
            200: Answer("This artist is being imported already.", JobStateSerializer, examples.JOB),
        },
        problems=(400, 401, 403, 413, 415),
    )
    def post(self, request: Request) -> Response:
        return start_import(request)


class OneJob(OperatorView):
    """A queue job: how far it is, what became of it."""

    @told(
        tag="jobs",
        answers={
            200: Answer("As it stands.", JobStateSerializer, examples.JOB),
            304: Answer("You have this answer."),
        },
        problems=REFUSED,
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        body = job_told(get_object_or_404(QueueJob, pk=pk))
        etag = etag_of(body)
        headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
        if matches(request._request, etag):
            return HttpResponse(status=304, headers=headers)
        return Response(body, headers=headers)


class EventStream(JSONRenderer):
    """What EventSource asks for. Only the answers that are no stream come here."""

    media_type = "text/event-stream"
    format = "events"


class JobEvents(OperatorView):
    """The events of a queue job as they come, as server-sent events: the `id` of each is its `seq`, `data` is JSON.

    A stream begins after `Last-Event-ID`, else with the first event, and ends with the job or after ten minutes; who
    comes back with the last id misses nothing. 204: the job is over, and so are its events; do not come back.
    """

    renderer_classes = (EventStream, JSONRenderer)

    @extend_schema(parameters=[OpenApiParameter("Last-Event-ID", int, OpenApiParameter.HEADER)])
    @told(
        tag="jobs",
        answers={
            200: Answer("Events.", JobEventSerializer, examples.JOB_EVENT, EventStream.media_type),
            204: Answer("There is nothing to come."),
        },
        problems=(*REFUSED, 400),
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        job, after = get_object_or_404(QueueJob, pk=pk), last_event_of(request)
        if streams.is_over(job, after):
            return HttpResponse(status=204, headers=NO_STORE)
        if not isinstance(request._request, ASGIRequest):
            raise Unavailable("This server cannot stream: it is none for ASGI.")
        if not streams.hub.has_room(pk):
            raise TooManyStreams
        connection.close()  # a stream holds none
        headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(streams.stream(pk, after), content_type=EventStream.media_type, headers=headers)


class TooManyStreams(Unavailable):
    """As many streams are open as may be."""

    default_code = "too_many_streams"
    default_detail = "Too many streams are open; try again shortly, or ask for the job's state."


def last_event_of(request: Request) -> int:
    """What the client has. Raises ValidationError."""
    said = request.headers.get("Last-Event-ID") or "0"
    if not (said.isascii() and said.isdecimal() and len(said) <= 18):
        raise ValidationError({"Last-Event-ID": "must be the id of an event."})
    return int(said)


def job_of(slug: str) -> str:
    """The job of an address; raises Http404. Hyphens stand in addresses alone."""
    job = slug.replace("-", "_")
    if "_" in slug or job not in settings.CRON_JOBS:
        raise Http404
    return job
