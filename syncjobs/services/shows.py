"""Shows with their venues and their whole bill, as Ticketmaster lists them."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from mysetlist.catalog.models import USUAL_START, Artist, Billing, Show, Venue
from mysetlist.catalog.slugs import slug
from syncjobs.clients.names import normal_name
from syncjobs.clients.records import ArtistRecord, ShowRecord, ShowStatus, VenueRecord
from syncjobs.services.artists import upsert_artists
from syncjobs.services.folding import Concert, fold, is_concert, is_package
from syncjobs.services.slugs import free_slugs
from syncjobs.services.venues import upsert_venues
from syncjobs.services.writing import Tally, create, put, save_changed, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a batch of listings became: the counts of shows and of artists, and whom it brought in.

    `kept`: listings that name nobody we know, not counted yet.
    """

    shows: Tally
    artists: Tally
    new_artists: tuple[int, ...] = ()
    on_bills: tuple[int, ...] = ()
    kept: tuple[ShowRecord, ...] = ()


def upsert_shows(*, records: Iterable[ShowRecord], now: datetime, asked: str | None = None, keep: int = 0) -> Synced:
    """Write the listed shows in one transaction: copies folded, artists and venues made or filled first.

    `asked` is the attraction whose listings these are, if they are one's. `keep`: hand back so many of
    those that name nobody, for whoever may know more later; the others are left out. Of a show that
    takes place the clock says the status; Ticketmaster only that it is called off.
    """
    with writing():
        records = with_named_headliners(records)
        kept = [record for record in records if not record.bill and is_concert(record, now.date())][:keep]
        records = [record for record in records if record not in kept]
        held = _with_ids(record.ticketmaster_id for record in records)
        concerts, left_out = fold(records, today=now.date(), known=held, asked=asked)
        before = set(Artist.objects.filter(ticketmaster_id__in=_attractions(concerts)).values_list("pk", flat=True))
        flat = [artist for concert in concerts for artist in concert.bill]
        rows, artists = upsert_artists(records=flat)
        venues = upsert_venues(records=[c.record.venue for c in concerts if c.record.venue])
        met = iter(rows)
        bills = [list(dict.fromkeys(next(met) for _ in concert.bill)) for concert in concerts]
        shows = _write(concerts, bills, venues, held, now)
        shows.leave_out(left_out)
    seen = tuple(dict.fromkeys(artist.pk for artist in rows))
    new = tuple(pk for pk in seen if pk not in before)
    return Synced(shows=shows, artists=artists, new_artists=new, on_bills=seen, kept=tuple(kept))


def with_named_headliners(records: Iterable[ShowRecord]) -> list[ShowRecord]:
    """Give a listing without a bill the one whose exact name it starts with, "Linkin Park - Tour", if we know them.

    Of namesakes nobody is taken: it could be either.
    """
    records = list(records)
    titles = {record.ticketmaster_id: _names_in(record.name) for record in records if not record.bill}
    known = _known_by_name([artist for record in records for artist in record.bill], titles.values())
    named = {
        key: next((known[normal_name(name)] for name in names if normal_name(name) in known), None)
        for key, names in titles.items()
    }
    return [
        replace(record, bill=(headliner,)) if (headliner := named.get(record.ticketmaster_id)) else record
        for record in records
    ]


def _known_by_name(billed: Iterable[ArtistRecord], titles: Iterable[list[str]]) -> dict[str, ArtistRecord]:
    """Those on the bills and in the catalogue by their name, if one alone has it."""
    slugs = {slug(name) for names in titles for name in names}
    found: dict[str, list[ArtistRecord]] = {}
    for artist in Artist.objects.filter(slug__in=slugs | {f"{address}-2" for address in slugs}):
        mbid = str(artist.mbid) if artist.mbid else None
        record = ArtistRecord(
            name=artist.name, ticketmaster_id=artist.ticketmaster_id, spotify_id=artist.spotify_id, mbid=mbid
        )
        found.setdefault(normal_name(artist.name), []).append(record)
    for record in billed:
        others = found.setdefault(normal_name(record.name), [])
        if not others:
            others.append(record)
        elif record.ticketmaster_id not in {other.ticketmaster_id for other in others}:
            others[:] = [record] if [other.ticketmaster_id for other in others] == [None] else [*others, record]
    return {name: same[0] for name, same in found.items() if len(same) == 1}


def _names_in(title: str) -> list[str]:
    """The whole title, and what stands before its first dash, colon or bar."""
    return [title, re.split(r"\s[-\u2013|]\s|:\s", title, maxsplit=1)[0].strip()]


def _attractions(concerts: Iterable[Concert]) -> set[str]:
    return {artist.ticketmaster_id for concert in concerts for artist in concert.bill if artist.ticketmaster_id}


def _with_ids(ids: Iterable[str]) -> dict[str, Show]:
    return {show.ticketmaster_id: show for show in Show.objects.filter(ticketmaster_id__in=set(ids))}  # type: ignore[misc]


