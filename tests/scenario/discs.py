"""An artist's releases: albums, and the copies that an import must fold or leave."""

from collections.abc import Iterator

from tests.scenario import ids
from tests.scenario.cast import Act
from tests.scenario.world import Release, Song, Track


def releases_of(act: Act, songs: tuple[Song, ...]) -> tuple[Release, ...]:
    """Return albums that share out the songs, then deluxe, live, singles, remixes and what is no song at all."""
    size = -(-len(songs) // len(act.albums))
    shares = [songs[start : start + size] for start in range(0, len(songs), size)]
    albums = [
        _release(act, title[5:], "album", f"{title[:4]}-03-1{number}", tuple(map(_track, share)))
        for number, (title, share) in enumerate(zip(act.albums, shares, strict=False))
    ]
    return (*albums, *_copies(act, songs, shares[0]))


def _copies(act: Act, songs: tuple[Song, ...], first: tuple[Song, ...]) -> Iterator[Release]:
    album = act.albums[0][5:]
    extras = (
        _copy(act, first[0], "{} - Demo"),
        _copy(act, first[0], "{} - Live at the Forum"),
        _copy(act, first[1], "{} (Acoustic Version)"),
        _copy(act, first[1], "{} (Commentary)"),
        _copy(act, first[2], "{} - Remastered 2011", seconds=1),
    )
    yield _release(act, f"{album} (Deluxe Edition)", "album", "2011-06", (*map(_track, first), *extras))
    live = tuple(_copy(act, song, "{}", word="live", seconds=21) for song in songs[:8])
    yield _release(act, "Live at Wembley Stadium", "album", "2014", live)
    hit, second = songs[0], songs[-1]
    single = (_track(hit), _copy(act, hit, "{} - Radio Edit", seconds=-40), _copy(act, hit, "{} - Night Shift Remix"))
    yield _release(act, hit.title, "single", "2001-01-15", single)
    yield _release(
        act, f"{second.title} (Karaoke Version)", "single", "2019", (_copy(act, second, "{} (Karaoke Version)"),)
    )
    yield _release(
        act, f"{second.title} (Live)", "single", "2020-02-02", (_copy(act, second, "{} (Live)", seconds=13),)
    )
    for number in range(act.remixes):
        remix = _copy(act, songs[number % len(songs)], "{} - Remix " + str(number + 1))
        yield _release(act, remix.title, "single", f"{2015 + number % 8}-09-01", (remix,))
    if act.box_set:
        copies = [_copy(act, song, "{} - Remastered 2009", word=f"box {turn}") for turn in range(3) for song in songs]
        yield _release(act, "The Complete Recordings", "album", "2009-11-11", tuple(copies[:60]))


def _release(act: Act, title: str, kind: str, released: str, tracks: tuple[Track, ...]) -> Release:
    return Release(
        spotify_id=ids.base62(22, "release", act.name, title, released),
        title=title,
        kind=kind,
        released=released,
        tracks=tracks,
    )


def _track(song: Song) -> Track:
    """Return the studio take itself, wherever it is listed."""
    return Track(
        title=song.title,
        spotify_id=song.spotify_id,
        seconds=song.seconds,
        isrc=song.isrc,
        is_explicit=song.is_explicit,
    )


def _copy(act: Act, song: Song, template: str, *, word: str = "", seconds: int = 0) -> Track:
    """Return another recording of the song."""
    title = template.format(song.title)
    return Track(
        title=title,
        spotify_id=ids.base62(22, "copy", act.name, title, word),
        seconds=song.seconds + seconds,
        isrc=f"QZCMQ{ids.between(0, 9_999_999, 'copy', act.name, title, word):07}",
        is_explicit=song.is_explicit,
    )
