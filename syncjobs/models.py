"""What must be done: the queue of record. Celery's messages only wake workers up."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now

from monitoring.models import CronLog


class QueueJobQuerySet(models.QuerySet["QueueJob"]):
    def live(self) -> Self:
        return self.filter(status__in=QueueJob.LIVE)

    def retryable(self) -> Self:
        """Final ones that were not completed."""
        return self.filter(status__in=QueueJob.RETRYABLE)

    def later(self) -> Self:
        """Wait for their time."""
        return self.filter(status=QueueJob.Status.DELAYED, outcome__isnull=True)

    def waiting(self) -> Self:
        """Done with their own work; their children are not."""
        return self.filter(status=QueueJob.Status.DELAYED, outcome__isnull=False)


class QueueJob(models.Model):
    """One queued call with its payload. Written by syncjobs.queue alone."""

    class Status(models.TextChoices):
        PENDING = "pending"  # due
        DELAYED = "delayed"  # waits for its time or its children
        ACTIVE = "active"  # claimed by a worker
        COMPLETED = "completed"
        FAILED = "failed"  # no retry would help
        DEAD = "dead"  # its attempts are used up
        CANCELLED = "cancelled"

    TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.DEAD, Status.CANCELLED})
    LIVE = frozenset({Status.PENDING, Status.DELAYED, Status.ACTIVE})
    RETRYABLE = frozenset({Status.FAILED, Status.DEAD, Status.CANCELLED})

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

    # No foreign keys in the database: each table is cleaned up by its own age, in any order.
    run = models.ForeignKey(
        CronLog,
        models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="queue_jobs",
    )
    parent = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, blank=True, db_constraint=False, db_index=False, related_name="children"
    )
    children_left = models.PositiveIntegerField(db_default=0, help_text="Children that are not final.")
    outcome = models.CharField(
        max_length=9, choices=Status, null=True, blank=True, help_text="What it will be when its children are final."
    )

    worker = models.CharField(max_length=100, blank=True, db_default="", help_text="Who claimed it last.")
    lease_token = models.BigIntegerField(
        db_default=0, help_text="Rises with each claim; who has an old one is fenced out."
    )
    lease_until = models.DateTimeField(null=True, blank=True, help_text="A worker silent past it is taken for dead.")
    started_at = models.DateTimeField(null=True, blank=True, help_text="When it was claimed last.")
    lost_count = models.PositiveSmallIntegerField(db_default=0, help_text="Workers that died at it; dead at 3.")
    snooze_count = models.PositiveIntegerField(db_default=0)
    published_at = models.DateTimeField(null=True, blank=True, help_text="When its message was sent last.")
    publish_count = models.PositiveIntegerField(db_default=0)
    cancel_requested = models.BooleanField(db_default=False)

    phase = models.CharField(max_length=50, blank=True, db_default="")
    percent = models.PositiveSmallIntegerField(db_default=0)
    message = models.CharField(max_length=200, blank=True, db_default="")
    state = models.JSONField(default=dict, blank=True, help_text="What checkpoints remember; a retry resumes there.")
    result = models.JSONField(null=True, blank=True)

    is_new = False  # enqueue() says True of one that it made

    objects = QueueJobQuerySet.as_manager()

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
            models.CheckConstraint(
                condition=Q(status="active", lease_until__isnull=False) | (~Q(status="active") & Q(lease_until=None)),
                name="queue_job_is_leased_while_active",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "delayed", "active"], finished_at=None)
                | (~Q(status__in=["pending", "delayed", "active"]) & Q(finished_at__isnull=False)),
                name="queue_job_is_finished_or_live",
            ),
            models.CheckConstraint(
                condition=Q(outcome=None)
                | Q(status="delayed", outcome__in=["completed", "failed", "dead", "cancelled"]),
                name="queue_job_that_waits_is_delayed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue_name", "priority", "run_at", "id"],
                condition=Q(status="pending"),
                name="queue_job_due",
            ),
            models.Index(fields=["run_at"], condition=Q(status="delayed", outcome=None), name="queue_job_later"),
            models.Index(fields=["lease_until"], condition=Q(status="active"), name="queue_job_leased"),
            models.Index(
                fields=["published_at"],
                condition=Q(status="pending", published_at__isnull=False),
                name="queue_job_sent",
            ),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="queue_job_by_parent"),
            models.Index(fields=["run"], condition=Q(run__isnull=False), name="queue_job_by_run"),
            models.Index(
                fields=["finished_at"], condition=Q(finished_at__isnull=False), name="queue_job_by_end"
            ),  # for cleanup
            models.Index(
                fields=["finished_at", "queue_name", "status"],
                condition=Q(status__in=["failed", "dead"]),
                name="queue_job_broken",
            ),  # for the desk
            models.Index(
                fields=["status", "-id"],
                condition=Q(status__in=["failed", "dead", "cancelled"]),
                name="queue_job_uncompleted",
            ),  # for the admin
        ]

    def __str__(self) -> str:
        return f"{self.job_name} #{self.pk}: {self.status}"


class JobEvent(models.Model):
    """What happened to a queue job, in order; append-only. An INSERT notifies `job_events` with the job's number."""

    class Kind(models.TextChoices):
        STARTED = "started"  # claimed: an attempt begins
        PROGRESS = "progress"  # a checkpoint
        WAITING = "waiting"  # done itself, its children are not
        RETRYING = "retrying"  # failed, and will be tried again
        SNOOZED = "snoozed"  # put off; costs no attempt
        LOST = "lost"  # its worker died
        RETRIED = "retried"  # by an operator
        COMPLETED = "completed"
        FAILED = "failed"
        DEAD = "dead"
        CANCELLED = "cancelled"

    seq = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(QueueJob, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="events")
    kind = models.CharField(max_length=9, choices=Kind)
    phase = models.CharField(max_length=50, blank=True, db_default="")
    percent = models.PositiveSmallIntegerField(db_default=0)
    message = models.CharField(max_length=200, blank=True, db_default="")
    attempt = models.PositiveSmallIntegerField(db_default=0)
    worker = models.CharField(max_length=100, blank=True, db_default="")
    error = models.TextField(blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "job_events"
        verbose_name = "job event"
        indexes = [
            models.Index(fields=["job", "seq"], name="job_event_by_job"),
            models.Index(fields=["created_at"], name="job_event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of queue job #{self.job_id}"


class PausedQueue(models.Model):
    """A queue of which nothing is published or claimed until it is resumed."""

    name = models.CharField(max_length=50, primary_key=True)
    paused_at = models.DateTimeField(db_default=Now())
    reason = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        db_table = "paused_queues"
        verbose_name = "queue"

    def __str__(self) -> str:
        return self.name


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
    opened_at = models.DateTimeField(null=True, help_text="Since when the breaker is not closed.")
    failures = models.JSONField(
        db_default=Value({}, models.JSONField()), help_text="What opened it, and failed since, by kind."
    )
    window_began_at = models.DateTimeField(null=True)
    window_count = models.PositiveIntegerField(db_default=0)
    window_failures = models.PositiveIntegerField(db_default=0)
    retry_at = models.DateTimeField(null=True, help_text="An open breaker lets nothing pass before.")
    openings = models.PositiveIntegerField(db_default=0, help_text="In a row; each is twice as long as the last.")
    probe_number = models.BigIntegerField(db_default=0)
    probe_until = models.DateTimeField(null=True, help_text="A probe that has not ended by then is lost.")
    good_probes = models.PositiveIntegerField(db_default=0)
    forced = models.CharField("force breaker", max_length=6, choices=Forced, blank=True, default="", db_default="")
    forced_at = models.DateTimeField(null=True, help_text="When the breaker was forced.")
    forced_until = models.DateTimeField("until", null=True, blank=True)
    forced_reason = models.CharField("reason", max_length=200, blank=True, default="", db_default="")
    answered_count = models.BigIntegerField(db_default=0)
    busy_count = models.BigIntegerField(db_default=0)
    unavailable_count = models.BigIntegerField(db_default=0)
    refused_count = models.BigIntegerField(db_default=0)
    last_answered_at = models.DateTimeField(null=True)
    latency_ms = models.FloatField(
        "latency (ms)", null=True, help_text="How long answers take: each new one counts a tenth."
    )
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

    def is_forced(self, now: datetime) -> bool:
        """Whether an operator decides."""
        return bool(self.forced and self.forced_until and self.forced_until > now)

    def is_shut(self, now: datetime) -> bool:
        """Whether the breaker lets nothing pass, or only probes."""
        if self.is_forced(now):
            return self.forced == SourceState.Forced.OPEN
        return self.breaker != SourceState.Breaker.CLOSED

    def shut_since(self, now: datetime) -> datetime | None:
        """Since when, while it is."""
        if not self.is_shut(now):
            return None
        return self.forced_at if self.is_forced(now) else self.opened_at

    def close_breaker(self) -> None:
        """Let calls pass again, for an operator who knows that the source is well."""
        SourceState.objects.filter(pk=self.pk).update(
            breaker=SourceState.Breaker.CLOSED, openings=0, good_probes=0, window_began_at=None
        )


class ScheduleState(models.Model):
    """Up to where a schedule's slots have their runs. Written by the scheduler, and by triggers at each edit."""

    schedule = models.OneToOneField(
        "django_celery_beat.PeriodicTask",
        models.CASCADE,
        primary_key=True,
        db_constraint=False,  # whoever deletes a schedule by SQL need not know of this table
        related_name="state",
    )
    accounted_until = models.DateTimeField(help_text="Every slot up to here has its run.")

    class Meta:
        db_table = "schedule_state"

    def __str__(self) -> str:
        return f"schedule {self.schedule_id} until {self.accounted_until}"


class QueueMetric(models.Model):
    """The figures of one queue and hour (UTC); outlive the jobs themselves. Written by syncjobs.metrics alone."""

    queue_name = models.CharField(max_length=50)
    hour = models.DateTimeField()
    depth = models.PositiveIntegerField(help_text="The most due jobs seen waiting.")
    started = models.PositiveIntegerField()
    failed = models.PositiveIntegerField(help_text="Failed or dead.")
    p95_wait_ms = models.BigIntegerField("p95 of the wait (ms)", null=True)

    class Meta:
        db_table = "queue_metrics"
        verbose_name = "hourly figures"
        verbose_name_plural = "hourly figures"
        constraints = [models.UniqueConstraint(fields=["hour", "queue_name"], name="one_metric_per_queue_and_hour")]

    def __str__(self) -> str:
        return f"{self.queue_name} at {self.hour}"
