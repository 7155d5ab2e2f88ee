"""A long quiet day, in short."""

import os
import statistics
import time
from contextlib import suppress
from pathlib import Path

from syncjobs.queue import enqueue_many
from tests.chaos.ground import Ground, Toll, figures, unmet
from tests.chaos.workers import WORKER, numbers
from tests.syncjobs.toll import lost_and_doubled

EVERY_SECONDS = 0.5
AT_ONCE = 25  # fifty a second
DEAD_ROWS = 20_000  # of all tables of the queue together: some hundred seconds' worth, then autovacuum comes by
DEAD = "SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE relname IN ('queue_jobs', 'job_events', 'q_jobs')"
WAITED = (
    "SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - created_at)) FROM queue_jobs"
)


def r28(ground: Ground, size: float) -> Toll:
    """Fifty jobs a second, two minutes long (--soak 1800: thirty): nothing grows."""
    seconds = float(os.environ["TEST_SOAK_SECONDS"]) * size
    ground.relay()
    worker = ground.start(*WORKER)
    enqueue_many("apply", [{}] * 400)  # what each process imports at its first job is no growth
    ground.wait_for_all()
    warm = max(numbers())
    began, sizes, dead = time.monotonic(), list[int](), 0
    for number in range(round(seconds / EVERY_SECONDS)):
        enqueue_many("apply", [{}] * AT_ONCE)
        sizes.append(memory(worker.popen.pid))
        dead = max(dead, int(figures(DEAD)[0] or 0))
        time.sleep(max(began + (number + 1) * EVERY_SECONDS - time.monotonic(), 0))
    rate = len(sizes) * AT_ONCE / (time.monotonic() - began)
    ground.wait_for_all()
    lost, twice = lost_and_doubled(numbers())
    waited = float(figures(f"{WAITED} WHERE id > {warm}")[0])
    quarter = max(len(sizes) // 4, 1)
    early, late = (statistics.median(some) for some in (sizes[quarter : 2 * quarter] or sizes, sizes[-quarter:]))
    growth = late / early - 1
    return Toll(
        killed=f"nothing, {seconds:.0f} s",
        jobs=len(numbers()),
        lost=lost,
        twice=twice,
        remark=f"{rate:.0f} jobs/s; wait p99 {waited * 1000:.0f} ms; worker {early / 1024:.0f} MB in the second quarter,"
        f" {late / 1024:.0f} in the last ({growth:+.1%}); {dead:,} dead rows at most",
        missed=unmet(
            {
                "wait p99 within 1 s": waited <= 1,
                "memory grows by less than 5 %": growth < 0.05,
                f"at most {DEAD_ROWS:,} dead rows": dead <= DEAD_ROWS,
            }
        ),
    )


def memory(parent: int) -> int:
    """What a worker and its processes have together, in kB."""
    kilobytes = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            if status.parent.name == str(parent) or lines.get("PPid") == str(parent):
                kilobytes += int(lines.get("VmRSS", "0").split()[0])
    return kilobytes
