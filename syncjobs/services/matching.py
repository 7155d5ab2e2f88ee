"""Which show is a setlist of? The same artist and day, and nothing that speaks against the place."""

from collections.abc import Iterable, Sequence
from datetime import date

from mysetlist.catalog.models import Artist, Show, Venue
from syncjobs.clients.names import same_name
from syncjobs.clients.records import SetlistRecord, VenueRecord


def shows_near(artist: Artist, days: Iterable[date]) -> Sequence[Show]:
    """The shows with this artist on the bill on these days."""
    shows = Show.objects.filter(billings__artist=artist, local_date__in=set(days)).exclude(status=Show.Status.CANCELLED)
    return list(shows.select_related("venue").order_by("start", "pk"))


def find_show(record: SetlistRecord, candidates: Iterable[Show]) -> Show | None:
    """The show of that day in the same place; else one whose place is unknown or not far."""
    same_day = [show for show in candidates if show.local_date == record.local_date]
    for fits in (is_same_place, _may_be_same_place):
        if found := next((show for show in same_day if fits(show.venue, record.venue)), None):
            return found
    return None


def is_same_place(venue: Venue | None, record: VenueRecord | None) -> bool:
    """Whether venue or town are the same; the sources draw the borders of a town differently."""
    if venue is None or record is None:
        return False
    return same_name(venue.name, record.name) or bool(venue.city and record.city and same_name(venue.city, record.city))


def _may_be_same_place(venue: Venue | None, record: VenueRecord | None) -> bool:
    if venue is None or record is None:
        return True
    return None in (venue.country, record.country) or venue.country == record.country
