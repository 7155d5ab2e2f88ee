"""Images of artists that have none: from Ticketmaster, else from Spotify."""

from collections.abc import Callable
from datetime import datetime

from mysetlist.catalog.models import Artist
from syncjobs.clients.records import ArtistRecord
from syncjobs.services.artists import upsert_artists
from syncjobs.services.writing import Tally, stamp


def fill_image(*, artist: Artist, questions: list[Callable[[], ArtistRecord]], now: datetime) -> Tally:
    """Ask one source after the other until one has an image; that we looked is remembered either way."""
    tally = Tally()
    for question in questions:
        record = question()
        _, tally = upsert_artists(records=[record])
        if record.image_url:
            break
    else:
        tally.leave_out()
    stamp(artist.pk, "image", now=now)
    return tally
