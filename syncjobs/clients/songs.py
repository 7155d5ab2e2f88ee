"""Is this recording the song as its studio take, and which recordings are one song?"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from syncjobs.clients.names import normal_name
from syncjobs.clients.records import AlbumKind, TrackRecord

SAME_LENGTH_SECONDS = 3  # copies of one recording differ by a fade-out or a gap


class Take(StrEnum):
    """What kind of recording of a song this is."""

    STUDIO = "studio"
    LIVE = "live"  # of use only where there is no studio take
    VERSION = "version"  # a remix, an edit, a demo, an acoustic take: the same
    NO_SONG = "no_song"  # an interview, a skit, an intro, karaoke


_DASH = re.compile(r"\s[-\u2010-\u2015]+\s")
_BRACKET = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_LAST_BRACKET = re.compile(r"[(\[{][^()\[\]{}]*[)\]}]\s*$")
_FEATURING = re.compile(r"\s(?:feat|ft|featuring)\b\.?\s.*$", re.IGNORECASE)
# Remarks that tell apart two songs of one name.
_PART = re.compile(r"\breprise\b|\b(?:part|pts?|vol|volume|no|act|chapter)\b\.?\s*[0-9ivx]+", re.IGNORECASE)

# A remark stands in a bracket or after a dash. There, many words mean the recording that elsewhere
# belong to the song: "Radio Ga Ga", "Festival", "Acoustic".
_NO_SONG_REMARK = re.compile(
    r"\b(?:commentary|interview|karaoke|skit|in the style of|originally (?:performed )?by|made (?:famous|popular) by)\b"
    r"|^(?:intro|outro|interlude)\W*$"
)
_LIVE_REMARK = re.compile(
    r"^(?:(?:acoustic|bonus|recorded|mtv|[0-9]{4}) )?live(?:\W*$|\W+[0-9]|\s*[,;:/@])"
    r"|\blive (?:to|version|session|acoustic|recording|take|performance|lounge|edit|mix|remaster|bonus)"
    r"|\b(?:recorded|performed|captured) live\b|\bunplugged\b|\bconcert\b|\bfestival\b(?! mix)|\bsessions?\b"
    r"|\btour\b(?! (?:edition|version))|\bradio (?:[0-9]|live|broadcast|performance)"
)
_STUDIO_REMARK = re.compile(r"\b(?:original|album|mono|stereo|[0-9]{4}) (?:mix|version)\b")
_VERSION_REMARK = re.compile(
    r"\b(?:remix(?:ed|es)?|rmx|mix(?:ed)?|edit|acoustic|sped up|slowed|nightcore|demos?|instrumentals?|a ?cap+ella"
    r"|extended|dub|rework(?:ed)?|reimagined|stripped|orchestral|alternat(?:e|ive)|outtake|early take|^take [0-9]|^radio\W*$"
    r"|(?:radio|single|short|long|club|piano|video) (?:version|cut))\b"
)
# What else may be cut off a title after a dash; anything not listed belongs to the title.
_OTHER_REMARK = re.compile(
    r"^(?:from|feat|ft|featur(?:ing|ed)|with)\b"
    r"|\b(?:remaster(?:ed)?|version|deluxe|bonus|anniversary|edition|mono|stereo|explicit|clean)\b"
)

_NO_SONG_TITLE = re.compile(r"(?:commentary|interview|skit|intro|outro|interlude)(?: [0-9ivx]+)?")
_LIVE_WORDS = re.compile(r"\bunplugged\b|\bin concert\b|\b(?:mtv|bbc|peel)\b.*\bsessions?\b")
_LIVE_PLACE = re.compile(r"(?:^|([\w']+)\W+)live (?:at|from|in|on) \w")
# After these, "live" is a verb: "The World We Live In Now".
_SUBJECTS = frozenset(
    {
        "i",
        "we",
        "you",
        "they",
        "who",
        "to",
        "can",
        "can't",
        "could",
        "would",
        "will",
        "won't",
        "not",
        "don't",
        "gotta",
        "must",
        "should",
        "never",
        "always",
        "still",
        "better",
        "where",
        "let",
        "let's",
        "us",
        "and",
        "that",
        "people",
    }
)


def take_of(title: str, album: str = "") -> Take:
    """Return what the title and the album's name say. The word "live" alone says nothing: "Live Wire"."""
    title, album = _lower(title), _lower(album)
    remarks = [*_remarks(title), *_remarks(album)]
    if _NO_SONG_TITLE.fullmatch(normal_name(title)) or any(_NO_SONG_REMARK.search(remark) for remark in remarks):
        return Take.NO_SONG
    if any(_is_live_remark(remark) for remark in remarks) or _is_live_title(title) or _is_live_album(album, title):
        return Take.LIVE
    if any(_is_version_remark(remark) for remark in remarks) or song_key(title).endswith(" remix"):
        return Take.VERSION
    return Take.STUDIO


