"""upsert_shows: venues, whole bills, statuses, days and hours; copies of a listing are one show."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from mysetlist.catalog.models import Activity, Artist, Billing, Show, Venue
from syncjobs.clients.records import ShowRecord, ShowStatus, VenueRecord
from syncjobs.services.folding import fold
from syncjobs.services.shows import Synced, upsert_shows
from tests.factories import make_artist, make_show, make_venue
from tests.syncjobs.services.worlds import ARENA, NOW, attraction, event, forget_activity, physical

pytestmark = pytest.mark.django_db

QUEEN, ADAM, SUPPORT = attraction(1, "Queen"), attraction(2, "Adam Lambert"), attraction(3, "Support")
TABLES = (Artist, Venue, Show, Billing)


def sync(*records: ShowRecord, now: datetime = NOW) -> Synced:
    return upsert_shows(records=records, now=now)


def bill_of(show: Show) -> list[str]:
    return list(show.billings.order_by("position").values_list("artist__name", flat=True))


def test_a_show_comes_with_its_venue_and_its_whole_bill() -> None:
    synced = sync(event(1, QUEEN, ADAM, SUPPORT, name="Queen + Adam Lambert"))
    show = Show.objects.select_related("headliner", "venue").get()
    assert (show.name, show.headliner.name, show.status) == ("Queen + Adam Lambert", "Queen", "upcoming")
    assert (str(show.venue), show.venue and show.venue.timezone, show.slug) == (
        "Arena, Berlin",
        "Europe/Berlin",
        "queen-berlin-2026-08-02",
    )
    assert bill_of(show) == ["Queen", "Adam Lambert", "Support"]
    assert list(Billing.objects.order_by("position").values_list("position", flat=True)) == [0, 1, 2]
    assert (synced.shows.created, synced.artists.created, len(synced.new_artists)) == (1, 3, 3)


def test_twice_writes_nothing() -> None:
    listed = [event(1, QUEEN, ADAM), event(2, QUEEN, starts_at=None), event(3, ADAM, timezone=None)]
    sync(*listed)
    forget_activity()
    before = physical(*TABLES)
    synced = sync(*listed)
    assert physical(*TABLES) == before
    assert not Activity.objects.exists()
    assert synced.shows.counts() == {
        "seen": 3,
        "created": 0,
        "updated": 0,
        "unchanged": 3,
        "failed": 0,
        "skipped": 0,
    }


def test_only_what_changed_is_rewritten() -> None:
    sync(event(1, QUEEN), event(2, QUEEN))
    before = physical(*TABLES)
    sync(replace(event(1, QUEEN), status=ShowStatus.CANCELLED), event(2, QUEEN))
    after = physical(*TABLES)
    rewritten = [one != other for one, other in zip(before["Show"], after["Show"], strict=True)]
    assert rewritten == [True, False]
    assert {name: rows for name, rows in after.items() if name != "Show"} == {
        name: rows for name, rows in before.items() if name != "Show"
    }


@pytest.mark.parametrize("status", [ShowStatus.CANCELLED, ShowStatus.POSTPONED])
def test_a_show_called_off_says_so_and_a_new_date_brings_it_back(status: ShowStatus) -> None:
    sync(event(1, QUEEN, status=status))
    assert Show.objects.get().status == status.value
    sync(event(1, QUEEN))
    assert Show.objects.get().status == "upcoming"


@pytest.mark.parametrize(
    ("hours", "status"), [(-1, "upcoming"), (0, "ongoing"), (3.9, "ongoing"), (4, "completed"), (999, "completed")]
)
def test_the_clock_says_whether_it_goes_on(hours: float, status: str) -> None:
    listed = event(1, QUEEN)
    assert listed.starts_at
    sync(listed, now=listed.starts_at + timedelta(hours=hours))
    assert Show.objects.get().status == status


def test_an_unknown_hour_is_eight_at_the_venue() -> None:
    sync(event(1, QUEEN, starts_at=None, timezone=None))
    show = Show.objects.get()
    assert (show.starts_at, show.timezone, show.start) == (
        None,
        "Europe/Berlin",
        datetime(2026, 8, 2, 18, tzinfo=UTC),
    )


def test_an_unknown_day_leaves_the_start_open() -> None:
    sync(event(1, QUEEN, local_date=None, starts_at=None))
    assert Show.objects.get().start is None


def test_an_hour_that_is_open_again_is_forgotten() -> None:
    sync(event(1, QUEEN))
    sync(event(1, QUEEN, starts_at=None))
    assert Show.objects.get().starts_at is None


def test_a_bill_is_made_as_it_is_listed_now() -> None:
    sync(event(1, QUEEN, ADAM, SUPPORT))
    sync(event(1, ADAM, QUEEN))
    assert bill_of(Show.objects.get()) == ["Adam Lambert", "Queen"]


def test_a_listing_without_anyone_on_the_bill_is_left_out() -> None:
    assert sync(event(1)).shows.skipped == 1
    assert not Show.objects.exists()


def test_a_listing_without_a_bill_is_of_whom_it_names_exactly() -> None:
    make_artist(name="Queen", slug="queen")
    sync(event(1, name="Queen - Rhapsody Tour"), event(2, name="Queens of the Stone Age"), event(3, name="Queen Night"))
    assert bill_of(Show.objects.get()) == ["Queen"]


def test_a_listing_without_a_bill_is_nobodys_when_two_have_the_name() -> None:
    make_artist(name="Queen", slug="queen", ticketmaster_id="K8v1")
    make_artist(name="Queen", slug="queen-2", ticketmaster_id="K8v2")
    sync(event(1, name="Queen - Rhapsody Tour"))
    assert not Show.objects.exists()


def test_whom_the_catalogue_knows_without_an_id_is_whom_the_page_lists() -> None:
    make_artist(name="Queen", slug="queen")
    sync(event(1, QUEEN), event(2, name="Queen - Rhapsody Tour"))
    assert bill_of(Show.objects.get(name="Queen - Rhapsody Tour")) == ["Queen"]
    assert Artist.objects.get().ticketmaster_id == QUEEN.ticketmaster_id


def test_listings_that_name_nobody_are_handed_back_to_whoever_keeps_them() -> None:
    nameless = [event(1, name="Queen - Rhapsody Tour"), event(2, name="Queen - Works"), event(3, name="PARKING: Queen")]
    synced = upsert_shows(records=nameless, now=NOW, keep=1)
    assert (synced.kept, synced.shows.seen, synced.shows.skipped) == (tuple(nameless[:1]), 2, 2)


def test_the_event_itself_is_nobody_on_its_bill() -> None:
    sync(event(1, attraction(9, "Nordlicht Open Air"), QUEEN, ADAM, name="Nordlicht Open Air"))
    assert bill_of(Show.objects.get()) == ["Queen", "Adam Lambert"]


def test_a_festivals_name_is_nobody() -> None:
    sync(event(1, attraction(9, "Rock am Ring Festival"), QUEEN, ADAM))
    assert bill_of(Show.objects.get()) == ["Queen", "Adam Lambert"]


def test_a_venue_known_by_its_place_takes_on_its_id() -> None:
    venue = make_venue(name="Arena", city="Berlin", country="DE")
    sync(event(1, QUEEN))
    venue.refresh_from_db()
    assert (Venue.objects.count(), venue.ticketmaster_id, venue.timezone) == (1, ARENA.ticketmaster_id, "Europe/Berlin")


def test_two_rooms_of_one_name_and_town_stay_two() -> None:
    sync(event(1, QUEEN), event(2, QUEEN, venue=replace(ARENA, ticketmaster_id="KovArena2")))
    assert Venue.objects.count() == 2


def test_a_show_known_from_setlistfm_alone_takes_on_its_id() -> None:
    artist = make_artist(name="Queen", slug="queen", ticketmaster_id=QUEEN.ticketmaster_id)
    venue = make_venue(name="Arena", city="Berlin", country="DE")
    show = make_show(artist, venue=venue, starts_at=None, local_date=date(2026, 8, 2))
    sync(event(1, QUEEN))
    show.refresh_from_db()
    assert (Show.objects.count(), show.ticketmaster_id) == (1, event(1).ticketmaster_id)


def test_a_failure_half_way_leaves_nothing() -> None:
    with pytest.raises(ValueError, match="badly formed"):
        sync(event(1, QUEEN), event(2, replace(ADAM, mbid="no id")))
    assert not any(model.objects.exists() for model in TABLES)


# --- copies of a listing ---

PLAIN = event(1, QUEEN, name="Queen + Adam Lambert")


def copy(number: int, name: str, **values: object) -> ShowRecord:
    return replace(PLAIN, ticketmaster_id=f"vvG1copy{number}", name=name, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "Queen + Adam Lambert - VIP Packages",
        "Queen + Adam Lambert Upgrade",
        "Premium Seat: Queen",
        "Queen (Hotel Package)",
        "Suite - Queen",
        "Queen | Hospitality",
        "Königin + Adam Lambert",
        "Reina (en español)",
    ],
)
def test_a_copy_is_folded_into_the_show_whichever_comes_first(name: str) -> None:
    for listed in ([PLAIN, copy(1, name)], [copy(1, name), PLAIN]):
        concerts, left_out = fold(listed, today=NOW.date())
        assert (len(concerts), left_out) == (1, 1)
    sync(PLAIN)
    assert sync(copy(1, name)).shows.skipped == 1
    assert Show.objects.get().name == PLAIN.name


def test_a_package_of_another_hour_is_no_second_show() -> None:
    vip = copy(1, "Queen VIP Lounge", starts_at=PLAIN.starts_at - timedelta(hours=3))  # type: ignore[operator]
    assert len(fold([vip, PLAIN], today=NOW.date())[0]) == 1
    sync(PLAIN)
    sync(vip)
    assert Show.objects.count() == 1


def test_a_package_that_was_all_there_was_becomes_the_show() -> None:
    vip = copy(1, "Queen VIP Package")
    sync(vip)
    row = Show.objects.get()
    sync(vip, PLAIN)
    after = Show.objects.get()
    assert (after.pk, after.name, after.ticketmaster_id, after.slug) == (
        row.pk,
        PLAIN.name,
        PLAIN.ticketmaster_id,
        row.slug,
    )


@pytest.mark.parametrize("name", ["Parking: Queen", "Boleto de evento no incluido - Queen", "Estacionamiento Queen"])
def test_what_does_not_let_you_in_is_no_show(name: str) -> None:
    assert fold([copy(1, name)], today=NOW.date()) == ([], 1)


def test_an_early_and_a_late_show_are_two() -> None:
    late = copy(1, "Queen (late)", starts_at=PLAIN.starts_at + timedelta(hours=4))  # type: ignore[operator]
    sync(PLAIN, late)
    sync(late, PLAIN)
    assert Show.objects.count() == 2


def test_the_same_day_in_two_towns_is_two_shows() -> None:
    elsewhere = copy(1, "Queen", venue=VenueRecord(name="Arena", city="Paris", country="FR"))
    assert len(fold([PLAIN, elsewhere], today=NOW.date())[0]) == 2


def test_a_band_may_be_called_like_a_package() -> None:
    hotel = attraction(5, "Tokio Hotel")
    early = event(1, hotel, name="Tokio Hotel - Tour")
    late = replace(early, ticketmaster_id="vvG1late", starts_at=early.starts_at + timedelta(hours=3))  # type: ignore[operator]
    assert len(fold([early, late], today=NOW.date())[0]) == 2


def test_a_placeholder_for_a_date_is_no_show() -> None:
    assert fold([replace(PLAIN, local_date=date(2037, 12, 31))], today=NOW.date()) == ([], 1)


def test_whoever_was_asked_for_is_on_the_bill_whatever_the_name() -> None:
    tribute = attraction(6, "The Fab Four - Ultimate Tribute")
    listed = event(1, tribute)
    assert fold([listed], today=NOW.date()) == ([], 1)
    assert len(fold([listed], today=NOW.date(), asked=tribute.ticketmaster_id)[0]) == 1


@pytest.mark.django_db(transaction=True)
def test_imports_at_the_same_moment_write_everything_once() -> None:
    listed = [event(number, QUEEN, ADAM, SUPPORT) for number in range(20)]
    gate, problems = threading.Barrier(4), []

    def run(records: list[ShowRecord]) -> None:
        try:
            gate.wait(20)
            sync(*records)
        except Exception as problem:  # noqa: BLE001 (shown by the main thread)
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(order,)) for order in (listed, listed[::-1], listed[5:], listed[:15])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert [model.objects.count() for model in TABLES] == [3, 1, 20, 60]
