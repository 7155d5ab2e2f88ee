"""What of Celery we do not use: waits, canvas and limits that live in a worker's memory or a broker's message."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("mysetlist", "monitoring", "trending", "syncjobs")
# The wait is `run_at`, the family is `parent`, the limit a row of the source: all in the ledger.
FORBIDDEN_ARGUMENTS = {"countdown", "eta", "rate_limit", "autoretry_for", "link", "chord"}
FORBIDDEN_NAMES = {"chord", "group", "chain", "chunks", "canvas", "Signature", "signature", "rate_limit"}
PUBLISHERS = {"delay", "apply_async", "send_task"}


def violations(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.keyword(arg=str(name)) if name in FORBIDDEN_ARGUMENTS:
                yield f"{name}="
            case ast.ImportFrom(module=str(module), names=names) if module.partition(".")[0] == "celery":
                yield from (f"from {module} import {each.name}" for each in names if each.name in FORBIDDEN_NAMES)
                if "canvas" in module:
                    yield module
            case ast.Call(func=ast.Attribute(attr="retry", value=ast.Name(id="self"))):
                yield "self.retry()"


def publishes(source: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PUBLISHERS
        for node in ast.walk(ast.parse(source))
    )


def modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize(
    "source",
    [
        "task.apply_async(countdown=5)",
        "task.apply_async(eta=soon)",
        "@shared_task(rate_limit='5/s')\ndef task(): ...",
        "@shared_task(autoretry_for=(Exception,))\ndef task(): ...",
        "from celery import chord",
        "from celery.canvas import x",
        "self.retry()",
    ],
)
def test_the_rule_sees_what_it_forbids(source: str) -> None:
    assert list(violations(source))


def test_no_module_uses_what_is_forbidden() -> None:
    found = {str(path.relative_to(ROOT)): list(violations(path.read_text())) for path in modules()}
    assert len(found) > 50
    assert {path: what for path, what in found.items() if what} == {}


def test_the_relay_alone_talks_to_the_broker() -> None:
    assert [path.name for path in modules() if publishes(path.read_text())] == ["relay.py"]


def test_no_setting_limits_rates_or_schedules() -> None:
    assert not hasattr(settings, "CELERY_TASK_ANNOTATIONS")
    assert not hasattr(settings, "CELERY_BEAT_SCHEDULE")
