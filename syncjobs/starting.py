"""Start runs over HTTP: what cron, a platform's scheduler or an operator asks for, and what they are told."""

import re
import time
from collections.abc import Mapping

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from monitoring.models import CronLog
from mysetlist.problems import problem
from syncjobs.runs import CannotRun, Overlap, request_run, slot_said
from syncjobs.serializers import RunRequestSerializer
from syncjobs.telling import NO_STORE, run_told, url_of

LONGEST_WAIT = 30  # seconds that an answer is held back for the end of its run
LOOK_SECONDS = 0.2


def start(request: Request, job: str, said: str | None) -> HttpResponse:
    """Ask for a run: 202 with it, 200 when its slot had it already, 409 while another one is under way."""
    now = timezone.now()
    try:
        schedule, slot = slot_said(job, said, now) if said else ("", None)
        asked = request_run(
            job, trigger=CronLog.Trigger.HTTP, now=now, slot=slot, schedule=schedule, by=name_of(request)
        )
    except CannotRun as refused:
        raise ValidationError({refused.field: refused.message}) from refused
    except Overlap as overlap:
        return _refuse(job, overlap)
    seconds = wait_asked(request.headers.get("Prefer", ""))
    run = _wait_for(asked.run, seconds)
    is_over = run.finished_at is not None
    headers = {**NO_STORE, "Location": url_of(run.pk)}
    if seconds and is_over:
        headers["Preference-Applied"] = f"wait={seconds}"
    return Response(run_told(run), status=202 if asked.is_new and not is_over else 200, headers=headers)


def slot_of(request: Request) -> str | None:
    """The slot that the body names. Raises ValidationError."""
    if not isinstance(request.data, Mapping):
        raise ValidationError({"slot": 'The body must be a JSON object, such as {"slot": "latest"}.'})
    if unknown := sorted(map(str, request.data.keys() - {"slot"})):
        raise ValidationError(dict.fromkeys(unknown, "There is no such field here; known: slot."))
    asked = RunRequestSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    slot: str | None = asked.validated_data.get("slot")
    return slot


def name_of(request: Request) -> str:
    """Who asked: the token's name, or the member of staff."""
    return f"token {request.auth}" if request.auth else str(request.user.get_username())


def wait_asked(prefer: str) -> int:
    """The seconds of `Prefer: wait=30` (RFC 7240), at most 30; 0 when it asks for none."""
    found = re.search(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})", prefer, re.IGNORECASE)
    return min(int(found[1]), LONGEST_WAIT) if found else 0


def _wait_for(run: int, seconds: int) -> CronLog:
    deadline = time.monotonic() + seconds
    while True:
        found = CronLog.objects.get(pk=run)
        left = deadline - time.monotonic()
        if found.finished_at is not None or left <= 0:
            return found
        time.sleep(min(LOOK_SECONDS, left))


def _refuse(job: str, overlap: Overlap) -> HttpResponse:
    response = problem(
        409,
        f"{job} is already under way; this call was skipped.",
        name="already_running",
        run=url_of(overlap.run),
        skipped=url_of(overlap.skipped),
    )
    response["Location"] = url_of(overlap.run)
    return response
