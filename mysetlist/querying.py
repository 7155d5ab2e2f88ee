"""Parameters of a query: what is unknown, given twice or cannot be is an error that names it."""

from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from mysetlist.problems import BadParameters

WORDS = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"  # something to read, no control characters


class Parameters(serializers.Serializer[Any]):
    """What may stand behind the question mark; a subclass lists the fields."""


def read_parameters(parameters: type[Parameters], query: QueryDict) -> dict[str, Any]:
    """The values, checked. Raises BadParameters, which names every one that is wrong."""
    asked = parameters(data=query.dict())
    errors: dict[str, Any] = {} if asked.is_valid() else dict(asked.errors)
    for name, values in query.lists():
        if name not in asked.fields:
            known = ", ".join(asked.fields) or "none"
            errors[name] = [f"There is no such parameter here; known: {known}."]
        elif len(values) > 1:
            errors[name] = ["Given more than once."]
    if errors:
        raise BadParameters(errors)
    return dict(asked.validated_data)
