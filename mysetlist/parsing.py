"""Bodies: JSON of a size that makes sense."""

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from mysetlist.problems import TooLarge

LARGEST = 64 * 1024  # bytes; DRF itself reads any number


class BoundedJSONParser(JSONParser):
    """JSON that is neither too large nor too deep."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body = stream.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise TooLarge(f"The body is too large: at most {LARGEST:,} bytes.")
        try:
            return super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError as problem:
            raise ParseError("The body is nested too deeply.") from problem
