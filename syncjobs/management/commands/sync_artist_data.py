"""manage.py sync_artist_data: find identifiers and refresh artists never synced or not for 7 days."""

from syncjobs.command import PlannedCommand
from syncjobs.planners import artists


class Command(PlannedCommand):
    help = "Find identifiers and refresh artists never synced or not for 7 days."
    service = artists.sync_artist_data
    planner = artists.plan_sync_artist_data
