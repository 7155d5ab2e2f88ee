"""Load the demo into an empty catalogue: in one transaction, with COPY."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Protocol, TypeVar

from django.db import connection, models

from mysetlist.catalog.demo.bundle import LISTED_ON, Bundle, BundledShow, BundledVenue
from mysetlist.catalog.demo.fans import Act, Ballot, Crowd, simulate
from mysetlist.catalog.models import Artist, ArtistSong, Follow, Setlist, SetlistSong, Show, Song, User, Venue, Vote
from mysetlist.catalog.services import draw_songs
from mysetlist.catalog.slugs import unique_slugs

UNUSABLE_PASSWORD = "!"  # Django's mark: nobody logs in as a simulated fan

S = TypeVar("S", bound=Sized)


class Step(Protocol):
    """Does one step of the load; a door may show its label, its time and how many rows it made."""

    def __call__(self, label: str, work: Callable[..., S], /, *args: Any) -> S: ...


def silent(label: str, work: Callable[..., S], /, *args: Any) -> S:
    """A step nobody watches."""
    return work(*args)


@dataclass(kw_only=True, slots=True)
class Load:
    """What the steps learn of each other: which row each external id became."""

    bundle: Bundle
    now: datetime
    artists: dict[str, int] = field(default_factory=dict)
    venues: dict[BundledVenue, int] = field(default_factory=dict)
    songs: dict[str, list[Song]] = field(default_factory=lambda: defaultdict(list))
    ballots: dict[int, list[Ballot]] = field(default_factory=lambda: defaultdict(list))
    crowd: Crowd = field(default_factory=lambda: Crowd(joined=[], follows=[], votes=[]))
    fans: Sequence[int] = ()

    @property
    def shift(self) -> timedelta:
        """The whole days by which the demo's dates move: what was listed is listed today."""
        return self.now.astimezone(UTC).date() - LISTED_ON

    def dates(self, show: BundledShow) -> tuple[date, datetime | None]:
        """Its date and its start, shifted."""
        return show.local_date + self.shift, show.starts_at and show.starts_at + self.shift


def load(bundle: Bundle, *, now: datetime, step: Step = silent) -> None:
    """Fill the empty catalogue. Must run in a transaction."""
    state = Load(bundle=bundle, now=now)
    step("artists", _load_artists, state)
    step("venues", _load_venues, state)
    step("shows", _load_shows, state)
    step("songs", _load_songs, state)
    step("predicted setlists", _load_setlists, state)
    step("simulated fans", _load_fans, state)
    step("simulated follows", _load_follows, state)
    step("simulated votes", _load_votes, state)


def _load_artists(state: Load) -> Sized:
    artists = state.bundle.artists
    ids = _reserve(Artist, len(artists))
    slugs = unique_slugs([artist.name for artist in artists], set())
    _copy(
        Artist,
        "id name slug spotify_id mbid genres popularity spotify_followers",
        (
            (pk, a.name, slug, a.spotify_id, a.mbid, a.genres, a.popularity, a.followers)
            for pk, slug, a in zip(ids, slugs, artists, strict=True)
        ),
    )
    state.artists = {artist.spotify_id: pk for pk, artist in zip(ids, artists, strict=True)}
    return ids


def _load_venues(state: Load) -> Sized:
    venues = list(dict.fromkeys(show.venue for show in state.bundle.shows))
    ids = _reserve(Venue, len(venues))
    state.venues = dict(zip(venues, ids, strict=True))
    _copy(Venue, "id name city country", ((pk, v.name, v.city, v.country) for v, pk in state.venues.items()))
    return ids


def _load_shows(state: Load) -> Sized:
    shows = state.bundle.shows
    names = {artist.spotify_id: artist.name for artist in state.bundle.artists}
    addresses = (f"{names[s.headliner]} {s.venue.city} {s.local_date + state.shift}" for s in shows)
    ids = _reserve(Show, len(shows))
    _copy(
        Show,
        "id headliner_id venue_id name slug ticketmaster_id local_date starts_at",
        (
            (pk, state.artists[s.headliner], state.venues[s.venue], s.name, slug, s.ticketmaster_id, *state.dates(s))
            for pk, slug, s in zip(ids, unique_slugs(addresses, set()), shows, strict=True)
        ),
    )
    return ids


