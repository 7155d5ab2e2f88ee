"""A small server on the loopback that answers as the sources do, or fails as networks do."""

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from syncjobs.clients.gate import Outcome

PAYLOADS = Path(__file__).resolve().parents[2] / "payloads"
SECRET = "s3cr3t-k3y-0123456789"


def load(name: str) -> Any:
    """Return the body of a recorded answer, fresh, such as spotify/artist."""
    recorded = json.loads((PAYLOADS / f"{name}.json").read_text())
    return recorded["body"] if isinstance(recorded, dict) and "request" in recorded else recorded


@dataclass(kw_only=True)
class Reply:
    """One answer of the stand-in. `fault`: cut, drip, silent, reset."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""

    @classmethod
    def recorded(cls, name: str) -> "Reply":
        """Return a recorded exchange as it was answered."""
        recorded = json.loads((PAYLOADS / f"{name}.json").read_text())
        if "request" not in recorded:
            return cls(body=recorded)
        return cls(body=recorded["body"], status=recorded["status"], headers=recorded["headers"])

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Standin(ThreadingHTTPServer):
    """Answers with the given replies, in order, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[Reply] = []
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def says(self, *replies: Reply) -> None:
        """Answer with these from now on."""
        self.replies = list(replies)
        self.asked.clear()


class Handler(BaseHTTPRequestHandler):
    """Answers one connection of the stand-in."""

    server: Standin
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.server.asked.append(Asked(method=self.command, path=parts.path, query=query, headers=headers, body=body))
        reply = self.server.replies.pop(0) if self.server.replies else Reply(status=599)
        getattr(self, f"send_{reply.fault or 'whole'}")(reply)

    do_GET = do_POST = answer

    def send_head(self, reply: Reply, length: int) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(length), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_whole(self, reply: Reply) -> None:
        self.send_head(reply, len(reply.content))
        self.wfile.write(reply.content)

    def send_cut(self, reply: Reply) -> None:
        self.send_head(reply, len(reply.content))
        self.wfile.write(reply.content[: len(reply.content) // 2])
        self.close_connection = True

    def send_drip(self, reply: Reply) -> None:
        self.send_head(reply, 10**6)
        self.close_connection = True
        with contextlib.suppress(OSError):
            while not self.server.over.wait(0.01):
                self.wfile.write(b" ")

    def send_silent(self, reply: Reply) -> None:
        self.server.over.wait(5)
        self.close_connection = True

    def send_reset(self, reply: Reply) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


class Scribe:
    """A gate that stands open and writes down what it hears."""

    def __init__(self) -> None:
        self.acquired: list[str] = []
        self.outcomes: list[Outcome] = []

    def acquire(self, source: str) -> None:
        self.acquired.append(source)

    def record(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
