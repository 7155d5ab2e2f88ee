"""Jobs that go round the artists: those with shows and votes, those never synced, the hottest, all of them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from monitoring.cron import Counts, cron_job
from mysetlist.catalog.models import Artist, Billing, Vote
from syncjobs.models import QueueJob
from syncjobs.planners.plans import Piece, Plan, plan
from syncjobs.services.repairs import repairable
from syncjobs.sources import Share
from trending.models import TrendingArtist

ACTIVE_AFTER = timedelta(hours=6)
SHOWS_WITHIN = timedelta(days=90)
VOTES_WITHIN = timedelta(days=30)
OLD_AFTER = timedelta(days=7)
IMAGE_AFTER = timedelta(days=30)
HOTTEST = 100
MOST = 5000  # candidates looked at by one run


@cron_job
def update_active_artists(*, now: datetime, limit: int | None = None, parent: int | None = None) -> Counts:
    """Profile and shows of artists with a show within 90 days or votes within 30, not synced for 6 hours."""
    return plan_update_active_artists(now=now, limit=limit).enqueue(parent=parent)


def plan_update_active_artists(*, now: datetime, limit: int | None = None) -> Plan:
    """Those whose shows are the oldest first, the most important of them first."""
    shows = Billing.objects.filter(artist=OuterRef("pk"), show__start__range=(now, now + SHOWS_WITHIN))
    votes = Vote.objects.filter(artist=OuterRef("pk"), created_at__gt=now - VOTES_WITHIN)
    stale = Q(shows_synced_at=None) | Q(shows_synced_at__lt=now - ACTIVE_AFTER)
    artists = Artist.objects.filter(stale).filter(Exists(shows) | Exists(votes))
    return plan(map(_refresh, _by_staleness(artists, "shows_synced_at")), share=Share.UPDATES, now=now, limit=limit)


@cron_job
def sync_artist_data(*, now: datetime, limit: int | None = None, parent: int | None = None) -> Counts:
    """Identifiers, profile and shows of artists never synced, or not for 7 days."""
    return plan_sync_artist_data(now=now, limit=limit).enqueue(parent=parent)


def plan_sync_artist_data(*, now: datetime, limit: int | None = None) -> Plan:
    """The never synced are imported as a whole, the others refreshed."""
    artists = Artist.objects.filter(Q(profile_synced_at=None) | Q(profile_synced_at__lt=now - OLD_AFTER))
    groups = (
        _refresh(artist) if artist.profile_synced_at else [_whole(artist)]
        for artist in _by_staleness(artists, "profile_synced_at")
    )
    return plan(groups, share=Share.UPDATES, now=now, limit=limit)


@cron_job
def trending_artist_sync(*, now: datetime, limit: int | None = None, parent: int | None = None) -> Counts:
    """The full discography of the 100 hottest artists whose catalogue is older than 7 days, first in the queue."""
    return plan_trending_artist_sync(now=now, limit=limit).enqueue(parent=parent)


def plan_trending_artist_sync(*, now: datetime, limit: int | None = None) -> Plan:
    """In the order of the trending list."""
    hottest = TrendingArtist.objects.order_by("rank", "artist_id").values_list("artist_id", flat=True)[:HOTTEST]
    old = Q(songs_synced_at=None) | Q(songs_synced_at__lt=now - OLD_AFTER)
    artists = Artist.objects.filter(old, pk__in=list(hottest)).in_bulk()
    groups = (
        [
            _catalogue(artists[pk], QueueJob.Priority.HIGH)
            if artists[pk].spotify_id
            else _whole(artists[pk], QueueJob.Priority.HIGH)
        ]
        for pk in hottest
        if pk in artists
    )
    return plan(groups, share=Share.UPDATES, now=now, limit=limit)


@cron_job
def complete_catalog_sync(*, now: datetime, limit: int | None = None, parent: int | None = None) -> Counts:
    """Everything of every artist, the stalest first, within the budget; and what is wrong with the catalogue."""
    return plan_complete_catalog_sync(now=now, limit=limit).enqueue(parent=parent)


def plan_complete_catalog_sync(*, now: datetime, limit: int | None = None) -> Plan:
    """Artists whose songs are the oldest first."""
    artists = Artist.objects.filter(Q(songs_synced_at=None) | Q(songs_synced_at__lt=now - OLD_AFTER))
    groups = (
        [*_refresh(artist, with_profile=False), _catalogue(artist)] if artist.spotify_id else [_whole(artist)]
        for artist in _by_staleness(artists, "songs_synced_at")
    )
    also = {"integrity": inspect_catalogue(), "repairs": repairable(), "doubtful": doubtful_artists()}
    planned = plan(groups, share=Share.REST, now=now, limit=limit, also=also)
    repair = Piece(job="repair_catalogue", arguments={}, priority=QueueJob.Priority.BACKGROUND)
    return replace(planned, pieces=(*planned.pieces, repair))


@cron_job
def sync_artist_images(*, now: datetime, limit: int | None = None, parent: int | None = None) -> Counts:
    """An image for each artist who has none and for whom none was looked for within 30 days."""
    return plan_sync_artist_images(now=now, limit=limit).enqueue(parent=parent)


def plan_sync_artist_images(*, now: datetime, limit: int | None = None) -> Plan:
    """Those looked for longest ago first."""
    known = Q(ticketmaster_id__isnull=False) | Q(spotify_id__isnull=False)
    looked = Q(image_synced_at=None) | Q(image_synced_at__lt=now - IMAGE_AFTER)
    artists = Artist.objects.filter(known, looked).filter(Q(image_url=None) | Q(image_url=""))
    groups = (
        [Piece(job="sync_artist_image", arguments={"artist": artist.pk}, priority=QueueJob.Priority.LOW)]
        for artist in _by_staleness(artists, "image_synced_at")
    )
    return plan(groups, share=Share.REST, now=now, limit=limit)


def _by_staleness(artists: QuerySet[Artist], stamp: str) -> Iterable[Artist]:
    """Never before oldest before newest, a day apart at least; within a day by the score."""
    order = (F(f"{stamp}").asc(nulls_first=True), F("trend__raw").desc(nulls_last=True), "pk")
    return artists.order_by(*order)[:MOST].iterator()


def _refresh(artist: Artist, *, with_profile: bool = True) -> Iterator[Piece]:
    """Shows and profile, as far as the sources know the artist; else all of it, to find out who that is."""
    if artist.ticketmaster_id is None and artist.spotify_id is None:
        yield _whole(artist)
        return
    if artist.ticketmaster_id:
        yield Piece(job="sync_ticketmaster_artist", arguments={"artist": artist.pk})
    if artist.spotify_id and with_profile:
        yield Piece(job="sync_spotify_artist", arguments={"artist": artist.pk, "catalogue": False})


def _catalogue(artist: Artist, priority: int = QueueJob.Priority.LOW) -> Piece:
    return Piece(job="sync_spotify_artist", arguments={"artist": artist.pk}, priority=priority)


def _whole(artist: Artist, priority: int = QueueJob.Priority.NORMAL) -> Piece:
    return Piece(job="import_artist", arguments={"artist": artist.pk}, priority=priority)


INSPECTIONS = {
    "artists_of_one_name": "SELECT count(*) FROM (SELECT 1 FROM catalog_artist GROUP BY lower(name) HAVING count(*) > 1) d",
    "songs_of_one_title": (
        "SELECT count(*) FROM (SELECT 1 FROM catalog_artistsong a JOIN catalog_song s ON s.id = a.song_id"
        " GROUP BY a.artist_id, lower(s.title), s.duration_seconds HAVING count(*) > 1) d"
    ),
    "shows_of_one_night": (
        "SELECT count(*) FROM (SELECT 1 FROM catalog_show WHERE local_date IS NOT NULL AND venue_id IS NOT NULL"
        " GROUP BY headliner_id, venue_id, local_date, starts_at HAVING count(*) > 1) d"
    ),
    "songs_without_artist": (
        "SELECT count(*) FROM catalog_song s WHERE NOT EXISTS (SELECT FROM catalog_artistsong a WHERE a.song_id = s.id)"
    ),
    "venues_without_show": (
        "SELECT count(*) FROM catalog_venue v WHERE NOT EXISTS (SELECT FROM catalog_show s WHERE s.venue_id = v.id)"
    ),
    "setlists_without_song": (
        "SELECT count(*) FROM catalog_setlist l"
        " WHERE NOT EXISTS (SELECT FROM catalog_setlistsong s WHERE s.setlist_id = l.id)"
    ),
}


def inspect_catalogue() -> dict[str, int]:
    """Duplicates and orphans, counted: repair_catalogue takes those that leave no doubt, a person the others."""
    with connection.cursor() as cursor:
        found = {}
        for name, question in INSPECTIONS.items():
            cursor.execute(question)
            (found[name],) = cursor.fetchone()
        return found


# Of one name, and each with an id of its own at some source: namesakes, or one artist entered twice.
DOUBTFUL = """
SELECT lower(name), json_agg(json_build_object(
         'id', id, 'name', name, 'ticketmaster_id', ticketmaster_id, 'spotify_id', spotify_id, 'mbid', mbid) ORDER BY id)
  FROM catalog_artist GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT %s
"""


def doubtful_artists(most: int = 10) -> list[list[dict[str, Any]]]:
    """Examples of artists of one name with their ids, for a person to decide: no job can know."""
    with connection.cursor() as cursor:
        cursor.execute(DOUBTFUL, [most])
        return [json.loads(same) if isinstance(same, str) else same for _, same in cursor.fetchall()]
