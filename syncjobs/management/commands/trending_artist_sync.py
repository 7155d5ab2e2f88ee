"""manage.py trending_artist_sync: import the full discography of the 100 hottest artists."""

from syncjobs.command import PlannedCommand
from syncjobs.planners import artists


class Command(PlannedCommand):
    help = "Import the full discography of the 100 hottest artists."
    service = artists.trending_artist_sync
    planner = artists.plan_trending_artist_sync
