"""`make chaos`; see tests.chaos.run."""

import os
import sys

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
    django.setup()
    from tests.chaos.run import main

    sys.exit(main())
