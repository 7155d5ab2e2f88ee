"""The bill: whoever writes a show, its headliner is at position 0."""

import pytest
from django.db import IntegrityError, connection, transaction

from mysetlist.catalog.models import Artist, Billing, Show
from tests.factories import make_artist, make_show

pytestmark = pytest.mark.django_db


def bill(show: Show) -> dict[int, int]:
    """Position: artist."""
    return dict(Billing.objects.filter(show=show).values_list("position", "artist_id"))


def rows() -> set[tuple[int, str]]:
    """Each row of a bill, and which version of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, ctid::text FROM catalog_billing")
        return set(cursor.fetchall())


def check_constraints() -> None:
    """As the end of the transaction does."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def headline(show: Show, artist: Artist) -> None:
    show.headliner = artist
    show.save(update_fields=["headliner"])


def test_a_new_show_has_its_headliner_on_the_bill() -> None:
    artist = make_artist()
    assert bill(make_show(artist)) == {0: artist.pk}


def test_guests_come_behind() -> None:
    artist, guest, opener = make_artist(), make_artist(), make_artist()
    assert bill(make_show(artist, bill=[guest, opener])) == {0: artist.pk, 1: guest.pk, 2: opener.pk}


def test_another_headliner_takes_the_place_of_the_first() -> None:
    first, second, guest = make_artist(), make_artist(), make_artist()
    show = make_show(first, bill=[guest])
    headline(show, second)
    assert bill(show) == {0: second.pk, 1: guest.pk}


def test_a_guest_who_becomes_the_headliner_moves_up() -> None:
    first, guest, opener = make_artist(), make_artist(), make_artist()
    show = make_show(first, bill=[guest, opener])
    headline(show, guest)
    assert bill(show) == {0: guest.pk, 2: opener.pk}


def test_saving_a_show_again_changes_no_bill() -> None:
    show = make_show(bill=[make_artist()])
    before = rows()
    show.name = "Another name"
    show.save()
    assert rows() == before


def test_bulk_inserts_updates_and_copy_keep_the_bill() -> None:
    first, second = make_artist(), make_artist()
    Show.objects.bulk_create(
        [Show(headliner=first, name=slug, slug=slug) for slug in ("one", "two")],
    )
    with connection.cursor() as cursor, cursor.copy("COPY catalog_show (headliner_id, name, slug) FROM STDIN") as copy:
        copy.write_row((first.pk, "Three", "three"))
    shows = Show.objects.filter(slug__in=["one", "two", "three"])
    assert [bill(show) for show in shows] == [{0: first.pk}] * 3
    shows.update(headliner=second)
    assert [bill(show) for show in shows] == [{0: second.pk}] * 3


def test_an_upsert_keeps_the_bill() -> None:
    first, second = make_artist(), make_artist()
    show = make_show(first, ticketmaster_id="x")
    Show.objects.bulk_create(
        [Show(headliner=second, name="Two", slug="two", ticketmaster_id="x")],
        update_conflicts=True,
        unique_fields=["ticketmaster_id"],
        update_fields=["headliner", "name"],
    )
    assert bill(show) == {0: second.pk}


def test_two_shows_may_swap_their_headliners_in_one_statement() -> None:
    first, second = make_artist(), make_artist()
    one, two = make_show(first), make_show(second)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_show SET headliner_id = %s - headliner_id", [first.pk + second.pk])
    assert (bill(one), bill(two)) == ({0: second.pk}, {0: first.pk})


def test_positions_may_be_swapped_within_a_transaction() -> None:
    guest, opener = make_artist(), make_artist()
    show = make_show(bill=[guest, opener])
    with transaction.atomic():
        Billing.objects.filter(show=show, artist=guest).update(position=2)
        Billing.objects.filter(show=show, artist=opener).update(position=1)
    check_constraints()
    assert (bill(show)[1], bill(show)[2]) == (opener.pk, guest.pk)


def test_nobody_shares_a_position() -> None:
    show = make_show(bill=[make_artist()])
    Billing.objects.create(show=show, artist=make_artist(), position=1)
    with pytest.raises(IntegrityError, match="one_artist_per_position_of_a_bill"), transaction.atomic():
        check_constraints()
    Billing.objects.all().delete()


def test_nobody_is_on_a_bill_twice() -> None:
    guest = make_artist()
    show = make_show(bill=[guest])
    with pytest.raises(IntegrityError, match="one_billing_per_show_and_artist"), transaction.atomic():
        Billing.objects.create(show=show, artist=guest, position=5)


def test_an_artist_takes_the_shows_they_headline_with_them() -> None:
    artist, other = make_artist(), make_artist()
    make_show(artist, bill=[other])
    guested = make_show(other, bill=[artist])
    artist.delete()
    assert list(Show.objects.all()) == [guested]
    assert bill(guested) == {0: other.pk}
