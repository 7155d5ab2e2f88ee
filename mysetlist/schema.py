"""The OpenAPI document: how views say what they take and answer, each answer with an example."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from mysetlist.examples import PROBLEMS

__all__ = ["DOCUMENT", "Answer", "AutoSchema", "reviewed", "told"]

DOCUMENT = Path(__file__).parent / "openapi.yaml"
PROBLEM_JSON = "application/problem+json"

F = TypeVar("F", bound=Callable[..., Any])


class Answer(NamedTuple):
    """One answer of a door. Without a serializer it has no body."""

    means: str
    serializer: type[serializers.Serializer[Any]] | None = None
    example: Mapping[str, Any] | None = None
    media: str = "application/json"


class ErrorSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(allow_blank=True, help_text="The parameter or field; empty: the whole.")
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="For people.")
    code = serializers.CharField(required=False, help_text="For programs.")
    errors = ErrorSerializer(many=True, required=False)  # type: ignore[assignment]


def told(
    *,
    tag: str,
    answers: Mapping[int, Answer | Sequence[Answer]],
    problems: Sequence[int] = (),
    asks: type[serializers.Serializer[Any]] | None = None,
    takes: type[serializers.Serializer[Any]] | None = None,
    sends: Mapping[str, Any] | None = None,
) -> Callable[[F], F]:
    """Document a method of a view. Every door may also answer 500 and 503."""
    responses: dict[Any, Any] = {}
    for code, given in answers.items():
        for answer in [given] if isinstance(given, Answer) else given:
            responses[(code, answer.media) if answer.serializer else code] = _response(answer)
    for code in sorted({*problems, 406, 500, 503} - {*answers}):
        problem = Answer(PROBLEMS[code]["title"], ProblemSerializer, PROBLEMS[code], PROBLEM_JSON)
        responses[code, problem.media] = _response(problem)
    return extend_schema(
        tags=[tag],
        parameters=[asks] if asks and asks().fields else [],
        request=takes,
        responses=responses,
        examples=[OpenApiExample("Example", sends, request_only=True)] if sends else [],
    )


def _response(answer: Answer) -> OpenApiResponse:
    examples = [OpenApiExample("Example", answer.example, media_type=answer.media)] if answer.example else []
    return OpenApiResponse(answer.serializer, description=answer.means, examples=examples)


class OperatorScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "mysetlist.rights.OperatorToken"
    name = "operatorToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token of CRON_TOKENS, or CRON_SECRET."}


class FanScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "mysetlist.rights.FanToken"
    name = "fanToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token <key>`"}


@cache
def reviewed() -> Any:
    """The document as it was reviewed and checked in; what we serve."""
    return yaml.safe_load(DOCUMENT.read_text())
