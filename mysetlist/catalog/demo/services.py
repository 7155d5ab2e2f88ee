"""The demo as a whole: is it there, since when, put it there, start it anew."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from django.db import connection, transaction
from django.db.models import Q

from mysetlist.catalog.demo.bundle import LISTED_ON, read_bundle, read_dates
from mysetlist.catalog.demo.load import UNUSABLE_PASSWORD, Step, load, silent
from mysetlist.catalog.models import (
    Activity,
    Artist,
    ArtistSong,
    Billing,
    Follow,
    Setlist,
    SetlistSong,
    Show,
    Song,
    User,
    Venue,
    Vote,
)

ROOTS = (Artist, Venue, Show, Song)  # without one of these no other table of the catalogue has a row
TABLES = (*ROOTS, ArtistSong, Billing, Setlist, SetlistSong, Follow, Vote)
FAN_NAME = r"^fan-\d{4}$"
SIMULATED = Q(username__regex=FAN_NAME, password=UNUSABLE_PASSWORD, is_staff=False)


class DemoRefused(Exception):
    """The demo would overwrite what is not its own."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """The day (UTC) on which the demo was loaded, and what this call did."""

    since: date
    loaded: bool = False
    removed: dict[str, int] = field(default_factory=dict)


def ensure_demo(*, now: datetime, reset: bool = False, step: Step = silent) -> Demo:
    """The demo: loaded in one transaction if it is not there, else left as it is.

    `reset` deletes the whole catalogue first, with its votes, follows and scores; accounts of people
    stay. Raises DemoRefused when the catalogue holds something else, BundleDamaged.
    """
    since = None if reset else find_demo()
    if since:
        return Demo(since=since)
    bundle = read_bundle()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")  # PostgreSQL truncates only where no check is pending
        # Readers go on; a second demo waits here, and then finds this one.
        cursor.execute(f"lock table {Artist._meta.db_table} in share row exclusive mode")
        since = None if reset else find_demo()
        if since:
            return Demo(since=since)
        removed = _remove() if reset else {}
        _refuse_other_data()
        _free_names()
        for model in TABLES:  # the same ids each time, so that the same songs are drawn
            cursor.execute(f"alter table {model._meta.db_table} alter column id restart")
        load(bundle, now=now, step=step)
        tables = ", ".join(model._meta.db_table for model in (*TABLES, User))
        cursor.execute(f"analyze {tables}")  # the first scores need not wait for autovacuum
    return Demo(since=_day(now), loaded=True, removed=removed)


def tidy() -> None:
    """After the first scores, which took all activity of the load: else health finds a table of dead rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"vacuum (analyze, skip_locked) {Activity._meta.db_table}")


def find_demo() -> date | None:
    """The day (UTC) on which the demo was loaded, told by the dates of its shows; None: it is not there."""
    if not User.objects.filter(SIMULATED).exists():
        return None
    announced = read_dates()
    stored = Show.objects.filter(ticketmaster_id__in=announced).values_list("ticketmaster_id", "local_date")
    shifts = Counter(day - announced[key] for key, day in stored if key and day)
    # Nearly all agree; somebody may have moved a show by hand.
    return LISTED_ON + shifts.most_common(1)[0][0] if shifts else None


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _refuse_other_data() -> None:
    held = {str(model._meta.verbose_name_plural): count for model in ROOTS if (count := model.objects.count())}
    if held:
        what = ", ".join(f"{count:,} {name}" for name, count in held.items())
        raise DemoRefused(
            f"The catalogue holds data that is not the demo's ({what}). `make demo ARGS=--reset` deletes all of it, "
            "with its setlists, votes, follows and scores, and loads the demo; accounts of people stay."
        )


def _free_names() -> None:
    """Delete simulated fans of an earlier demo; refuse to touch a person of such a name."""
    User.objects.filter(SIMULATED).delete()
    account = User.objects.filter(username__regex=FAN_NAME).first()
    if account:
        raise DemoRefused(f"The demo needs the name of the account {account.username}. Rename that account first.")


def _remove() -> dict[str, int]:
    """Delete the catalogue and what hangs on it; tell how many rows."""
    removed = {str(model._meta.verbose_name_plural): model.objects.count() for model in (*ROOTS, Follow, Vote)}
    emptied = ", ".join(model._meta.db_table for model in (Artist, Venue, Song, Activity))
    with connection.cursor() as cursor:
        cursor.execute(f"truncate {emptied} restart identity cascade")
    return {name: count for name, count in removed.items() if count}
