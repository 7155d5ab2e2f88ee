"""Pages of the queue: each job with what happened to it, and how each queue stands; what an operator does to them."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from unfold.decorators import display

from mysetlist.admin import MOST_NAMED, ReadOnlyAdmin, TimeRangeFilter
from mysetlist.charts import Part
from syncjobs import queue
from syncjobs.clients.errors import Source
from syncjobs.histories import MOST_CHILDREN, MOST_EVENTS, attempts_of, children_of, events_of
from syncjobs.importing import who_is_named
from syncjobs.imports.asking import WHO, request_import
from syncjobs.models import PausedQueue, QueueJob
from syncjobs.policies import POLICIES, QUEUES
from syncjobs.queues import standings
from syncjobs.telling import children_told

SEARCHED = 20_000  # the newest jobs whose arguments and keys are read through
FILTERED = 200_000  # the newest jobs that are looked through for what no index knows
MOST_AT_ONCE = 1000  # jobs that one action changes
LONGEST_REASON = 200

JOB_COLOURS = {
    QueueJob.Status.PENDING: "info",
    QueueJob.Status.DELAYED: "info",
    QueueJob.Status.ACTIVE: "info",
    QueueJob.Status.COMPLETED: "success",
    QueueJob.Status.FAILED: "danger",
    QueueJob.Status.DEAD: "danger",
    QueueJob.Status.CANCELLED: "warning",
}


def newest(jobs: QuerySet[QueueJob], most: int) -> QuerySet[QueueJob]:
    """Only the newest so many of all jobs: no page reads a whole table."""
    last = QueueJob.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return jobs.filter(pk__gt=last - most)


class KnownFilter(admin.SimpleListFilter):
    """By a name out of those that the code declares."""

    names: Callable[[], list[str]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in type(self).names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[QueueJob]) -> QuerySet[QueueJob]:
        if not self.value():
            return queryset
        return newest(queryset.filter(**{str(self.parameter_name): self.value()}), FILTERED)


class QueueFilter(KnownFilter):
    title, parameter_name = "queue", "queue_name"
    names = staticmethod(lambda: list(QUEUES))


class JobFilter(KnownFilter):
    title, parameter_name = "job", "job_name"
    names = staticmethod(lambda: sorted(POLICIES))


class PriorityFilter(KnownFilter):
    title, parameter_name = "priority", "priority"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), label) for value, label in QueueJob.Priority.choices]


def may_operate(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("syncjobs.change_queuejob"))


def may_import(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("syncjobs.add_queuejob"))


@admin.register(QueueJob)
class QueueJobAdmin(ReadOnlyAdmin):
    """Jobs are the queue's to write; staff who may change them retry, cancel and hurry them."""

    list_display = ("label", "queue_name", "status_label", "priority", "attempt", "run_at", "finished_at")
    list_display_links = ("label",)
    list_filter = ("status", QueueFilter, JobFilter, PriorityFilter, ("finished_at", TimeRangeFilter))
    list_filter_submit = True
    search_exactly = ("id",)
    search_fields = ("dedup_key",)  # shows the search; how it is done is below
    search_help_text = f"A number, or words of the dedup key and the arguments of the newest {SEARCHED:,} jobs"
    ordering = ("-id",)
    sortable_by = ()
    actions = ("retry", "run_now", "cancel")
    change_form_outer_before_template = "syncjobs/queue_job.html"
    fieldsets = (
        (
            "All of its row",
            {
                "classes": ["collapse"],
                "fields": (
                    *("dedup_key", "priority", "run_at", "created_at", "published_at", "publish_count"),
                    *("lease_until", "lease_token", "lost_count", "snooze_count", "cancel_requested", "state"),
                ),
            },
        ),
    )

    @display(description="job", ordering="-id")
    def label(self, job: QueueJob) -> str:
        return f"{job.job_name} #{job.pk}"

    @display(description="status", label=JOB_COLOURS)
    def status_label(self, job: QueueJob) -> tuple[str, str]:
        return job.status, job.get_status_display()

    @display(description="attempts")
    def attempt(self, job: QueueJob) -> str:
        return f"{job.attempts} of {job.max_attempts}"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[QueueJob], search_term: str
    ) -> tuple[QuerySet[QueueJob], bool]:
        """A number among all jobs, a key among those that live; words among the newest."""
        text = search_term.replace("\0", "").strip()
        if not text:
            return queryset, False
        live = QueueJob.objects.live().filter(dedup_key=text)
        read = QueueJob.objects.annotate(arguments=Cast("job_data", TextField()))
        for word in text.split():
            read = read.filter(Q(arguments__icontains=word) | Q(dedup_key__icontains=word))
        found = [*live.values_list("pk", flat=True), *newest(read, SEARCHED).values_list("pk", flat=True)[:MOST_NAMED]]
        return queryset.filter(self._id_is(text) | Q(pk__in=found)), False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        events = events_of(obj)
        context |= {
            "title": f"{obj.job_name} #{obj.pk}",
            "job": obj,
            "bar": [Part(kind=obj.status, share=obj.percent / 100, says=f"{obj.percent} %")],
            "arguments": _pretty(obj.job_data),
            "result": _pretty(obj.result),
            "events": events,
            "most_events": MOST_EVENTS,
            "attempts": attempts_of(events),
            "children": children_of(obj),
            "children_count": children_told(obj),
            "most_children": MOST_CHILDREN,
            "can": self._doable(request, obj),
            "asks": _asked_by(obj),
            "list_url": reverse("admin:syncjobs_queuejob_changelist"),
        }
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return response

    def _doable(self, request: HttpRequest, job: QueueJob) -> list[tuple[str, str]]:
        """What may be done to a job as it stands: action and label."""
        if not may_operate(request):
            return []
        hurried = job.status == QueueJob.Status.DELAYED and job.outcome is None
        offers = [
            (job.status in QueueJob.RETRYABLE, "retry", "Retry"),
            (hurried, "run_now", "Run now"),
            (job.status in QueueJob.LIVE and not job.cancel_requested, "cancel", "Cancel …"),
        ]
        return [(name, label) for is_so, name, label in offers if is_so]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return may_operate(request)

    @admin.action(description="Retry what failed, died or was cancelled", permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[QueueJob]) -> HttpResponse:
        return self._act(request, queryset, QueueJob.objects.retryable(), queue.retry, "retried")

    @admin.action(description="Run now what waits for its time", permissions=["operate"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[QueueJob]) -> HttpResponse:
        return self._act(request, queryset, QueueJob.objects.later(), queue.run_now, "due now")

    @admin.action(description="Cancel what is not final …", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[QueueJob]) -> HttpResponse:
        """Asks first: what was cancelled has lost its place."""
        if "confirmed" in request.POST:
            return self._act(request, queryset, QueueJob.objects.live(), queue.cancel, "cancelled")
        wanted = list(queryset.order_by("pk")[:MOST_NAMED])
        context = {
            **self.admin_site.each_context(request),
            "title": "Cancel queue jobs?",
            "opts": self.opts,
            "jobs": [job for job in wanted if job.status in QueueJob.LIVE],
            "others": sum(job.status not in QueueJob.LIVE for job in wanted),
            "list_url": reverse("admin:syncjobs_queuejob_changelist"),
        }
        return TemplateResponse(request, "syncjobs/cancel.html", context)

    def _act(
        self,
        request: HttpRequest,
        chosen: QuerySet[QueueJob],
        right: QuerySet[QueueJob],
        do: Callable[[list[int]], int],
        done: str,
    ) -> HttpResponse:
        """Do it to those that are in the right state, and say to how many."""
        numbers = list(chosen.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
        wanted = right.filter(pk__in=numbers)
        rows = list(wanted)
        count = do([job.pk for job in rows])
        LogEntry.objects.log_actions(int(request.user.pk or 0), rows, CHANGE, f"Asked for: {done}.")
        others = len(numbers) - count
        rest = f" {others} left alone: not in a state for it." if others else ""
        messages.add_message(request, messages.SUCCESS if count else messages.WARNING, f"{count} {done}.{rest}")
        if len(numbers) == 1:
            return redirect("admin:syncjobs_queuejob_change", numbers[0])
        return redirect(request.get_full_path())


def _asked_by(job: QueueJob) -> list[Source]:
    """The sources that jobs of its queue ask."""
    return [Source(name) for name in QUEUES[job.queue_name].sources] if job.queue_name in QUEUES else []


@admin.register(PausedQueue)
class QueuesAdmin(ReadOnlyAdmin):
    """How each queue stands. Staff who may change queue jobs pause and resume one."""

    ordering = ("name",)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._import(request) if "import" in request.POST else self._switch(request)
        context = {
            **self.admin_site.each_context(request),
            "title": "Queues",
            "opts": self.opts,
            "queues": standings(now=timezone.now()),
            "can_operate": may_operate(request),
            "longest_reason": LONGEST_REASON,
            "imports_by": WHO if may_import(request) else (),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "syncjobs/queues.html", context)

    def _import(self, request: HttpRequest) -> HttpResponse:
        """Start the import of one artist, and lead to its job."""
        if not may_import(request):
            raise PermissionDenied
        try:
            job = request_import(*who_is_named({request.POST.get("by", ""): request.POST.get("import", "")}))
        except ValidationError as problem:
            said: Any = problem.detail  # by field
            messages.error(request, " ".join(f"{field}: {errors[0]}" for field, errors in said.items()))
            return redirect("admin:syncjobs_pausedqueue_changelist")
        messages.info(request, "The import is queued." if job.is_new else "This artist is being imported already.")
        return redirect("admin:syncjobs_queuejob_change", job.pk)

    def _switch(self, request: HttpRequest) -> HttpResponse:
        if not may_operate(request):
            raise PermissionDenied
        try:
            if name := request.POST.get("pause"):
                reason = request.POST.get("reason", "").replace("\0", "").strip()[:LONGEST_REASON]
                said = f"{name} is paused." if queue.pause(name, reason=reason) else f"{name} was paused already."
            elif name := request.POST.get("resume"):
                said = f"{name} goes on." if queue.resume(name) else f"{name} was not paused."
            else:
                said = "Nothing was asked for."
            messages.info(request, said)
        except queue.UnknownQueue as problem:
            messages.error(request, str(problem))
        return redirect("admin:syncjobs_pausedqueue_changelist")


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
