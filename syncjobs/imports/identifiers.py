"""Who is this artist at each source? By ids and links first, then by the exact name; never by a part of it.

Of namesakes only evidence decides: what tells them apart is said with the choice, and where nothing does,
nobody is taken and a person is asked.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mysetlist.catalog.models import Artist
from syncjobs.clients.names import exact_matches
from syncjobs.clients.records import ArtistRecord
from syncjobs.services.artists import is_performer

FAME = 10  # times the followers of any other: then it is the one who sells tickets
NOBODY = "nobody of exactly this name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Whom we take, and by what we know. `namesakes`: those that nothing told apart, when nobody was taken."""

    record: ArtistRecord | None = None
    reason: str = NOBODY
    namesakes: tuple[ArtistRecord, ...] = ()


def pick(artist: Artist, found: Iterable[ArtistRecord]) -> Choice:
    """The artist among those a search found."""
    exact = [record for record in exact_matches(artist.name, found) if is_performer(record)]
    for key in ("mbid", "spotify_id", "ticketmaster_id"):
        known = getattr(artist, key)
        linked = [record for record in exact if known and getattr(record, key) == str(known)]
        if linked:
            return Choice(record=linked[0], reason="a link")
    return choose(artist.name, [record for record in exact if not _contradicts(artist, record)], artist.genres)


def choose(name: str, exact: Sequence[ArtistRecord], genres: Iterable[str] = ()) -> Choice:
    """Of several of one name the one that the evidence leaves; each kind of it narrows the choice."""
    if not exact:
        return Choice()
    if len(exact) == 1:
        return Choice(record=exact[0], reason="its exact name")
    left = list(exact)
    for reason, narrow in _evidence(name, _words(genres)):
        left = narrow(left) or left
        if len(left) == 1:
            return Choice(record=left[0], reason=f"{reason}, among {len(exact)} of its name")
    return Choice(reason=f"{len(left)} artists of this name that nothing tells apart", namesakes=tuple(left))


Narrow = Callable[[list[ArtistRecord]], list[ArtistRecord]]


def _evidence(name: str, genres: set[str]) -> list[tuple[str, Narrow]]:
    """What may single one out, the surest first; an empty answer says nothing."""
    plain = _spelling(name)
    return [
        ("its spelling", lambda found: [each for each in found if _spelling(each.name) == plain]),
        ("the lack of a remark", lambda found: [each for each in found if not each.disambiguation]),
        ("its links", _linked),
        ("its genres", lambda found: _of_genre(found, genres)),
        ("its followers", _famous),
    ]


def _spelling(name: str) -> str:
    return name.casefold().replace("\u2019", "'")


def _linked(found: list[ArtistRecord]) -> list[ArtistRecord]:
    """At Ticketmaster: those of whom it knows who they are elsewhere. All others name no one but themselves."""
    return [each for each in found if each.ticketmaster_id and (each.mbid or each.spotify_id)]


def _of_genre(found: list[ArtistRecord], genres: set[str]) -> list[ArtistRecord]:
    """Those who share a word of their genres with ours, provided that all tell theirs."""
    return [each for each in found if genres & _words(each.genres)] if all(each.genres for each in found) else []


def _words(genres: Iterable[str]) -> set[str]:
    return {word for genre in genres for word in genre.casefold().replace("-", " ").replace("/", " ").split()}


def _famous(found: list[ArtistRecord]) -> list[ArtistRecord]:
    """The one whom ten times as many follow as any other, provided that all numbers are told."""
    numbers = [each.spotify_followers for each in found if each.spotify_followers is not None]
    if len(numbers) < len(found):
        return []
    most, second = sorted(numbers, reverse=True)[:2] if len(numbers) > 1 else (0, 0)
    return [each for each in found if each.spotify_followers == most] if most >= max(second, 1) * FAME else []


def _contradicts(artist: Artist, record: ArtistRecord) -> bool:
    known = {"mbid": artist.mbid and str(artist.mbid), "spotify_id": artist.spotify_id}
    return any(value and getattr(record, key) and getattr(record, key) != value for key, value in known.items())
