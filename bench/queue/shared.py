"""What every contestant needs: processes that end with their turn, patience, and what a process weighs."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from time import perf_counter

from bench.machine import ROOT

PROCESSES = 4
SINGLY = 1000
BATCH = 16_000
JOBS = 10_000
LATENCIES = 200
APART_SECONDS = 0.03  # so that no job waits for the one before it
PATIENCE_SECONDS = 300

Figures = dict[str, float]


@contextmanager
def running(*words: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A module as a process, killed with its children at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=ROOT, env={**os.environ, **environment}, start_new_session=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait(is_so: Callable[[], bool]) -> None:
    deadline = perf_counter() + PATIENCE_SECONDS
    while not is_so():
        if perf_counter() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def rate(count: int, work: Callable[[], object]) -> float:
    """How many a second."""
    started = perf_counter()
    work()
    return count / (perf_counter() - started)


def spread(waits: list[float]) -> Figures:
    cuts = quantiles(waits, n=20)
    return {"p50": cuts[9], "p95": cuts[18], "longest": max(waits)}


def weights(parents: Iterable[int]) -> list[int]:
    """What these processes and their children hold in memory, in MB; shared pages count for each."""
    wanted = set(parents)
    sizes = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except (FileNotFoundError, ProcessLookupError):  # it ended
            continue
        told = dict(re.findall(r"^(PPid|VmRSS):\s+(\d+)", text, re.MULTILINE))
        if {int(status.parent.name), int(told["PPid"])} & wanted:
            sizes.append(int(told.get("VmRSS", 0)) // 1024)
    return sizes
