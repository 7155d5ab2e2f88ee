"""manage.py import_past_setlists: ask setlist.fm what was played at shows that are over; measure predictions."""

from syncjobs.command import PlannedCommand
from syncjobs.planners import shows


class Command(PlannedCommand):
    help = "Ask setlist.fm what was played at shows that are over; measure predictions."
    service = shows.import_past_setlists
    planner = shows.plan_import_past_setlists
