"""Ask for the import of an artist, by command or over HTTP."""

from typing import Any

from syncjobs.models import QueueJob
from syncjobs.queue import enqueue

WHO = ("ticketmaster_id", "mbid", "spotify_id", "name")  # by one of these
LONGEST_KEY = 200  # characters


def request_import(who: str, value: str) -> QueueJob:
    """The queue job that imports this artist: a new one, or the live one (`is_new` tells). Raises CannotEnqueue."""
    key = f"import_artist {who} {value}"[:LONGEST_KEY]
    arguments: dict[str, Any] = {who: value}
    return enqueue("import_artist", priority=QueueJob.Priority.HIGH, dedup_key=key, **arguments)
