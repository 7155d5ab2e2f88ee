#!/usr/bin/env python
"""The command line: every job, every migration, every repair starts here."""

import os
import sys


def main() -> None:
    """Run one management command; a missing setting is one clear line and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysetlist.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        sys.stderr.write(f"mysetlist: {problem}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
