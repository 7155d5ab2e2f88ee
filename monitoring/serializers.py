"""Health in the shape of application/health+json: fields alone, no logic."""

from typing import Any

from rest_framework import serializers

Fields = serializers.Serializer[Any]
STATUSES = ("pass", "warn", "fail")


class HealthSerializer(Fields):
    status = serializers.ChoiceField(STATUSES)


class PartSerializer(Fields):
    status = serializers.ChoiceField(STATUSES)
    output = serializers.CharField(allow_blank=True)
    observedValue = serializers.FloatField(source="latency_ms", help_text="How long the check took.")
    observedUnit = serializers.CharField(source="unit")
    time = serializers.DateTimeField(help_text="When it was checked.")
    since = serializers.DateTimeField(help_text="When this status began.")
    last_good_at = serializers.DateTimeField(allow_null=True)


class HealthReportSerializer(HealthSerializer):
    """To operators."""

    output = serializers.CharField()
    checks = serializers.DictField(child=PartSerializer(many=True))


class JobHealthSerializer(Fields):
    status = serializers.ChoiceField(("pass", "fail"))
