"""On what a figure was measured, and how busy it was: no figure without it."""

import os
import platform
from pathlib import Path


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
