"""Many who enqueue at once, and what is urgent among what is not."""

from syncjobs.models import QueueJob
from syncjobs.queue import enqueue_many
from tests.chaos.ground import Ground, Toll, figures, unmet
from tests.chaos.workers import WORKER, numbers
from tests.syncjobs.crowds import committed_of_mixed, with_one_key
from tests.syncjobs.toll import before_the_last, done, lost_and_doubled, rows

DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
URGENT, IDLE = QueueJob.Priority.HIGH, QueueJob.Priority.LOW
PLACES = 8


def r10(ground: Ground, size: float) -> Toll:
    """Commits and rollbacks by turns: what was committed is done, and nothing else."""
    callers, each = 8, max(int(2500 * size), 2) // 2 * 2
    ground.relay()
    ground.start(*WORKER)
    committed = committed_of_mixed("note", callers=callers, each=each)
    ground.wait_for_all()
    published = set(QueueJob.objects.exclude(started_at=None).values_list("dedup_key", flat=True))
    effects, jobs = figures("SELECT count(*), count(DISTINCT job) FROM effects")
    return Toll(
        killed=f"{callers * each // 2} transactions",
        jobs=len(committed),
        lost=len(committed) - jobs,
        twice=effects - jobs,
        remark=f"{len(published)} begun of {len(committed)} committed",
        missed=unmet({"begun = committed": published == committed}),
    )


def r11(ground: Ground, size: float) -> Toll:
    """Sixty-four callers of one key at once, a thousand times."""
    callers, rounds = 64, max(int(1000 * size), 1)
    (before,) = figures(DEADLOCKS)
    answers = with_one_key("note", callers=callers, rounds=rounds)
    (after,) = figures(DEADLOCKS)
    jobs = len(numbers())
    disagreed = sum(len(set(given)) - 1 for given in zip(*answers, strict=True))
    return Toll(
        killed="nothing",
        jobs=callers * rounds,
        lost=max(rounds - jobs, 0),
        twice=max(jobs - rounds, 0) + disagreed,
        remark=f"{jobs} jobs of {rounds} keys, {after - before} deadlocks",
        missed=unmet({"0 deadlocks": after == before}),
    )


def r13(ground: Ground, size: float) -> Toll:
    """What is urgent overtakes thousands that wait."""
    idle, urgent = int(5000 * size), int(100 * size)
    enqueue_many("apply", [{}] * idle, priority=IDLE)
    ground.relay()
    ground.start(*WORKER)
    ground.wait(lambda: done() >= idle // 10, "the first")
    enqueue_many("apply", [{}] * urgent, priority=URGENT)
    (arrived,) = rows("SELECT clock_timestamp()")[0]
    ground.wait_for_all()
    before = before_the_last(URGENT, IDLE, arrived)
    lost, twice = lost_and_doubled(numbers())
    return Toll(
        killed="nothing",
        jobs=idle + urgent,
        lost=lost,
        twice=twice,
        remark=f"{before} of {idle} went before the last of {urgent} urgent ones",
        missed=unmet({f"at most {2 * PLACES}": before <= 2 * PLACES}),
    )
