"""The scenario as plain objects: artists, releases, shows, what was played. The three sources tell of these."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.scenario import ids
from tests.scenario.cast import CAST, FESTIVALS, Act, Festival
from tests.scenario.places import PLACES, Place

DEMO = Path(__file__).resolve().parents[2] / "mysetlist" / "catalog" / "demo"
ANNOTATED = ("(", "[", " - ", "/")  # bundled titles with remarks are left out: which song it is would be a guess
MOST_SONGS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Artist:
    """An artist with its id at each source."""

    name: str
    ticketmaster_id: str
    spotify_id: str
    mbid: str
    genres: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    disambiguation: str = ""
    is_real: bool = True  # False: a namesake or tribute, which nobody should take for the artist


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """A song as a fan would count it: one, whatever the number of recordings."""

    title: str
    spotify_id: str  # of its studio take
    seconds: int
    isrc: str
    is_explicit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A recording on a release."""

    title: str
    spotify_id: str
    seconds: float
    isrc: str
    is_explicit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An album or single."""

    spotify_id: str
    title: str
    kind: str  # album, single
    released: str  # year, month or day
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """A concert. `twists` are words of cast.TWISTS."""

    ticketmaster_id: str
    name: str
    bill: tuple[Artist, ...]
    place: Place
    day: date
    hour: time
    twists: frozenset[str] = frozenset()
    festival: str = ""

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.day, self.hour, ZoneInfo(self.place.timezone)).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of what was played."""

    title: str
    is_tape: bool = False
    cover_of: str = ""
    guest: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What an artist played somewhere: the sets and then the encores."""

    setlistfm_id: str
    artist: Artist
    place: Place
    day: date  # as setlist.fm dates it
    sets: tuple[tuple[Line, ...], ...] = ()
    encores: tuple[tuple[Line, ...], ...] = ()
    tour: str = ""


@dataclass(kw_only=True)
class World:
    """All there is. `begin` is day 0 of every tour; whose day is past, `today` says."""

    begin: date
    acts: dict[str, Act] = field(default_factory=dict)
    artists: dict[str, Artist] = field(default_factory=dict)  # by name
    namesakes: list[Artist] = field(default_factory=list)
    songs: dict[str, tuple[Song, ...]] = field(default_factory=dict)  # by the artist's name
    releases: dict[str, tuple[Release, ...]] = field(default_factory=dict)
    shows: list[Show] = field(default_factory=list)
    played: list[Played] = field(default_factory=list)

    def everyone(self) -> list[Artist]:
        """All artists in the order searches find them: tributes first, those of the very same name last."""
        doubles = [artist for artist in self.namesakes if artist.disambiguation]
        others = [artist for artist in self.namesakes if not artist.disambiguation]
        return [*others, *self.artists.values(), *doubles]

    def titles(self, name: str) -> set[str]:
        """The songs an import must end with."""
        return {song.title for song in self.songs[name]}

    def shows_of(self, name: str) -> list[Show]:
        """The shows the artist is on the bill of."""
        return [show for show in self.shows if any(artist.name == name for artist in show.bill)]

    def setlists_of(self, name: str) -> list[Played]:
        """What the artist has played and setlist.fm may tell of, the newest first."""
        mine = [played for played in self.played if played.artist.name == name]
        return sorted(mine, key=lambda played: (played.day, played.setlistfm_id), reverse=True)


def build_world(begin: date, *, crowd: int = 0) -> World:
    """Return the world whose tours count their days from `begin`; `crowd`: so many shows of a tribute band more."""
    from tests.scenario.discs import releases_of
    from tests.scenario.nights import history_of, night_of

    world = World(begin=begin, acts={act.name: act for act in CAST})
    for act in CAST:
        artist = world.artists[act.name] = _artist(act)
        world.namesakes += [_namesake(name) for name in act.namesakes]
        world.songs[act.name] = _songs(act, artist)
        world.releases[act.name] = releases_of(act, world.songs[act.name])
    world.shows = [*_tours(world), *(_festival(world, festival) for festival in FESTIVALS)]
    for show in world.shows:
        world.played += [night for artist in show.bill if (night := night_of(show, artist, world.songs, world.acts))]
    for act in CAST:
        world.played += history_of(act, world.artists[act.name], world.songs, begin)
    world.shows += _crowd(world, crowd)
    return world


def _crowd(world: World, count: int) -> Iterator[Show]:
    """Yield so many shows in one country within thirty days that paging ends before they do."""
    for number in range(count):
        yield Show(
            ticketmaster_id=f"Zcmp{ids.base62(10, 'crowd', number)}",
            name=f"{world.namesakes[0].name}, night {number + 1}",
            bill=(world.namesakes[0],),
            place=PLACES["newyork"],
            day=world.begin + timedelta(days=number % 30),
            hour=time(10 + number % 12),
        )


def _tours(world: World) -> Iterator[Show]:
    for act in CAST:
        for number, key in enumerate(act.tour.split()):
            artist, place = world.artists[act.name], PLACES[key]
            day = world.begin + timedelta(days=act.first + act.every * number)
            twists = frozenset(act.twists.get(key, "").split())
            openers = () if "no_bill" in twists else tuple(world.artists[name] for name in act.openers)
            yield Show(
                ticketmaster_id=f"Zcmp{ids.base62(10, 'show', act.name, key)}",
                name=f"{act.name} - {act.albums[-1][5:]} Tour",
                bill=(artist, *openers),
                place=place,
                day=day,
                hour=time.fromisoformat(act.hour),
                twists=twists,
            )


def _festival(world: World, festival: Festival) -> Show:
    return Show(
        ticketmaster_id=f"Zcmp{ids.base62(10, 'festival', festival.name)}",
        name=festival.name,
        bill=tuple(world.artists[name] for name in festival.bill),
        place=PLACES[festival.place],
        day=world.begin + timedelta(days=festival.day),
        hour=time(14),
        twists=frozenset(festival.twists.split()),
        festival=festival.name,
    )


def _artist(act: Act) -> Artist:
    row = _bundled_artists()[act.name]
    return Artist(
        name=act.name,
        ticketmaster_id=f"K8v{ids.base62(9, 'attraction', act.name)}",
        spotify_id=row["spotify_id"],
        mbid=row["mbid"] or act.mbid,
        genres=tuple(row["genres"].split("|")[:3]),
        links=act.links,
    )


def _namesake(text: str) -> Artist:
    """Return another artist; a bracket in the text holds what setlist.fm tells them apart by."""
    name, _, remark = text.partition(" (")
    return Artist(
        name=name,
        ticketmaster_id=f"K8v{ids.base62(9, 'namesake', text)}",
        spotify_id=ids.base62(22, "namesake", text),
        mbid=ids.mbid("namesake", text),
        disambiguation=remark.rstrip(")"),
        is_real=False,
    )


def _songs(act: Act, artist: Artist) -> tuple[Song, ...]:
    bundled = {
        title: row for title, row in _bundled_songs().get(artist.spotify_id, {}).items() if title not in act.extra
    }
    found = [(title, row["spotify_id"], row["explicit"] == "True") for title, row in bundled.items()]
    made = [(title, ids.base62(22, "song", act.name, title), False) for title in act.extra]
    return tuple(
        Song(
            title=title,
            spotify_id=spotify_id,
            seconds=ids.between(150, 330, "seconds", act.name, title),
            isrc=f"QZCMP{ids.between(0, 9_999_999, 'isrc', act.name, title):07}",
            is_explicit=is_explicit,
        )
        for title, spotify_id, is_explicit in [*made, *found][:MOST_SONGS]
    )


@cache
def _bundled_artists() -> dict[str, dict[str, str]]:
    with gzip.open(DEMO / "artists.csv.gz", "rt", encoding="utf-8", newline="") as file:
        wanted = {act.name for act in CAST}
        rows = [row for row in csv.DictReader(file) if row["name"] in wanted]
    return {row["name"]: row for row in sorted(rows, key=lambda row: int(row["followers"] or 0))}


@cache
def _bundled_songs() -> dict[str, dict[str, dict[str, str]]]:
    """The plain titles of each artist, the most popular first, each once however it is written."""
    with gzip.open(DEMO / "songs.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (-int(row["popularity"]), row["spotify_id"]))
    songs: dict[str, dict[str, dict[str, str]]] = {}
    seen: set[tuple[str, str]] = set()
    for row in rows:
        key = (row["artist_spotify_id"], row["title"].casefold())
        if key not in seen and not any(mark in row["title"] for mark in ANNOTATED):
            seen.add(key)
            songs.setdefault(row["artist_spotify_id"], {})[row["title"]] = row
    return songs
