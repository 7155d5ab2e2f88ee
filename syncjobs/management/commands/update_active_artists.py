"""manage.py update_active_artists: refresh profile and shows of artists with shows or votes, not synced for 6 hours."""

from syncjobs.command import PlannedCommand
from syncjobs.planners import artists


class Command(PlannedCommand):
    help = "Refresh profile and shows of artists with shows or votes, not synced for 6 hours."
    service = artists.update_active_artists
    planner = artists.plan_update_active_artists
