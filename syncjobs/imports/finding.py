"""Who is to be imported? By an id at one source, by name, or a row that is there already."""

from collections.abc import Iterable
from dataclasses import dataclass

from mysetlist.catalog.models import Artist
from mysetlist.catalog.slugs import slug
from syncjobs.clients.errors import RecordNotFound, Source, SourceError
from syncjobs.clients.names import exact_matches, same_name
from syncjobs.clients.parsing import MBID
from syncjobs.clients.records import ArtistRecord
from syncjobs.clients.setlistfm import SetlistfmClient
from syncjobs.clients.spotify import SpotifyClient
from syncjobs.clients.ticketmaster import TicketmasterClient
from syncjobs.imports.identifiers import choose
from syncjobs.imports.outside import Outside, is_short
from syncjobs.progress import Permanent
from syncjobs.services.artists import is_performer, upsert_artists

SOURCES = {"ticketmaster_id": Source.TICKETMASTER, "spotify_id": Source.SPOTIFY, "mbid": Source.SETLISTFM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the import was started with: one of these."""

    artist: int | None = None
    ticketmaster_id: str | None = None
    mbid: str | None = None
    spotify_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A row, or the record to make one of, and which source told it just now."""

    known: Artist | None = None
    record: ArtistRecord | None = None
    source: Source | None = None

    def row(self) -> Artist:
        """The artist's row, made if it is new. Writes."""
        if self.known:
            return self.known
        assert self.record
        ((artist,), _) = upsert_artists(records=[self.record])
        return artist


def find_artist(asked: Asked, outside: Outside) -> Found:
    """Whom to import. Raises Permanent when nobody can be found, SourceError when waiting may help."""
    if asked.artist:
        known = Artist.objects.filter(pk=asked.artist).first()
        if known is None:
            raise Permanent(f"There is no artist {asked.artist} in the catalogue.")
        return Found(known=known)
    for key, source in SOURCES.items():
        if value := getattr(asked, key):
            return _by_id(key, value, source, outside)
    if not asked.name:
        raise Permanent("Say whom to import: an id at Ticketmaster, Spotify or MusicBrainz, or a name.")
    return _by_name(asked.name, outside)


def _by_id(key: str, value: str, source: Source, outside: Outside) -> Found:
    value = value.lower() if key == "mbid" else value
    if known := _known(key, value):
        return Found(known=known)
    try:
        client: TicketmasterClient | SpotifyClient | SetlistfmClient = getattr(outside, source)
        return Found(record=client.artist(value), source=source)
    except RecordNotFound as problem:
        raise Permanent(f"{source.label} has no artist {value}. Check the id.") from problem


def _known(key: str, value: str) -> Artist | None:
    if key == "mbid" and not MBID.fullmatch(value):
        return None  # the client says what is wrong with it
    return Artist.objects.filter(**{key: value}).first()


def _by_name(name: str, outside: Outside) -> Found:
    """The one row of exactly this name; else the first source that knows somebody of it."""
    if known := _row_named(name):
        return Found(known=known)
    silent: list[str] = []
    unsure: list[str] = []
    for source in Source:
        try:
            client: TicketmasterClient | SpotifyClient | SetlistfmClient = getattr(outside, source)
            found = client.search_artists(name)
        except SourceError as problem:
            if is_short(problem):
                raise
            silent.append(str(problem))
            continue
        choice = choose(name, [record for record in exact_matches(name, found.items) if is_performer(record)])
        if choice.record:
            return Found(record=choice.record, source=source)
        if choice.namesakes:
            unsure.append(f"{source.label}: {', '.join(ids_at(source, choice.namesakes))}.")
    told = f" Not all could be asked: {' '.join(silent)}" if silent else ""
    if unsure:
        raise Permanent(
            f"Several artists are called {name}, and nothing tells them apart. {' '.join(unsure)} Give an id."
        )
    raise Permanent(f"No source knows an artist of exactly this name: {name}. Check the spelling or give an id.{told}")


def _row_named(name: str) -> Artist | None:
    """The one row of exactly this name. Raises Permanent if there are several."""
    rows = [artist for artist in Artist.objects.filter(slug__startswith=slug(name)) if same_name(artist.name, name)]
    if len(rows) > 1:
        ids = ", ".join(
            f"{artist.slug} ({artist.ticketmaster_id or artist.spotify_id or artist.mbid})" for artist in rows
        )
        raise Permanent(f"{len(rows)} artists are called {name}: {ids}. Give an id.")
    return rows[0] if rows else None


def ids_at(source: Source, records: Iterable[ArtistRecord]) -> list[str]:
    """What the source calls them, with the remark that tells them apart, if there is one."""
    key = next(key for key, value in SOURCES.items() if value is source)
    remarks = [(getattr(record, key), record.disambiguation) for record in records]
    return [f"{value} ({remark})" if remark else str(value) for value, remark in remarks]