def song_title(title: str) -> str:
    """Return the title without remarks: "- Remastered 2011", "(Live at Wembley)", "(feat. Jay-Z)"."""
    while (shorter := _shortened(title)) not in ("", title):
        title = shorter
    return title


def song_key(title: str) -> str:
    """Return what the titles of all copies of a song share."""
    return normal_name(song_title(title))


def track_keys(track: TrackRecord) -> tuple[str, ...]:
    """Return the keys by which to find a copy of this song again, the surest first."""
    keys = (f"isrc:{track.isrc}",) if track.isrc else ()
    return (*keys, f"song:{song_key(track.title)}:{track.duration_seconds}")


def medley_titles(title: str) -> tuple[str, ...]:
    """Return the songs of a medley as setlist.fm writes it, "Painkiller / Breaking the Law"; else the title."""
    return tuple(part.strip() for part in re.split(r"\s/\s", title) if part.strip())


def distinct_songs(tracks: Iterable[TrackRecord]) -> tuple[TrackRecord, ...]:
    """Return one track per song, in the given order: the studio take, then the album's, then the earliest.

    A live take or another version stays only where the song has no studio take. Tracks listed under an
    album do not name it: set `album` before, it decides.
    """
    tracks = tuple(tracks)
    kept: set[str] = set()
    isrcs: set[str] = set()
    lengths: defaultdict[str, list[int]] = defaultdict(list)
    for track in sorted(tracks, key=_preference):
        take, key = _take(track), song_key(track.title)
        is_copy = track.isrc in isrcs or any(
            take is not Take.STUDIO or abs(length - track.duration_seconds) <= SAME_LENGTH_SECONDS
            for length in lengths[key]
        )
        if take is not Take.NO_SONG and not is_copy:
            kept.add(track.spotify_id)
            lengths[key].append(track.duration_seconds)
            isrcs.update([track.isrc] if track.isrc else [])
    return tuple({track.spotify_id: track for track in tracks if track.spotify_id in kept}.values())


def _preference(track: TrackRecord) -> tuple[int, int, date, str]:
    kinds = (AlbumKind.ALBUM, AlbumKind.SINGLE, AlbumKind.COMPILATION)
    album_rank = kinds.index(track.album.kind) if track.album else len(kinds)
    released = track.album.release_date if track.album else None
    return list(Take).index(_take(track)), album_rank, released or date.max, track.spotify_id


def _take(track: TrackRecord) -> Take:
    return take_of(track.title, track.album.name if track.album else "")


def _lower(text: str) -> str:
    return " ".join(text.casefold().replace("\u2019", "'").split())


def _remarks(text: str) -> list[str]:
    """Return what stands in brackets and after dashes."""
    bracketed = [remark.strip() for remark in _BRACKET.findall(text)]
    return [*bracketed, *(part.strip() for part in _DASH.split(_BRACKET.sub("", text))[1:])]


def _shortened(title: str) -> str:
    """Return the title without its last remark."""
    bracket = _LAST_BRACKET.search(title)
    if bracket and not _PART.search(bracket[0]):
        return title[: bracket.start()].strip(" -\u2013")
    dashes = list(_DASH.finditer(title))
    if dashes and _is_remark(_lower(title[dashes[-1].end() :])):
        return title[: dashes[-1].start()].strip()
    return _FEATURING.sub("", title).strip()


def _is_remark(text: str) -> bool:
    others = _STUDIO_REMARK.search(text) or _OTHER_REMARK.search(text)
    return bool(others) or _is_live_remark(text) or _is_version_remark(text)


def _is_live_remark(remark: str) -> bool:
    return bool(_LIVE_REMARK.search(remark)) or _names_a_place(remark)


def _is_version_remark(remark: str) -> bool:
    return bool(_VERSION_REMARK.search(_STUDIO_REMARK.sub("", remark)))


def _is_live_title(title: str) -> bool:
    """Whether the title outside its remarks says so; "Live in the Moment" is a song, "Hey Jude Live in Rio" is not."""
    return bool(_LIVE_WORDS.search(title)) or _names_a_place(title, from_start=False)


def _is_live_album(album: str, title: str) -> bool:
    """Whether the album's name says so; a single named after its song says nothing new."""
    if song_key(album) == song_key(title):
        return False
    return bool(_LIVE_WORDS.search(album)) or "concert" in album.split() or _names_a_place(album)


def _names_a_place(text: str, *, from_start: bool = True) -> bool:
    """Whether it was recorded "live at", from, in or on somewhere."""
    before = [match[1] for match in _LIVE_PLACE.finditer(text)]
    return any(from_start if word is None else word not in _SUBJECTS for word in before)
