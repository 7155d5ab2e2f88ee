"""The tests by their names in the design: how each is run, and on which brokers."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos import callers, crashes, faults, machine, schedules, slots, soak, sources, streams, workers
from tests.chaos.ground import Ground, Toll

BOTH = ("pgmq", "redis")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One test."""

    run: Callable[[Ground, float], Toll]
    brokers: tuple[str, ...] = ("pgmq",)
    places: int = 8  # jobs at work at once
    asks_broker: bool = True  # there is one in it

    @property
    def says(self) -> str:
        """What it is, in half a line."""
        return (self.run.__doc__ or "").splitlines()[0].rstrip(".")

    @property
    def on(self) -> str:
        return ", ".join(self.brokers) if self.asks_broker else "no broker"


ALL: dict[str, Scenario] = {
    "R1": Scenario(run=workers.r1, brokers=BOTH),
    "R2": Scenario(run=workers.r2, brokers=BOTH),
    "R3": Scenario(run=workers.r3, brokers=BOTH),
    "R4": Scenario(run=workers.r4, brokers=BOTH),
    "R5": Scenario(run=workers.r5, places=16),
    "R6": Scenario(run=workers.r6, brokers=BOTH),
    "R7": Scenario(run=faults.r7, brokers=("redis",)),
    "R8": Scenario(run=faults.r8, brokers=("redis",)),
    "R9": Scenario(run=workers.r9),
    "R10": Scenario(run=callers.r10),
    "R11": Scenario(run=callers.r11, asks_broker=False),
    "R12": Scenario(run=workers.r12),
    "R13": Scenario(run=callers.r13),
    "R14": Scenario(run=sources.r14, asks_broker=False),
    "R15": Scenario(run=sources.r15, places=12),
    "R16": Scenario(run=sources.r16),
    "R17": Scenario(run=schedules.r17, asks_broker=False),
    "R18": Scenario(run=schedules.r18, asks_broker=False),
    "R19": Scenario(run=slots.r19),
    "R20": Scenario(run=slots.r20, asks_broker=False),
    "R21": Scenario(run=faults.r21),
    "R23": Scenario(run=crashes.r23, asks_broker=False),
    "R24": Scenario(run=schedules.r24, asks_broker=False),
    "R25": Scenario(run=streams.r25),
    "R28": Scenario(run=soak.r28, brokers=BOTH),
    "R30": Scenario(run=machine.r30, asks_broker=False),
}
