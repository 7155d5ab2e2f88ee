"""`make serve` as an operator has it, and the three places where he looks: the desk, health, alerts."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import unescape
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from honcho.environ import parse_procfile

from monitoring.models import Alert

PATIENCE_SECONDS = 120.0
TOKEN = {"Authorization": "Bearer drill-token"}


class House:
    """All processes of the Procfile, one of which may be killed and started again."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, "PORT": str(self.port), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self.log = (settings.DATA_DIR / "serve.log").open("w")
        self.serve = self._start(f"exec {sys.executable} -m mysetlist.serve")
        self.others: list[subprocess.Popen[bytes]] = []
        self.session = requests.Session()

    def _start(self, command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            shell=True,
            cwd=settings.BASE_DIR,
            env=self.env,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def kill(self, line: str) -> None:
        """One line of the Procfile with its whole tree, without a word of warning."""
        for pid in [
            *_below(self.serve.pid),
            *(pid for other in self.others for pid in [other.pid, *_below(other.pid)]),
        ]:
            with suppress(OSError):
                if f" {line}" in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode():
                    os.kill(pid, signal.SIGKILL)

    def start(self, line: str) -> None:
        procfile = parse_procfile((settings.BASE_DIR / "Procfile").read_text())
        self.others.append(self._start(f"exec {procfile.processes[line]}"))

    def sign_in(self) -> None:
        wait(lambda: requests.get(f"{self.url}/readyz", timeout=5).ok, "the website")
        where = f"{self.url}/admin/login/"
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.session.get(where, timeout=10).text)
        assert token
        password = (settings.DATA_DIR / "demo_password").read_text().strip()
        form = {"username": "demo", "password": password, "csrfmiddlewaretoken": token[1], "next": "/admin/"}
        assert self.session.post(where, form, headers={"Referer": where}, timeout=10).url.endswith("/admin/")

    def desk(self) -> str:
        """What is to be read there."""
        page = self.session.get(f"{self.url}/admin/", timeout=20).text
        return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))

    def health(self) -> str:
        """What is not well, and what the check of the schedules says."""
        checks = requests.get(f"{self.url}/api/health/", headers=TOKEN, timeout=10).json()["checks"]
        told = [(name, part) for name, parts in checks.items() for part in parts]
        return "\n".join(
            f"{name}: {part['output']}" for name, part in told if part["status"] != "pass" or "schedules" in name
        )

    def alerts(self) -> str:
        return "\n".join(Alert.objects.filter(state__in=Alert.LIVE).values_list("says", flat=True))

    def end(self) -> None:
        self.serve.send_signal(signal.SIGINT)
        for other in self.others:
            other.terminate()
        for each in [self.serve, *self.others]:
            with suppress(subprocess.TimeoutExpired):
                each.wait(60)
            if each.poll() is None:
                each.kill()
        self.log.close()


@contextmanager
def house() -> Iterator[House]:
    made = House()
    try:
        made.sign_in()
        yield made
    finally:
        made.end()


def _below(pid: int) -> list[int]:
    """All processes that this one started, and those that they started."""
    found: list[int] = []
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *_below(int(child))]
    return found


def wait(is_so: Any, what: str, seconds: float = PATIENCE_SECONDS) -> None:
    until = time.monotonic() + seconds
    while True:
        with suppress(requests.RequestException):
            if is_so():
                return
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.5)
