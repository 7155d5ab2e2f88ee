"""The admin of the catalogue keeps its rules: votes are retracted, bills and setlists stay in order."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from mysetlist.catalog.models import Billing, SetlistSong, Show, Vote
from tests.factories import make_artist, make_setlist, make_show, make_song, make_vote

pytestmark = pytest.mark.django_db

VOTES = reverse("admin:catalog_vote_changelist")


def open_show(artist=None, **values):
    return make_show(artist, starts_at=timezone.now() + timedelta(days=1), **values)


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def inline(prefix, lines, *, new=(), deleted=(), columns=("position",)):
    """What a browser posts for the lines of a list: existing ones by their id, then new ones."""
    data = {f"{prefix}-TOTAL_FORMS": len(lines) + len(new), f"{prefix}-INITIAL_FORMS": len(lines)}
    for number, (pk, position) in enumerate(lines):
        data |= {f"{prefix}-{number}-id": pk, f"{prefix}-{number}-position": position}
        if pk in deleted:
            data[f"{prefix}-{number}-DELETE"] = "on"
    for number, values in enumerate(new, len(lines)):
        data |= {f"{prefix}-{number}-{name}": value for name, value in values.items()}
    return data


def post_show(client, show, **lines):
    data = {"headliner": show.headliner_id, "name": show.name, "slug": show.slug, "status": show.status}
    data |= {"starts_at_0": f"{show.starts_at:%Y-%m-%d}", "starts_at_1": f"{show.starts_at:%H:%M:%S}"}
    return client.post(reverse("admin:catalog_show_change", args=[show.pk]), data | lines)


def bill(show):
    return {billing.artist_id: billing.position for billing in Billing.objects.filter(show=show)}


def test_deleting_a_vote_retracts_it(admin_client):
    vote = make_vote(make_setlist(open_show(), songs=1).setlist_songs.get())
    admin_client.post(reverse("admin:catalog_vote_delete", args=[vote.pk]), {"post": "yes"})
    assert not Vote.objects.exists()


def test_a_vote_of_a_locked_setlist_stays_and_the_page_says_why(admin_client):
    setlist = make_setlist(open_show(), songs=1, locked_at=timezone.now())
    vote = make_vote(setlist.setlist_songs.get())
    response = admin_client.post(reverse("admin:catalog_vote_delete", args=[vote.pk]), {"post": "yes"})
    assert said(response) == ["Not retracted: This setlist is locked: votes are no longer accepted."]
    assert Vote.objects.get() == vote


def test_many_votes_are_retracted_each_by_the_rules(admin_client):
    opened = make_setlist(open_show(), songs=2).setlist_songs.all()
    started = make_setlist(make_show(starts_at=timezone.now()), songs=1).setlist_songs.get()
    votes = [make_vote(line) for line in [*opened, started]]
    response = admin_client.post(VOTES, {"action": "retract", "_selected_action": [vote.pk for vote in votes]})
    assert said(response) == [
        "2 retracted.",
        "1 not retracted: This show has started: votes are no longer accepted.",
    ]
    assert Vote.objects.get() == votes[2]


def test_votes_cannot_be_deleted_past_the_rules(admin_client):
    vote = make_vote(make_setlist(open_show(), songs=1, locked_at=timezone.now()).setlist_songs.get())
    chosen = {"action": "delete_selected", "_selected_action": [vote.pk], "post": "yes"}
    admin_client.post(VOTES, chosen)
    assert Vote.objects.exists()


def test_songs_of_a_setlist_may_change_places(admin_client):
    setlist = make_setlist(open_show(), songs=3)
    first, second, third = setlist.setlist_songs.order_by("position")
    lines = inline("setlist_songs", [(first.pk, 2), (second.pk, 1), (third.pk, 3)])
    response = admin_client.post(reverse("admin:catalog_setlist_change", args=[setlist.pk]), lines)
    assert response.status_code == 302
    assert list(setlist.setlist_songs.order_by("position")) == [second, first, third]


def test_a_song_takes_the_place_of_a_deleted_one(admin_client):
    setlist = make_setlist(open_show(), songs=2)
    first, second = setlist.setlist_songs.order_by("position")
    song = make_song(setlist.artist)
    lines = inline(
        "setlist_songs",
        [(first.pk, 2), (second.pk, 2)],
        deleted=[second.pk],
        new=[{"position": 1, "song": song.pk}],
    )
    admin_client.post(reverse("admin:catalog_setlist_change", args=[setlist.pk]), lines)
    assert [line.song_id for line in setlist.setlist_songs.order_by("position")] == [song.pk, first.song_id]


def test_the_song_of_a_line_never_changes_since_fans_voted_for_it(admin_client):
    line = make_setlist(open_show(), songs=1).setlist_songs.get()
    lines = inline("setlist_songs", [(line.pk, 5)]) | {"setlist_songs-0-song": make_song().pk}
    admin_client.post(reverse("admin:catalog_setlist_change", args=[line.setlist_id]), lines)
    assert SetlistSong.objects.get(pk=line.pk).song_id == line.song_id
    assert SetlistSong.objects.get(pk=line.pk).position == 5


@pytest.mark.parametrize("position", [0, 2, 10_000, ""])
def test_a_taken_or_impossible_position_is_refused_in_words(admin_client, position):
    setlist = make_setlist(open_show(), songs=2)
    first, second = setlist.setlist_songs.order_by("position")
    lines = inline("setlist_songs", [(first.pk, position), (second.pk, 2)])
    response = admin_client.post(reverse("admin:catalog_setlist_change", args=[setlist.pk]), lines)
    assert response.status_code == 200
    assert b"errorlist" in response.content or b"errors" in response.content
    assert [line.position for line in setlist.setlist_songs.order_by("pk")] == [1, 2]


def test_the_page_of_a_setlist_asks_as_often_for_twenty_songs_as_for_two(admin_client, django_assert_max_num_queries):
    setlist = make_setlist(open_show(), songs=20)
    with django_assert_max_num_queries(7):
        assert admin_client.get(reverse("admin:catalog_setlist_change", args=[setlist.pk])).status_code == 200


def test_a_new_show_has_its_headliner_on_the_bill(admin_client):
    artist, guest = make_artist(), make_artist()
    data = {"headliner": artist.pk, "name": "Night", "slug": "night", "status": "upcoming"}
    data |= inline("billings", [], new=[{"position": 1, "artist": guest.pk}])
    assert admin_client.post(reverse("admin:catalog_show_add"), data).status_code == 302
    assert bill(Show.objects.get()) == {artist.pk: 0, guest.pk: 1}


def test_the_headliner_is_not_put_on_the_bill_again(admin_client):
    show = open_show()
    lines = inline("billings", [], new=[{"position": 1, "artist": show.headliner_id}])
    response = post_show(admin_client, show, **lines)
    assert "The headliner is on the bill already." in response.content.decode()


def test_guests_change_places(admin_client):
    one, two = make_artist(), make_artist()
    show = open_show(bill=[one, two])
    first, second = show.billings.filter(position__gt=0).order_by("position")
    assert post_show(admin_client, show, **inline("billings", [(first.pk, 2), (second.pk, 1)])).status_code == 302
    assert bill(show) == {show.headliner_id: 0, one.pk: 2, two.pk: 1}


@pytest.mark.parametrize("deleted", [False, True])
def test_a_guest_becomes_the_headliner(admin_client, deleted):
    guest, other = make_artist(), make_artist()
    show = open_show(bill=[guest, other])
    first, second = show.billings.filter(position__gt=0).order_by("position")
    show.headliner = guest
    lines = inline("billings", [(first.pk, 3), (second.pk, 1)], deleted=[first.pk] if deleted else [])
    assert post_show(admin_client, show, **lines).status_code == 302
    assert bill(show) == {guest.pk: 0, other.pk: 1}
