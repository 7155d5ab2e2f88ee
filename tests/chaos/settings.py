"""Settings of the chaos: the suite's, on a cluster of its own that waits for the disk, as real ones do."""

import hashlib

from mysetlist.database import database
from tests.settings import *  # noqa: F403
from tests.settings import BASE_DIR, broker

DATABASES = {"default": database("", BASE_DIR / ".data" / "chaos" / "postgres")}
CELERY_BROKER_TRANSPORT_OPTIONS = broker.transport_options("", DATABASES["default"])

OPERATOR_TOKEN = "chaos"  # on a loopback address, as long as a test
OPERATOR_TOKENS = {"chaos": hashlib.new("sha512_256", OPERATOR_TOKEN.encode()).digest()}
