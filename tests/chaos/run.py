"""Kill everything and count what was lost. `make chaos`, or:

    .venv/bin/python -m tests.chaos [--size 0.1] [--broker pgmq] [--markdown] [--soak 1800] [R1 R2 …]

Exits 1 when anything was lost, done twice, or never ended, and when a target was missed.
"""

import argparse
import os
import signal
import sys
import time
import traceback

from django.core.management import call_command
from django.db import connection
from rich.console import Console
from rich.table import Table

from tests.chaos import scenarios
from tests.chaos.ground import ask, ground
from tests.syncjobs import handlers

TOLD = ("test", "broker", "killed", "jobs", "lost", "twice", "fenced", "seconds", "measured", "missed")
HELP_COLUMNS = 8


def main() -> int:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: nothing is left behind
    os.environ["TEST_SOAK_SECONDS"] = str(asked.soak)
    prepare()
    began = time.monotonic()
    told = [
        run(name, broker, asked.size)
        for name in asked.tests or scenarios.ALL
        for broker in scenarios.ALL[name].brokers
        if broker in (asked.broker or scenarios.BOTH)
    ]
    (show_markdown if asked.markdown else show)(told)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    sys.stdout.write(
        f"{len(told)} tests at size {asked.size:g} in {minutes} min {seconds} s;"
        f" {os.cpu_count()} cores, load of the last five minutes {os.getloadavg()[1]:.1f}.\n"
    )
    return int(any(row["lost"] or row["twice"] or row["missed"] for row in told))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make chaos ARGS=",
        description="Kill everything and count what was lost.",
        epilog="\n".join(
            f"  {name:{HELP_COLUMNS}}{scenario.says} ({scenario.on})" for name, scenario in scenarios.ALL.items()
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", type=float, default=1.0, help="of all tests: 0.1 is a tenth of the jobs and kills")
    parser.add_argument("--broker", choices=["pgmq", "redis"], action="append", help="this one alone")
    parser.add_argument("--markdown", action="store_true", help="the table as a README has it")
    parser.add_argument("--soak", type=float, default=120.0, metavar="SECONDS", help="how long R28 goes on (1800)")
    parser.add_argument("tests", nargs="*", metavar="R1", help="of those below; none: all")
    asked = parser.parse_args()
    unknown = [name for name in asked.tests if name not in scenarios.ALL]
    if unknown:
        parser.error(f"there is no test {', '.join(unknown)}; known: {', '.join(scenarios.ALL)}")
    return asked


def prepare() -> None:
    call_command("migrate", verbosity=0)
    ask("DROP TABLE IF EXISTS effects")
    ask("CREATE TABLE effects (what text, job bigint, at timestamptz DEFAULT clock_timestamp())")


def run(name: str, broker: str, size: float) -> dict[str, object]:
    """One line of the table. A test that does not end has lost what it did not do."""
    scenario = scenarios.ALL[name]
    os.environ["TEST_PLACES"] = str(scenario.places)
    handlers.register(scenario.places)
    began = time.monotonic()
    with ground(broker) as here:
        try:
            toll = vars(scenario.run(here, size))
        except (TimeoutError, RuntimeError, AssertionError) as problem:
            traceback.print_exc()
            for process in here.processes:
                sys.stderr.write(process.said()[-3000:])
            toll = {"killed": "", "jobs": 0, "lost": 1, "twice": 0, "remark": "", "missed": f"did not end: {problem}"}
        row = {
            "test": name,
            "broker": broker if scenario.asks_broker else "-",
            **toll,
            "fenced": here.fenced(),
            "seconds": round(time.monotonic() - began),
        }
    row["measured"] = row.pop("remark")
    connection.close()
    target = f"; missed: {row['missed']}" if row["missed"] else ""
    sys.stdout.write(f"{name} on {broker}: {row['lost']} lost, {row['twice']} twice, {row['seconds']} s{target}\n")
    sys.stdout.flush()
    return row


def show(told: list[dict[str, object]]) -> None:
    """The table for a screen."""
    table = Table(box=None)
    for head in TOLD:
        table.add_column(head)
    for row in told:
        table.add_row(*(str(row[head]) for head in TOLD))
    Console(width=180).print(table)


def show_markdown(told: list[dict[str, object]]) -> None:
    """The table, to be put into README.md."""
    lines = [TOLD, ("---",) * len(TOLD), *([str(row[head]) for head in TOLD] for row in told)]
    sys.stdout.writelines(f"| {' | '.join(line)} |\n" for line in lines)
