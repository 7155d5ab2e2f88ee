"""Workers, relays, brokers and the database are killed while they work."""

import signal
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connection

from syncjobs.models import QueueJob
from syncjobs.queue import enqueue, enqueue_many
from tests.chaos.ground import Ground, Toll, crash_database, figures, not_completed, stop_database, taken_back, unmet
from tests.syncjobs.stage import eventually
from tests.syncjobs.toll import done, lost_and_doubled, rows

PAUSE_SECONDS = 0.005  # within a job, for kills to strike
WORKER = ("worker", "4")
IN_HAND = 16  # jobs that may be done between a look and a strike


def numbers() -> list[int]:
    return list(QueueJob.objects.order_by("pk").values_list("pk", flat=True))


def killed(
    ground: Ground, *, jobs: int, kills: int, within: float, strike: Callable[[int], str] = lambda number: ""
) -> Toll:
    """Two workers at work at many jobs; again and again one is killed with its whole tree, or more than that."""
    began = time.monotonic()
    enqueue_many("apply", [{"pause": PAUSE_SECONDS}] * (jobs // 2))
    enqueue_many("apply_plainly", [{"pause": PAUSE_SECONDS}] * (jobs - jobs // 2))
    expected, struck = numbers(), []
    ground.relay()
    workers = [ground.start(*WORKER) for _ in range(2)]
    for number in range(kills):
        ground.wait_for_work(max(jobs // (kills + 2), 1))
        workers[number % 2] = ground.replace(workers[number % 2], *WORKER)
        struck += filter(None, [strike(number)])
    ground.wait_for_all()
    took = time.monotonic() - began
    lost, twice = lost_and_doubled(expected)
    return Toll(
        killed=f"{kills} workers" + (f", {len(struck)} × {struck[0]}" if struck else ""),
        jobs=jobs,
        lost=lost,
        twice=twice,
        remark=f"{taken_back()} taken back",
        missed=unmet({f"within {within:.0f} s": took <= within}),
    )


def r1(ground: Ground, size: float) -> Toll:
    """Two workers at work; five times one is killed with its whole tree."""
    return killed(ground, jobs=int(2000 * size), kills=5, within=60)


def r2(ground: Ground, size: float) -> Toll:
    """Twenty workers killed, and every fourth time the broker or the database with them."""
    return killed(
        ground,
        jobs=int(10_000 * size),
        kills=20,
        within=180,
        strike=lambda number: ground.kill_broker() if number % 4 == 3 else "",
    )


def r3(ground: Ground, size: float) -> Toll:
    """Relays killed at each step of publishing."""
    times, steps = max(int(50 * size), 1), ("after-select", "after-commit", "mid-batch", "after-send")
    enqueue_many("apply", [{}] * 200)
    expected = numbers()
    for step in steps:
        relays = ground.relay(step, str(times))
        while relays.popen.poll() is None:
            QueueJob.objects.update(published_at=None)  # as when its message was taken for lost
            time.sleep(0.02)
        if relays.popen.returncode:
            raise RuntimeError(relays.said())
    sent = ground.messages()
    (published,) = figures("SELECT sum(publish_count) FROM queue_jobs")
    ground.relay()
    ground.start(*WORKER)
    ground.wait_for_all()
    lost, twice = lost_and_doubled(expected)
    return Toll(
        killed=f"{4 * times} relays",
        jobs=200,
        lost=lost,
        twice=twice,
        remark=f"{sent} messages, {published} written down",
        missed=unmet({"at most one message a kill that nobody wrote down": sent - published <= 4 * times}),
    )


def r4(ground: Ground, size: float) -> Toll:
    """Frozen past their lease, thawed when others have done their jobs."""
    rounds = max(int(10 * size), 1)
    ground.relay()
    for number in range(1, rounds + 1):
        frozen = ground.worker(4)
        enqueue_many("apply_slowly", [{"seconds": 0.5}] * 4)
        ground.wait(lambda n=number: _begun() == 4 * n, "the first attempt")
        frozen.signal(signal.SIGSTOP)
        ground.wait(lambda n=number: QueueJob.objects.filter(lost_count__gte=1).count() == 4 * n, "the rescue")
        other = ground.worker(4)
        ground.wait_for_all()
        frozen.signal(signal.SIGCONT)
        eventually(lambda process=frozen: process.said().count("no longer this worker's") >= 4, "the fence")
        frozen.kill()
        other.kill()
    twice = figures("SELECT count(*) - count(DISTINCT job) FROM effects WHERE what = 'second'")[0]
    return Toll(killed=f"{rounds} workers frozen", jobs=4 * rounds, lost=not_completed(4 * rounds), twice=twice)


def _begun() -> int:
    """First attempts that have begun: a job that was taken back begins twice."""
    return int(figures("SELECT count(DISTINCT job) FROM effects WHERE what = 'begun'")[0])


def r5(ground: Ground, size: float) -> Toll:
    """Killed inside the finishing transaction, and just behind it: effects and ends are one."""
    tries = max(int(1000 * size) // 3, 1) * 3
    enqueue_many("die_in_finish", [{"step": step} for step in ("before", "after", "committed")] * (tries // 3))
    ground.relay()
    ground.start("worker", "16")
    ground.wait_for_all()
    effects, jobs = figures("SELECT count(*), count(DISTINCT job) FROM effects")
    return Toll(killed=f"{tries} in their last commit", jobs=tries, lost=tries - jobs, twice=effects - jobs)


def r6(ground: Ground, size: float) -> Toll:
    """PostgreSQL loses its memory while jobs are enqueued, claimed and ended."""
    jobs, crashes, acknowledged, stop = int(3000 * size), 5, list[int](), threading.Event()
    enqueue_many("apply", [{"pause": PAUSE_SECONDS}] * (jobs // 2))
    enqueue_many("apply_plainly", [{"pause": PAUSE_SECONDS}] * (jobs - jobs // 2))
    expected, standstill = numbers(), 0.0
    callers = threading.Thread(target=_enqueue, args=(acknowledged, stop))
    callers.start()
    ground.relay()
    for _ in range(2):
        ground.start(*WORKER)
    try:
        for number in range(crashes):
            ground.wait_for_work(max(jobs // (crashes + 2), 1))
            was = done()
            _stop_somehow(number)
            standstill = max(standstill, ground.wait(lambda n=was: done() > n + IN_HAND, "work again"))
    finally:
        stop.set()
        callers.join()
    ground.wait_for_all()
    lost, twice = lost_and_doubled(expected + acknowledged)
    told = f"{len(acknowledged)} enqueued meanwhile; work again after {standstill:.1f} s at most"
    return Toll(
        killed=f"{crashes} × PostgreSQL (kill -9, immediate, fast)",
        jobs=jobs + len(acknowledged),
        lost=lost,
        twice=twice,
        remark=told,
        missed=unmet({"work again within 10 s": standstill <= 10}),
    )


def _stop_somehow(number: int) -> None:
    """By turns as a power cut, a crash and an administrator do."""
    (crash_database, stop_database, lambda: stop_database("fast"))[number % 3]()


def _enqueue(acknowledged: list[int], stop: threading.Event) -> None:
    """What was said to be in the queue must be in it, whatever happens to the database."""
    while not stop.wait(0.02):
        try:
            acknowledged.append(enqueue("apply_plainly").pk)
        except (DatabaseError, InterfaceError):
            connection.close()
    connection.close()


def r9(ground: Ground, size: float) -> Toll:
    """A job that kills its process is dead after three, and the others hardly wait for it."""
    others = max(int(3000 * size), 1000)  # fewer would tell of chance alone
    ground.relay()
    ground.start(*WORKER)
    _waits_of(ground, others // 10)  # cold
    before = _waits_of(ground, others)
    enqueue("poison", priority=1)
    beside = _waits_of(ground, others)
    ground.wait_for_all()
    usual = (before + _waits_of(ground, others)) / 2
    lost, twice = lost_and_doubled(QueueJob.objects.filter(job_name="apply").values_list("pk", flat=True))
    dead = QueueJob.objects.filter(job_name="poison", status="dead", lost_count=3).count()
    more = beside / usual - 1
    return Toll(
        killed="3 by their job",
        jobs=3 * others + others // 10,
        lost=lost + 1 - dead,
        twice=twice,
        remark=f"the others' p95 wait {usual:.1f} s without it, {beside:.1f} s beside it ({more:+.0%})",
        missed=unmet({"at most +20 %": more <= 0.2}),
    )


def _waits_of(ground: Ground, jobs: int) -> float:
    """How long 95 of 100 of so many jobs wait at most, when all are enqueued at once; they are done then."""
    after = max(numbers(), default=0)
    enqueue_many("apply", [{"pause": PAUSE_SECONDS}] * jobs)
    mine = QueueJob.objects.filter(pk__gt=after, job_name="apply")
    ground.wait(lambda: not mine.live().exists(), "the others")
    (waited,) = figures(
        "SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - created_at))"
        f" FROM queue_jobs WHERE job_name = 'apply' AND id > {after}"
    )
    return float(waited)


def r12(ground: Ground, size: float) -> Toll:
    """Parents end once, after the last of their children."""
    parents, kills = max(int(200 * size), 4), 10
    enqueue_many("fan_out", [{"child": "apply", "rows": [{}] * 50}] * parents)
    expected = numbers()
    ground.relay()
    workers = [ground.start(*WORKER) for _ in range(2)]
    for number in range(kills):
        ground.wait_for_work(parents * 51 // (kills + 2))
        workers[number % 2] = ground.replace(workers[number % 2], *WORKER)
    ground.wait_for_all()
    lost, twice = lost_and_doubled(QueueJob.objects.filter(job_name="apply").values_list("pk", flat=True))
    early = rows(
        "SELECT p.id FROM queue_jobs p JOIN queue_jobs c ON c.parent_id = p.id"
        " GROUP BY p.id HAVING count(*) <> 50 OR max(c.finished_at) > p.finished_at OR p.status <> 'completed'"
    )
    ends = figures(
        f"SELECT count(*), count(DISTINCT job_id) FROM job_events WHERE kind = 'completed' AND job_id <= {max(expected)}"
    )
    told = f"{parents} parents, {len(early)} too early"
    return Toll(
        killed=f"{kills} workers",
        jobs=parents * 51,
        lost=lost + parents - ends[1] + len(early),
        twice=twice + ends[0] - ends[1],
        remark=told,
    )
