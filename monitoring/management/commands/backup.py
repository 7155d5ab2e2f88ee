"""manage.py backup: the whole database in one file."""

import sys
from datetime import UTC
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from monitoring import archive, dumps
from monitoring.command import WrongArguments


class Command(BaseCommand):
    help = "Dump the whole database to FILE, or to BACKUP_DIR and keep the newest there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["file"]
        if path is None and settings.BACKUP_DIR is None:
            raise WrongArguments("Where to? Name a file, or set BACKUP_DIR.")
        folder = (settings.BACKUP_DIR or Path()) / "dumps"
        target = path or folder / f"mysetlist-{timezone.now().astimezone(UTC):%Y%m%dT%H%M%SZ}.dump"
        try:
            dumps.dump(connection, target)
        except (dumps.DumpFailed, dumps.NoProgram, OSError) as problem:
            raise CommandError(str(problem)) from problem
        if path is None:
            archive.keep_newest(folder, "mysetlist-*.dump", settings.BACKUP_KEEP)
        if sys.stdout.isatty() or path is None:
            self.stdout.write(f"{target} ({target.stat().st_size:,} bytes)")
