"""A small HTTP server on the loopback: what it answers is another's business; how it fails, its own."""

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAYLOADS = Path(__file__).resolve().parents[1] / "payloads"
DRIP_SECONDS = 0.01
SLOW_PARTS = 10


@dataclass(kw_only=True)
class Reply:
    """One answer. `fault`: how it fails on its way; `seconds`: how long a slow or silent one takes."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""  # cut, drip, slow, silent, reset
    seconds: float = 5

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
    at: float = field(default_factory=time.time)


class Server(ThreadingHTTPServer):
    """Answers every request on a port of its own with what `answer` returns."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[Asked], Reply], *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.answer = answer
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Serve in a thread until the block ends."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            self.shutdown()
            thread.join()
            self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers that hang up, as they should when we are slow; anything else is our own mistake."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else head and body wait for each other, 40 ms a call

    def respond(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        asked = Asked(method=self.command, path=parts.path, query=query, headers=headers, body=body)
        reply = self.server.answer(asked)
        getattr(self, f"send_{reply.fault or 'whole'}")(reply)

    do_GET = do_POST = do_PUT = do_DELETE = respond

    def send_head(self, reply: Reply, length: int) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(length), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_whole(self, reply: Reply) -> None:
        content = reply.content
        self.send_head(reply, len(content))
        self.wfile.write(content)

    def send_cut(self, reply: Reply) -> None:
        self.send_head(reply, len(reply.content))
        self.wfile.write(reply.content[: len(reply.content) // 2])
        self.close_connection = True

    def send_slow(self, reply: Reply) -> None:
        content = reply.content
        self.send_head(reply, len(content))
        size = len(content) // SLOW_PARTS + 1
        for start in range(0, len(content), size):
            self.server.over.wait(reply.seconds / SLOW_PARTS)
            self.wfile.write(content[start : start + size])

    def send_drip(self, reply: Reply) -> None:
        self.send_head(reply, 10**6)
        self.close_connection = True
        with contextlib.suppress(OSError):
            while not self.server.over.wait(DRIP_SECONDS):
                self.wfile.write(b" ")

    def send_silent(self, reply: Reply) -> None:
        self.server.over.wait(reply.seconds)
        self.close_connection = True

    def send_reset(self, reply: Reply) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""
