"""The pieces that jobs and imports share: one artist or one show at one source.

A source that is busy puts the piece off, one that refuses fails it: both the queue does.
"""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from mysetlist.catalog.models import Artist, Setlist, Show
from syncjobs.clients.errors import RecordNotFound, Source, SourceNotConfigured
from syncjobs.clients.records import ArtistRecord, SetlistRecord
from syncjobs.clients.setlistfm import SetlistfmClient
from syncjobs.imports.discography import Discography
from syncjobs.imports.outside import Outside, asking
from syncjobs.progress import Counts, Permanent, Work
from syncjobs.services.artists import fill_artist
from syncjobs.services.matching import SHIFTS, is_same_place
from syncjobs.services.predictions import predict_setlists
from syncjobs.services.setlists import upsert_setlists
from syncjobs.services.shows import upsert_shows
from syncjobs.services.songs import upsert_songs
from syncjobs.services.writing import Tally, stamp
from syncjobs.sources import Share, spending

# After so many looks in vain: data takes one to three days to appear, some never does.
NEXT_TRY = (timedelta(days=1), timedelta(days=2), timedelta(days=4), timedelta(days=14), timedelta(days=60))


def sync_ticketmaster_artist(work: Work, *, artist: int, share: str = Share.UPDATES) -> Counts:
    """The artist's shows, page by page; songs known, each new one gets a predicted setlist."""
    row, now = _artist(artist), timezone.now()
    if row.ticketmaster_id is None:
        raise Permanent(f"{row.name} has no Ticketmaster id. Import the artist to find it.")
    counts = _counts(work)
    page: int | None = work.state.get("page", 0)
    while page is not None:
        with asking(Source.TICKETMASTER, share):
            listed = Outside().ticketmaster.shows_of_artist(row.ticketmaster_id, page=page)
        page = listed.next
        with work.checkpoint("shows", 90, f"{listed.total} listings", page=page, counts=counts):
            upsert_shows(records=listed.items, now=now, asked=row.ticketmaster_id).shows.add_to(counts)
            _unread(listed.rejected).add_to(counts)
            if page is None:
                stamp(row.pk, "shows", now=now)
                predict_setlists(artist=row, now=now)
    return counts


def sync_spotify_artist(work: Work, *, artist: int, catalogue: bool = True, share: str = Share.UPDATES) -> Counts:
    """The artist's numbers and image, and with `catalogue` all songs."""
    row, now = _artist(artist), timezone.now()
    if row.spotify_id is None:
        raise Permanent(f"{row.name} has no Spotify id. Import the artist to find it.")
    counts = _counts(work)
    with asking(Source.SPOTIFY, share):
        if not work.state.get("is_profile_done"):
            record = Outside().spotify.artist(row.spotify_id)
            with work.checkpoint("profile", 10, row.name, is_profile_done=True, counts=counts):
                fill_artist(artist_id=row.pk, record=record).add_to(counts)
                stamp(row.pk, "profile", now=now)
        if not catalogue:
            return counts
        discography = Discography(row.spotify_id, work.state.get("discography"))

        def remember() -> None:
            state = {"discography": discography.state, "counts": counts}
            with work.checkpoint("songs", round(10 + 80 * discography.share), discography.told, **state):
                pass

        tracks = discography.fetch(Outside().spotify, remember)
    with work.checkpoint("songs", 95, f"{len(tracks)} recordings", discography=None):
        upsert_songs(artist_id=row.pk, tracks=tracks).add_to(counts)
        stamp(row.pk, "songs", now=now)
        predict_setlists(artist=row, now=now)
    return counts


def sync_setlists(work: Work, *, artist: int, page: int = 1, share: str = Share.REST) -> Counts:
    """What the artist has played, from a page on to the last."""
    row, now = _artist(artist), timezone.now()
    if row.mbid is None:
        raise Permanent(f"{row.name} has no MusicBrainz id. Import the artist to find it.")
    counts = _counts(work)
    at: int | None = work.state.get("page", page)
    while at is not None:
        with asking(Source.SETLISTFM, share):
            listed = Outside().setlistfm.setlists_of_artist(str(row.mbid), page=at)
        at = listed.next
        with work.checkpoint("setlists", 50 if at else 99, f"{listed.total} setlists", page=at, counts=counts):
            upsert_setlists(artist=row, records=listed.items, now=now).tally.add_to(counts)
            _unread(listed.rejected).add_to(counts)
            if at is None:
                stamp(row.pk, "setlists", now=now)
    return counts


