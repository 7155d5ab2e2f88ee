"""Venues: by Ticketmaster id, else by name, city and country."""

from collections.abc import Iterable

from django.db.models import Q

from mysetlist.catalog.models import Venue
from syncjobs.clients.records import VenueRecord
from syncjobs.services.writing import create, put, save_changed, writing

Place = tuple[str, str, str | None]


def place_of(record: VenueRecord) -> Place:
    """What tells venues apart that have no id."""
    return record.name, record.city or "", record.country


def upsert_venues(*, records: Iterable[VenueRecord]) -> dict[VenueRecord, Venue]:
    """The row of each venue. One known by its place alone takes on the id that Ticketmaster has for it."""
    records = list(dict.fromkeys(records))
    new: list[Venue] = []
    changes: dict[int, tuple[Venue, set[str]]] = {}
    rows: dict[VenueRecord, Venue] = {}
    with writing():
        by_id, by_place = _known(records)
        for record in records:
            venue = by_id.get(record.ticketmaster_id or "") or _at_place(by_place, record)
            if venue is None:
                venue = Venue()
                new.append(venue)
            changed = put(venue, **_values(venue, record))
            changes.setdefault(id(venue), (venue, set()))[1].update(changed)
            by_place.setdefault(place_of(record), []).append(venue)
            if venue.ticketmaster_id:
                by_id[venue.ticketmaster_id] = venue
            rows[record] = venue
        fresh = {id(venue) for venue in new}
        create(Venue, new)
        save_changed(Venue, [change for key, change in changes.items() if key not in fresh])
    return rows


def _known(records: Iterable[VenueRecord]) -> tuple[dict[str, Venue], dict[Place, list[Venue]]]:
    ids = {record.ticketmaster_id for record in records if record.ticketmaster_id}
    names = {record.name for record in records}
    by_id: dict[str, Venue] = {}
    by_place: dict[Place, list[Venue]] = {}
    for venue in Venue.objects.filter(Q(ticketmaster_id__in=ids) | Q(name__in=names)).order_by("pk"):
        by_place.setdefault((venue.name, venue.city, venue.country), []).append(venue)
        if venue.ticketmaster_id:
            by_id[venue.ticketmaster_id] = venue
    return by_id, by_place


def _at_place(by_place: dict[Place, list[Venue]], record: VenueRecord) -> Venue | None:
    """The venue of this name there. One that Ticketmaster knows by another id is another room."""
    same = by_place.get(place_of(record), [])
    if record.ticketmaster_id:
        same = [venue for venue in same if venue.ticketmaster_id is None]
    return same[0] if same else None


def _values(venue: Venue, record: VenueRecord) -> dict[str, object]:
    """What to write: all of it from Ticketmaster; from others only what is not known yet."""
    told: dict[str, object] = {"region": record.region, "country": record.country, "timezone": record.timezone}
    if record.ticketmaster_id or venue.pk is None:
        told |= {"name": record.name, "city": record.city or ""}
    if record.ticketmaster_id:
        told["ticketmaster_id"] = record.ticketmaster_id
    authority = bool(record.ticketmaster_id)
    return {
        name: value
        for name, value in told.items()
        if value is not None and (authority or getattr(venue, name) in (None, ""))
    }
