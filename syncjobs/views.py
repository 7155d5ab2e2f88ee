"""Jobs over HTTP."""

from django.conf import settings
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from monitoring.report import job_status
from monitoring.serializers import JobHealthSerializer
from mysetlist.doors import PublicView
from mysetlist.health_json import RENDERERS, health


class CronJob(PublicView):
    """A job. Everybody may ask whether it is healthy."""

    renderer_classes = RENDERERS

    def get(self, request: Request, slug: str) -> Response:
        status = job_status(job_of(slug))
        return health(JobHealthSerializer({"status": status}).data, status=status)


def job_of(slug: str) -> str:
    """The job of an address; raises Http404. Hyphens stand in addresses alone."""
    job = slug.replace("-", "_")
    if "_" in slug or job not in settings.CRON_JOBS:
        raise Http404
    return job