def sync_show_setlist(work: Work, *, show: int, share: str = Share.UPDATES) -> Counts:
    """What was played at a show that is over, by its headliner and by all whose setlist was predicted.

    Not found is remembered, and when to look again.
    """
    row = Show.objects.select_related("headliner", "venue").filter(pk=show).first()
    if row is None or row.local_date is None:
        raise Permanent(f"There is no show {show} with a date.")
    now, counts = timezone.now(), _counts(work)
    done: list[int] = list(work.state.get("done", ()))
    for artist in _players(row):
        if artist.pk in done:
            continue
        with asking(Source.SETLISTFM, share):
            records = _played_at(Outside().setlistfm, artist, row)
        done.append(artist.pk)
        with work.checkpoint("setlists", 50, artist.name, done=done, counts=counts):
            written = upsert_setlists(artist=artist, records=records, now=now, show=row)
            written.tally.add_to(counts)
            if artist.pk == row.headliner_id and row.pk not in written.shows:
                Tally(seen=1, skipped=1).add_to(counts)
                row.setlist_next_try_at = now + NEXT_TRY[min(row.setlist_tries, len(NEXT_TRY) - 1)]
                row.setlist_tries += 1
                row.save(update_fields=["setlist_tries", "setlist_next_try_at"])
    return counts


def sync_artist_image(work: Work, *, artist: int, share: str = Share.REST) -> Counts:
    """An image for an artist who has none: Ticketmaster's, else Spotify's."""
    row, counts = _artist(artist), _counts(work)
    with spending(Share(share)):
        record = _pictured(row)
    with work.checkpoint("image", 99, row.name, counts=counts):
        tally = fill_artist(artist_id=row.pk, record=record) if record else Tally(seen=1, skipped=1)
        tally.add_to(counts)
        stamp(row.pk, "image", now=timezone.now())
    return counts


def _pictured(artist: Artist) -> ArtistRecord | None:
    """The first record that has an image."""
    outside = Outside()
    questions: list[tuple[str | None, Callable[[str], ArtistRecord]]] = [
        (artist.ticketmaster_id, lambda key: outside.ticketmaster.artist(key)),
        (artist.spotify_id, lambda key: outside.spotify.artist(key)),
    ]
    for key, ask in questions:
        try:
            record = ask(key) if key else None
        except (RecordNotFound, SourceNotConfigured):
            continue
        if record and record.image_url:
            return record
    return None


def _players(show: Show) -> list[Artist]:
    """Whose setlists we look for: the headliner's, and those that fans could vote on."""
    predicted = Setlist.objects.filter(show=show, kind=Setlist.Kind.PREDICTED).values("artist")
    others = Artist.objects.filter(pk__in=predicted).exclude(pk=show.headliner_id).order_by("pk")
    return [artist for artist in (show.headliner, *others) if artist.mbid]


def _played_at(client: SetlistfmClient, artist: Artist, show: Show) -> list[SetlistRecord]:
    """The artist's setlists of the show's day; else of the day before or after, in the same place."""
    assert show.local_date
    for shift in SHIFTS:
        listed = client.setlists_on(str(artist.mbid), show.local_date + timedelta(days=shift))
        records = [r for r in listed.items if shift == 0 or is_same_place(show.venue, r.venue)]
        if any(song.title and not song.is_tape for record in records for song in record.songs):
            return records
        if records:
            break  # it is known there, only not yet what was played
    return []


def _artist(number: int) -> Artist:
    row = Artist.objects.filter(pk=number).first()
    if row is None:
        raise Permanent(f"There is no artist {number} in the catalogue.")
    return row


def _counts(work: Work) -> dict[str, int]:
    """What an earlier attempt counted; a checkpoint remembers what its body adds."""
    return dict(work.state.get("counts", {}))


def _unread(rejected: tuple[str, ...]) -> Tally:
    """Entries of a page that could not be read have failed."""
    return Tally(seen=len(rejected), failed=len(rejected))
