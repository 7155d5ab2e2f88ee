"""Not a test: a process that asks the shared gate, on the database of the test that starts it.

Called as `python -m tests.syncjobs.gate_process <database> <calls per second> <calls per day> <seconds>`. It says
"ready", waits for a line, asks for so many seconds (0: once) and prints what became of each question, and when.
"""

import json
import sys
import time

import django


def main(database: str, per_second: str, per_day: str, seconds: str) -> None:
    django.setup()
    from django.conf import settings
    from django.db import connection

    from syncjobs.clients.errors import Source, SourceBusy
    from syncjobs.sources import gate

    connection.settings_dict["NAME"] = database
    settings.SOURCE_LIMITS = {Source.TICKETMASTER: (float(per_second), int(per_day))}
    connection.ensure_connection()
    say("ready")
    sys.stdin.readline()
    end = time.monotonic() + float(seconds)
    told: list[tuple[str, float]] = []
    while True:
        try:
            gate.acquire(Source.TICKETMASTER)
            told.append(("granted", time.time()))
        except SourceBusy as busy:
            told.append((busy.reason, time.time()))
            time.sleep(0.02)
        if time.monotonic() >= end:
            break
    say(json.dumps(told))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
