"""What the tests of this room share: rows by SQL, crowds at once, what the reference makes of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count as numbers
from typing import Any

from django.db import connection, connections

from mysetlist.catalog.models import Artist, Follow, Setlist, SetlistSong, Show, User, Vote
from tests.factories import NOON
from trending import scoring
from trending.models import COLUMNS
from trending.scoring import CastVote, Factors

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)

Row = tuple[Any, ...]

_fans = numbers(1)


def rows(sql: str, *values: object) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def run_sql(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


@contextmanager
def session_in(zone: str) -> Iterator[None]:
    """The session has another time zone, and Django knows: what DATABASES' TIME_ZONE does."""
    usual = connection.settings_dict["TIME_ZONE"]
    try:
        _set_zone(zone)
        yield
    finally:
        _set_zone(usual)


def _set_zone(zone: str | None) -> None:
    ours = connections[connection.alias]  # `connection` itself stands for it
    ours.settings_dict["TIME_ZONE"] = zone
    for cached in ("timezone", "timezone_name"):
        vars(ours).pop(cached, None)
    ours.ensure_timezone()


def stored(kind: str) -> dict[int, Row]:
    """The stored factors and scores, by artist or show."""
    return {row[0]: row[1:] for row in rows(f"SELECT {kind}_id, {', '.join(COLUMNS)} FROM {kind}_trends")}


def counted(kind: str, as_of: datetime) -> dict[int, Row]:
    """The same, counted anew from the source rows; nothing is stored."""
    sql = f"SELECT {kind}_id, {', '.join(COLUMNS)} FROM trending_{kind}_scores(%s)"
    return {row[0]: row[1:] for row in rows(sql, as_of)}


def listed(kind: str) -> list[tuple[int, int]]:
    """Rank and id, as the list of the kind has them."""
    return rows(f"SELECT rank, {kind}_id FROM trending_{kind}s_mv ORDER BY rank")


def physical(table: str) -> list[Row]:
    """Where each row version lies, and who wrote it: any write changes this."""
    return rows(f"SELECT ctid::text, xmin::text FROM {table} ORDER BY 1")


def hour_of(moment: datetime) -> int:
    return (moment - EPOCH) // HOUR


def reference(votes: Iterable[Vote], shows: Iterable[Show], artist: Artist, as_of: datetime = NOON) -> Row:
    """What the row of these votes and shows must hold, by trending.scoring alone."""
    votes = list(votes)
    factors = scoring.count(
        as_of=hour_of(as_of),
        votes=[CastVote(vote.fan_id, hour_of(vote.created_at), vote.counted) for vote in votes],
        show_starts=[
            (show.start - EPOCH) / HOUR
            for show in shows
            if show.start is not None and show.status not in {"cancelled", "postponed"}
        ],
        followers=Follow.objects.filter(artist=artist).count(),
        popularity=artist.popularity,
    )
    seen = [vote for vote in votes if 0 <= hour_of(as_of) - hour_of(vote.created_at) < 504]
    return as_row(factors, vote_count=len(seen), fan_count=len({vote.fan_id for vote in seen}))


def as_row(factors: Factors, *, vote_count: int, fan_count: int) -> Row:
    """Factors in the order of the columns."""
    raw = scoring.raw(factors)
    values = {
        "vote_count": vote_count,
        "fan_count": fan_count,
        **{name: getattr(factors, name) for name in COLUMNS[2:-2]},
        "raw": raw,
        "score": scoring.score(raw),
    }
    return tuple(values[name] for name in COLUMNS)


def column(row: Row, name: str) -> Any:
    return row[COLUMNS.index(name)]


def make_crowd(size: int) -> Sequence[User]:
    """So many fans, in one statement."""
    return User.objects.bulk_create(User(username=f"one-of-a-crowd-{next(_fans)}") for _ in range(size))


def make_votes(songs: Iterable[SetlistSong], fans: Iterable[User], *, at: datetime = NOON, **values: Any) -> list[Vote]:
    """A vote of each fan for each song, in one statement, past the rules of cast_vote."""
    setlists: Mapping[int, Setlist] = {}
    votes = []
    fans = list(fans)
    for song in songs:
        setlist = setlists.get(song.setlist_id) or song.setlist
        setlists = {**setlists, setlist.pk: setlist}
        votes += [
            Vote(
                fan=fan,
                setlist_song=song,
                show_id=setlist.show_id,
                artist_id=setlist.artist_id,
                **{"created_at": at, "counted": True, **values},
            )
            for fan in fans
        ]
    return Vote.objects.bulk_create(votes)


def make_artists(size: int, **values: Any) -> Sequence[Artist]:
    """So many artists, in one statement; a value that can be called gets the artist's number."""
    return Artist.objects.bulk_create(
        Artist(
            **{
                "name": f"Band {number}",
                "slug": f"band-{number}",
                **{key: value(number) if callable(value) else value for key, value in values.items()},
            }
        )
        for number in range(size)
    )


def make_shows(artist: Artist, size: int, starts_at: datetime) -> None:
    """So many shows of an artist, in one statement."""
    Show.objects.bulk_create(
        Show(
            headliner=artist,
            name=f"Night {number}",
            slug=f"night-{artist.pk}-{starts_at:%j-%H}-{number}",
            starts_at=starts_at,
        )
        for number in range(size)
    )


def make_followers(artist: Artist, size: int) -> None:
    Follow.objects.bulk_create(Follow(fan=fan, artist=artist) for fan in make_crowd(size))
