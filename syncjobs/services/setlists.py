"""Played setlists from setlist.fm: written once, again only when their version has changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mysetlist.catalog.models import Artist, Setlist, SetlistSong, Show
from syncjobs.clients.records import SetlistRecord
from syncjobs.services.matching import match_shows, shows_near
from syncjobs.services.played import Line, Played
from syncjobs.services.predictions import measure_accuracy
from syncjobs.services.slugs import free_slugs
from syncjobs.services.venues import upsert_venues
from syncjobs.services.writing import Tally, create, put, save_changed, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a batch of setlists became. `shows` are those of which it is now known what was played."""

    tally: Tally
    shows: frozenset[int]
    created_shows: int


def upsert_setlists(
    *, artist: Artist, records: Iterable[SetlistRecord], now: datetime, show: Show | None = None
) -> Written:
    """Write what an artist has played, in one transaction, and how well it was predicted.

    A setlist without songs is a stub and left out, and so are songs from tape and those nobody knew;
    a medley is its songs, one by one. A concert that the catalogue does not have is added to it.
    `show`: the one show that all of them are of.
    """
    records = list({record.setlistfm_id: record for record in records}.values())
    played = [record for record in records if _was_played(record, now)]
    tally = Tally()
    tally.leave_out(len(records) - len(played))
    with writing():
        ids = [record.setlistfm_id for record in played]
        held = {setlist.setlistfm_id: setlist for setlist in Setlist.objects.filter(setlistfm_id__in=ids)}
        edited = [r for r in played if not _is_current(held.get(r.setlistfm_id), r)]
        for _ in range(len(played) - len(edited)):
            tally.note(is_new=False, is_changed=False)
        shows, created = _shows_of(artist, edited, held, show)
        lines = Played(artist, edited).lines()
        setlists = _write(artist, edited, held, shows, tally)
        _write_songs(zip(setlists, lines, strict=True))
        measure_accuracy(show_ids={setlist.show_id for setlist in setlists})
        done = {setlist.show_id for setlist in (*held.values(), *setlists)}
        Show.objects.filter(pk__in=done, setlist_next_try_at__isnull=False).update(setlist_next_try_at=None)
    return Written(tally=tally, shows=frozenset(done), created_shows=created)


def _was_played(record: SetlistRecord, now: datetime) -> bool:
    return any(song.title and not song.is_tape for song in record.songs) and record.local_date <= now.date()


def _is_current(setlist: Setlist | None, record: SetlistRecord) -> bool:
    return setlist is not None and setlist.version_id == record.version_id


def _shows_of(
    artist: Artist, records: Sequence[SetlistRecord], held: dict[str | None, Setlist], given: Show | None
) -> tuple[dict[str, Show], int]:
    """The show of each setlist that is new to us, found by day and place, else made; how many were made."""
    unknown = [record for record in records if record.setlistfm_id not in held]
    if given:
        return {record.setlistfm_id: given for record in unknown}, 0
    shows = shows_near(artist, [record.local_date for record in unknown])
    told = Setlist.objects.filter(artist=artist, kind=Setlist.Kind.ACTUAL, show__in=shows)
    found = match_shows(unknown, shows, told.values_list("show_id", flat=True))
    made = _make_shows(artist, [record for record in unknown if record.setlistfm_id not in found])
    return found | made, len(set(made.values()))


def _make_shows(artist: Artist, records: Sequence[SetlistRecord]) -> dict[str, Show]:
    """A finished show for each day and place: an early and a late setlist without a listing share one."""
    venues = upsert_venues(records=[record.venue for record in records if record.venue])
    shows: dict[tuple[object, object], Show] = {}
    of: dict[str, Show] = {}
    for record in records:
        venue = venues[record.venue] if record.venue else None
        place = f" at {venue.name}" if venue else ""
        key = (record.local_date, venue and venue.pk)
        shows.setdefault(
            key,
            Show(
                headliner=artist,
                venue=venue,
                name=f"{artist.name}{place}"[:255],
                local_date=record.local_date,
                status=Show.Status.COMPLETED,
            ),
        )
        of[record.setlistfm_id] = shows[key]
    new = list(shows.values())
    addresses = [f"{artist.name} {show.venue.city if show.venue else ''} {show.local_date}" for show in new]
    for show, address in zip(new, free_slugs(Show, addresses), strict=True):
        show.slug = address
    create(Show, new)
    return of


def _write(
    artist: Artist,
    records: Sequence[SetlistRecord],
    held: dict[str | None, Setlist],
    shows: dict[str, Show],
    tally: Tally,
) -> list[Setlist]:
    new: list[Setlist] = []
    setlists: list[Setlist] = []
    changes: list[tuple[Setlist, set[str]]] = []
    for record in records:
        setlist = held.get(record.setlistfm_id)
        is_new = setlist is None
        if setlist is None:
            setlist = Setlist(
                show=shows[record.setlistfm_id],
                artist=artist,
                kind=Setlist.Kind.ACTUAL,
                setlistfm_id=record.setlistfm_id,
                version_id=record.version_id,
                url=record.url,
            )
            new.append(setlist)
        else:
            changes.append((setlist, put(setlist, version_id=record.version_id, url=record.url)))
        setlists.append(setlist)
        tally.note(is_new=is_new, is_changed=True)
    create(Setlist, new)
    save_changed(Setlist, changes)
    return setlists


def _write_songs(setlists: Iterable[tuple[Setlist, Sequence[Line]]]) -> None:
    """Replace the songs of each setlist whose songs differ."""
    pairs = list(setlists)
    held: dict[int, list[SetlistSong]] = {}
    for place in SetlistSong.objects.filter(setlist__in=[setlist.pk for setlist, _ in pairs]).order_by("position"):
        held.setdefault(place.setlist_id, []).append(place)
    gone: list[int] = []
    come: list[SetlistSong] = []
    for setlist, lines in pairs:
        places = held.get(setlist.pk, [])
        if [(place.song_id, place.encore) for place in places] == [(line.song.pk, line.encore) for line in lines]:
            continue
        gone += [place.pk for place in places]
        come += [
            SetlistSong(setlist=setlist, song=line.song, position=position, encore=line.encore)
            for position, line in enumerate(lines, 1)
        ]
    if gone:
        SetlistSong.objects.filter(pk__in=gone).delete()
    create(SetlistSong, come)