def _write(
    concerts: Sequence[Concert],
    bills: list[list[Artist]],
    venues: dict[VenueRecord, Venue],
    held: dict[str, Show],
    now: datetime,
) -> Tally:
    tally = Tally()
    same = _SameNight(bills, concerts)
    new: list[Show] = []
    changes: list[tuple[Show, set[str]]] = []
    wanted: list[tuple[Show, list[Artist]]] = []
    for concert, bill in zip(concerts, bills, strict=True):
        record = concert.record
        venue = venues[record.venue] if record.venue else None
        show = _row_of(concert, held) or same.find(record, bill[0], venue)
        if show and show.ticketmaster_id not in (None, record.ticketmaster_id, *concert.copies):
            tally.leave_out()  # another listing of a show that has its row
            continue
        is_new = show is None
        show = show or Show()
        changed = put(show, **_values(show, record, bill[0], venue, now))
        if is_new:
            show.headliner, show.venue = bill[0], venue
            new.append(show)
        changes.append((show, set() if is_new else changed))
        wanted.append((show, bill))
        tally.note(is_new=is_new, is_changed=bool(changed))
    for show, address in zip(new, free_slugs(Show, [_address(show) for show in new]), strict=True):
        show.slug = address
    create(Show, new)
    save_changed(Show, changes)
    _write_bills(wanted)
    return tally


def _row_of(concert: Concert, held: dict[str, Show]) -> Show | None:
    """The row of the record, else of one of its copies."""
    return next((held[key] for key in (concert.record.ticketmaster_id, *concert.copies) if key in held), None)


class _SameNight:
    """Rows that may be the same show under another listing, or known from setlist.fm alone."""

    def __init__(self, bills: list[list[Artist]], concerts: Sequence[Concert]) -> None:
        days = {c.record.local_date for c in concerts if c.record.local_date}
        headliners = {bill[0].pk for bill in bills}
        shows = Show.objects.filter(headliner__in=headliners, local_date__in=days).order_by("pk")
        self._shows: dict[tuple[int, object], list[Show]] = {}
        for show in shows:
            self._shows.setdefault((show.headliner_id, show.local_date), []).append(show)

    def find(self, record: ShowRecord, headliner: Artist, venue: Venue | None) -> Show | None:
        """The row of the same headliner, day and place, whose hour does not speak against it."""
        if record.local_date is None or venue is None:
            return None
        for show in self._shows.get((headliner.pk, record.local_date), []):
            hours_differ = show.starts_at and record.starts_at and show.starts_at != record.starts_at
            if show.venue_id == venue.pk and (not hours_differ or is_package(record)):
                return show
        return None


def _values(show: Show, record: ShowRecord, headliner: Artist, venue: Venue | None, now: datetime) -> dict[str, object]:
    values: dict[str, object] = {
        "headliner_id": headliner.pk,
        "name": record.name,
        "ticketmaster_id": record.ticketmaster_id,
        "local_date": record.local_date,
        "starts_at": record.starts_at,
    }
    if venue:
        values["venue_id"] = venue.pk
    zone = record.timezone or (record.venue.timezone if record.venue else None)
    if zone:
        values["timezone"] = zone
    if record.status is ShowStatus.UPCOMING:
        known = zone or show.timezone or (venue.timezone if venue else None) or "UTC"
        values["status"] = Show.status_at(_start(record, known), now).value
    else:
        values["status"] = record.status.value
    return values


def _start(record: ShowRecord, zone: str) -> datetime | None:
    """What the database will generate."""
    if record.starts_at or record.local_date is None:
        return record.starts_at
    return datetime.combine(record.local_date, USUAL_START, ZoneInfo(zone))


def _address(show: Show) -> str:
    """What a show's slug is made of; an upcoming show without a day has none in it."""
    place = show.venue.city if show.venue else ""
    return f"{show.headliner.name} {place} {show.local_date or ''}"


def _write_bills(wanted: Collection[tuple[Show, list[Artist]]]) -> None:
    """Make each bill as listed. The trigger has put the headliner at position 0."""
    held: dict[int, dict[int, Billing]] = {}
    for billing in Billing.objects.filter(show__in=[show.pk for show, _ in wanted]):
        held.setdefault(billing.show_id, {})[billing.artist_id] = billing
    gone: list[int] = []
    come: list[Billing] = []
    moved: list[tuple[Billing, set[str]]] = []
    for show, bill in wanted:
        places = held.get(show.pk, {})
        gone += [billing.pk for artist, billing in places.items() if artist not in {a.pk for a in bill}]
        for position, artist in enumerate(bill):
            if place := places.get(artist.pk):
                moved.append((place, put(place, position=position)))
            else:
                come.append(Billing(show=show, artist=artist, position=position))
    if gone:
        Billing.objects.filter(pk__in=gone).delete()
    save_changed(Billing, moved)
    create(Billing, come)
