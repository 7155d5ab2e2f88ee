"""What fans do: cast a vote, retract it, follow; and the setlist they vote on, drawn for a show."""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from psycopg.errors import ForeignKeyViolation

from mysetlist.catalog.models import Artist, Follow, Setlist, SetlistSong, Show, Song, User, Vote

CAP = 10  # counted votes of one fan for one artist …
CAP_HOURS = 168  # … in any so many consecutive hours
PREDICTED_SONGS = 15


class VotingClosed(Exception):
    """Votes are no longer accepted for this setlist."""


class SetlistLocked(VotingClosed):
    """This setlist is locked: votes are no longer accepted."""


class ShowStarted(VotingClosed):
    """This show has started: votes are no longer accepted."""


class ShowCalledOff(VotingClosed):
    """This show is cancelled or postponed: votes are not accepted."""


class SetlistGone(VotingClosed):
    """This setlist is gone or became part of another one: load the show anew."""


class NotPredicted(VotingClosed):
    """This setlist tells what was played: vote on the predicted one."""


def cast_vote(*, fan: User, setlist_song: SetlistSong, now: datetime) -> tuple[Vote, bool]:
    """The fan's live vote for a song of a predicted setlist, and whether this call cast it.

    Casting twice gives the same vote. It is `counted` if fewer than ten live counted votes of this
    fan for this artist lie in the 168 hours up to the vote's hour, or after it; nothing later
    changes that. Raises VotingClosed (SetlistLocked, ShowStarted, ShowCalledOff, SetlistGone, NotPredicted).
    """
    with _refusing_what_is_gone(), transaction.atomic():
        setlist = _open_setlist(fan, setlist_song, now)
        live = Vote.objects.filter(fan=fan, setlist_song=setlist_song).first()
        if live:
            return live, False
        since = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=CAP_HOURS - 1)
        # No upper end: a vote that arrives late must not slip past those already cast.
        counted = Vote.objects.filter(fan=fan, artist_id=setlist.artist_id, created_at__gte=since, counted=True).count()
        vote = Vote.objects.create(
            fan=fan,
            setlist_song=setlist_song,
            show_id=setlist.show_id,
            artist_id=setlist.artist_id,
            created_at=now,
            counted=counted < CAP,
        )
        return vote, True


def retract_vote(*, fan: User, setlist_song: SetlistSong, now: datetime) -> bool:
    """Take a vote back; whether there was one. No other vote changes: its slot is free for later ones.

    Raises VotingClosed (SetlistLocked, ShowStarted, ShowCalledOff, SetlistGone, NotPredicted).
    """
    with _refusing_what_is_gone(), transaction.atomic():
        _open_setlist(fan, setlist_song, now)
        deleted, _ = Vote.objects.filter(fan=fan, setlist_song=setlist_song).delete()
        return bool(deleted)


@contextmanager
def _refusing_what_is_gone() -> Iterator[None]:
    """Two rows of one night become one while fans vote: a vote must not hold up that, nor be lost by it."""
    try:
        yield
    except Setlist.DoesNotExist:
        raise SetlistGone(SetlistGone.__doc__) from None
    except IntegrityError as problem:
        if not isinstance(problem.__cause__, ForeignKeyViolation):  # looked at when the vote is committed
            raise
        raise SetlistGone(SetlistGone.__doc__) from None


def _open_setlist(fan: User, setlist_song: SetlistSong, now: datetime) -> Setlist:
    """The setlist, if it takes votes. Holds the fan's row, so that one fan's votes come one by one."""
    User.objects.select_for_update(no_key=True).get(pk=fan.pk)
    setlist = Setlist.objects.select_related("show").get(pk=setlist_song.setlist_id)
    if setlist.kind != Setlist.Kind.PREDICTED:
        raise NotPredicted(NotPredicted.__doc__)
    if setlist.locked_at is not None and setlist.locked_at <= now:
        raise SetlistLocked(SetlistLocked.__doc__)
    if setlist.show.start is not None and setlist.show.start <= now:
        raise ShowStarted(ShowStarted.__doc__)
    if setlist.show.status in Show.CALLED_OFF:
        raise ShowCalledOff(ShowCalledOff.__doc__)
    return setlist


def predict_setlist(*, show: Show, artist: Artist) -> Setlist | None:
    """The predicted setlist of an artist at a show: 15 of the artist's songs, or all there are.

    Idempotent: a setlist that is there stays. None when the artist has no songs.
    """
    with transaction.atomic():
        # One at a time per show: a setlist is never seen without its songs.
        Show.objects.select_for_update(no_key=True).get(pk=show.pk)
        setlist = Setlist.objects.filter(show=show, artist=artist, kind=Setlist.Kind.PREDICTED).first()
        if setlist:
            return setlist
        songs = draw_songs(songs_with_plays(artist), seed=f"{show.pk} {artist.pk}")
        if not songs:
            return None
        setlist = Setlist.objects.create(show=show, artist=artist, kind=Setlist.Kind.PREDICTED)
        SetlistSong.objects.bulk_create(
            SetlistSong(setlist=setlist, song=song, position=position) for position, song in enumerate(songs, 1)
        )
        return setlist


def songs_with_plays(artist: Artist) -> Sequence[Song]:
    """The artist's songs, each with `plays`: how often the artist is known to have played it."""
    played = Count(
        "setlist_songs",
        filter=Q(setlist_songs__setlist__artist=artist, setlist_songs__setlist__kind=Setlist.Kind.ACTUAL),
    )
    return list(Song.objects.filter(artistsong__artist=artist).annotate(plays=played))


def draw_songs(songs: Iterable[Song], *, seed: str, size: int = PREDICTED_SONGS) -> Sequence[Song]:
    """Up to `size` songs, drawn without replacement with weight max(1, popularity).

    Where popularity is unknown, `plays` stand in, the most played song as 100. The same songs and
    seed give the same draw in any order of arrival. Source: Efraimidis and Spirakis, Weighted random
    sampling with a reservoir, 2006 (smallest exponential key wins).
    """
    songs = list(songs)
    most = max((getattr(song, "plays", 0) for song in songs), default=0) or 1

    def weight(song: Song) -> int:
        known = getattr(song, "plays", 0) * 100 // most if song.popularity is None else song.popularity
        return max(1, known)

    keys = {song: -math.log(1 - random.Random(f"{seed} {song.pk}").random()) / weight(song) for song in songs}
    return sorted(keys, key=lambda song: (keys[song], song.pk))[:size]


def follow_artist(*, fan: User, artist: Artist) -> bool:
    """Let a fan follow an artist; whether that is new."""
    _, is_new = Follow.objects.get_or_create(fan=fan, artist=artist)
    return is_new


def unfollow_artist(*, fan: User, artist: Artist) -> bool:
    """Let a fan follow an artist no more; whether they did."""
    deleted, _ = Follow.objects.filter(fan=fan, artist=artist).delete()
    return bool(deleted)
