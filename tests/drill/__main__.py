"""python -m tests.drill: about ten minutes, a data folder of its own, nothing left behind. See tests.drill.run."""

import os
import sys
import tempfile
from datetime import UTC, datetime

import django

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
        from tests.drill.run import drill

        return drill(standin, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
