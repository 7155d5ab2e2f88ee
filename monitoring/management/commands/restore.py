"""manage.py restore FILE: the database as it was when FILE was made."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from monitoring import archive, dumps
from monitoring.command import WrongArguments


class Command(BaseCommand):
    help = "Fill an empty database from a file that `manage.py backup` made. All of it or nothing."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--force", action="store_true", help="drop everything that is in the database first")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise WrongArguments(f"There is no file {path}.")
        try:
            dumps.restore(connection, path, force=options["force"])
        except dumps.NotEmpty as problem:
            raise CommandError(
                f"{problem} Restore into an empty one, or drop all that is in it with --force."
            ) from problem
        except (dumps.DumpFailed, dumps.NoProgram, archive.ArchiveDamaged, OSError) as problem:
            raise CommandError(f"Nothing was changed. {problem}") from problem
        if sys.stdout.isatty():
            self.stdout.write("Restored. Run `manage.py migrate` if the file is of an older version.")
