"""Jobs that go round the shows: what was played, what others left undone, what the clock says."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from monitoring.cron import Counts, cron_job
from mysetlist.catalog.models import LONGEST_SHOW, Artist, ArtistSong, Billing, Setlist, Show
from mysetlist.catalog.services import predict_setlist
from syncjobs.models import QueueJob
from syncjobs.planners.plans import Piece, Plan, plan
from syncjobs.services.writing import writing
from syncjobs.sources import Share

LOOK_BACK = timedelta(days=180)
MOST_TRIES = 5
MOST = 5000
PREDICTIONS = 1000  # by one run
STUCK_AFTER = timedelta(hours=1)
UNRESOLVED_AFTER = timedelta(days=7)


@cron_job
def import_past_setlists(*, now: datetime, limit: int | None = None, parent: int | None = None) -> Counts:
    """Ask setlist.fm what was played at shows that are over; what it does not know is tried again later."""
    return plan_import_past_setlists(now=now, limit=limit).enqueue(parent=parent)


def plan_import_past_setlists(*, now: datetime, limit: int | None = None) -> Plan:
    """The shows tried least first, the newest of them first: there fans wait for it."""
    over = Q(start__range=(now - LOOK_BACK, now - LONGEST_SHOW))
    due = Q(setlist_next_try_at=None) | Q(setlist_next_try_at__lte=now)
    known = Setlist.objects.filter(show=OuterRef("pk"), artist=OuterRef("headliner"), kind=Setlist.Kind.ACTUAL)
    shows = Show.objects.standing().filter(over, due, setlist_tries__lt=MOST_TRIES, headliner__mbid__isnull=False)
    chosen = shows.filter(~Exists(known), local_date__isnull=False).order_by("setlist_tries", "-start", "pk")
    groups = (
        [Piece(job="sync_show_setlist", arguments={"show": pk}, priority=QueueJob.Priority.LOW)]
        for pk in chosen.values_list("pk", flat=True)[:MOST]
    )
    return plan(groups, share=Share.UPDATES, now=now, limit=limit)


@cron_job
def finish_mysetlist_sync(*, now: datetime, limit: int | None = None, parent: int | None = None) -> Counts:
    """Finish what others left: shows without a predicted setlist, unresolved identifiers, stuck imports."""
    predicted = predict_missing(now=now, limit=PREDICTIONS)
    return {**plan_finish_mysetlist_sync(now=now, limit=limit).enqueue(parent=parent), "predicted": predicted}


def plan_finish_mysetlist_sync(*, now: datetime, limit: int | None = None) -> Plan:
    """Imports that stopped half-way first, then artists that not every source knows."""
    groups = [*_stuck(now), *_unresolved(now)]
    missing = _unpredicted(now).count()
    return plan(groups, share=Share.REST, now=now, limit=limit, also={"without_prediction": missing})


def _stuck(now: datetime) -> list[list[Piece]]:
    """Who was looked up an hour ago and has no songs, shows or setlists since, nor waits for them in the queue."""
    live = QueueJob.objects.live().filter(job_name="import_artist").values_list("job_data__artist", flat=True)
    since = Artist.objects.filter(profile_synced_at__lt=now - STUCK_AFTER).exclude(pk__in=[pk for pk in live if pk])
    missing = {
        "sync_ticketmaster_artist": Q(ticketmaster_id__isnull=False, shows_synced_at=None),
        "sync_spotify_artist": Q(spotify_id__isnull=False, songs_synced_at=None),
        "sync_setlists": Q(mbid__isnull=False, setlists_synced_at=None),
    }
    return [
        [Piece(job=job, arguments={"artist": pk}, priority=QueueJob.Priority.LOW)]
        for job, lacks in missing.items()
        for pk in since.filter(lacks).order_by("profile_synced_at", "pk").values_list("pk", flat=True)[:MOST]
    ]


def _unresolved(now: datetime) -> list[list[Piece]]:
    """Artists that a source does not know yet, looked up a week ago or longer."""
    unknown = Q(ticketmaster_id=None) | Q(spotify_id=None) | Q(mbid=None)
    artists = Artist.objects.filter(unknown, profile_synced_at__lt=now - UNRESOLVED_AFTER)
    return [
        [Piece(job="import_artist", arguments={"artist": pk}, priority=QueueJob.Priority.BACKGROUND)]
        for pk in artists.order_by("profile_synced_at", "pk").values_list("pk", flat=True)[:MOST]
    ]


def _unpredicted(now: datetime) -> QuerySet[Billing]:
    have = Setlist.objects.filter(show=OuterRef("show"), artist=OuterRef("artist"), kind=Setlist.Kind.PREDICTED)
    songs = ArtistSong.objects.filter(artist=OuterRef("artist"))
    upcoming = Show.objects.upcoming(now).values("pk")
    return Billing.objects.filter(~Exists(have), Exists(songs), show__in=upcoming)


def predict_missing(*, now: datetime, limit: int) -> int:
    """A predicted setlist for upcoming shows without one whose artist has songs, the next show first; how many."""
    billings = _unpredicted(now).select_related("show", "artist").order_by("show__start", "pk")[:limit]
    return sum(predict_setlist(show=billing.show, artist=billing.artist) is not None for billing in billings)


# The clock decides; this keeps what is stored in step with it, a row only if it differs.
ADVANCE = """
WITH moved AS (
    UPDATE catalog_show s
       SET status = CASE WHEN s.start > %(now)s THEN 'upcoming'
                         WHEN s.start > %(over)s THEN 'ongoing' ELSE 'completed' END
     WHERE (s.status = 'upcoming' AND s.start <= %(now)s)
        OR (s.status = 'ongoing' AND (s.start <= %(over)s OR s.start > %(now)s))
        OR (s.status = 'completed' AND s.start > %(over)s)
    RETURNING s.id, s.status
)
SELECT status, count(*), array_agg(id) FROM moved GROUP BY status
"""
LOCK = """
UPDATE catalog_setlist l SET locked_at = s.start
  FROM catalog_show s
 WHERE s.id = l.show_id AND s.start BETWEEN %(now)s - interval '7 days' AND %(now)s
   AND l.kind = 'predicted' AND l.locked_at IS NULL
"""
# A show that was moved on takes votes again.
UNLOCK = """
UPDATE catalog_setlist l SET locked_at = NULL
 WHERE l.show_id = ANY(%(shows)s) AND l.kind = 'predicted' AND l.locked_at <= %(now)s
"""


@cron_job
def advance_shows(*, now: datetime) -> Counts:
    """Keep the stored status of shows in step with the clock; lock predicted setlists at the start."""
    with writing(), connection.cursor() as cursor:
        cursor.execute(ADVANCE, {"now": now, "over": now - LONGEST_SHOW})
        moved = {status: (count, shows) for status, count, shows in cursor.fetchall()}
        cursor.execute(LOCK, {"now": now})
        locked = cursor.rowcount
        cursor.execute(UNLOCK, {"shows": moved.get("upcoming", (0, []))[1], "now": now})
        unlocked = cursor.rowcount
    counts = {status: moved[status][0] if status in moved else 0 for status in ("ongoing", "completed", "upcoming")}
    return {**counts, "locked": locked, "unlocked": unlocked}
