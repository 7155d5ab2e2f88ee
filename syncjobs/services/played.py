"""The songs of played setlists: found among the artist's own by title, covers among the original's, else made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from mysetlist.catalog.models import Artist, Song
from syncjobs.clients.records import ArtistRecord, PlayedSong, SetlistRecord
from syncjobs.clients.songs import medley_titles, song_key
from syncjobs.services.songs import link
from syncjobs.services.writing import create


@dataclass(frozen=True, slots=True)
class Line:
    """A song that was performed, and in which encore."""

    song: Song
    encore: int | None


class Played:
    """The songs of a batch of setlists of one artist."""

    def __init__(self, artist: Artist, records: Sequence[SetlistRecord]) -> None:
        self._artist = artist
        self._records = records
        self._own = _by_key(Song.objects.filter(artistsong__artist=artist))
        originals = {song.cover_of.mbid for r in records for song in r.songs if song.cover_of and song.cover_of.mbid}
        self._covered = {
            original.mbid: _by_key(Song.objects.filter(artistsong__artist=original))
            for original in Artist.objects.filter(mbid__in=originals).exclude(pk=artist.pk)
        }
        self._new: list[Song] = []

    def lines(self) -> list[list[Line]]:
        """What was performed, setlist by setlist. Writes the songs nobody had and that the artist plays them."""
        found = [[line for song in record.songs for line in self._lines(song)] for record in self._records]
        create(Song, self._new)
        link(artist_id=self._artist.pk, songs=[line.song for lines in found for line in lines])
        return found

    def _lines(self, played: PlayedSong) -> list[Line]:
        if not played.title or played.is_tape:
            return []
        whole = song_key(played.title) in self._own
        titles = (played.title,) if whole else medley_titles(played.title)
        return [Line(self._song(title, played.cover_of), played.encore) for title in titles if song_key(title)]

    def _song(self, title: str, original: ArtistRecord | None) -> Song:
        key = song_key(title)
        covered = self._covered.get(UUID(original.mbid), {}) if original and original.mbid else {}
        song = self._own.get(key) or covered.get(key)
        if song is None:
            song = Song(title=title)
            self._new.append(song)
        return self._own.setdefault(key, song)


def _by_key(songs: Iterable[Song]) -> dict[str, Song]:
    """The songs by title; of two with one title the one that Spotify knows, then the first."""
    ordered = sorted(songs, key=lambda song: (song.spotify_id is None, song.pk))
    found: dict[str, Song] = {}
    for song in ordered:
        found.setdefault(song_key(song.title), song)
    return found
