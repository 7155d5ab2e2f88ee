"""python -m tests.standin: serve the scenario until stopped, and print the environment that leads to it."""

import argparse
import sys
from datetime import date

from tests.standin.outside import Outside


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    parser.add_argument("--begin", type=date.fromisoformat, help="day 0 of the tours, YYYY-MM-DD; default: today (UTC)")
    parser.add_argument("--today", type=date.fromisoformat, help="what is over and what is to come; default: --begin")
    parser.add_argument("--seed", type=int, default=0, help="of the faults that PUT /standin/faults switches on")
    options = parser.parse_args()
    standin = Outside(begin=options.begin, today=options.today, seed=options.seed, port=options.port)
    for name, value in standin.settings().items():
        sys.stdout.write(f"{name}={value}\n")
    sys.stdout.flush()
    try:
        standin.server.serve_forever()
    except KeyboardInterrupt:
        standin.server.server_close()


if __name__ == "__main__":
    main()
