"""manage.py sync_artist_images: look for images of artists that have none."""

from syncjobs.command import PlannedCommand
from syncjobs.planners import artists


class Command(PlannedCommand):
    help = "Look for images of artists that have none."
    service = artists.sync_artist_images
    planner = artists.plan_sync_artist_images
