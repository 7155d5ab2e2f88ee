"""Show.start: the exact start, or eight in the evening where the show is."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from mysetlist.catalog.models import Show, validate_timezone
from tests.factories import NOON, make_artist, make_show, make_venue

pytestmark = pytest.mark.django_db

BERLIN, NEW_YORK, TOKYO = "Europe/Berlin", "America/New_York", "Asia/Tokyo"
DAY = date(2026, 7, 1)


def make_dated(**values: Any) -> Show:
    """A show of which the day is known, not the hour."""
    return make_show(**{"starts_at": None, "local_date": DAY, **values})


def change(show: Show, **values: Any) -> Show:
    for name, value in values.items():
        setattr(show, name, value)
    show.save(update_fields=values)
    show.refresh_from_db()
    return show


def test_the_exact_start_wins() -> None:
    starts_at = datetime(2026, 7, 1, 17, 45, tzinfo=UTC)
    show = make_show(starts_at=starts_at, local_date=date(2026, 8, 2), timezone=TOKYO)
    assert show.start == starts_at


@pytest.mark.parametrize(
    ("day", "zone", "hour"),
    [
        (date(2026, 1, 15), BERLIN, 19),
        (date(2026, 7, 15), BERLIN, 18),  # summer time
        (date(2026, 3, 28), BERLIN, 19),  # the evening before the clocks change
        (date(2026, 3, 29), BERLIN, 18),
        (date(2026, 10, 25), BERLIN, 19),
        (date(2026, 7, 15), TOKYO, 11),
        (date(2026, 7, 15), "Asia/Kathmandu", 14),  # 14:15
    ],
)
def test_without_an_hour_it_is_eight_in_the_evening_there(day: date, zone: str, hour: int) -> None:
    start = make_dated(local_date=day, timezone=zone).start
    assert (start.date(), start.hour) == (day, hour)
    assert start.astimezone(ZoneInfo(zone)) == datetime(day.year, day.month, day.day, 20, tzinfo=ZoneInfo(zone))


def test_in_the_far_west_the_evening_is_tomorrow_in_utc() -> None:
    assert make_dated(timezone="Pacific/Honolulu").start == datetime(2026, 7, 2, 6, tzinfo=UTC)


@given(
    st.dates(date(2000, 1, 1), date(2037, 12, 31)),
    st.sampled_from([BERLIN, NEW_YORK, TOKYO, "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "UTC"]),
)
def test_the_database_and_python_mean_the_same_evening(day: date, zone: str) -> None:
    with transaction.atomic():
        show = make_dated(local_date=day, timezone=zone)
        assert show.start == datetime(day.year, day.month, day.day, 20, tzinfo=ZoneInfo(zone))
        transaction.set_rollback(True)


def test_without_a_zone_of_its_own_a_show_has_its_venue_s() -> None:
    show = make_dated(venue=make_venue(timezone=NEW_YORK))
    assert (show.timezone, show.start) == (NEW_YORK, datetime(2026, 7, 2, 0, tzinfo=UTC))


def test_a_zone_of_its_own_comes_before_the_venue_s() -> None:
    show = make_dated(venue=make_venue(timezone=NEW_YORK), timezone=BERLIN)
    assert (show.timezone, show.start.hour) == (BERLIN, 18)


@pytest.mark.parametrize("venue", [None, "without a zone"])
def test_without_any_zone_it_is_utc(venue: str | None) -> None:
    show = make_dated(venue=make_venue() if venue else None)
    assert (show.timezone, show.start) == (None, datetime(2026, 7, 1, 20, tzinfo=UTC))


def test_without_a_date_it_counts_nowhere() -> None:
    show = make_show(starts_at=None, local_date=None, timezone=BERLIN)
    assert show.start is None
    assert not Show.objects.upcoming(NOON).exists()


def test_a_zone_that_the_venue_gets_later_moves_its_shows() -> None:
    venue = make_venue()
    show, exact = make_dated(venue=venue), make_show(venue=venue, starts_at=NOON)
    venue.timezone = NEW_YORK
    venue.save()
    show.refresh_from_db(), exact.refresh_from_db()
    assert (show.timezone, show.start) == (NEW_YORK, datetime(2026, 7, 2, 0, tzinfo=UTC))
    assert (exact.timezone, exact.start) == (NEW_YORK, NOON)


def test_a_corrected_zone_of_the_venue_moves_its_shows_but_not_those_with_a_zone_of_their_own() -> None:
    venue, elsewhere = make_venue(timezone=BERLIN), make_venue(timezone=BERLIN)
    shows = [make_dated(venue=venue), make_dated(venue=venue, timezone=TOKYO), make_dated(venue=elsewhere)]
    venue.timezone = NEW_YORK
    venue.save()
    for show in shows:
        show.refresh_from_db()
    assert [show.timezone for show in shows] == [NEW_YORK, TOKYO, BERLIN]


def test_a_venue_that_loses_its_zone_leaves_its_shows_in_utc() -> None:
    venue = make_venue(timezone=BERLIN)
    show = make_dated(venue=venue)
    venue.timezone = None
    venue.save()
    show.refresh_from_db()
    assert (show.timezone, show.start.hour) == (None, 20)


def test_a_show_that_moves_to_another_venue_takes_that_one_s_zone() -> None:
    show = make_dated(venue=make_venue(timezone=BERLIN))
    assert change(show, venue=make_venue(timezone=NEW_YORK)).timezone == NEW_YORK


def test_a_show_that_moves_keeps_its_zone_when_the_new_venue_has_none() -> None:
    show = make_dated(venue=make_venue(timezone=BERLIN))
    assert change(show, venue=make_venue()).timezone == BERLIN
    assert change(show, venue=None).timezone == BERLIN


def test_a_show_that_moves_keeps_a_zone_of_its_own() -> None:
    show = make_dated(venue=make_venue(timezone=BERLIN), timezone=TOKYO)
    assert change(show, venue=make_venue(timezone=NEW_YORK)).timezone == TOKYO


def test_a_show_that_moves_with_a_new_zone_gets_that() -> None:
    show = make_dated(venue=make_venue(timezone=BERLIN))
    assert change(show, venue=make_venue(timezone=NEW_YORK), timezone=TOKYO).timezone == TOKYO


def test_a_zone_taken_away_falls_back_to_the_venue_s() -> None:
    show = make_dated(venue=make_venue(timezone=BERLIN), timezone=TOKYO)
    assert change(show, timezone=None).timezone == BERLIN


def test_bulk_inserts_and_copy_get_a_start_too() -> None:
    venue, artist = make_venue(timezone=NEW_YORK), make_artist()
    Show.objects.bulk_create([Show(headliner=artist, venue=venue, name="Bulk", slug="bulk", local_date=DAY)])
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY catalog_show (headliner_id, venue_id, name, slug, local_date) FROM STDIN") as copy,
    ):
        copy.write_row((artist.pk, venue.pk, "Copied", "copied", DAY))
    assert set(Show.objects.values_list("slug", "start", "status")) == {
        (slug, datetime(2026, 7, 2, 0, tzinfo=UTC), "upcoming") for slug in ("bulk", "copied")
    }


@pytest.mark.parametrize("name", ["Mars/Olympus", "Berlin", "", "europe/berlin", "UTC+2"])
def test_an_unknown_zone_is_refused_by_forms(name: str) -> None:
    with pytest.raises(ValidationError, match="use a name such as Europe/Berlin"):
        validate_timezone(name)


@pytest.mark.parametrize("name", [BERLIN, "UTC", "America/Argentina/Buenos_Aires"])
def test_a_known_zone_is_accepted(name: str) -> None:
    validate_timezone(name)


def test_show_and_venue_check_their_zone() -> None:
    for made in (make_show(), make_venue()):
        made.timezone = "Mars/Olympus"
        with pytest.raises(ValidationError) as caught:
            made.full_clean()
        assert "timezone" in caught.value.message_dict


def test_the_database_refuses_a_zone_in_which_it_cannot_tell_the_start() -> None:
    with pytest.raises(DataError, match='time zone "Mars/Olympus" not recognized'), transaction.atomic():
        make_dated(timezone="Mars/Olympus")


def test_upcoming_shows_stand_and_start_now_or_later() -> None:
    now = make_show(starts_at=NOON)
    make_show(starts_at=NOON - timedelta(seconds=1))
    for status in Show.CALLED_OFF:
        make_show(status=status)
    completed = make_show(status=Show.Status.COMPLETED)  # the clock decides, not the stored status
    assert set(Show.objects.upcoming(NOON)) == {now, completed}


def test_standing_shows_are_all_but_those_called_off() -> None:
    shows = {status: make_show(status=status) for status in Show.Status}
    assert set(Show.objects.standing()) == {
        show for status, show in shows.items() if status not in ("cancelled", "postponed")
    }
