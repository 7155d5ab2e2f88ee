"""python -m tests.standin.demo_import: import one artist of the scenario over real HTTP, without keys or network.

On a database of its own, in .data/demo-import. A second call imports again and changes nothing.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.standin.outside import outside

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".data" / "demo-import"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo-import", description=__doc__)
    parser.add_argument("--name", default="Metallica", help="an artist of the scenario; default: %(default)s")
    options = parser.parse_args()
    with outside() as world:
        if options.name not in world.world.artists:
            names = ", ".join(sorted(world.world.artists))
            parser.error(f"{options.name} is not in the scenario. It has: {names}.")
        environment = {
            **os.environ,
            **world.settings(),
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "MYSETLIST_DATA_DIR": str(FOLDER),
        }
        sys.stdout.write(
            f"A stand-in plays Ticketmaster, Spotify and setlist.fm at {world.url}: its answers are composed, "
            "the import is real.\n"
        )
        sys.stdout.flush()
        said = [] if sys.stdout.isatty() else ["--json"]  # commands are silent off a terminal
        try:
            for arguments in (
                ["migrate", "--verbosity", "0"],
                ["import_artist", "--name", options.name, "--all", *said],
            ):
                subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)
        except subprocess.CalledProcessError as problem:
            sys.exit(problem.returncode)
        finally:
            stop = [sys.executable, "-m", "mysetlist.embedded", "stop", str(FOLDER / "postgres")]
            subprocess.run(stop, cwd=ROOT, env=environment, check=False)
        sys.stdout.write(f"It took {len(world.log.calls)} calls. Once more, and nothing changes: make demo-import\n")


if __name__ == "__main__":
    main()
