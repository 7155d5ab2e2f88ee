"""Start imports over HTTP: whom an operator names, and what is told."""

from collections.abc import Mapping

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.clients.cleaning import clean_text
from syncjobs.imports.asking import WHO, request_import
from syncjobs.serializers import ImportRequestSerializer
from syncjobs.telling import NO_STORE, job_told

ONE = f"Give exactly one of {', '.join(WHO)}."


def start_import(request: Request) -> Response:
    """202 with the queue job; 200 with the one that imports this artist already. Raises ValidationError."""
    job = request_import(*who_is_named(request.data))
    told = job_told(job)
    return Response(told, status=202 if job.is_new else 200, headers={**NO_STORE, "Location": told["url"]})


def who_is_named(body: object) -> tuple[str, str]:
    """By what the body names an artist, and whom. Raises ValidationError, which names every field that is wrong."""
    if not isinstance(body, Mapping):
        raise ValidationError('The body must be a JSON object, such as {"name": "Madonna"}.')
    asked = ImportRequestSerializer(data=body)
    errors = {} if asked.is_valid() else dict(asked.errors)
    for unknown in body.keys() - set(WHO):
        errors[str(unknown)] = [f"There is no such field here; known: {', '.join(WHO)}."]
    named = [who for who in WHO if who in body]
    if len(named) != 1:
        errors |= {who: [*errors.get(who, []), ONE] for who in named or WHO}
    if errors:
        raise ValidationError(errors)
    (who,) = named
    value = clean_text(asked.validated_data[who])
    if not value:
        raise ValidationError({who: "There is nothing to read in it."})
    return who, value.lower() if who == "mbid" else value
