"""manage.py check_health: how is each part? Exits 1 unless all are healthy."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from monitoring.health import check_health, overall
from monitoring.models import SystemHealth


class Command(BaseCommand):
    help = "Probe every part, remember the answers in system_health, exit 1 unless all are healthy."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        answers = check_health(now=timezone.now())
        status = overall(answers)
        if options["json"]:
            parts = {a.component: {"status": a.status, "detail": a.detail, "latency_ms": a.latency_ms} for a in answers}
            self.stdout.write(json.dumps({"status": status, "checks": parts}, ensure_ascii=False))
        else:
            for answer in answers:
                out = self.stdout if answer.status == SystemHealth.Status.HEALTHY else self.stderr
                if out is self.stderr or sys.stdout.isatty():
                    out.write(f"{answer.component}: {answer.status}. {answer.detail}")
        if status != SystemHealth.Status.HEALTHY:
            sys.exit(1)
