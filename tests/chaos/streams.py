"""Many who follow jobs as server-sent events, under the web server of the Procfile."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from honcho.environ import parse_procfile

from mysetlist.asgi import AT_WORK
from syncjobs.queue import enqueue_many
from tests.chaos.ground import Ground, Toll, unmet
from tests.chaos.workers import numbers
from tests.syncjobs.stage import ROOT, eventually
from tests.syncjobs.toll import all_done, rows

STEPS, PAUSE_SECONDS = 20, 0.1
OF_A_JOB = 4  # clients
MOST_CONNECTIONS = AT_WORK + 2  # of one web process: its requests, all its streams, and one that is just closing
LOOK_SECONDS, BLINK_SECONDS = 0.1, 0.01
CONNECTIONS = "SELECT pid FROM pg_stat_activity WHERE application_name IN ('mysetlist streams', 'chaos web')"


@dataclass
class Heard:
    """What the clients heard together."""

    events: Counter[tuple[int, int]] = field(default_factory=Counter)  # client, seq
    delays: list[float] = field(default_factory=list)
    asked: int = 0
    refused: int = 0

    def p95(self) -> float:
        return sorted(self.delays)[int(len(self.delays) * 0.95)] * 1000


@contextmanager
def web() -> Iterator[int]:
    """The port of a web process as the Procfile starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = parse_procfile((ROOT / "Procfile").read_text()).processes["web"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    names = {"DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE, "PORT": str(port), "PGAPPNAME": "chaos web"}
    server = subprocess.Popen(
        line, shell=True, cwd=ROOT, env={**os.environ, **names, "PATH": path}, start_new_session=True
    )
    try:
        eventually(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), "the server")
        yield port
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


async def follow(port: int, client: int, job: int, heard: Heard) -> None:
    """As an EventSource does, but it leaves after a few events and comes back with the last id."""
    last = ""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"GET /api/jobs/{job}/events/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        head += f"Authorization: Bearer {settings.OPERATOR_TOKEN}\r\n" + (f"Last-Event-ID: {last}\r\n" if last else "")
        writer.write(f"{head}\r\n".encode())
        heard.asked += 1
        status = int((await reader.readline()).split()[1])
        if status == 200:
            last = await _hear(reader, client, heard) or last
        writer.close()
        if status == 204:
            return
        if status == 503:
            heard.refused += 1
            await asyncio.sleep(PAUSE_SECONDS)
        elif status != 200:
            raise RuntimeError(f"status {status}")


async def _hear(reader: asyncio.StreamReader, client: int, heard: Heard) -> str:
    last, left = "", random.randint(4, 12)
    async for event in _events(reader):
        heard.events[client, event["seq"]] += 1
        heard.delays.append(time.time() - datetime.fromisoformat(event["at"]).timestamp())
        last, left = str(event["seq"]), left - 1
        if not left:
            break
    return last


async def _events(reader: asyncio.StreamReader) -> AsyncIterator[dict]:
    while line := await reader.readline():
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


def connections() -> int:
    """Those that outlast a blink: briefer ones, opening, closing or of a short request, are not told from each other."""
    before = rows(CONNECTIONS)
    time.sleep(BLINK_SECONDS)
    return len(set(before) & set(rows(CONNECTIONS)))


def r25(ground: Ground, size: float) -> Toll:
    """Two hundred clients follow fifty jobs, leave and come back: they miss nothing, and hear it at once."""
    jobs = max(int(50 * size), 2)
    enqueue_many("tell", [{"steps": STEPS, "pause": PAUSE_SECONDS}] * jobs)
    clients = [job for job in numbers() for _ in range(OF_A_JOB)]
    heard, problems, most = Heard(), list[BaseException](), 0

    async def all_follow() -> None:
        await asyncio.gather(*(follow(port, number, job, heard) for number, job in enumerate(clients)))

    def listen() -> None:
        try:
            asyncio.run(all_follow())
        except (OSError, RuntimeError, ValueError, IndexError) as problem:
            problems.append(problem)

    with web() as port:
        listener = threading.Thread(target=listen)
        listener.start()
        ground.wait(lambda: heard.asked >= len(clients), "the clients")
        ground.relay()
        ground.start("worker", "8")
        while listener.is_alive():
            most = max(most, connections())
            listener.join(LOOK_SECONDS)
    if problems:
        raise RuntimeError(f"A client failed: {problems[0]!r}")
    assert all_done()
    told = dict.fromkeys(numbers(), 0) | dict(rows("SELECT job_id, count(*) FROM job_events GROUP BY 1"))
    meant = sum(told[job] for job in clients)
    p95 = heard.p95()
    return Toll(
        killed=f"{heard.asked - len(clients)} connections",
        jobs=jobs,
        lost=meant - len(heard.events),
        twice=heard.events.total() - len(heard.events),
        remark=f"{len(clients)} clients heard {meant:,} events; p95 {p95:.0f} ms; {most} database connections",
        missed=unmet({"p95 within 500 ms": p95 <= 500, f"at most {MOST_CONNECTIONS}": most <= MOST_CONNECTIONS}),
    )
