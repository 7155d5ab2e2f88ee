"""Pages for what ran and how the parts are. Records are read only; of a retention, how long is kept."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from monitoring import alerts
from monitoring.models import Alert, AlertMessage, CronLog, CronMetric, Retention, SystemHealth
from monitoring.rules import duration
from mysetlist.admin import Admin, ReadOnlyAdmin

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
HEALTH_COLOURS = {
    SystemHealth.Status.HEALTHY: "success",
    SystemHealth.Status.DEGRADED: "warning",
    SystemHealth.Status.DOWN: "danger",
}

ALERT_COLOURS = {Alert.State.OPEN: "danger", Alert.State.ACKNOWLEDGED: "warning", Alert.State.RESOLVED: "success"}


class JobFilter(admin.SimpleListFilter):
    """The jobs that have a run, each found by one step through the index."""

    title = "job"
    parameter_name = "job_name"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "WITH RECURSIVE job AS ((SELECT min(job_name) AS name FROM cron_logs) UNION ALL"
                " SELECT (SELECT min(job_name) FROM cron_logs WHERE job_name > job.name) FROM job WHERE name IS NOT NULL)"
                " SELECT name FROM job WHERE name IS NOT NULL"
            )
            return [(name, name) for (name,) in cursor.fetchall()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CronLog]) -> QuerySet[CronLog]:
        return queryset.filter(job_name=self.value()) if self.value() else queryset


@admin.register(CronLog)
class CronLogAdmin(ReadOnlyAdmin):
    list_display = ("job_name", "status_label", "started_at", "took", "trigger", "slot", "what")
    list_filter = (JobFilter, "status", ("started_at", RangeDateTimeFilter))
    list_filter_submit = True
    ordering = ("-started_at",)
    sortable_by = ("started_at",)

    @display(description="status", label=RUN_COLOURS)
    def status_label(self, run: CronLog) -> tuple[str, str]:
        return run.status, run.get_status_display()

    @display(description="took")
    def took(self, run: CronLog) -> str:
        return "" if run.execution_time_ms is None else f"{run.execution_time_ms:,} ms"

    @display(description="error")
    def what(self, run: CronLog) -> str:
        return run.error_message[:100]


@admin.register(CronMetric)
class CronMetricAdmin(ReadOnlyAdmin):
    list_display = ("job_name", "day", "runs", "failures", "p95_ms", "max_ms", "rows")
    list_filter = (("day", admin.DateFieldListFilter),)
    search_fields = ("job_name",)
    search_help_text = "Job"
    ordering = ("-day", "job_name")


@admin.register(SystemHealth)
class SystemHealthAdmin(ReadOnlyAdmin):
    list_display = ("component", "status_label", "detail", "latency_ms", "checked_at", "since", "last_good_at")
    list_filter = ("status",)
    ordering = ("component",)

    @display(description="status", label=HEALTH_COLOURS)
    def status_label(self, health: SystemHealth) -> tuple[str, str]:
        return health.status, health.get_status_display()


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
    list_filter = ("state", "severity", "rule", ("opened_at", RangeDateTimeFilter))
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
