"""Ask over HTTP: as fast as it goes, or at a pace. Bounded in time."""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

HOST = "127.0.0.1"
CONNECTIONS = 8
PACE = 100  # requests a second …
STREAMS = 4  # … over so many connections
WRK = shutil.which("wrk")
MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Seen:
    """Requests a second, and how many milliseconds they took."""

    rate: float
    p50: float
    p99: float
    errors: int = 0


def generator() -> str:
    return "wrk" if WRK else "a Python client (wrk is not installed: rates are those of the client, too)"


def flat_out(url: str, *, seconds: float, headers: Mapping[str, str] | None = None, script: Path | None = None) -> Seen:
    """As many requests as the server answers, on CONNECTIONS connections."""
    if WRK is None:
        return _flat_out_here(url, seconds=seconds, headers=headers or {})
    words = [WRK, "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--latency"]
    for name, value in (headers or {}).items():
        words += ["-H", f"{name}: {value}"]
    if script:
        words += ["-s", str(script)]
    told = subprocess.run([*words, url], capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    wrong = sum(int(number) for number in re.findall(r"Non-2xx or 3xx responses: (\d+)", told))
    wrong += sum(int(number) for number in re.findall(r"(?:connect|read|write|timeout) (\d+)", told))
    return Seen(_number(r"Requests/sec: +([\d.]+)", told), _time("50%", told), _time("99%", told), wrong)


def _number(pattern: str, told: str) -> float:
    found = re.search(pattern, told)
    if found is None:
        raise ValueError(f"wrk said something else: {told}")
    return float(found[1])


def _time(share: str, told: str) -> float:
    found = re.search(rf"{share} +([\d.]+)(us|ms|s)", told)
    return float(found[1]) * MS[found[2]] if found else float("nan")


def paced(urls: Sequence[str], *, seconds: float) -> dict[str, Seen]:
    """PACE requests a second, each in its turn; a late answer counts from when it was due."""
    taken: dict[str, list[float]] = {url: [] for url in urls}

    def stream(number: int) -> None:
        link = _Link(urls[0])
        began = time.perf_counter() + number / PACE
        for turn in range(int(seconds * PACE / STREAMS)):
            due = began + turn * STREAMS / PACE
            time.sleep(max(0.0, due - time.perf_counter()))
            url = urls[(turn + number) % len(urls)]
            link.ask(url, {})
            taken[url].append((time.perf_counter() - due) * 1000)

    _together(stream, STREAMS)
    return {url: _seen(times, seconds) for url, times in taken.items()}


def _flat_out_here(url: str, *, seconds: float, headers: Mapping[str, str]) -> Seen:
    taken: list[float] = []
    deadline = time.perf_counter() + seconds

    def stream(number: int) -> None:
        link = _Link(url)
        while (began := time.perf_counter()) < deadline:
            link.ask(url, headers)
            taken.append((time.perf_counter() - began) * 1000)

    _together(stream, CONNECTIONS)
    return _seen(taken, seconds)


def _together(stream: Callable[[int], None], how_many: int) -> None:
    threads = [threading.Thread(target=stream, args=(number,)) for number in range(how_many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _seen(taken: list[float], seconds: float) -> Seen:
    return Seen(len(taken) / seconds, median(taken), quantiles(taken, n=100)[98])


class _Link:
    """A connection that is kept, and made anew when the server lets it go."""

    def __init__(self, url: str) -> None:
        self.link = HTTPConnection(HOST, urlsplit(url).port, timeout=30)

    def ask(self, url: str, headers: Mapping[str, str]) -> None:
        try:
            self._ask(url, headers)
        except (HTTPException, ConnectionError):
            self.link.close()
            self._ask(url, headers)

    def _ask(self, url: str, headers: Mapping[str, str]) -> None:
        self.link.request("GET", urlsplit(url).path, headers=dict(headers))
        answer = self.link.getresponse()
        answer.read()
        if answer.status not in {200, 304}:
            raise HTTPException(f"{url}: {answer.status}")
