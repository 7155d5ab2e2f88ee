"""Predicted setlists: one for each upcoming show, and how well it was predicted once it was played."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection

from mysetlist.catalog.models import Artist, Setlist, Show
from mysetlist.catalog.services import predict_setlist
from syncjobs.services.writing import Tally, writing

# Of the songs that were predicted, how many were played; a short set cannot be held against it.
ACCURACY = """
WITH songs AS (
    SELECT DISTINCT l.show_id, l.artist_id, l.kind, s.song_id
      FROM catalog_setlist l JOIN catalog_setlistsong s ON s.setlist_id = l.id
     WHERE l.show_id = ANY(%s)
), figures AS (
    SELECT p.show_id, p.artist_id,
           count(*) FILTER (WHERE a.song_id IS NOT NULL) AS hits,
           least(count(*), (SELECT count(*) FROM songs t WHERE t.show_id = p.show_id AND t.artist_id = p.artist_id
                                                          AND t.kind = 'actual')) AS possible
      FROM songs p
      LEFT JOIN songs a ON a.show_id = p.show_id AND a.artist_id = p.artist_id AND a.kind = 'actual'
                       AND a.song_id = p.song_id
     WHERE p.kind = 'predicted'
     GROUP BY p.show_id, p.artist_id
)
UPDATE catalog_setlist l SET accuracy = round(100.0 * f.hits / f.possible)
  FROM figures f
 WHERE l.show_id = f.show_id AND l.artist_id = f.artist_id AND l.kind = 'predicted' AND f.possible > 0
   AND l.accuracy IS DISTINCT FROM round(100.0 * f.hits / f.possible)
"""


def predict_setlists(*, artist: Artist, now: datetime) -> Tally:
    """A predicted setlist for each upcoming show of an artist that has none, in one transaction."""
    tally = Tally()
    have = Setlist.objects.filter(artist=artist, kind=Setlist.Kind.PREDICTED).values("show")
    shows = Show.objects.upcoming(now).filter(billings__artist=artist)
    with writing():  # many shows are locked one by one: an import that writes them in another order must wait
        for _ in range(shows.filter(pk__in=have).count()):
            tally.note(is_new=False, is_changed=False)
        for show in shows.exclude(pk__in=have).order_by("start", "pk"):
            if predict_setlist(show=show, artist=artist):
                tally.note(is_new=True, is_changed=True)
            else:
                tally.leave_out()  # no songs yet; a later sync brings them
    return tally


def measure_accuracy(*, show_ids: Collection[int]) -> int:
    """Note for each predicted setlist of these shows what share of it was played; how many figures changed."""
    with connection.cursor() as cursor:
        cursor.execute(ACCURACY, [list(show_ids)])
        return int(cursor.rowcount)
