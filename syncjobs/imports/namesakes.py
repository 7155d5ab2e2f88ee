"""Namesakes at Spotify, told apart by the songs that setlist.fm says our artist plays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mysetlist.catalog.models import Artist
from mysetlist.catalog.services import songs_with_plays
from syncjobs.clients.errors import Source
from syncjobs.clients.records import ArtistRecord, TrackRecord
from syncjobs.clients.songs import song_key
from syncjobs.imports.finding import ids_at

MOST_TITLES = 3  # a call each
OPTIONS = {Source.TICKETMASTER: "--ticketmaster-id", Source.SPOTIFY: "--spotify-id", Source.SETLISTFM: "--mbid"}


def as_state(records: Iterable[ArtistRecord]) -> list[dict[str, Any]]:
    """The namesakes as a job's state holds them."""
    return [{key: value for key, value in asdict(record).items() if value is not None} for record in records]


def from_state(rows: Iterable[Mapping[str, Any]]) -> list[ArtistRecord]:
    """The namesakes that a search found earlier in this import."""
    return [ArtistRecord(**{**row, "genres": tuple(row.get("genres", ()))}) for row in rows]


def telling_titles(artist: Artist) -> list[str]:
    """What the artist plays most, as far as we know."""
    played = [song for song in songs_with_plays(artist) if getattr(song, "plays", 0)]
    return [song.title for song in sorted(played, key=lambda song: (-getattr(song, "plays", 0), song.pk))[:MOST_TITLES]]


def players(title: str, found: Iterable[TrackRecord], namesakes: Iterable[ArtistRecord]) -> list[str]:
    """Which of the namesakes, by their Spotify ids, have recorded a song of exactly this title."""
    who = {each for track in found if song_key(track.title) == song_key(title) for each in track.artist_spotify_ids}
    return sorted(each.spotify_id for each in namesakes if each.spotify_id in who)


def decide(namesakes: Sequence[ArtistRecord], told: Mapping[str, Sequence[str]]) -> ArtistRecord | None:
    """Who has recorded most of the titles (`told`: title -> who has), and more of them than any other."""
    hits = [(sum(each.spotify_id in who for who in told.values()), each) for each in namesakes]
    (most, best), *others = sorted(hits, key=lambda hit: hit[0], reverse=True)
    is_alone = all(count < most for count, _ in others)
    return best if is_alone and most * 2 > len(told) else None


def unsure(source: Source, name: str, namesakes: Sequence[ArtistRecord]) -> str:
    """What an operator can do about those whom nothing tells apart."""
    return (
        f"{source.label}: {len(namesakes)} artists are called {name}, and nothing tells them apart: "
        f"{', '.join(ids_at(source, namesakes))}. Set the id in the admin, or run import_artist {OPTIONS[source]}."
    )
