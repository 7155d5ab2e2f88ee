"""The queue beside Procrastinate and bare Celery, in turns. Run:

    .venv/bin/python -m bench.queue [pgmq] [redis]

On an embedded cluster of its own. Jobs do nothing: what is measured is enqueuing, publishing, claiming and
finishing. All take their turn in each round, and the median of the rounds counts, so that a busy moment decides
nothing. Procrastinate knows no broker: it is on PostgreSQL beside both.
"""

import signal
import sys
from statistics import median

from bench.machine import RESULTS, load, machine
from bench.queue import bare, ours, theirs
from bench.queue.shared import APART_SECONDS, BATCH, JOBS, LATENCIES, PROCESSES, SINGLY, Figures

ROUNDS = 3
# figure: what it is, its unit, and whether more is better
LINES = {
    "singly": (f"{SINGLY:,} enqueued singly, a commit each", "/s", True),
    "batch": (f"{BATCH:,} enqueued in a batch", "/s", True),
    "jobs": (f"{JOBS:,} no-op jobs, {PROCESSES} at a time", "/s", True),
    "p50": (f"ready → start, p50 of {LATENCIES}, {APART_SECONDS * 1000:.0f} ms apart", " ms", False),
    "p95": ("ready → start, p95", " ms", False),
    "longest": ("ready → start, longest", " ms", False),
    "largest": (f"largest process of the workers after {JOBS + LATENCIES:,} jobs", " MB", False),
    "together": ("all their processes, relay included", " MB", False),
}


def main() -> None:
    from django.core.management import call_command

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no worker is left behind for the next run
    ours.set_up()
    call_command("migrate", verbosity=0)
    theirs.set_up()
    for broker in sys.argv[1:] or ["pgmq", "redis"]:
        if broker == "pgmq":
            report(broker, "")
            continue
        from tests.syncjobs.stage import real_redis

        with real_redis() as url:
            report(broker, url)


def report(broker: str, url: str) -> None:
    began = load()
    shape, tried = theirs.fastest_shape()
    rounds = [in_turn(url, shape, number) for number in range(1, ROUNDS + 1)]
    us, them, alone = (middle([each[place] for each in rounds]) for place in range(3))
    speeds = ", ".join(f"{name}: {speed:,.0f}/s" for name, speed in tried.items())
    text = "\n".join(
        [
            f"# The queue on {broker}",
            "",
            f"{machine()}; `python -m bench.queue {broker}`; {began} at first, {load()} at last.",
            f"Medians of {ROUNDS} rounds, in each round one after the other; in brackets the least and the most.",
            f"{theirs.NAME} was tried in both of its ways ({speeds}), and measured with {shape}.",
            "The ratio is ours to Procrastinate's: above 1 ours is better.",
            "",
            f"| what | MySetlist | {theirs.NAME} | ratio | bare Celery |",
            "|---|---|---|---|---|",
            *(line(key, us[key], them[key], alone.get(key)) for key in LINES),
        ]
    )
    sys.stdout.write(text + "\n")
    (RESULTS / f"queue-{broker}.md").write_text(text + "\n")


def in_turn(url: str, shape: str, number: int) -> tuple[Figures, Figures, Figures]:
    turn = ours.measure(url), theirs.measure(shape), bare.measure(url)
    for name, figures in zip(("ours", theirs.NAME, "bare Celery"), turn, strict=True):
        told = ", ".join(f"{key} {value:,.0f}" for key, value in figures.items())
        sys.stderr.write(f"round {number}, {name}: {told}; {load()}\n")
    return turn


def middle(rounds: list[Figures]) -> dict[str, list[float]]:
    """Least, median and most of each figure."""
    return {
        key: [min(values), median(values), max(values)]
        for key in rounds[0]
        if (values := [figures[key] for figures in rounds])
    }


def line(key: str, us: list[float], them: list[float], alone: list[float] | None) -> str:
    what, unit, is_more_better = LINES[key]
    ratio = us[1] / them[1] if is_more_better else them[1] / us[1]
    cells = [what, shown(us, unit), shown(them, unit), f"{ratio:.2f}", shown(alone, unit) if alone else ""]
    return f"| {' | '.join(cells)} |"


def shown(values: list[float], unit: str) -> str:
    least, middle_one, most = values
    return f"{middle_one:,.0f}{unit} ({least:,.0f} to {most:,.0f})"


if __name__ == "__main__":
    main()
