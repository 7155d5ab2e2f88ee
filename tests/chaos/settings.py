"""Settings of the chaos: the suite's, on a cluster of its own that waits for the disk, as real ones do."""

from tests.settings import *  # noqa: F403
from tests.settings import BASE_DIR, broker, embedded

FOLDER = BASE_DIR / ".data" / "chaos" / "postgres"
DATABASES = {
    "default": {
        "ENGINE": "mysetlist.backend",
        "EMBEDDED_FOLDER": str(FOLDER),
        **embedded.connection_settings(FOLDER),
    }
}
CELERY_BROKER_TRANSPORT_OPTIONS = broker.transport_options("", DATABASES["default"])
