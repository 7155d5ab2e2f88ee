"""Pages for the sources and for figures. Those for what must be done: queue_admin; for when: schedule_admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from mysetlist.admin import Admin, ReadOnlyAdmin
from syncjobs import queue_admin, schedule_admin  # noqa: F401 (their pages)
from syncjobs.clients.errors import Source
from syncjobs.models import QueueMetric, SourceState
from syncjobs.policies import QUEUES
from syncjobs.sources import limits_of

SOURCE_COLOURS = {
    SourceState.Breaker.CLOSED: "success",
    SourceState.Breaker.HALF_OPEN: "warning",
    SourceState.Breaker.OPEN: "danger",
    "forced": "info",
}


class ForceForm(forms.ModelForm):
    """Forcing a breaker takes a reason and an end, so that nobody forgets it."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("forced"):
            return cleaned | {"forced_until": None, "forced_reason": ""}
        if not cleaned.get("forced_reason"):
            self.add_error("forced_reason", "Say why: others will read it.")
        if not (until := cleaned.get("forced_until")) or until <= timezone.now():
            self.add_error("forced_until", "Say until when; it must lie ahead.")
        return cleaned


@admin.register(SourceState)
class SourceAdmin(Admin):
    """How each source is. All of it is the gate's to write, but for the forced breaker."""

    form = ForceForm
    list_display = ("label", "breaker_label", "blocked", "quota_left", "last_answered_at", "last_error")
    list_display_links = ("label",)
    search_fields = ("name",)
    ordering = ("name",)
    sortable_by = ()
    actions = ("close_breaker",)
    writable = ("forced", "forced_until", "forced_reason")
    shown = (
        *(
            "breaker_label",
            "opened_at",
            "failures",
            "retry_at",
            "blocked",
            "quota_left",
            "quota_resets_at",
            "spent",
            "last_answered_at",
        ),
        *("answered_count", "busy_count", "unavailable_count", "refused_count", "latency_ms", "errors", "asked_by"),
    )
    readonly_fields = shown
    fieldsets = ((None, {"fields": shown}), ("Force the breaker", {"fields": writable}))

    @display(description="source")
    def label(self, state: SourceState) -> str:
        return Source(state.name).label if state.name in set(Source) else state.name

    @display(description="breaker", label=SOURCE_COLOURS)
    def breaker_label(self, state: SourceState) -> tuple[str, str]:
        if state.forced and state.forced_until and state.forced_until > timezone.now():
            return "forced", f"forced {state.forced} until {_moment(state.forced_until)}: {state.forced_reason}"
        return state.breaker, state.get_breaker_display().lower()

    @display(description="blocked until")
    def blocked(self, state: SourceState) -> str:
        if state.blocked_until is None or state.blocked_until <= timezone.now():
            return "-"
        return f"{_moment(state.blocked_until)} ({state.blocked_reason})"

    @display(description="quota left")
    def quota_left(self, state: SourceState) -> str:
        if state.name not in set(Source):
            return "-"
        per_day = limits_of(Source(state.name))[1]
        is_over = state.quota_resets_at is None or state.quota_resets_at <= timezone.now()
        return f"{per_day if is_over else max(per_day - state.quota_used, 0):,} of {per_day:,}"

    @display(description="last error")
    def last_error(self, state: SourceState) -> str:
        return _error(state.recent_errors[0]) if state.recent_errors else "-"

    @display(description="asked by the queues")
    def asked_by(self, state: SourceState) -> SafeString | str:
        queues = ((name, name) for name, queue in QUEUES.items() if state.name in queue.sources)
        url = reverse("admin:syncjobs_queuejob_changelist")
        return format_html_join(", ", f'<a class="why" href="{url}?queue_name={{}}">{{}}</a>', queues) or "-"

    @display(description="last errors")
    def errors(self, state: SourceState) -> SafeString | str:
        lines = ((_error(error),) for error in state.recent_errors)
        return format_html_join("", "<div>{}</div>", lines) or "-"

    @action(description="Close the breaker of the selected sources", permissions=["change"])
    def close_breaker(self, request: HttpRequest, queryset: QuerySet[SourceState]) -> None:
        for state in queryset.exclude(breaker=SourceState.Breaker.CLOSED):
            state.close_breaker()
            self.log_change(request, state, "Closed the breaker.")
            self.message_user(request, f"{self.label(state)}: closed. Calls pass again.", messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: SourceState, form: Any, change: bool) -> None:
        obj.save(update_fields=self.writable)  # the rest has moved on since the page was read

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SourceState | None = None) -> bool:
        return False


def _error(error: dict[str, Any]) -> str:
    status = f" (status {error['status']})" if error["status"] else ""
    return f"{error['at'][:19].replace('T', ' ')} {error['problem']}{status}"


def _moment(at: Any) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")


@admin.register(QueueMetric)
class QueueMetricAdmin(ReadOnlyAdmin):
    list_display = ("queue_name", "hour", "depth", "started", "failed", "p95_wait_ms")
    list_filter = ("queue_name",)
    ordering = ("-hour", "queue_name")
