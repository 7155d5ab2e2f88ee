"""master_sync: what is listed in our countries, and everyone who plays there."""

from datetime import datetime, timedelta

from django.conf import settings

from monitoring.cron import Counts, cron_job
from syncjobs.planners.plans import Piece, Plan, plan
from syncjobs.sources import Share

# How far ahead each mode looks.
MODES = {"hourly": timedelta(days=2), "daily": timedelta(days=30), "initial": timedelta(days=365)}
WINDOW = timedelta(days=30)  # a busier country's window is split where paging ends


@cron_job
def master_sync(*, now: datetime, mode: str = "daily", limit: int | None = None, parent: int | None = None) -> Counts:
    """Find the music events of the next days in SYNC_COUNTRIES, and import everyone on their bills who is new.

    `limit`: at most so many artists a window.
    """
    return plan_master_sync(now=now, mode=mode, limit=limit).enqueue(parent=parent)


def plan_master_sync(*, now: datetime, mode: str = "daily", limit: int | None = None) -> Plan:
    """A window for each country and month, the nearest month first."""
    began = now.replace(minute=0, second=0, microsecond=0)
    until = began + MODES[mode]
    groups = []
    while began < until:
        end = min(began + WINDOW, until) - timedelta(seconds=1)
        for country in settings.SYNC_COUNTRIES:
            arguments = {"country": country, "start": began.isoformat(), "end": end.isoformat(), "imports": limit}
            groups.append([Piece(job="sync_ticketmaster_window", arguments=arguments)])
        began = end + timedelta(seconds=1)
    return plan(groups, share=Share.DISCOVERY, now=now)
