"""Pages for what must be done, and when: the queue, read only, and the schedules."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin as BeatTaskAdmin
from django_celery_beat.admin import PeriodicTaskForm, TaskSelectWidget
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from mysetlist.admin import Admin, ReadOnlyAdmin
from syncjobs.models import QueueJob

for model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule):
    admin.site.unregister(model)

JOB_COLOURS = {
    QueueJob.Status.PENDING: "info",
    QueueJob.Status.DELAYED: "info",
    QueueJob.Status.ACTIVE: "info",
    QueueJob.Status.COMPLETED: "success",
    QueueJob.Status.FAILED: "danger",
    QueueJob.Status.DEAD: "danger",
    QueueJob.Status.CANCELLED: "warning",
}


@admin.register(QueueJob)
class QueueJobAdmin(ReadOnlyAdmin):
    list_display = ("job_name", "queue_name", "status_label", "priority", "attempt", "run_at", "finished_at")
    list_filter = ("status", "priority")
    search_fields = ("job_name", "queue_name")
    search_exactly = ("dedup_key", "id")
    search_help_text = "Job, queue, number or dedup key"
    ordering = ("-id",)
    sortable_by = ()

    @display(description="status", label=JOB_COLOURS)
    def status_label(self, job: QueueJob) -> tuple[str, str]:
        return job.status, job.get_status_display()

    @display(description="attempts")
    def attempt(self, job: QueueJob) -> str:
        return f"{job.attempts} of {job.max_attempts}"


class TaskSelect(UnfoldAdminSelectWidget, TaskSelectWidget):
    pass


class ScheduleForm(PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


@admin.register(PeriodicTask)
class ScheduleAdmin(BeatTaskAdmin, Admin):
    """Schedules are switched off, never deleted: a deleted one would come back as the default."""

    form = ScheduleForm
    date_hierarchy = None
    list_display = ("name", "enabled", "scheduler", "last_run_at", "description")
    list_filter = ("enabled",)
    list_select_related = ("interval", "crontab", "solar", "clocked")
    ordering = ("name",)
    actions = ("enable_tasks", "disable_tasks")

    def has_delete_permission(self, request: HttpRequest, obj: PeriodicTask | None = None) -> bool:
        return False


class UsedByInline(TabularInline):
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


@admin.register(SolarSchedule)
class SolarAdmin(TimingAdmin):
    pass
