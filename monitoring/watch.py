"""Keep watch, inside a process that lives anyway: what watches must not depend on what it watches."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.module_loading import import_string

from monitoring import heartbeats
from monitoring.alerts import judge
from monitoring.delivery import deliver, ping_deadman
from monitoring.health import check_health

logger = logging.getLogger(__name__)

COMPONENT = "watch"
EVERY = timedelta(seconds=30)  # with a turn and STRANDED_MARGIN, what is wrong is told within a minute
TOLERANCE = timedelta(seconds=2)  # turns are not that exact
TURN_SECONDS = 5.0
FIRST_TURNS = 3  # that pass before the first look: others start with us, and are not heard yet


def watch(*, now: datetime, who: str) -> bool:
    """Twice a minute over all processes: check every part, judge, tell. False when another has had this look.

    That the last of a part is gone does not wait for the next.
    """
    every = timedelta(seconds=TURN_SECONDS) if heartbeats.is_part_lost() else EVERY
    if not claim_look(now=now, who=who, every=every):
        return False
    check_health(now=now)
    for path in settings.EACH_LOOK:
        import_string(path)(now=now)
    judge(now=now)
    ping_deadman()
    return True


def claim_look(*, now: datetime, who: str, every: timedelta = EVERY) -> bool:
    """One of many gets it: a conditional UPDATE of the row that says who watches."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO system_health AS h (component, status, detail, latency_ms, checked_at, since, last_good_at)"
            " VALUES (%(component)s, 'healthy', %(who)s, 0, %(now)s, %(now)s, %(now)s)"
            " ON CONFLICT (component) DO UPDATE SET status = 'healthy', detail = excluded.detail,"
            " checked_at = excluded.checked_at, last_good_at = excluded.last_good_at,"
            " since = CASE WHEN h.status = 'healthy' AND h.detail = excluded.detail THEN h.since ELSE excluded.since END"
            " WHERE h.checked_at <= %(before)s RETURNING id",
            {"component": COMPONENT, "who": f"{who} watches.", "now": now, "before": now - every + TOLERANCE},
        )
        return cursor.fetchone() is not None


@contextmanager
def watching(who: str) -> Iterator[None]:
    """Keep watch from a thread with a connection of its own, for as long as the block lasts.

    Scheduler and relay wrap their loops in it. Their heartbeats are theirs: a thread would go on beating
    for a loop that hangs.
    """
    done = threading.Event()

    def turns() -> None:
        done.wait(FIRST_TURNS * TURN_SECONDS)
        while not done.is_set():
            try:
                watch(now=timezone.now(), who=who)
                deliver(now=timezone.now())
            except DatabaseError:  # nothing can be told without it; whom DEADMAN_URL pings misses us
                logger.exception("Unable to keep watch")
            connection.close()
            done.wait(TURN_SECONDS)

    thread = threading.Thread(target=turns, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
