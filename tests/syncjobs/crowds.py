"""Many callers at the same moment: of one key, of commits and rollbacks, of the shared gate."""

import json
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from syncjobs.queue import enqueue
from tests.monitoring.runs import at_once

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 600.0  # a thousand rounds of many callers


def with_one_key(job: str, *, callers: int, rounds: int) -> list[list[int]]:
    """What each caller is given, round after round, when all ask for the same key at once."""
    gate = threading.Barrier(callers)

    def call() -> list[int]:
        made = []
        for number in range(rounds):
            gate.wait(PATIENCE_SECONDS)
            made.append(enqueue(job, dedup_key=f"key {number}").pk)
        return made

    answers = at_once(*[call] * callers, patience=PATIENCE_SECONDS)
    for answer in answers:
        if not isinstance(answer, list):
            raise RuntimeError(f"A caller failed: {answer!r}")
    return answers


def committed_of_mixed(job: str, *, callers: int, each: int) -> set[str]:
    """The keys that were committed, when so many callers commit and roll back by turns."""

    def call(caller: int) -> None:
        for number in range(each):
            with transaction.atomic():
                enqueue(job, dedup_key=f"{caller}/{number}")
                transaction.set_rollback(number % 2 == 1)

    answers = at_once(*[lambda n=n: call(n) for n in range(callers)], patience=PATIENCE_SECONDS)
    if answers != [None] * callers:
        raise RuntimeError(f"A caller failed: {answers}")
    return {f"{caller}/{number}" for caller in range(callers) for number in range(0, each, 2)}


class Crowd:
    """Processes that ask the shared gate at once."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.stack = ExitStack()

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def ask(self, per_second: float, seconds: float, per_day: int = 100_000) -> list[list[tuple[str, float]]]:
        """What became of each question of each process, and when it was answered (seconds since 1970)."""
        started = [self._start(str(per_second), str(per_day), str(seconds)) for _ in range(self.processes)]
        for process in started:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        return [
            [(word, at) for word, at in json.loads(process.stdout.readline())] for process in started if process.stdout
        ]

    def _start(self, *arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.syncjobs.gate_process", connection.settings_dict["NAME"], *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE},
        )
        self.stack.callback(process.communicate)
        self.stack.callback(process.kill)
        return process
