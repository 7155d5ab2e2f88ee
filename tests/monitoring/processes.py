"""Real processes for tests: started, spoken to, stopped, killed, never left behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30


class Process:
    """manage.py with a command, on the test database."""

    def __init__(self, *arguments: str, lease_seconds: float) -> None:
        database = connection.settings_dict["NAME"]
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.monitoring.job_process", database, str(lease_seconds), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE},
        )

    def hear(self, word: str) -> "Process":
        """Wait until it says the word."""
        said = self.popen.stdout.readline() if self.popen.stdout else ""
        assert said.strip() == word, said + self.end()[2]
        return self

    def tell(self, word: str) -> "Process":
        assert self.popen.stdin
        self.popen.stdin.write(word + "\n")
        self.popen.stdin.flush()
        return self

    def signal(self, number: int) -> "Process":
        self.popen.send_signal(number)
        return self

    def end(self) -> tuple[int, str, str]:
        """Wait for its end: its exit code, stdout, stderr."""
        out, errors = self.popen.communicate(timeout=PATIENCE_SECONDS)
        return self.popen.returncode, out, errors


class Stage:
    """Where a test's processes live."""

    def __init__(self) -> None:
        self.processes: list[Process] = []

    def start(self, *arguments: str, lease_seconds: float = 60) -> Process:
        process = Process(*arguments, lease_seconds=lease_seconds)
        self.processes.append(process)
        return process

    def working(self, *arguments: str, lease_seconds: float = 60) -> Process:
        """A process whose job is at work."""
        return self.start("work", *arguments, lease_seconds=lease_seconds).hear("ready").tell("go").hear("working")


@contextmanager
def stage() -> Iterator[Stage]:
    made = Stage()
    try:
        yield made
    finally:
        for process in made.processes:
            process.popen.kill()
            process.popen.communicate()
