"""python -m mysetlist.embedded stop <folder>: stop the server there; `watch` is what the watcher runs."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mysetlist.embedded import Place, stop
from mysetlist.embedded.watcher import watch


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["watch", home, seconds]:
            watch(Place(Path(home)), float(seconds))
        case ["stop", folder]:
            stop(Path(folder))
        case _:
            sys.exit("usage: python -m mysetlist.embedded stop <folder>")


main(sys.argv[1:])
