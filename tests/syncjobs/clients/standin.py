"""A source that says what it is told to say, and a gate that listens."""

import json
from typing import Any

from syncjobs.clients.gate import Outcome
from tests.standin.server import PAYLOADS, Asked, Reply, Server

SECRET = "s3cr3t-k3y-0123456789"


def load(name: str) -> Any:
    """Return the body of a recorded answer, fresh, such as spotify/artist."""
    recorded = json.loads((PAYLOADS / f"{name}.json").read_text())
    return recorded["body"] if isinstance(recorded, dict) and "request" in recorded else recorded


class Standin(Server):
    """Answers with the given replies, in order, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(self.next_reply)
        self.replies: list[Reply] = []
        self.asked: list[Asked] = []

    def says(self, *replies: Reply) -> None:
        """Answer with these from now on."""
        self.replies = list(replies)
        self.asked.clear()

    def next_reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self.replies.pop(0) if self.replies else Reply(status=599)


class Scribe:
    """A gate that stands open and writes down what it hears."""

    def __init__(self) -> None:
        self.acquired: list[str] = []
        self.outcomes: list[Outcome] = []

    def acquire(self, source: str) -> None:
        self.acquired.append(source)

    def record(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
