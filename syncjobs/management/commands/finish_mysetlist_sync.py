"""manage.py finish_mysetlist_sync: finish what other jobs left: predictions, identifiers, stuck imports."""

from syncjobs.command import PlannedCommand
from syncjobs.planners import shows


class Command(PlannedCommand):
    help = "Finish what other jobs left: predictions, identifiers, stuck imports."
    service = shows.finish_mysetlist_sync
    planner = shows.plan_finish_mysetlist_sync
