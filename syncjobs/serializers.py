"""Runs in JSON: fields alone, no logic."""

from typing import Any

from rest_framework import serializers

from monitoring.models import CronLog
from mysetlist.schema import ProblemSerializer

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
