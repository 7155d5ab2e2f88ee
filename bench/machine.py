"""On what a figure was measured, and how busy it was: no figure without it."""

import os
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


def cluster(name: str) -> None:
    """Set Django up on an embedded cluster of this name, migrated."""
    os.environ.update(MYSETLIST_DATA_DIR=str(ROOT / ".data" / "bench" / name), DATABASE_URL="")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysetlist.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


class Told:
    """Say a line, and keep it in a file of results."""

    def __init__(self, name: str) -> None:
        self.path = RESULTS / name
        self.path.write_text("")

    def __call__(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        with self.path.open("a") as file:
            file.write(f"{line}\n")


def machine() -> str:
    return f"{_model()}, {os.cpu_count()} cores, Python {platform.python_version()}, embedded PostgreSQL 18"


def load() -> str:
    """How many processes wanted to run, ours among them: above the number of cores, wall times are too long."""
    return "load average {:.1f} (1 minute), {:.1f} (5 minutes)".format(*os.getloadavg())


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
