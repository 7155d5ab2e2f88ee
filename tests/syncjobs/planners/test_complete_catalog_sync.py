"""complete_catalog_sync: everything by staleness; what is wrong with the catalogue."""

from datetime import date, timedelta

import pytest
from django.core.management import call_command

from mysetlist.catalog.models import Song
from syncjobs.planners.artists import inspect_catalogue, plan_complete_catalog_sync
from tests.factories import NOON, make_artist, make_setlist, make_show, make_song, make_venue
from tests.syncjobs.planners.planned import jobs_of

pytestmark = pytest.mark.usefixtures("keys")


def test_everything_of_an_artist_is_planned_the_stalest_first() -> None:
    old = make_artist(ticketmaster_id="K8v0001", spotify_id="1" * 22, songs_synced_at=NOON - timedelta(days=9))
    make_artist(spotify_id="2" * 22, songs_synced_at=NOON - timedelta(days=1))
    never = make_artist(spotify_id="3" * 22)
    assert jobs_of(plan_complete_catalog_sync(now=NOON)) == [
        ("sync_spotify_artist", never.pk),
        ("sync_ticketmaster_artist", old.pk),
        ("sync_spotify_artist", old.pk),
        ("repair_catalogue", None),
    ]


def test_a_sound_catalogue_has_nothing_to_report() -> None:
    show = make_show(venue=make_venue())
    make_setlist(show, songs=2)
    assert set(inspect_catalogue().values()) == {0}


def test_duplicates_and_orphans_are_counted() -> None:
    make_artist(name="Halsey")
    artist = make_artist(name="halsey")
    for _ in range(2):
        make_song(artist, title="Colors")
    make_song()
    venue = make_venue()
    make_venue()
    for _ in range(2):
        make_show(artist, venue=venue, starts_at=None, local_date=date(2026, 8, 1))
    make_setlist(make_show(artist))
    assert inspect_catalogue() == {
        "artists_of_one_name": 1,
        "songs_of_one_title": 1,
        "shows_of_one_night": 1,
        "songs_without_artist": 1,
        "venues_without_show": 1,
        "setlists_without_song": 1,
    }
    assert plan_complete_catalog_sync(now=NOON).summary()["integrity"]["songs_without_artist"] == 1


def test_artists_of_one_name_are_shown_with_their_ids_for_a_person() -> None:
    one = make_artist(name="Halsey", ticketmaster_id="K8v1")
    other = make_artist(name="halsey", spotify_id="2" * 22)
    ((first, second),) = plan_complete_catalog_sync(now=NOON).summary()["doubtful"]
    assert (first["id"], first["ticketmaster_id"]) == (one.pk, "K8v1")
    assert (second["id"], second["spotify_id"]) == (other.pk, "2" * 22)


def test_a_dry_run_says_what_would_be_repaired_and_repairs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    make_song()
    call_command("complete_catalog_sync", "--dry-run")
    assert "Repairs: 1 songs to remove, 0 venues to remove" in capsys.readouterr().out
    assert Song.objects.exists()
