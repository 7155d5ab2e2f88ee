"""Songs: an artist's studio catalogue, one row per song whatever releases it is on."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import Q

from mysetlist.catalog.models import ArtistSong, Song
from syncjobs.clients.records import TrackRecord
from syncjobs.clients.songs import SAME_LENGTH_SECONDS, distinct_songs, song_key, song_title
from syncjobs.services.writing import Tally, create, put, save_changed, writing


def own_tracks(tracks: Iterable[TrackRecord], spotify_id: str) -> tuple[TrackRecord, ...]:
    """The tracks on which the artist plays: albums of theirs hold songs of others too."""
    return tuple(t for t in tracks if not t.artist_spotify_ids or spotify_id in t.artist_spotify_ids)


def colliding(tracks: Sequence[TrackRecord]) -> tuple[TrackRecord, ...]:
    """The tracks that share a title and differ in length: only an ISRC can tell whether they are one song."""
    titles = Counter(song_key(track.title) for track in tracks)
    return tuple(track for track in tracks if titles[song_key(track.title)] > 1 and track.isrc is None)


def known_isrcs(tracks: Iterable[TrackRecord]) -> dict[str, str]:
    """The ISRC of each track that we have asked for before, by Spotify id."""
    ids = [track.spotify_id for track in tracks]
    stored = Song.objects.filter(spotify_id__in=ids, isrc__isnull=False).values_list("spotify_id", "isrc")
    return {spotify_id: isrc for spotify_id, isrc in stored if spotify_id and isrc}


def upsert_songs(*, artist_id: int, tracks: Iterable[TrackRecord]) -> Tally:
    """Write the artist's songs in one transaction: copies folded, live takes and remixes only where there is no other.

    A song is found by Spotify id, by ISRC, else by title and length among the artist's own. A row
    that came from another copy, or from a setlist, keeps its id and takes what it lacks.
    """
    tracks = list({track.spotify_id: track for track in tracks}.values())
    distinct = distinct_songs(tracks)
    tally = Tally()
    tally.leave_out(len(tracks) - len(distinct))
    with writing():
        known = _Known(artist_id, distinct)
        rows = [known.row(track, tally) for track in distinct]
        create(Song, known.new)
        save_changed(Song, known.changes)
        link(artist_id=artist_id, songs=rows)
    return tally


def link(*, artist_id: int, songs: Iterable[Song]) -> None:
    """Remember that the artist plays these songs."""
    wanted = {song.pk for song in songs}
    linked = ArtistSong.objects.filter(artist=artist_id, song__in=wanted).values_list("song_id", flat=True)
    create(ArtistSong, [ArtistSong(artist_id=artist_id, song_id=pk) for pk in sorted(wanted.difference(linked))])


class _Known:
    """The rows that the tracks may mean."""

    def __init__(self, artist_id: int, tracks: Sequence[TrackRecord]) -> None:
        self.new: list[Song] = []
        self.changes: list[tuple[Song, set[str]]] = []
        self._by_id: dict[str, Song] = {}
        self._by_isrc: dict[str, Song] = {}
        self._by_title: defaultdict[str, list[Song]] = defaultdict(list)
        ids = [track.spotify_id for track in tracks]
        isrcs = [track.isrc for track in tracks if track.isrc]
        for song in Song.objects.filter(Q(spotify_id__in=ids) | Q(isrc__in=isrcs)):
            self._remember(song)
        for song in Song.objects.filter(artistsong__artist=artist_id).order_by("pk"):
            self._remember(song)
            self._by_title[song_key(song.title)].append(song)

    def row(self, track: TrackRecord, tally: Tally) -> Song:
        """The song of this track, with what the track adds."""
        song = self._find(track)
        is_new = song is None
        if song is None:
            song = Song(title=song_title(track.title))
            self.new.append(song)
        changed = put(song, **self._values(song, track))
        if not is_new:
            self.changes.append((song, changed))
        self._remember(song)
        if is_new:
            self._by_title[song_key(song.title)].append(song)
        tally.note(is_new=is_new, is_changed=bool(changed))
        return song

    def _find(self, track: TrackRecord) -> Song | None:
        if song := self._by_id.get(track.spotify_id) or self._by_isrc.get(track.isrc or ""):
            return song
        lengths = self._by_title[song_key(track.title)]
        for song in lengths:
            # Two recordings with an ISRC each were found to differ: the length says no more.
            apart = song.isrc and track.isrc and song.isrc != track.isrc
            if song.duration_seconds is not None and not apart and _same_length(song.duration_seconds, track):
                return song
        return next((song for song in lengths if song.duration_seconds is None), None)

    def _values(self, song: Song, track: TrackRecord) -> dict[str, object]:
        """What the song lacks; of its own copy, what has changed."""
        values: dict[str, object] = {}
        if song.spotify_id is None and track.spotify_id not in self._by_id:
            values["spotify_id"] = track.spotify_id
        if song.isrc is None and track.isrc and track.isrc not in self._by_isrc:
            values["isrc"] = track.isrc
        if song.duration_seconds is None:
            values["duration_seconds"] = track.duration_seconds
        is_own = song.spotify_id in (None, track.spotify_id)
        if track.popularity is not None and (is_own or song.popularity is None):
            values["popularity"] = track.popularity
        return values

    def _remember(self, song: Song) -> None:
        if song.spotify_id:
            self._by_id.setdefault(song.spotify_id, song)
        if song.isrc:
            self._by_isrc.setdefault(song.isrc, song)


def _same_length(seconds: int, track: TrackRecord) -> bool:
    return abs(seconds - track.duration_seconds) <= SAME_LENGTH_SECONDS
