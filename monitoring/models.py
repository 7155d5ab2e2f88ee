"""What ran, how long it took, how the parts are, and how long we keep it."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class CronLogQuerySet(models.QuerySet["CronLog"]):
    def to_catch_up(self) -> Self:
        """Missed slots that will be run all the same."""
        return self.filter(status=CronLog.Status.MISSED, trigger=CronLog.Trigger.CATCH_UP)


class CronLog(models.Model):
    """One run of a job: opened before its work, closed by the same row, whatever happens.

    Written by log_cron_run(), by the wrapper that renews the lease (monitoring.cron), and by what asks
    for runs ahead of them (syncjobs.runs).
    """

    class Status(models.TextChoices):
        QUEUED = "queued"  # inserted, not started
        RUNNING = "running"
        SUCCESS = "success"
        PARTIAL = "partial"  # some items failed
        FAILED = "failed"  # raised
        SKIPPED = "skipped"  # not started, on purpose
        MISSED = "missed"  # nobody started it
        ABANDONED = "abandoned"  # its process died

    OPEN = frozenset({Status.QUEUED, Status.RUNNING})
    WENT_WRONG = frozenset({Status.FAILED, Status.MISSED, Status.ABANDONED})

    class Trigger(models.TextChoices):
        COMMAND = "command"
        SCHEDULE = "schedule"
        HTTP = "http"
        ADMIN = "admin"
        CATCH_UP = "catch_up"  # a slot that passed while no scheduler was alive
        SQL = "sql"  # log_cron_run() called by another system

    job_name = models.CharField(max_length=100)
    slot = models.DateTimeField(null=True, blank=True, help_text="When the schedule wanted it.")
    schedule = models.CharField(max_length=200, blank=True, db_default="", help_text="Whose slot it is.")
    trigger = models.CharField(max_length=8, choices=Trigger, db_default=Trigger.SQL)
    asked_by = models.CharField(
        max_length=150, blank=True, db_default="", help_text="The token's name, or the member of staff."
    )
    status = models.CharField(max_length=9, choices=Status)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    execution_time_ms = models.BigIntegerField(
        "time taken (ms)", null=True, blank=True, help_text="Empty: unknown, since nobody opened the run."
    )
    result = models.JSONField(null=True, blank=True)
    error_message = models.TextField(blank=True, db_default="")
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="Renewed while its process lives; a run silent past it is abandoned."
    )

    objects = CronLogQuerySet.as_manager()

    class Meta:
        db_table = "cron_logs"
        verbose_name = "run"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "queued",
                        "running",
                        "success",
                        "partial",
                        "failed",
                        "skipped",
                        "missed",
                        "abandoned",
                    ]
                ),
                name="run_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running"], finished_at__isnull=True)
                | Q(~Q(status__in=["queued", "running"]), finished_at__isnull=False),
                name="run_is_finished_or_open",
            ),
            models.UniqueConstraint(
                fields=["job_name"],
                condition=Q(status="running", lease_until__isnull=False),
                name="one_leased_run_per_job",
            ),
            models.UniqueConstraint(
                fields=["schedule", "slot"], condition=Q(slot__isnull=False), name="one_run_per_schedule_and_slot"
            ),
        ]
        indexes = [
            models.Index(fields=["job_name", "-started_at"], name="run_by_job"),
            models.Index(fields=["-started_at"], name="run_by_start"),
            models.Index(fields=["job_name", "finished_at"], name="run_by_job_and_end"),
            models.Index(fields=["status", "-started_at"], name="run_by_status"),
            models.Index(fields=["job_name"], condition=Q(status__in=["queued", "running"]), name="run_open"),
            models.Index(
                fields=["job_name", "slot"],
                condition=Q(status="missed", trigger="catch_up"),
                name="run_to_catch_up",
            ),
            models.Index(fields=["job_name", "finished_at"], condition=Q(status="success"), name="run_by_last_success"),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} #{self.pk}: {self.status}"


class CronMetric(models.Model):
    """The runs of one job that ended on one day (UTC), summed up; outlives the runs themselves."""

    job_name = models.CharField(max_length=100)
    day = models.DateField()
    runs = models.PositiveIntegerField(help_text="Started and ended: success, partial, failed, abandoned.")
    failures = models.PositiveIntegerField(help_text="Failed or abandoned.")
    skipped = models.PositiveIntegerField()
    missed = models.PositiveIntegerField()
    p50_ms = models.BigIntegerField("median (ms)", null=True)
    p95_ms = models.BigIntegerField("p95 (ms)", null=True)
    max_ms = models.BigIntegerField("longest (ms)", null=True)
    rows = models.BigIntegerField("rows written", null=True, help_text="Empty: no run said how many.")

    class Meta:
        db_table = "cron_metrics"
        verbose_name = "daily figures"
        verbose_name_plural = "daily figures"
        constraints = [models.UniqueConstraint(fields=["job_name", "day"], name="one_metric_per_job_and_day")]

    def __str__(self) -> str:
        return f"{self.job_name} on {self.day}"


class SystemHealth(models.Model):
    """What the last check of each part said."""

    class Status(models.TextChoices):
        HEALTHY = "healthy"
        DEGRADED = "degraded"
        DOWN = "down"

    OLD = timedelta(minutes=5)

    component = models.CharField(max_length=100, unique=True)
    status = models.CharField(max_length=8, choices=Status)
    detail = models.TextField(blank=True)
    latency_ms = models.FloatField("latency (ms)")
    checked_at = models.DateTimeField()
    since = models.DateTimeField(help_text="When this status began.")
    last_good_at = models.DateTimeField(null=True, help_text="When it was last healthy.")

    class Meta:
        db_table = "system_health"
        verbose_name_plural = "system health"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["healthy", "degraded", "down"]), name="health_status_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component}: {self.status}"

    def is_old(self, now: datetime) -> bool:
        """Nobody has asked for so long that the answer says nothing about now."""
        return now - self.checked_at > self.OLD


class Alert(models.Model):
    """Something that is wrong, from when it was found until it was over. Written by monitoring.alerts alone."""

    class State(models.TextChoices):
        OPEN = "open"
        ACKNOWLEDGED = "acknowledged"  # somebody knows; no more reminders
        RESOLVED = "resolved"

    class Severity(models.TextChoices):
        NOTICE = "notice"  # shown and logged; nobody is called
        WARNING = "warning"
        CRITICAL = "critical"

    LIVE = frozenset({State.OPEN, State.ACKNOWLEDGED})

    rule = models.CharField(max_length=50)
    subject = models.CharField(max_length=150, help_text="Which job, process, source or part.")
    severity = models.CharField(max_length=8, choices=Severity)
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    says = models.TextField()
    # Their constraints are in SQL, for ON DELETE: cleanup_old_data() does not ask Django.
    cause = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="effects", db_constraint=False
    )
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    seen_count = models.PositiveIntegerField(default=1)
    announced_at = models.DateTimeField(null=True, blank=True, help_text="When people were told first.")
    reminders = models.PositiveSmallIntegerField(default=0)
    is_flapping = models.BooleanField(default=False, help_text="Came and went too often to tell each time.")
    silenced_until = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True, default="")
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "alerts"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="resolved", resolved_at__isnull=False)
                | Q(state__in=["open", "acknowledged"], resolved_at__isnull=True),
                name="alert_is_live_or_resolved",
            ),
            models.UniqueConstraint(
                fields=["rule", "subject"],
                condition=Q(state__in=["open", "acknowledged"]),
                name="one_live_alert_per_rule_and_subject",
            ),
        ]
        indexes = [
            models.Index(fields=["-opened_at"], name="alert_by_time"),
            models.Index(fields=["rule", "subject", "-opened_at"], name="alert_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.subject}: {self.state}"


class AlertMessage(models.Model):
    """The outbox: what is to be told about an alert, by one channel. Sent at least once."""

    class Kind(models.TextChoices):
        OPENED = "opened"
        REMINDER = "reminder"
        FLAPPING = "flapping"
        RESOLVED = "resolved"

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="messages", db_constraint=False)
    kind = models.CharField(max_length=8, choices=Kind)
    channel = models.CharField(max_length=10)
    text = models.TextField()
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="Not before; a claim moves it.")
    tries = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="")

    class Meta:
        db_table = "alert_messages"
        verbose_name = "message"
        indexes = [models.Index(fields=["due_at"], condition=Q(sent_at__isnull=True), name="message_to_send")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel}"


class Retention(models.Model):
    """How long rows of a table are kept; read by cleanup_old_data(). Migrations add the rows."""

    table_name = models.CharField(max_length=63)
    time_column = models.CharField(max_length=63)
    condition = models.TextField(db_default="true", help_text="SQL: which rows of the table.")
    keep = models.DurationField(help_text="In days, such as '90 00:00:00'.")

    class Meta:
        db_table = "retention"
        verbose_name_plural = "retention"
        constraints = [
            models.UniqueConstraint(fields=["table_name", "condition"], name="one_retention_per_table_and_condition"),
        ]

    def __str__(self) -> str:
        return f"{self.table_name}: {self.keep.days} days"
