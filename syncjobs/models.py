"""What must be done: the queue of record. Celery's messages only wake workers up."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class QueueJob(models.Model):
    """One queued call with its payload."""

    class Status(models.TextChoices):
        PENDING = "pending"  # due
        DELAYED = "delayed"  # waits for its time or its children
        ACTIVE = "active"  # claimed by a worker
        COMPLETED = "completed"
        FAILED = "failed"  # no retry would help
        DEAD = "dead"  # its attempts are used up
        CANCELLED = "cancelled"

    TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.DEAD, Status.CANCELLED})

    class Priority(models.IntegerChoices):
        CRITICAL = 1
        HIGH = 5
        NORMAL = 10
        LOW = 20
        BACKGROUND = 50

    queue_name = models.CharField(max_length=50)
    job_name = models.CharField(max_length=100)
    job_data = models.JSONField(default=dict, blank=True)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL, help_text="Lower first.")
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    run_at = models.DateTimeField(db_default=Now(), help_text="Not before.")
    dedup_key = models.CharField(max_length=200, null=True, blank=True, help_text="At most one live job has it.")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        db_table = "queue_jobs"
        verbose_name = "queue job"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "delayed", "active", "completed", "failed", "dead", "cancelled"]),
                name="queue_job_status_is_known",
            ),
            models.CheckConstraint(condition=Q(priority__range=(1, 50)), name="queue_job_priority_1_to_50"),
            models.CheckConstraint(
                condition=Q(attempts__lte=F("max_attempts"), max_attempts__gte=1), name="queue_job_attempts_within_max"
            ),
            models.UniqueConstraint(
                fields=["dedup_key"],
                condition=Q(status__in=["pending", "delayed", "active"]),
                name="one_live_job_per_dedup_key",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue_name", "priority", "run_at", "id"],
                condition=Q(status__in=["pending", "delayed"]),
                name="queue_job_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} #{self.pk}: {self.status}"