def _load_songs(state: Load) -> Sized:
    songs = state.bundle.songs
    ids = _reserve(Song, len(songs))
    _copy(
        Song,
        "id title spotify_id popularity",
        ((pk, s.title, s.spotify_id, s.popularity) for pk, s in zip(ids, songs, strict=True)),
    )
    for pk, song in zip(ids, songs, strict=True):
        if song.artist in state.artists:  # two songs' artists are not in the bundle
            state.songs[song.artist].append(Song(pk=pk, popularity=song.popularity))
    _copy(
        ArtistSong,
        "artist_id song_id",
        ((state.artists[artist], song.pk) for artist, theirs in state.songs.items() for song in theirs),
    )
    return ids


def _load_setlists(state: Load) -> Sized:
    """What predict_setlist would draw for each upcoming show, all at once."""
    songs = {state.artists[artist]: theirs for artist, theirs in state.songs.items()}
    shows = Show.objects.upcoming(state.now).filter(headliner__in=songs).order_by("start", "pk")
    pairs = list(shows.values_list("pk", "headliner_id"))
    ids = _reserve(Setlist, len(pairs))
    _copy(
        Setlist,
        "id show_id artist_id kind",
        ((pk, *pair, Setlist.Kind.PREDICTED.value) for pk, pair in zip(ids, pairs, strict=True)),
    )
    songs_of = [draw_songs(songs[artist], seed=f"{show} {artist}") for show, artist in pairs]
    places = iter(_reserve(SetlistSong, sum(map(len, songs_of))))
    rows = []
    for pk, (show, artist), drawn in zip(ids, pairs, songs_of, strict=True):
        theirs = list(islice(places, len(drawn)))
        rows += [
            (place, pk, song.pk, position) for position, (place, song) in enumerate(zip(theirs, drawn, strict=True), 1)
        ]
        state.ballots[artist].append(Ballot(show, theirs))
    _copy(SetlistSong, "id setlist_id song_id position", rows)
    return ids


def _acts(state: Load) -> list[Act]:
    return [
        Act(
            artist_id=state.artists[artist.spotify_id],
            monthly_listeners=artist.monthly_listeners,
            daily_change=artist.daily_change,
            followers=artist.followers,
            ballots=state.ballots.get(state.artists[artist.spotify_id], ()),
        )
        for artist in state.bundle.artists
    ]


def _load_fans(state: Load) -> Sized:
    hour = state.now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    state.crowd = simulate(_acts(state), as_of=hour)
    state.fans = _reserve(User, len(state.crowd.joined))
    blank = ("", "", "", UNUSABLE_PASSWORD, False, False, True)
    _copy(
        User,
        "id username date_joined first_name last_name email password is_superuser is_staff is_active",
        (
            (pk, f"fan-{number:04}", joined, *blank)
            for number, (pk, joined) in enumerate(zip(state.fans, state.crowd.joined, strict=True), 1)
        ),
    )
    return state.fans


def _load_follows(state: Load) -> Sized:
    follows = state.crowd.follows
    _copy(Follow, "fan_id artist_id created_at", ((state.fans[f.fan], f.artist_id, f.created_at) for f in follows))
    return follows


def _load_votes(state: Load) -> Sized:
    votes = state.crowd.votes
    _copy(
        Vote,
        "created_at fan_id setlist_song_id show_id artist_id counted",
        ((at, state.fans[fan], *rest) for at, fan, *rest in votes),
    )
    return votes


def _reserve(model: type[models.Model], count: int) -> list[int]:
    """The next `count` ids of a table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _copy(model: type[models.Model], columns: str, rows: Iterable[Sequence[Any]]) -> None:
    names = ", ".join(columns.split())
    with connection.cursor() as cursor, cursor.copy(f"copy {model._meta.db_table} ({names}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)
