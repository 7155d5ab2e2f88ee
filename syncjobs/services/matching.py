"""Which show is a setlist of? The same artist and day, and nothing that speaks against the place."""

from collections.abc import Container, Iterable, Sequence
from datetime import date, timedelta

from mysetlist.catalog.models import Artist, Show, Venue
from syncjobs.clients.names import same_name
from syncjobs.clients.records import SetlistRecord, VenueRecord

SHIFTS = (0, -1, 1)  # days: whoever writes down a show after midnight may date it wrongly


def shows_near(artist: Artist, days: Iterable[date]) -> list[Show]:
    """The shows with this artist on the bill on these days, and on those beside them."""
    wanted = {day + timedelta(days=shift) for day in days for shift in SHIFTS}
    shows = Show.objects.filter(billings__artist=artist, local_date__in=wanted)
    return list(shows.exclude(status=Show.Status.CANCELLED).select_related("venue").order_by("start", "pk"))


def match_shows(records: Iterable[SetlistRecord], shows: Sequence[Show], taken: Iterable[int]) -> dict[str, Show]:
    """The show of each setlist that has one, by the setlist's id.

    Every setlist of the right day goes first: only what is left may be a day off, in the same place,
    at a show of which nobody else told what was played (`taken`: of those somebody did).
    """
    records = list(records)
    found: dict[str, Show] = {}
    for record in records:
        if show := find_show(record, shows):
            found[record.setlistfm_id] = show
    closed = {*taken, *(show.pk for show in found.values())}
    for record in records:
        if record.setlistfm_id not in found and (show := _a_day_off(record, shows, closed)):
            found[record.setlistfm_id] = show
            closed.add(show.pk)
    return found


def find_show(record: SetlistRecord, candidates: Iterable[Show]) -> Show | None:
    """The show of that day in the same place; else one whose place is unknown or not far."""
    same_day = [show for show in candidates if show.local_date == record.local_date]
    for fits in (is_same_place, _may_be_same_place):
        if found := next((show for show in same_day if fits(show.venue, record.venue)), None):
            return found
    return None


def _a_day_off(record: SetlistRecord, shows: Iterable[Show], closed: Container[int]) -> Show | None:
    for shift in SHIFTS[1:]:
        day = record.local_date + timedelta(days=shift)
        for show in shows:
            if show.local_date == day and show.pk not in closed and is_same_place(show.venue, record.venue):
                return show
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
