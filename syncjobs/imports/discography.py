"""An artist's releases and their tracks, asked for call by call: what was answered is never asked again."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from syncjobs.clients.errors import SourceError
from syncjobs.clients.records import AlbumKind, AlbumRecord, TrackRecord
from syncjobs.clients.songs import distinct_songs
from syncjobs.clients.spotify import SpotifyClient
from syncjobs.services.songs import colliding, known_isrcs, own_tracks

REMEMBER_EVERY = 5  # releases


class Discography:
    """How far we have come. `state` is what a checkpoint remembers, so that a retry goes on from there."""

    def __init__(self, spotify_id: str, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self.spotify_id = spotify_id
        self._albums: list[AlbumRecord] = [_album(row) for row in state.get("albums", [])]
        self._album_offset: int | None = state.get("album_offset", 0)
        self._tracks: list[tuple[int, TrackRecord]] = [_track(row) for row in state.get("tracks", [])]
        self._done: int = state.get("done", 0)  # albums whose tracks are all there
        self._track_offset: int = state.get("track_offset", 0)
        self._isrcs: dict[str, str] = dict(state.get("isrcs", {}))

    @property
    def state(self) -> dict[str, Any]:
        """All of it as JSON takes it."""
        return {
            "albums": [
                [a.spotify_id, a.name, a.kind, a.release_date and a.release_date.isoformat()] for a in self._albums
            ],
            "album_offset": self._album_offset,
            "tracks": [
                [n, t.spotify_id, t.title, t.duration_seconds, t.popularity, list(t.artist_spotify_ids)]
                for n, t in self._tracks
            ],
            "done": self._done,
            "track_offset": self._track_offset,
            "isrcs": self._isrcs,
        }

    @property
    def share(self) -> float:
        """How much of it is there, 0 to 1."""
        return self._done / len(self._albums) if self._albums and self._album_offset is None else 0.0

    @property
    def told(self) -> str:
        """How much, in words."""
        return f"{self._done} of {len(self._albums)} releases"

    def fetch(self, client: SpotifyClient, remember: Callable[[], None]) -> tuple[TrackRecord, ...]:
        """Ask for what is missing; the artist's own tracks, each with its release.

        `remember` is called now and then, and before a SourceError goes on its way: what is there stays.
        """
        try:
            return self._fetch(client, remember)
        except SourceError:
            remember()
            raise

    def _fetch(self, client: SpotifyClient, remember: Callable[[], None]) -> tuple[TrackRecord, ...]:
        while self._album_offset is not None:
            page = client.albums_of_artist(self.spotify_id, offset=self._album_offset)
            known = {album.spotify_id for album in self._albums}
            self._albums += [album for album in page.items if album.spotify_id not in known]
            self._album_offset = page.next
        while self._done < len(self._albums):
            tracks = client.tracks_of_album(self._albums[self._done].spotify_id, offset=self._track_offset)
            self._tracks += [(self._done, track) for track in tracks.items]
            self._track_offset = tracks.next or 0
            self._done += tracks.next is None
            if tracks.next is None and self._done % REMEMBER_EVERY == 0:
                remember()
        return self._with_isrcs(client)

    def _with_isrcs(self, client: SpotifyClient) -> tuple[TrackRecord, ...]:
        """Only songs of one title that differ in length need their ISRC, which costs a call each."""
        tracks = own_tracks((replace(track, album=self._albums[n]) for n, track in self._tracks), self.spotify_id)
        unsure = colliding(distinct_songs(tracks))
        self._isrcs |= known_isrcs(unsure)
        for track in unsure:
            if track.spotify_id not in self._isrcs:
                self._isrcs[track.spotify_id] = client.track(track.spotify_id).isrc or ""
        return tuple(replace(track, isrc=self._isrcs.get(track.spotify_id) or None) for track in tracks)


def _album(row: list[Any]) -> AlbumRecord:
    spotify_id, name, kind, released = row
    return AlbumRecord(
        spotify_id=spotify_id,
        name=name,
        kind=AlbumKind(kind),
        release_date=date.fromisoformat(released) if released else None,
    )


def _track(row: list[Any]) -> tuple[int, TrackRecord]:
    number, spotify_id, title, seconds, popularity, artists = row
    return number, TrackRecord(
        spotify_id=spotify_id,
        title=title,
        duration_seconds=seconds,
        popularity=popularity,
        artist_spotify_ids=tuple(artists),
    )
