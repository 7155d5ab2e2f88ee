"""python -m tests.drill: about ten minutes, a data folder of its own, nothing left behind. See tests.drill.run."""

import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import django

from mysetlist import embedded
from tests.standin.outside import outside


def main() -> int:
    with (
        tempfile.TemporaryDirectory(prefix="drill", ignore_cleanup_errors=True) as folder,
        outside(begin=datetime.now(UTC).date()) as standin,
    ):
        os.environ |= {
            **standin.settings(),
            "DJANGO_SETTINGS_MODULE": "mysetlist.settings",
            "MYSETLIST_DATA_DIR": folder,
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "CRON_TOKENS": "drill:drill-token",
        }
        django.setup()
        from django.db import connections

        from tests.drill.run import drill

        try:
            return drill(standin, sys.argv[1:])
        finally:
            connections.close_all()
            home = Path(folder, "postgres")
            embedded.stop(home)
            shutil.rmtree(embedded.Place.of(home).home, ignore_errors=True)  # elsewhere, for root


if __name__ == "__main__":
    sys.exit(main())
