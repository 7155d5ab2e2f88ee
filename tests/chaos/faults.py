"""The broker is away, or silent; clocks are wrong."""

import os
import selectors
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from statistics import quantiles

from syncjobs.queue import enqueue, enqueue_many
from tests.chaos.ground import Ground, Toll, taken_back, the_database, unmet
from tests.chaos.workers import WORKER, numbers
from tests.syncjobs.stage import Stage
from tests.syncjobs.toll import done, lost_and_doubled

CHUNK = 65_536
PAGE = 8192
APART_SECONDS = 0.03


def r7(ground: Ground, size: float) -> Toll:
    """Redis is down for a minute, and whoever enqueues must not notice."""
    assert ground.redis
    ground.relay()
    ground.start(*WORKER)
    enqueue_many("apply", [{}] * 50)
    ground.wait_for_all()
    ground.redis.kill()
    waits, syncs, until = [], [], time.monotonic() + 60 * size
    with tempfile.TemporaryFile(dir=the_database().home) as file:
        while time.monotonic() < until:
            waits.append(_seconds(lambda: enqueue("apply")))
            time.sleep(APART_SECONDS)
            # A commit is as fast as its disk: what that takes alone, in the same minute.
            syncs.append(_seconds(lambda: (os.pwrite(file.fileno(), bytes(PAGE), 0), os.fdatasync(file.fileno()))))
            time.sleep(APART_SECONDS)
    was = done()
    ground.redis.start()
    back = ground.wait(lambda: done() > was, "work after Redis is back")
    ground.wait_for_all()
    lost, twice = lost_and_doubled(numbers())
    slow, disk = (quantiles(each, n=100)[98] * 1000 for each in (waits, syncs))
    told = f"enqueue p99 {slow:.0f} ms meanwhile, of the disk alone {disk:.0f}; work again after {back:.1f} s"
    return Toll(
        killed=f"Redis, {60 * size:.0f} s",
        jobs=len(numbers()),
        lost=lost,
        twice=twice,
        remark=told,
        missed=unmet({"enqueue p99 within 50 ms of the disk's": slow <= disk + 50, "work again within 5 s": back <= 5}),
    )


def _seconds(what: Callable[[], object]) -> float:
    began = time.monotonic()
    what()
    return time.monotonic() - began


class Proxy:
    """Passes on bytes to Redis; can fall silent on all connections that it has, without closing them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"
        self.silent: set[socket.socket] = set()
        self.ends: dict[socket.socket, socket.socket] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.is_closed = False
        self.thread = threading.Thread(target=self.pass_on, daemon=True)
        self.thread.start()

    def fall_silent(self) -> None:
        self.silent |= set(self.ends)

    def pass_on(self) -> None:
        while not self.is_closed:
            for key, _ in self.selector.select(0.1):
                found = key.fileobj
                if found is self.listener:
                    self.meet()
                elif isinstance(found, socket.socket):
                    self.move(found)

    def meet(self) -> None:
        theirs, _ = self.listener.accept()
        ours = socket.create_connection(("127.0.0.1", self.port))
        for one, other in ((theirs, ours), (ours, theirs)):
            self.ends[one] = other
            self.selector.register(one, selectors.EVENT_READ)

    def move(self, end: socket.socket) -> None:
        other = self.ends[end]
        data = b""
        with suppress(OSError):
            data = end.recv(CHUNK)
        if data and end not in self.silent:
            with suppress(OSError):
                other.sendall(data)
        elif not data:
            self.selector.unregister(end)
            if end not in self.silent:
                with suppress(OSError):
                    other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.is_closed = True
        self.thread.join()
        for end in (self.listener, *self.ends):
            end.close()
        self.selector.close()


@contextmanager
def proxied(ground: Ground) -> Iterator[tuple[Proxy, Stage]]:
    assert ground.redis
    proxy, made = Proxy(ground.redis.port), Stage()
    made.redis_url = proxy.url
    try:
        yield proxy, made
    finally:
        made.end()
        proxy.close()


def r8(ground: Ground, size: float) -> Toll:
    """Connections to Redis that are half open: nothing comes, and nobody says so."""
    with proxied(ground) as (proxy, made):
        made.relay()
        made.start(*WORKER)
        enqueue_many("apply", [{}] * 50)
        ground.wait_for_all()
        proxy.fall_silent()
        was = done()
        enqueue_many("apply", [{}] * 200)
        back = ground.wait(lambda: done() > was, "work over new connections")
        ground.wait_for_all()
        lost, twice = lost_and_doubled(numbers())
    return Toll(
        killed="connections half open",
        jobs=250,
        lost=lost,
        twice=twice,
        remark=f"work again after {back:.1f} s",
        missed=unmet({"work again within 60 s": back <= 60}),
    )


def r21(ground: Ground, size: float) -> Toll:
    """Leases are the database's time, whatever the clocks of the machines say."""
    jobs = int(2000 * size)
    enqueue_many("apply", [{"pause": 0.005}] * jobs)
    try:
        for wrong, what in ((-3600, ("relay",)), (3600, WORKER), (-3600, WORKER), (5, WORKER)):
            os.environ["TEST_CLOCK"] = str(wrong)
            ground.start(*what)
    finally:
        del os.environ["TEST_CLOCK"]
    ground.wait_for_all()
    lost, twice = lost_and_doubled(numbers())
    early = taken_back()
    told = f"{early} taken back early"
    return Toll(killed="clocks: ±1 h, 5 s", jobs=jobs, lost=lost, twice=twice + early, remark=told)
