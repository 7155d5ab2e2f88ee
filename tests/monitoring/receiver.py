"""A real HTTP receiver on loopback: it answers as told, and remembers what it heard."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.heard: list[dict[str, Any]] = []  # what it took of JSON
        self.keys: list[str] = []
        self.paths: list[str] = []
        self.status = 200
        self.url = ""


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that listens for as long as the block lasts."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.bodies.append(body)
            if kept.status < 300 and self.headers["Content-Type"].startswith("application/json"):
                kept.heard.append(json.loads(body))
                kept.keys.append(self.headers["Idempotency-Key"])
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            kept.paths.append(self.path)
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
