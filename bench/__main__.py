"""Everything that is measured, one after the other: python -m bench [part …]. Tables are printed, and kept in results/.

The first time, catalogues are made and loaded (about ten minutes for ten million votes); they are kept in .data/bench.
"""

import subprocess
import sys
import time

from bench.machine import ROOT, load, machine

# part: how it is run, and after how many seconds it is given up
PARTS: dict[str, tuple[list[str], int]] = {
    "trending": (["bench.trending", "--explain"], 2400),
    "api": (["bench.api"], 1500),
    "scrape": (["bench.scrape"], 600),
    "desk": (["bench.desk"], 600),
    "retention": (["bench.retention"], 600),
    "queue": (["bench.queue"], 1800),
    "imports": (["bench.imports"], 300),
}


def main() -> int:
    chosen = sys.argv[1:] or list(PARTS)
    if unknown := [name for name in chosen if name not in PARTS]:
        sys.stderr.write(f"There is no {', '.join(unknown)} to measure; there are {', '.join(PARTS)}.\n")
        return 2
    say(machine())
    failed = [name for number, name in enumerate(chosen, 1) if not measured(name, f"{number} of {len(chosen)}")]
    say(f"Not measured: {', '.join(failed)}." if failed else "All was measured; the tables are in bench/results/.")
    return 1 if failed else 0


def measured(name: str, place: str) -> bool:
    words, limit = PARTS[name]
    say(f"[{place}] {name}, {limit // 60} minutes at most; {load()} …")
    began = time.monotonic()
    try:
        ended = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, timeout=limit)
    except subprocess.TimeoutExpired:
        say(f"[{place}] {name} was given up after {limit // 60} minutes.")
        return False
    say(f"[{place}] {name} took {time.monotonic() - began:.0f} s.")
    return ended.returncode == 0


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
