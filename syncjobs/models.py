"""What must be done: the queue of record. Celery's messages only wake workers up."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q, Value
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


class SourceState(models.Model):
    """May a source be called? Written by the functions in sql/ alone; only the forced breaker is an operator's."""

    class Breaker(models.TextChoices):
        CLOSED = "closed"  # calls pass
        OPEN = "open"  # none passes until `retry_at`
        HALF_OPEN = "half_open", "half open"  # one at a time passes, to try

    class Forced(models.TextChoices):
        OPEN = "open", "open: call nothing"
        CLOSED = "closed", "closed: call whatever happens"

    name = models.CharField(primary_key=True, max_length=20)
    next_at = models.DateTimeField(null=True, help_text="The next call may go out.")
    quota_used = models.PositiveIntegerField(db_default=0)
    quota_resets_at = models.DateTimeField(null=True)
    spent = models.JSONField(db_default=Value({}, models.JSONField()), help_text="Calls of this day by share.")
    blocked_until = models.DateTimeField(null=True, help_text="The source said so: Retry-After or the day's quota.")
    blocked_reason = models.CharField(max_length=10, db_default="")
    breaker = models.CharField(max_length=9, choices=Breaker, db_default=Breaker.CLOSED)
    window_began_at = models.DateTimeField(null=True)
    window_count = models.PositiveIntegerField(db_default=0)
    window_failures = models.PositiveIntegerField(db_default=0)
    retry_at = models.DateTimeField(null=True, help_text="An open breaker lets nothing pass before.")
    openings = models.PositiveIntegerField(db_default=0, help_text="In a row; each is twice as long as the last.")
    probe_number = models.BigIntegerField(db_default=0)
    probe_until = models.DateTimeField(null=True, help_text="A probe that has not ended by then is lost.")
    good_probes = models.PositiveIntegerField(db_default=0)
    forced = models.CharField("force breaker", max_length=6, choices=Forced, blank=True, default="", db_default="")
    forced_until = models.DateTimeField("until", null=True, blank=True)
    forced_reason = models.CharField("reason", max_length=200, blank=True, default="", db_default="")
    answered_count = models.BigIntegerField(db_default=0)
    busy_count = models.BigIntegerField(db_default=0)
    unavailable_count = models.BigIntegerField(db_default=0)
    refused_count = models.BigIntegerField(db_default=0)
    last_answered_at = models.DateTimeField(null=True)
    recent_errors = models.JSONField(db_default=Value([], models.JSONField()))

    class Meta:
        db_table = "source_state"
        verbose_name = "source"
        constraints = [
            models.CheckConstraint(
                condition=Q(breaker__in=["closed", "open", "half_open"]), name="source_breaker_is_known"
            ),
            models.CheckConstraint(
                condition=Q(forced="")
                | Q(forced__in=["open", "closed"], forced_until__isnull=False) & ~Q(forced_reason=""),
                name="source_forced_with_reason_and_end",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_shut(self, now: datetime) -> bool:
        """Whether the breaker lets nothing pass, or only probes."""
        if self.forced and self.forced_until and self.forced_until > now:
            return self.forced == SourceState.Forced.OPEN
        return self.breaker != SourceState.Breaker.CLOSED

    def close_breaker(self) -> None:
        """Let calls pass again, for an operator who knows that the source is well."""
        SourceState.objects.filter(pk=self.pk).update(
            breaker=SourceState.Breaker.CLOSED, openings=0, good_probes=0, window_began_at=None
        )
