"""How far is a job? What a handler is given, what it may raise, and work without a queue."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from django.db import transaction

Counts = Mapping[str, Any]
OnProgress = Callable[[str, int, str], None]  # phase, percent, message


class Permanent(Exception):
    """No retry would help: the job fails at once."""


class Snooze(Exception):
    """Not now; try again later. Costs no attempt."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds


class LeaseLost(Exception):
    """Another worker has this job now: nothing of this step was written."""


class Cancelled(Exception):
    """An operator cancelled this job: nothing of this step was written."""


class Work(Protocol):
    """What a handler is given: which job, what is remembered of it, and the one way to write."""

    @property
    def job(self) -> int: ...

    @property
    def run(self) -> int | None: ...

    @property
    def state(self) -> Mapping[str, Any]:
        """What the checkpoints so far remembered; a retry resumes there."""

    def checkpoint(self, phase: str, percent: int, message: str = "", **state: Any) -> AbstractContextManager[None]:
        """One transaction round the writes in its body; at its end the lease is checked, the state remembered.

        Raises LeaseLost or Cancelled, with nothing written.
        """

    def finish(self, **counts: Any) -> AbstractContextManager[None]:
        """A last checkpoint that also completes the job: its writes and the end of the job are one commit."""


class Unqueued:
    """Work that has no row in the queue: a command's, or a test's. Its job is number 0."""

    job = 0

    def __init__(self, *, run: int | None = None, on_progress: OnProgress | None = None, **state: Any) -> None:
        self.run = run
        self.state: Mapping[str, Any] = state
        self.counts: Counts = {}
        self.on_progress = on_progress

    @contextmanager
    def checkpoint(self, phase: str, percent: int, message: str = "", **state: Any) -> Iterator[None]:
        with transaction.atomic():
            yield
        self.state = {**self.state, **state}
        if self.on_progress:
            self.on_progress(phase, percent, message)

    @contextmanager
    def finish(self, **counts: Any) -> Iterator[None]:
        with self.checkpoint("completed", 100):
            yield
        self.counts = counts
