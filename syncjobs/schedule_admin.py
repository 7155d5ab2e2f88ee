"""Pages for when jobs run: schedules with their next runs and last result, and "run now"."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)
from unfold.admin import TabularInline
from unfold.decorators import display

from monitoring.admin import RUN_COLOURS, CronLogAdmin
from monitoring.models import CronLog
from mysetlist.admin import Admin
from syncjobs.forms import ScheduleForm, TimingForm
from syncjobs.models import QueueJob
from syncjobs.queue import CannotEnqueue
from syncjobs.runs import Asked, CannotRun, Overlap, request_run
from syncjobs.schedules import arguments_of, job_of
from syncjobs.slots import BadTiming, next_runs
from syncjobs.traces import runs_of_slots, trace

for model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule, CronLog):
    admin.site.unregister(model)


class Starting:
    """Actions that start runs: who may, and what they say."""

    def has_start_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("syncjobs.add_queuejob"))

    def start(self, request: HttpRequest, name: str, ask: Callable[[], Asked]) -> bool:
        """Ask for one run; when it cannot be, say why."""
        try:
            asked = ask()
        except Overlap as problem:
            said, run, level = f"{name}: another run is under way.", problem.run, messages.WARNING
        except (CannotRun, CannotEnqueue, ValueError) as problem:
            messages.error(request, f"{name}: {problem}")
            return False
        else:
            said, run, level = f"{name}: a run is queued.", asked.run, messages.SUCCESS
        messages.add_message(request, level, format_html("{} {}", said, link_to(run)))
        return level == messages.SUCCESS


def link_to(run: int) -> SafeString:
    return format_html(
        '<a class="why" href="{}">Run {}</a>', reverse("admin:monitoring_cronlog_change", args=[run]), run
    )


LAST_RUNS = """
SELECT l.* FROM unnest(%s::text[]) AS j (name)
 CROSS JOIN LATERAL (SELECT * FROM cron_logs WHERE job_name = j.name AND status <> 'skipped'
                      ORDER BY started_at DESC LIMIT 1) l
"""


def last_runs(jobs: set[str]) -> dict[str, CronLog]:
    """The newest run of each job that was not skipped, of those that have one."""
    return {run.job_name: run for run in CronLog.objects.raw(LAST_RUNS, [sorted(jobs)])}


def newest(schedule: PeriodicTask) -> CronLog | None:
    """The schedule's last run, looked up already where it is one of a list."""
    return schedule.newest if hasattr(schedule, "newest") else last_run(job_of(schedule))


def last_run(job: str) -> CronLog | None:
    """The newest run of a job that was not skipped."""
    started = CronLog.objects.filter(job_name=job).exclude(status=CronLog.Status.SKIPPED)
    return started.order_by("-started_at").first()


