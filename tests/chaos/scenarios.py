"""The tests by their names in the design: how each is run, and on which brokers."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos import workers
from tests.chaos.ground import Ground, Toll

BOTH = ("pgmq", "redis")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One test."""

    run: Callable[[Ground, float], Toll]
    brokers: tuple[str, ...] = ("pgmq",)
    places: int = 8  # jobs at work at once


ALL: dict[str, Scenario] = {
    "R1": Scenario(run=workers.r1, brokers=BOTH),
    "R2": Scenario(run=workers.r2, brokers=BOTH),
    "R3": Scenario(run=workers.r3, brokers=BOTH),
    "R4": Scenario(run=workers.r4, brokers=BOTH),
    "R5": Scenario(run=workers.r5, places=16),
    "R6": Scenario(run=workers.r6, brokers=BOTH),
    "R9": Scenario(run=workers.r9),
    "R12": Scenario(run=workers.r12),
}
