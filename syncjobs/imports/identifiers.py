"""Who is this artist at each source? By ids and links first, then by the exact name; never by a part of it."""

from collections.abc import Iterable, Sequence

from mysetlist.catalog.models import Artist
from syncjobs.clients.names import exact_matches
from syncjobs.clients.records import ArtistRecord
from syncjobs.services.artists import is_performer


def pick(artist: Artist, found: Iterable[ArtistRecord]) -> tuple[ArtistRecord | None, str]:
    """The artist among those a search found, and by what we know: for the record of the import."""
    exact = [record for record in exact_matches(artist.name, found) if is_performer(record)]
    for key in ("mbid", "spotify_id", "ticketmaster_id"):
        known = getattr(artist, key)
        linked = [record for record in exact if known and getattr(record, key) == str(known)]
        if linked:
            return linked[0], "a link"
    candidates = [record for record in exact if not _contradicts(artist, record)]
    return pick_by_name(candidates)


def pick_by_name(exact: Sequence[ArtistRecord]) -> tuple[ArtistRecord | None, str]:
    """Of several of one name the one that needs no remark to be told apart, then the one that is linked, then the first."""
    if not exact:
        return None, "nobody of exactly this name"
    if len(exact) == 1:
        return exact[0], "its exact name"
    plain = [record for record in exact if not record.disambiguation] or list(exact)
    best = next((record for record in plain if record.mbid or record.spotify_followers), plain[0])
    return best, f"its exact name, the first of {len(exact)}"


def _contradicts(artist: Artist, record: ArtistRecord) -> bool:
    known = {"mbid": artist.mbid and str(artist.mbid), "spotify_id": artist.spotify_id}
    return any(value and getattr(record, key) and getattr(record, key) != value for key, value in known.items())