@admin.register(PeriodicTask)
class ScheduleAdmin(Starting, Admin):
    """Schedules are switched off, never deleted: a deleted one would come back as the default."""

    form = ScheduleForm
    change_form_after_template = "syncjobs/next_runs.html"
    list_display = ("name", "enabled", "when", "next_run", "status_label", "last_result", "description")
    list_filter = ("enabled",)
    list_select_related = ("interval", "crontab", "solar", "clocked")
    ordering = ("name",)
    actions = ("run_now", "enable_tasks", "disable_tasks")
    readonly_fields = ("last_result",)
    fieldsets = (
        (None, {"fields": ("name", "job", "enabled", "description", "last_result")}),
        ("When", {"fields": ("line", "timezone", "interval", "clocked", "one_off", "start_time", "expires")}),
        ("What it is called with", {"fields": ("kwargs",)}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: PeriodicTask | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: PeriodicTask | None = None) -> tuple[str, ...]:
        """A schedule keeps its name: its slots are told apart by it."""
        return (*self.readonly_fields, "name") if obj else self.readonly_fields

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        form = context["adminform"].form
        context |= {"coming": form.coming(timezone.now()), "clock": form.clock, "is_preview": form.is_preview}
        if context.get("original"):
            context["last_runs"] = runs_of_slots(context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: PeriodicTask, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        PeriodicTasks.update_changed()

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The list, each schedule with its last run: one query for all of them."""
        changes: ChangeList = super().get_changelist_instance(request)
        schedules = list(changes.result_list)
        runs = last_runs({job_of(schedule) for schedule in schedules})
        for schedule in schedules:
            schedule.newest = runs.get(job_of(schedule))
        changes.result_list = schedules
        return changes

    @display(description="when")
    def when(self, schedule: PeriodicTask) -> str:
        return schedule.crontab.human_readable if schedule.crontab else str(schedule.scheduler)

    @display(description="next run")
    def next_run(self, schedule: PeriodicTask) -> str:
        try:
            runs = next_runs(schedule, timezone.now(), 1) if schedule.enabled else []
        except BadTiming as problem:
            return f"never: {problem}"
        return f"{runs[0]:%Y-%m-%d %H:%M} UTC" if runs else "none"

    @display(description="last run", label=RUN_COLOURS)
    def status_label(self, schedule: PeriodicTask) -> tuple[str, str] | None:
        run = newest(schedule)
        return (run.status, run.get_status_display()) if run else None

    @display(description="last result")
    def last_result(self, schedule: PeriodicTask) -> str | SafeString:
        run = newest(schedule)
        if run is None:
            return "It has not run yet."
        took = f" in {run.execution_time_ms:,} ms" if run.execution_time_ms is not None else ""
        words = f"{run.status}{took}, {run.started_at:%Y-%m-%d %H:%M} UTC"
        return format_html("{}: {} {}", link_to(run.pk), words, run.error_message[:200])

    @admin.action(description="Run now", permissions=["start"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        for schedule in queryset:
            self.start(request, schedule.name, partial(self._run, request, schedule))

    def _run(self, request: HttpRequest, schedule: PeriodicTask) -> Asked:
        return request_run(
            job_of(schedule),
            trigger=CronLog.Trigger.ADMIN,
            now=timezone.now(),
            by=request.user.get_username(),
            arguments=arguments_of(schedule),
        )

    @admin.action(description="Switch on", permissions=["change"])
    def enable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        self._switch(request, queryset, on=True)

    @admin.action(description="Switch off", permissions=["change"])
    def disable_tasks(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        self._switch(request, queryset, on=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[PeriodicTask], *, on: bool) -> None:
        count = queryset.exclude(enabled=on).update(enabled=on)
        PeriodicTasks.update_changed()
        messages.success(request, f"{count} switched {'on' if on else 'off'}.")


@admin.register(CronLog)
class RunAdmin(Starting, CronLogAdmin):
    """What ran, and starting it once more."""

    AGAIN = frozenset({CronLog.Status.FAILED, CronLog.Status.PARTIAL, CronLog.Status.ABANDONED, CronLog.Status.MISSED})
    actions = ("run_again",)

    @admin.action(description="Run again what failed or was missed", permissions=["start"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[CronLog]) -> None:
        wanted = list(queryset.filter(status__in=self.AGAIN))
        started = sum(self.start(request, run.job_name, partial(self._again, request, run)) for run in wanted)
        others = queryset.count() - len(wanted)
        messages.info(
            request, f"{started} started." + (f" {others} had neither failed nor been missed." if others else "")
        )

    def _again(self, request: HttpRequest, run: CronLog) -> Asked:
        slot = run.slot if run.status == CronLog.Status.MISSED else None
        first = QueueJob.objects.filter(run=run, parent=None).order_by("pk").first()
        return request_run(
            run.job_name,
            trigger=CronLog.Trigger.ADMIN,
            now=timezone.now(),
            slot=slot,
            schedule=run.schedule if slot else "",
            by=request.user.get_username(),
            arguments=first.job_data if first else None,
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> Any:
        context["trace"] = trace(obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


class UsedByInline(TabularInline):  # type: ignore[misc]
    model = PeriodicTask
    fields = readonly_fields = ("name", "enabled", "task")
    extra = 0
    show_change_link = True
    verbose_name_plural = "schedules that use this"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PeriodicTask]:
        # Each names its timing, whatever kind it is.
        schedules: QuerySet[PeriodicTask] = super().get_queryset(request)
        return schedules.select_related("interval", "crontab", "solar", "clocked").order_by("name")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class TimingAdmin(Admin):
    """When. Deleting one deletes the schedules that use it, so only an unused one can go."""

    form = TimingForm
    inlines = (UsedByInline,)
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        unused = obj is None or not obj.periodictask_set.exists()
        return unused and super().has_delete_permission(request, obj)


@admin.register(CrontabSchedule)
class CrontabAdmin(TimingAdmin):
    list_display = ("__str__", "human_readable")
    fields = ("human_readable", "minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")
    readonly_fields = ("human_readable",)
    search_fields = ("minute", "hour")


@admin.register(ClockedSchedule)
class ClockedAdmin(TimingAdmin):
    list_display = ("clocked_time",)


@admin.register(IntervalSchedule)
class IntervalAdmin(TimingAdmin):
    pass
