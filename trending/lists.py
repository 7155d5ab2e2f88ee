"""The lists, page by page: unfiltered from the views, filtered from all scores by index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import DateField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce

from mysetlist.catalog.models import Billing, Show
from trending.cursors import Cursor, mark
from trending.explanations import explain
from trending.models import ArtistTrend, ShowTrend, TrendingArtist, TrendingShow

LISTED_AFTER_START = timedelta(hours=4)
WIDEST_ZONE = timedelta(hours=14)  # how far a local day lies from the day in UTC
FIRST_DAY, LAST_DAY = date(1, 1, 3), date(9999, 12, 28)  # a zone and a day from where time ends

Filters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and the places before and after them."""

    rows: Sequence[Any]  # each with its `position` and its `factors` explained
    next: Cursor | None
    previous: Cursor | None


def artists(filters: Filters, *, as_of: datetime) -> QuerySet[Any]:
    """Artists with rank, name, slug, image_url, genres and factors; all of them when filtered."""
    if not filters:
        return TrendingArtist.objects.annotate(key=F("artist_id"))
    found = ArtistTrend.objects.annotate(
        key=F("artist_id"),
        rank=_rank(TrendingArtist),
        name=F("artist__name"),
        slug=F("artist__slug"),
        image_url=F("artist__image_url"),
        genres=F("artist__genres"),
    )
    if "genre" in filters:
        found = found.filter(artist__genres__overlap=spellings(filters["genre"]))
    if place := _place(filters, "show__venue__"):
        standing = Show.objects.upcoming(as_of).filter(pk=OuterRef("show_id"))
        there = Billing.objects.filter(place, artist_id=OuterRef("artist_id")).filter(Exists(standing))
        found = found.filter(Exists(there))
    return found


def shows(filters: Filters, *, as_of: datetime) -> QuerySet[Any]:
    """Shows that are not over for long, with headliner, venue and factors; all of them when filtered."""
    if not filters:
        return TrendingShow.objects.annotate(key=F("show_id"))
    found = ShowTrend.objects.filter(
        ~Q(show__status__in=Show.CALLED_OFF),
        _place(filters, "show__venue__"),
        show__start__gt=as_of - LISTED_AFTER_START,
    ).annotate(
        key=F("show_id"),
        rank=_rank(TrendingShow),
        **{name: F(f"show__{name}") for name in ("name", "slug", "start", "local_date", "status")},
        artist_id=F("show__headliner_id"),
        artist_name=F("show__headliner__name"),
        artist_slug=F("show__headliner__slug"),
        image_url=F("show__headliner__image_url"),
        genres=F("show__headliner__genres"),
        venue_name=F("show__venue__name"),
        **{name: F(f"show__venue__{name}") for name in ("city", "region", "country")},
    )
    if "genre" in filters:
        found = found.filter(show__headliner__genres__overlap=spellings(filters["genre"]))
    return _between(found, filters.get("from"), filters.get("to"))


def page(rows: QuerySet[Any], *, limit: int, cursor: Cursor | None, version: int, of: str) -> Page:
    """The rows from a place on, in the order of scores; one query."""
    back = cursor is not None and cursor.back
    if cursor:
        # The first half is the index's; the second leaves out those of the same raw.
        beyond, edge = ("gte", "gt") if back else ("lte", "lt")
        tie = Q(key__lt=cursor.id) if back else Q(key__gt=cursor.id)
        rows = rows.filter(Q(**{f"raw__{beyond}": cursor.raw}) & (Q(**{f"raw__{edge}": cursor.raw}) | tie))
    found = list(rows.order_by(*(("raw", "-key") if back else ("-raw", "key")))[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if back:
        found.reverse()
    first = _first_position(cursor, len(found), more)
    for position, row in enumerate(found, first):
        row.position = position
        row.factors = {line.factor: line for line in explain(row)}

    def at(row: Any, *, back: bool) -> Cursor:
        return Cursor(back=back, version=version, raw=row.raw, id=row.key, position=row.position, of=of)

    has_next, has_previous = (bool(cursor), more) if back else (more, bool(cursor))
    return Page(
        found,
        at(found[-1], back=False) if found and has_next else None,
        at(found[0], back=True) if found and has_previous else None,
    )


def marked(name: str, filters: Filters) -> str:
    """What cursors of this list carry, so that no other list takes them."""
    return mark(name, sorted((key, str(value)) for key, value in filters.items()))


def _first_position(cursor: Cursor | None, size: int, more: bool) -> int:
    """Going on from where the client was, even if rows have moved past that place since."""
    if cursor is None or (cursor.back and not more):
        return 1
    return max(1, cursor.position - size) if cursor.back else cursor.position + 1


def _rank(listed: type[TrendingArtist] | type[TrendingShow]) -> Subquery:
    """The overall rank; null past the first thousand."""
    return Subquery(listed._default_manager.filter(pk=OuterRef("pk")).values("rank"))


def _place(filters: Filters, venue: str) -> Q:
    place = Q()
    if "country" in filters:
        place &= Q(**{f"{venue}country": filters["country"].upper()})
    if "city" in filters:
        place &= Q(**{f"{venue}city__iexact": filters["city"]})
    return place


def _between(found: QuerySet[Any], since: date | None, until: date | None) -> QuerySet[Any]:
    """Shows of these days, as the calendar at the venue has them."""
    if since is None and until is None:
        return found
    zone = Coalesce(F("show__timezone"), Value("UTC"))
    local = Cast(Func(zone, F("show__start"), function="timezone"), DateField())
    found = found.annotate(day=Coalesce(F("show__local_date"), local))
    if since:
        found = found.filter(day__gte=since, show__start__gte=_midnight(since) - WIDEST_ZONE)
    if until:
        found = found.filter(day__lte=until, show__start__lt=_midnight(until) + timedelta(days=1) + WIDEST_ZONE)
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(min(max(day, FIRST_DAY), LAST_DAY), time(), UTC)


def spellings(genre: str) -> list[str]:
    """A genre as sources spell it: hip hop, Hip Hop, Hip hop. All are one look into the index."""
    return list(dict.fromkeys([genre, genre.lower(), genre.title(), genre.capitalize(), genre.upper()]))
