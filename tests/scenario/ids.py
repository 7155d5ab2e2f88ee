"""Ids made up by rule: the same words give the same id, in every run and process."""

import hashlib
import uuid

BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
HERE = uuid.UUID("6f0b7a52-3c52-5d0e-9d52-0d7d0c1b5f11")


def number(*words: object) -> int:
    """Return a large number that the words stand for."""
    return int.from_bytes(hashlib.sha256(repr(words).encode()).digest()[:20], "big")


def base62(length: int, *words: object) -> str:
    """Return an id as Ticketmaster and Spotify write them."""
    rest, text = number(*words), ""
    for _ in range(length):
        rest, place = divmod(rest, 62)
        text += BASE62[place]
    return text


def hex8(*words: object) -> str:
    """Return an id as setlist.fm writes them."""
    return f"{number(*words) % 2**32:08x}"


def mbid(*words: object) -> str:
    """Return an id as MusicBrainz writes them."""
    return str(uuid.uuid5(HERE, repr(words)))


def between(least: int, most: int, *words: object) -> int:
    """Return a number that the words stand for, both ends included."""
    return least + number(*words) % (most - least + 1)
