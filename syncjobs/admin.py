"""Pages for what must be done: the queue, read only. Those for when it is done: schedule_admin."""

from django.contrib import admin
from unfold.decorators import display

from mysetlist.admin import ReadOnlyAdmin
from syncjobs import schedule_admin  # noqa: F401 (its pages)
from syncjobs.models import QueueJob

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
