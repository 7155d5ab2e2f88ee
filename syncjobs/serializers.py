"""Runs and queue jobs in JSON: fields alone, no logic."""

import re
from typing import Any

from rest_framework import serializers

from monitoring.models import CronLog
from mysetlist.schema import ProblemSerializer
from syncjobs.clients import spotify_records, ticketmaster_records
from syncjobs.clients.parsing import MBID
from syncjobs.models import JobEvent, QueueJob

Fields = serializers.Serializer[Any]


class RunRequestSerializer(Fields):
    slot = serializers.CharField(
        required=False, max_length=64, help_text='The moment that this run is for, with its zone, or "latest".'
    )


class RunSerializer(Fields):
    id = serializers.IntegerField(source="pk")
    url = serializers.CharField(help_text="Ask here how it goes on.")
    job = serializers.CharField(source="job_name")
    status = serializers.ChoiceField(CronLog.Status.values)
    trigger = serializers.ChoiceField(CronLog.Trigger.values)
    asked_by = serializers.CharField(allow_blank=True, help_text="The name of the token or of the member of staff.")
    schedule = serializers.CharField(allow_blank=True, help_text="Whose slot it is.")
    slot = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(help_text="While it is queued: since when.")
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.IntegerField(source="execution_time_ms", allow_null=True)
    result = serializers.JSONField(help_text="What the job counted; null until its end.")
    error = serializers.CharField(source="error_message", allow_blank=True)
    notice = serializers.CharField(required=False, help_text="Why it will not start now.")


class OverlapSerializer(ProblemSerializer):
    run = serializers.CharField(help_text="The run that is under way: ask there how it goes on.")
    skipped = serializers.CharField(help_text="The record that this call was skipped.")


class ImportRequestSerializer(Fields):
    """Exactly one of these."""

    ticketmaster_id = serializers.RegexField(
        f"^{ticketmaster_records.ID.pattern}$", required=False, help_text="Of the attraction."
    )
    mbid = serializers.RegexField(
        re.compile(f"^{MBID.pattern}$", re.IGNORECASE), required=False, help_text="The MusicBrainz id."
    )
    spotify_id = serializers.RegexField(
        f"^{spotify_records.ID.pattern}$", required=False, help_text="22 letters and digits."
    )
    name = serializers.CharField(required=False, max_length=255, help_text="Exactly as the artist is called.")


class ChildrenSerializer(Fields):
    total = serializers.IntegerField()
    live = serializers.IntegerField(help_text="Not final.")
    cancelled = serializers.IntegerField()
    completed = serializers.IntegerField()
    dead = serializers.IntegerField()
    failed = serializers.IntegerField()


class JobSerializer(serializers.ModelSerializer[QueueJob]):
    id = serializers.IntegerField(source="pk")
    job = serializers.CharField(source="job_name")
    queue = serializers.CharField(source="queue_name")
    arguments = serializers.JSONField(source="job_data")
    status = serializers.ChoiceField(QueueJob.Status.values)
    priority = serializers.ChoiceField(QueueJob.Priority.values, help_text="Lower first.")
    percent = serializers.IntegerField(min_value=0, max_value=100)
    attempts = serializers.IntegerField()
    max_attempts = serializers.IntegerField()
    result = serializers.JSONField(help_text="What it counted; null until its end.")
    error = serializers.CharField(source="last_error", allow_blank=True)

    class Meta:
        model = QueueJob
        fields: tuple[str, ...] = (
            *("id", "job", "queue", "arguments", "status", "priority", "phase", "percent", "message"),
            *("attempts", "max_attempts", "run_at", "created_at", "started_at", "finished_at", "result", "error"),
        )
        read_only_fields = fields


class JobStateSerializer(JobSerializer):
    """A queue job with what it belongs to."""

    url = serializers.CharField(help_text="Ask here how it goes on.")
    events = serializers.CharField(help_text="Its events as they come.")
    run = serializers.CharField(allow_null=True)
    parent = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    children = ChildrenSerializer()
    notice = serializers.CharField(required=False, help_text="Why it will not start now.")

    class Meta(JobSerializer.Meta):
        fields: tuple[str, ...] = (*JobSerializer.Meta.fields, "url", "events", "run", "parent", "children", "notice")


class JobEventSerializer(Fields):
    """The `data` of an event; its `id` is `seq`."""

    seq = serializers.IntegerField()
    kind = serializers.ChoiceField(JobEvent.Kind.values)
    phase = serializers.CharField(allow_blank=True)
    percent = serializers.IntegerField()
    message = serializers.CharField(allow_blank=True)
    attempt = serializers.IntegerField()
    worker = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
