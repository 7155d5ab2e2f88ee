"""Pages for what ran and how the parts are. Records are read only; of a retention, how long is kept."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.decorators import display

from monitoring import alerts, durations
from monitoring.durations import Figures
from monitoring.health import overall
from monitoring.models import Alert, AlertMessage, CronLog, CronMetric, Retention, SystemHealth
from monitoring.rules import duration
from mysetlist.admin import Admin, ReadOnlyAdmin, TimeRangeFilter

RUN_COLOURS = {
    CronLog.Status.QUEUED: "info",
    CronLog.Status.RUNNING: "info",
    CronLog.Status.SUCCESS: "success",
    CronLog.Status.PARTIAL: "warning",
    CronLog.Status.SKIPPED: "warning",
    CronLog.Status.FAILED: "danger",
    CronLog.Status.MISSED: "danger",
    CronLog.Status.ABANDONED: "danger",
}
OLD = "old"
HEALTH_COLOURS: dict[str, str] = {
    SystemHealth.Status.HEALTHY: "success",
    SystemHealth.Status.DEGRADED: "warning",
    SystemHealth.Status.DOWN: "danger",
    OLD: "warning",
}

ALERT_COLOURS = {Alert.State.OPEN: "danger", Alert.State.ACKNOWLEDGED: "warning", Alert.State.RESOLVED: "success"}


class JobFilter(admin.SimpleListFilter):
    """The jobs that have a row, each found by one step through the index."""

    title = "job"
    parameter_name = "job_name"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [(name, name) for name in durations.job_names(model_admin.model._meta.db_table)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(job_name=self.value()) if self.value() else queryset


class JobAdmin(ReadOnlyAdmin):
    """Records of jobs. Above their list stands a chart: of the job that was asked for, else a small one of each."""

    list_before_template = "monitoring/jobs.html"
    kind: str
    of_each_job: Callable[[], list[Figures]]
    of_one_job: Callable[[QuerySet[Any]], Figures]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            shown = response.context_data["cl"]
            one = self.of_one_job(shown.queryset) if request.GET.get(JobFilter.parameter_name) else None
            response.context_data |= {"kind": self.kind, "one": one, "each": [] if one else self.of_each_job()}
        return response


@admin.register(CronLog)
class CronLogAdmin(JobAdmin):
    list_display = ("job_name", "status_label", "started_at", "took", "trigger", "slot", "what")
    list_filter = (JobFilter, "status", ("started_at", TimeRangeFilter))
    list_filter_submit = True
    ordering = ("-started_at",)
    sortable_by = ("started_at",)
    change_form_before_template = "monitoring/run.html"
    fieldsets = (
        (
            "All of its row",
            {"classes": ["collapse"], "fields": ("slot", "finished_at", "lease_until", "execution_time_ms")},
        ),
    )
    kind = "run"

    of_each_job = staticmethod(durations.runs_of_each_job)
    of_one_job = staticmethod(durations.latest_runs)

    @display(description="status", label=RUN_COLOURS)
    def status_label(self, run: CronLog) -> tuple[str, str]:
        return run.status, run.get_status_display()

    @display(description="took")
    def took(self, run: CronLog) -> str:
        return "" if run.execution_time_ms is None else durations.spoken(run.execution_time_ms)

    @display(description="error")
    def what(self, run: CronLog) -> str:
        return run.error_message[:100]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        context |= {
            "title": f"{obj.job_name} #{obj.pk}",
            "run": obj,
            "took": durations.spoken(obj.execution_time_ms),
            "result": json.dumps(obj.result, indent=2, ensure_ascii=False) if obj.result else "",
            "others": durations.runs_round(obj),
        }
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return response


@admin.register(CronMetric)
class CronMetricAdmin(JobAdmin):
    list_display = ("job_name", "day", "runs", "failures", "p95_ms", "max_ms", "rows")
    list_filter = (JobFilter, ("day", admin.DateFieldListFilter))
    ordering = ("-day", "job_name")
    change_form_before_template = "monitoring/day.html"
    kind = "day"

    of_each_job = staticmethod(durations.days_of_each_job)
    of_one_job = staticmethod(durations.latest_days)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        context |= {"title": str(obj), "day": obj, "others": durations.days_round(obj)}
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return response


@admin.register(SystemHealth)
class SystemHealthAdmin(ReadOnlyAdmin):
    """How each part is. An answer that nobody has asked for again in a while is called old, not healthy."""

    list_display = ("component", "status_label", "detail", "latency", "checked_at", "since", "last_good_at")
    list_filter = ("status",)
    list_before_template = "monitoring/health.html"
    ordering = ("component",)

    @display(description="status", label=HEALTH_COLOURS)
    def status_label(self, health: SystemHealth) -> tuple[str, str]:
        if health.is_old(timezone.now()):
            return OLD, f"{health.get_status_display()}, but not asked since"
        return health.status, health.get_status_display()

    @display(description="took")
    def latency(self, health: SystemHealth) -> str:
        return f"{health.latency_ms:,.1f} ms"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        parts, now = list(SystemHealth.objects.order_by("component")), timezone.now()
        summed = {
            "overall": overall(parts) if parts else "",
            "parts": parts,
            "old": [part for part in parts if part.is_old(now)],
            "bad": [part for part in parts if part.status != SystemHealth.Status.HEALTHY],
            "asked_at": max((part.checked_at for part in parts), default=None),
        }
        response: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **summed})
        return response


class MessageInline(admin.TabularInline):  # type: ignore[type-arg]
    """What was told about an alert, and what still waits."""

    model = AlertMessage
    fields = ("kind", "channel", "text", "created_at", "sent_at", "tries", "last_error")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        return False


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What is or was wrong. Staff who may change alerts acknowledge and silence them."""

    list_display = ("says", "state_label", "severity", "opened_at", "lasted", "silenced_until", "acknowledged_by")
    list_filter = ("state", "severity", "rule", ("opened_at", TimeRangeFilter))
    list_filter_submit = True
    list_select_related = ("cause",)
    search_fields = ("subject",)
    search_help_text = "Job, process, source or part"
    ordering = ("-opened_at", "-pk")
    sortable_by = ("opened_at",)
    actions = ("acknowledge", "silence_for_an_hour", "silence_for_a_day")
    inlines = (MessageInline,)

    @display(description="state", label=ALERT_COLOURS)
    def state_label(self, alert: Alert) -> tuple[str, str]:
        return alert.state, alert.get_state_display()

    @display(description="lasted")
    def lasted(self, alert: Alert) -> str:
        return duration((alert.resolved_at or timezone.now()) - alert.opened_at)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("monitoring.change_alert")

    @admin.action(description="Acknowledge: somebody knows, no more reminders", permissions=["operate"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        count = alerts.acknowledge(queryset, by=request.user.get_username(), now=timezone.now())
        self.message_user(request, f"{count} acknowledged.", messages.SUCCESS)

    @admin.action(description="Silence for an hour", permissions=["operate"])
    def silence_for_an_hour(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._silence(request, queryset, timedelta(hours=1))

    @admin.action(description="Silence for a day", permissions=["operate"])
    def silence_for_a_day(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._silence(request, queryset, timedelta(days=1))

    def _silence(self, request: HttpRequest, queryset: QuerySet[Alert], span: timedelta) -> None:
        until = timezone.now() + span
        count = alerts.silence(queryset, until=until)
        self.message_user(request, f"{count} silent until {until:%b %d %H:%M} UTC.", messages.SUCCESS)


class RetentionForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Retention
        fields = ("keep",)

    def clean_keep(self) -> timedelta:
        keep: timedelta = self.cleaned_data["keep"]
        if keep < timedelta(days=1):
            raise forms.ValidationError("Keep rows for at least a day: '1 00:00:00'.")
        return keep


@admin.register(Retention)
class RetentionAdmin(Admin):
    """Migrations add the rows; an operator says how long."""

    form = RetentionForm
    list_display = ("table_name", "condition", "time_column", "keep")
    fields = ("table_name", "condition", "time_column", "keep")
    readonly_fields = ("table_name", "condition", "time_column")
    ordering = ("table_name", "condition")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Retention | None = None) -> bool:
        return False
