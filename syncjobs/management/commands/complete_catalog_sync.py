"""manage.py complete_catalog_sync: refresh everything by staleness within the day's budget; report duplicates and orphans."""

from syncjobs.command import PlannedCommand
from syncjobs.planners import artists


class Command(PlannedCommand):
    help = "Refresh everything by staleness within the day's budget; report duplicates and orphans."
    service = artists.complete_catalog_sync
    planner = artists.plan_complete_catalog_sync
