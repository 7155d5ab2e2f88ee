"""Rows for tests: each function makes one, with what it needs, and takes what the test is about."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from mysetlist.catalog.models import (
    Artist,
    ArtistSong,
    Billing,
    Follow,
    Setlist,
    SetlistSong,
    Show,
    Song,
    User,
    Venue,
    Vote,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)  # a whole hour that tests call now

_number = count(1)


def hours_before(hours: float, now: datetime = NOON) -> datetime:
    return now - timedelta(hours=hours)


def make_fan(**values: Any) -> User:
    return User.objects.create(**{"username": f"fan-{next(_number)}", **values})


def make_artist(**values: Any) -> Artist:
    number = next(_number)
    return Artist.objects.create(**{"name": f"Artist {number}", "slug": f"artist-{number}", **values})


def make_venue(**values: Any) -> Venue:
    return Venue.objects.create(**{"name": f"Hall {next(_number)}", "city": "Berlin", "country": "DE", **values})


def make_show(artist: Artist | None = None, *, bill: list[Artist] | None = None, **values: Any) -> Show:
    """A show of `artist`, in a week unless `starts_at` says otherwise; `bill` are those who play before."""
    number = next(_number)
    show = Show.objects.create(
        **{
            "headliner": artist or make_artist(),
            "name": f"Show {number}",
            "slug": f"show-{number}",
            "starts_at": NOON + timedelta(days=7),
            **values,
        }
    )
    for position, guest in enumerate(bill or [], 1):
        Billing.objects.create(show=show, artist=guest, position=position)
    show.refresh_from_db()
    return show


def make_song(artist: Artist | None = None, **values: Any) -> Song:
    song = Song.objects.create(**{"title": f"Song {next(_number)}", **values})
    if artist:
        ArtistSong.objects.create(artist=artist, song=song)
    return song


def make_setlist(show: Show, artist: Artist | None = None, *, songs: int = 0, **values: Any) -> Setlist:
    """A predicted setlist of the show's headliner, with so many new songs."""
    artist = artist or show.headliner
    setlist = Setlist.objects.create(**{"show": show, "artist": artist, "kind": Setlist.Kind.PREDICTED, **values})
    for position in range(1, songs + 1):
        SetlistSong.objects.create(setlist=setlist, song=make_song(artist), position=position)
    return setlist


def make_setlist_song(artist: Artist | None = None, **show: Any) -> SetlistSong:
    """Something to vote for: a song of a new show's predicted setlist."""
    return make_setlist(make_show(artist, **show), songs=1).setlist_songs.get()


def make_vote(setlist_song: SetlistSong, *, fan: User | None = None, at: datetime = NOON, counted: bool = True) -> Vote:
    """A vote as it stands in the table, past the rules of cast_vote."""
    setlist = setlist_song.setlist
    return Vote.objects.create(
        fan=fan or make_fan(),
        setlist_song=setlist_song,
        show_id=setlist.show_id,
        artist_id=setlist.artist_id,
        created_at=at,
        counted=counted,
    )


def make_follow(artist: Artist, fan: User | None = None) -> Follow:
    return Follow.objects.create(fan=fan or make_fan(), artist=artist)
