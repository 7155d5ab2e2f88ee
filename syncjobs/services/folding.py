"""Which listed events are one concert? Tickets of another kind, and the same night in another language."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from syncjobs.clients.names import normal_name, same_name
from syncjobs.clients.records import ArtistRecord, ShowRecord
from syncjobs.services.artists import is_performer

# The listing sells something besides the seat …
_PACKAGE = re.compile(
    r"\bvip\b|\bpackages?\b|\bupgrades?\b|\bsuites?\b|\bpremium seat|\bplatinum\b|\bhospitality\b|\bresale\b"
    r"|\bmeet (?:and|&|n') greet\b|\bearly entry\b|\bclub (?:access|seats|level)\b|\blounge\b|\bbox seats?\b"
    r"|\bcamping\b|\bhotel\b|\bfast ?(?:lane|track|pass)\b|\badd-?ons?\b|\bpaquetes?\b|\bforfait\b",
    re.IGNORECASE,
)
# … or something without the concert, which it is not even when nothing else is listed.
_NO_ENTRY = re.compile(
    r"\bparking\b|\bestacionamiento\b|\bparkplatz\b|\bparkering\b|\bstationnement\b|\bshuttle\b"
    r"|\bnot a concert ticket\b|\bno incluido\b|\bnot included\b|\bnon inclus\b",
    re.IGNORECASE,
)
_FESTIVAL = re.compile(r"\bfest(?:ival)?\b", re.IGNORECASE)

LATEST_DAYS_AHEAD = 365 * 3  # beyond, the date is a placeholder


@dataclass(frozen=True, slots=True)
class Concert:
    """A record that stands for itself and for its copies."""

    record: ShowRecord
    bill: tuple[ArtistRecord, ...]
    copies: tuple[str, ...] = field(default=())


def is_package(record: ShowRecord) -> bool:
    """Whether the listing sells a package or an upgrade rather than a seat."""
    return bool(_PACKAGE.search(_beside_names(record)))


def bill_of(record: ShowRecord, asked: str | None = None) -> tuple[ArtistRecord, ...]:
    """Those on the bill who perform, the headliner first; a festival's own name is nobody.

    The attraction that was `asked` for is on it whatever its name says.
    """
    performers = tuple(
        artist for artist in record.bill if is_performer(artist) or (asked and artist.ticketmaster_id == asked)
    )
    named = tuple(
        artist
        for artist in performers
        if artist.ticketmaster_id == asked or not (_FESTIVAL.search(artist.name) or _is_event(artist, record))
    )
    return named or performers


def _is_event(artist: ArtistRecord, record: ShowRecord) -> bool:
    """Whether this is the event itself, listed as if it played: of its name, of no genre, and nobody knows it."""
    is_nobody = not (artist.genres or artist.mbid or artist.spotify_id)
    return is_nobody and len(record.bill) > 2 and same_name(artist.name, record.name)


def _beside_names(record: ShowRecord) -> str:
    """The listing's name without those who play: Tokio Hotel sells no rooms."""
    name = record.name.casefold()
    for artist in record.bill:
        name = name.replace(artist.name.casefold(), " ")
    return name


def fold(
    records: Iterable[ShowRecord], *, today: date, known: Collection[str] = (), asked: str | None = None
) -> tuple[list[Concert], int]:
    """One concert for each night, and how many listings were left out or folded into another.

    `known` are the ids that have a row already: of equal listings that one stays. `asked` is the
    attraction whose listings these are.
    """
    records = list({record.ticketmaster_id: record for record in records}.values())
    nights: defaultdict[object, list[ShowRecord]] = defaultdict(list)
    left_out = 0
    for record in records:
        bill = bill_of(record, asked)
        if not bill or not is_concert(record, today):
            left_out += 1
            continue
        nights[_night(record, bill)].append(record)
    concerts = [
        Concert(first, bill_of(first, asked), tuple(copy.ticketmaster_id for copy in copies))
        for night in nights.values()
        for first, *copies in _by_hour(night, frozenset(known))
    ]
    folded = sum(len(concert.copies) for concert in concerts)
    order = {record.ticketmaster_id: number for number, record in enumerate(records)}
    return sorted(concerts, key=lambda concert: order[concert.record.ticketmaster_id]), left_out + folded


def is_concert(record: ShowRecord, today: date) -> bool:
    """Whether this is music, on a day that is meant, and not a ticket for something beside it."""
    is_placeholder = record.local_date is not None and (record.local_date - today).days > LATEST_DAYS_AHEAD
    return record.is_music is not False and not is_placeholder and not _NO_ENTRY.search(_beside_names(record))


def _night(record: ShowRecord, bill: tuple[ArtistRecord, ...]) -> object:
    """What all listings of one night share. Without a day or a place nothing is taken for a copy."""
    if record.local_date is None or record.venue is None:
        return record.ticketmaster_id
    venue = record.venue
    place = (normal_name(venue.name), normal_name(venue.city or ""))
    return bill[0].ticketmaster_id or normal_name(bill[0].name), record.local_date, place


def _by_hour(night: list[ShowRecord], known: frozenset[str]) -> list[list[ShowRecord]]:
    """The listings of one headliner, place and day by their hour (an early and a late show are two), the best first."""

    def worth(record: ShowRecord) -> tuple[bool, bool, bool, int, str]:
        return (
            is_package(record),
            record.starts_at is None,
            record.ticketmaster_id not in known,
            -len(record.bill),
            record.ticketmaster_id,
        )

    hours: dict[datetime | None, list[ShowRecord]] = {}
    for record in sorted(night, key=worth):
        first = next(iter(hours), None)
        hours.setdefault(first if is_package(record) or record.starts_at is None else record.starts_at, []).append(
            record
        )
    return list(hours.values())
