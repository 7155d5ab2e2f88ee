"""import_past_setlists: what was played; not found is remembered and tried again later."""

from datetime import UTC, datetime, timedelta

import pytest

from mysetlist.catalog.models import Setlist, Show
from syncjobs.imports.pieces import NEXT_TRY, sync_show_setlist
from syncjobs.planners.shows import plan_import_past_setlists
from syncjobs.progress import Unqueued
from tests.factories import NOON, make_artist, make_setlist, make_show, make_song, make_venue
from tests.scenario import world as scenario
from tests.standin.outside import Outside
from tests.syncjobs.outsiders import today_is
from tests.syncjobs.planners.planned import jobs_of
from tests.syncjobs.services.worlds import MBID

DAY = timedelta(days=1)


def past_show(number: int = 1, *, days: float = 2, **values: object) -> Show:
    artist = make_artist(mbid=MBID.format(number))
    return make_show(artist, **{"starts_at": NOON - days * DAY, "local_date": (NOON - days * DAY).date(), **values})


@pytest.mark.usefixtures("keys")
def test_the_newest_past_shows_without_a_played_setlist_come_first() -> None:
    older, newer = past_show(1, days=9), past_show(2, days=1)
    make_setlist(past_show(3), kind=Setlist.Kind.ACTUAL)
    past_show(4, days=0.1)  # still on
    past_show(5, status="cancelled")
    make_show(make_artist(), starts_at=NOON - DAY)  # nobody setlist.fm knows
    assert jobs_of(plan_import_past_setlists(now=NOON)) == [
        ("sync_show_setlist", newer.pk),
        ("sync_show_setlist", older.pk),
    ]


@pytest.mark.usefixtures("keys")
def test_what_was_not_found_waits_its_time_and_after_five_tries_is_given_up() -> None:
    due = past_show(1, setlist_tries=2, setlist_next_try_at=NOON)
    past_show(2, setlist_tries=1, setlist_next_try_at=NOON + timedelta(seconds=1))
    past_show(3, setlist_tries=5)
    never = past_show(4)
    assert [pk for _, pk in jobs_of(plan_import_past_setlists(now=NOON))] == [never.pk, due.pk]


def stored(world: Outside, show: scenario.Show) -> Show:
    """A show of the scenario as the catalogue knows it, with a predicted setlist."""
    known = show.bill[0]
    artist = make_artist(name=known.name, mbid=known.mbid)
    venue = make_venue(name=show.place.name, city=show.place.city, country=show.place.country)
    row = make_show(artist, venue=venue, starts_at=show.starts_at, local_date=show.day)
    setlist = make_setlist(row)
    for position, title in enumerate(sorted(world.world.titles(known.name)), 1):
        setlist.setlist_songs.create(song=make_song(artist, title=title), position=position)
    return row


def a_show(world: Outside, twist: str) -> scenario.Show:
    today_is(world, 40)
    return next(show for show in world.world.shows if twist in show.twists and not show.festival)


@pytest.mark.parametrize(("twist", "calls"), [("vip", 1), ("day_before", 2), ("day_after", 3)])
def test_the_day_itself_is_asked_for_then_the_day_before_then_the_day_after(
    world: Outside, twist: str, calls: int
) -> None:
    row = stored(world, a_show(world, twist))
    sync_show_setlist(Unqueued(), show=row.pk)
    assert Setlist.objects.get(kind="actual").show == row
    assert Setlist.objects.get(kind="predicted").accuracy
    assert len(world.log.calls) == calls


@pytest.mark.parametrize("twist", ["unknown", "stub"])
def test_not_found_is_remembered_with_its_next_try(world: Outside, twist: str) -> None:
    row = stored(world, a_show(world, twist))
    before = datetime.now(UTC)
    counts = sync_show_setlist(Unqueued(), show=row.pk)
    row.refresh_from_db()
    assert (row.setlist_tries, counts["skipped"] > 0) == (1, True)
    assert row.setlist_next_try_at
    assert before + NEXT_TRY[0] <= row.setlist_next_try_at <= datetime.now(UTC) + NEXT_TRY[0]
    sync_show_setlist(Unqueued(), show=row.pk)
    row.refresh_from_db()
    assert row.setlist_next_try_at - before > NEXT_TRY[1]
