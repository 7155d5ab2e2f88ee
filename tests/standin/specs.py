"""Is a question one that the published description of its source knows? (payloads/specs.json)"""

import json
import re
from functools import cache
from typing import Any

from tests.standin.server import PAYLOADS, Asked


def problems(source: str, asked: Asked) -> list[str]:
    """Return what the description of the source would say against this request."""
    spec: Any = _specs()[source]
    path = asked.path.removeprefix(spec["base"]).removesuffix(".json")
    if path == asked.path or asked.method != "GET":
        return [f"{asked.method} {asked.path} is not under {spec['base']}"]
    templates = [name for name in spec["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", name), path)]
    if not templates:
        return [f"{path} is no path"]
    # Of /artists/search and /artists/{id} the plain one is meant.
    known = spec["paths"][min(templates, key=lambda name: name.count("{"))]
    sent = {name: value for name, value in asked.query.items() if name != spec["key"]}
    return [f"{name}={value}" for name, value in sent.items() if not re.fullmatch(known.get(name, "$^"), value)]


@cache
def _specs() -> Any:
    return json.loads((PAYLOADS / "specs.json").read_text())
