"""manage.py master_sync: find what is listed in our countries, import everyone who plays there."""

from typing import Any

from django.core.management.base import CommandParser

from syncjobs.command import PlannedCommand
from syncjobs.planners import discovery


class Command(PlannedCommand):
    help = "Find the music events of the next days in SYNC_COUNTRIES and import everyone on their bills who is new."
    service = discovery.master_sync
    planner = discovery.plan_master_sync

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--mode", choices=sorted(discovery.MODES), default="daily", help="2 days ahead, 30 (daily) or 365"
        )

    def arguments(self, options: dict[str, Any]) -> dict[str, Any]:
        return {**super().arguments(options), "mode": options["mode"]}
