"""A synthetic catalogue to measure on: skewed, with one hot artist, loaded with COPY and kept.

Votes are spread evenly over 180 days, so 11.7 % of them lie in the 21 days that a score counts.
A fan who votes for an artist does so for one to ten songs at once.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

from django.db import connection

DAYS = 180
SONGS = 15  # of a predicted setlist
HOT_SHARE = 0.02  # of all votes and follows goes to artist 1
SHOWS_OF_HOT = 60
SEED = 20261124
AS_OF = datetime(2026, 11, 1, 12, tzinfo=UTC)

Row = tuple[object, ...]


def load(*, artists: int, votes: int) -> None:
    """Fill an empty, migrated database. Triggers and foreign keys rest meanwhile."""
    fans = max(1000, votes // 20)
    tables = {
        "catalog_user (id, username, password, is_superuser, first_name, last_name, email, is_staff, is_active,"
        " date_joined)": (
            (n, f"fan-{n}", "!", False, "", "", "", False, True, AS_OF - timedelta(days=DAYS))
            for n in range(1, fans + 1)
        ),
        "catalog_artist (id, name, slug, genres, popularity)": (
            (n, f"Artist {n}", f"artist-{n}", ["pop", "rock"][: n % 3], n * 37 % 101) for n in range(1, artists + 1)
        ),
        "catalog_venue (id, name, city, country)": ((n, f"Hall {n}", f"City {n % 40}", "DE") for n in range(1, 201)),
        "catalog_show (id, headliner_id, venue_id, name, slug, starts_at, status)": _shows(artists),
        "catalog_billing (show_id, artist_id, position)": ((show, artist, 0) for show, artist, *_ in _shows(artists)),
        "catalog_song (id, title)": ((n, f"Song {n}") for n in range(1, artists * SONGS + 1)),
        "catalog_setlist (id, show_id, artist_id, kind)": (
            (artist, show, artist, "predicted") for artist, show in enumerate(_first_shows(artists), 1)
        ),
        "catalog_setlistsong (id, setlist_id, song_id, position)": (
            (n, (n - 1) // SONGS + 1, n, (n - 1) % SONGS + 1) for n in range(1, artists * SONGS + 1)
        ),
        "catalog_vote (fan_id, setlist_song_id, show_id, artist_id, created_at, counted)": _votes(artists, votes, fans),
        "catalog_follow (fan_id, artist_id)": _follows(artists, fans),
    }
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for target, rows in tables.items():
            with cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def _shares(artists: int, total: int) -> list[int]:
    """How many of `total` each artist has: a power law behind the hot one."""
    hot = int(total * HOT_SHARE)
    weights = [n**-0.9 for n in range(2, artists + 1)]
    scale = (total - hot) / sum(weights)
    bounds = [0, *(round(bound) for bound in accumulate(weight * scale for weight in weights))]
    return [hot, *(after - before for before, after in pairwise(bounds))]


def _shows(artists: int) -> Iterator[Row]:
    dice = random.Random(SEED)
    number = 0
    for artist in range(1, artists + 1):
        for _ in range(SHOWS_OF_HOT if artist == 1 else dice.choice((1, 1, 2, 5))):
            number += 1
            start = AS_OF + timedelta(hours=dice.randrange(-2000, 4000))
            yield number, artist, number % 200 + 1, f"Show {number}", f"show-{number}", start, "upcoming"


def _first_shows(artists: int) -> list[int]:
    first: dict[object, int] = {}
    for number, artist, *_ in _shows(artists):
        first.setdefault(artist, int(str(number)))
    return list(first.values())


def _votes(artists: int, votes: int, fans: int) -> Iterator[Row]:
    dice = random.Random(SEED + 1)
    shows = _first_shows(artists)
    for artist, share in enumerate(_shares(artists, votes), 1):
        fan, left = dice.randrange(fans), share
        while left > 0:
            fan = (fan + 1) % fans
            songs = min(left, dice.randint(1, 10))
            left -= songs
            moment = AS_OF - timedelta(seconds=dice.randrange(DAYS * 86400))
            for song in range(songs):
                yield fan + 1, (artist - 1) * SONGS + song + 1, shows[artist - 1], artist, moment, True


def _follows(artists: int, fans: int) -> Iterator[Row]:
    dice = random.Random(SEED + 2)
    for artist, share in enumerate(_shares(artists, fans * 3), 1):
        first = dice.randrange(fans)
        for number in range(min(share, fans)):
            yield (first + number) % fans + 1, artist
