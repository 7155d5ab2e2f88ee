"""Repair what can be repaired without doubt: rows that nothing needs, and one night that has two rows.

What a fan did is never lost: a vote goes where its show goes. What is doubtful is left to a person.
"""

from collections.abc import Mapping

from django.db import connection
from django.db.models import Max

from mysetlist.catalog.models import Billing, Setlist, SetlistSong, Show, Vote
from syncjobs.services.writing import writing

BATCH = 1000  # rows a transaction

# Rows without use: they come back by themselves should they be needed.
USELESS: Mapping[str, tuple[str, str]] = {
    "songs": (
        "catalog_song",
        "NOT EXISTS (SELECT FROM catalog_artistsong a WHERE a.song_id = t.id)"
        " AND NOT EXISTS (SELECT FROM catalog_setlistsong s WHERE s.song_id = t.id)",
    ),
    "venues": ("catalog_venue", "NOT EXISTS (SELECT FROM catalog_show s WHERE s.venue_id = t.id)"),
    "setlists": ("catalog_setlist", "NOT EXISTS (SELECT FROM catalog_setlistsong s WHERE s.setlist_id = t.id)"),
}
# One headliner, place, day and start: one show, unless Ticketmaster sells two or one of them is called off.
TWINS = """
SELECT array_agg(id ORDER BY ticketmaster_id IS NULL, id) AS shows FROM catalog_show
 WHERE local_date IS NOT NULL AND venue_id IS NOT NULL
 GROUP BY headliner_id, venue_id, local_date, starts_at
HAVING count(*) > 1 AND count(ticketmaster_id) <= 1
   AND count(DISTINCT status IN ('cancelled', 'postponed')) = 1
"""


def repairable() -> dict[str, int]:
    """How many rows a repair would remove, and how many shows it would merge into another."""
    with connection.cursor() as cursor:
        found = {}
        for name, (table, condition) in USELESS.items():
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE {condition}")
            (found[f"{name}_to_remove"],) = cursor.fetchone()
        cursor.execute(f"SELECT coalesce(sum(cardinality(shows) - 1), 0) FROM ({TWINS}) twins")
        (found["shows_to_merge"],) = cursor.fetchone()
    return found


def remove_useless(name: str, *, limit: int = BATCH) -> int:
    """Remove at most so many rows of a kind that nothing needs; how many."""
    table, condition = USELESS[name]
    with writing(), connection.cursor() as cursor:
        cursor.execute(
            # An array: a plan may ask a subquery again for each row, and its limit is none then.
            f"DELETE FROM {table} WHERE id = ANY (ARRAY(SELECT t.id FROM {table} t WHERE {condition}"
            " ORDER BY t.id LIMIT %s FOR UPDATE SKIP LOCKED))",
            [limit],
        )
        return int(cursor.rowcount)


def twin_shows(*, limit: int = BATCH) -> list[list[int]]:
    """The shows that are one, each list by who stays first: whom Ticketmaster knows, then the oldest row."""
    with connection.cursor() as cursor:
        cursor.execute(f"{TWINS} ORDER BY 1 LIMIT %s", [limit])
        return [shows for (shows,) in cursor.fetchall()]


def merge_shows(*, stays: int, goes: int) -> int:
    """Move all that belongs to one show to the other, in one transaction, and remove the first; how many votes moved.

    Two votes of a fan for one song of this night become one, which counts if either did.
    """
    with writing():
        # Nobody votes meanwhile: a vote that comes later finds the show gone, and is refused.
        shows = Show.objects.select_for_update().filter(pk__in=(stays, goes)).in_bulk()
        if len(shows) < 2:
            return 0
        keeper, loser = shows[stays], shows[goes]
        before = Vote.objects.filter(show=keeper).count()
        _move_bill(keeper, loser)
        predicted = {s.artist_id: s for s in keeper.setlists.filter(kind=Setlist.Kind.PREDICTED)}
        for setlist in loser.setlists.order_by("pk"):
            twin = predicted.get(setlist.artist_id) if setlist.kind == Setlist.Kind.PREDICTED else None
            if twin:
                _merge_setlist(twin, setlist)
            else:
                Setlist.objects.filter(pk=setlist.pk).update(show=keeper)
        Vote.objects.filter(show=loser).update(show=keeper)
        loser.delete()
        return Vote.objects.filter(show=keeper).count() - before


def _move_bill(keeper: Show, loser: Show) -> None:
    """Whoever is on the other bill alone plays last on this one."""
    known = set(keeper.billings.values_list("artist_id", flat=True))
    last = keeper.billings.aggregate(last=Max("position"))["last"] or 0
    others = loser.billings.exclude(artist__in=known).order_by("position")
    for position, billing in enumerate(others, last + 1):
        Billing.objects.create(show=keeper, artist_id=billing.artist_id, position=position)


def _merge_setlist(twin: Setlist, setlist: Setlist) -> None:
    """Bring the songs and their votes into the predicted setlist of the same artist and night."""
    places: dict[int, SetlistSong] = {}
    for place in twin.setlist_songs.order_by("-position"):
        places[place.song_id] = place  # of a song that is there twice, the first
    last = twin.setlist_songs.aggregate(last=Max("position"))["last"] or 0
    for place in setlist.setlist_songs.order_by("position"):
        if same := places.get(place.song_id):
            _merge_votes(same, place)
            place.delete()
        else:
            last += 1
            SetlistSong.objects.filter(pk=place.pk).update(setlist=twin, position=last)
            places[place.song_id] = place
    if setlist.locked_at and not twin.locked_at:
        Setlist.objects.filter(pk=twin.pk).update(locked_at=setlist.locked_at)
    setlist.delete()


def _merge_votes(same: SetlistSong, place: SetlistSong) -> None:
    """One vote a fan: of two the one that counts, else the one that stands already."""
    standing = {vote.fan_id: vote for vote in same.votes.all()}
    for vote in place.votes.all():
        other = standing.get(vote.fan_id)
        if other and (other.counted or not vote.counted):
            vote.delete()
            continue
        if other:
            other.delete()
        Vote.objects.filter(pk=vote.pk).update(setlist_song=same, show=same.setlist.show_id)
