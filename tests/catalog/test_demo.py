"""The demo in the database: the bundled catalogue, loaded once for all tests of this file."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sized
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from mysetlist.catalog.demo import load, services
from mysetlist.catalog.demo.bundle import LISTED_ON, Bundle, read_bundle
from mysetlist.catalog.demo.fans import simulate
from mysetlist.catalog.demo.services import TABLES, Demo, DemoRefused, ensure_demo, find_demo
from mysetlist.catalog.models import Artist, Follow, Setlist, Show, Song, User, Venue, Vote
from mysetlist.catalog.services import predict_setlist
from tests.factories import make_artist, make_fan, make_setlist_song, make_show, make_vote
from trending.management.commands import demo as command
from trending.models import ArtistTrend, TrendingArtist
from trending.services import refresh, whole_hour

NOW = datetime(2026, 7, 1, 14, 20, tzinfo=UTC)

pytestmark = pytest.mark.xdist_group("demo")  # one worker loads it


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle()


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: Any) -> Iterator[Demo]:
    """The demo, loaded at NOW and scored; gone after the last test."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = ensure_demo(now=NOW)
        refresh(as_of=whole_hour(NOW))
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def demo(loaded: Demo) -> Iterator[Demo]:
    """The demo; what a test does to it is undone."""
    with transaction.atomic():
        yield loaded
        transaction.set_rollback(True)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> Bundle:
    """A bundle of a few shows and fans, for tests that load it themselves."""
    shows = bundle.shows[::80]
    names = {show.headliner for show in shows}
    part = Bundle(
        artists=[artist for artist in bundle.artists if artist.spotify_id in names],
        shows=shows,
        songs=[song for song in bundle.songs if song.artist in names],
    )
    monkeypatch.setattr(services, "read_bundle", lambda: part)
    monkeypatch.setattr(load, "simulate", partial(simulate, fans=60))
    return part


def fingerprint() -> dict[str, tuple[int, str]]:
    """How many rows each table of the catalogue has, and a checksum of them."""
    prints = {}
    with connection.cursor() as cursor:
        for model in (*TABLES, User):
            table = model._meta.db_table
            cursor.execute(f"select count(*), coalesce(md5(string_agg(t::text, ',' order by id)), '') from {table} t")
            prints[table] = cursor.fetchone()
    return prints


def counts() -> list[int]:
    return [model.objects.count() for model in (*TABLES, User)]


def score_in_this_transaction(*, as_of: datetime) -> SimpleNamespace:
    """calculate_trending without its record, which needs a transaction of its own."""
    return SimpleNamespace(result=refresh(as_of=as_of), duration_ms=7)


def run(*args: str) -> str:
    out = StringIO()
    call_command("demo", *args, stdout=out)
    return out.getvalue()


# --- what is loaded ---


def test_it_loads_the_whole_catalogue(demo: Demo) -> None:
    assert demo == Demo(since=date(2026, 7, 1), loaded=True)
    assert [model.objects.count() for model in (Artist, Show, Song)] == [11_837, 3_990, 20_405]
    assert User.objects.count() >= 2_000
    assert Vote.objects.count() >= 100_000
    assert Follow.objects.count() >= 20_000


def test_every_show_has_its_headliner_on_the_bill(demo: Demo) -> None:
    assert Show.objects.filter(billings__position=0).count() == 3_990


def test_venues_are_told_apart_by_name_city_and_country(demo: Demo) -> None:
    venues = list(Venue.objects.values_list("name", "city", "country"))

    assert len(venues) == len(set(venues)) == 1_742
    assert Venue.objects.filter(name="Ziggo Dome").get().country == "NL"
    assert Venue.objects.filter(name="Vivo Rio").get().country is None  # the listing does not say


def test_a_name_that_occurs_twice_gets_two_addresses(demo: Demo) -> None:
    twice, _ = Counter(Artist.objects.values_list("name", flat=True)).most_common(1)[0]

    slugs = list(Artist.objects.filter(name=twice).order_by("pk").values_list("slug", flat=True))

    assert slugs[1] == f"{slugs[0]}-2"


def test_unknown_figures_stay_unknown(demo: Demo, bundle: Bundle) -> None:
    unknown = [artist.spotify_id for artist in bundle.artists if artist.popularity is None]

    assert len(unknown) == 176
    assert Artist.objects.filter(spotify_id__in=unknown, popularity=None).count() == 176


def test_a_song_whose_artist_is_not_bundled_stands_alone(demo: Demo) -> None:
    assert Song.objects.filter(artists=None).count() == 2


def test_all_dates_are_shifted_by_the_same_whole_days(demo: Demo, bundle: Bundle) -> None:
    shift = date(2026, 7, 1) - LISTED_ON
    stored = {show.ticketmaster_id: show for show in Show.objects.all()}

    for announced in bundle.shows:
        show = stored[announced.ticketmaster_id]
        assert show.local_date == announced.local_date + shift
        assert show.starts_at == (announced.starts_at and announced.starts_at + shift)
    assert Show.objects.filter(starts_at=None).count() == 14


# --- predicted setlists, fans and votes ---


def test_every_upcoming_show_of_an_artist_with_songs_has_a_predicted_setlist(demo: Demo) -> None:
    shows = Show.objects.upcoming(NOW).filter(headliner__songs__isnull=False).distinct()

    assert set(shows) == {setlist.show for setlist in Setlist.objects.select_related("show")}
    assert not Setlist.objects.exclude(kind=Setlist.Kind.PREDICTED).exists()


def test_the_setlists_are_those_that_predict_setlist_draws(demo: Demo) -> None:
    for setlist in random.Random(1).sample(list(Setlist.objects.select_related("show", "artist")), 25):
        loaded = list(setlist.setlist_songs.order_by("position").values_list("position", "song"))
        setlist.delete()

        drawn = predict_setlist(show=setlist.show, artist=setlist.artist)

        assert drawn is not None
        assert list(drawn.setlist_songs.order_by("position").values_list("position", "song")) == loaded


def test_votes_stand_on_predicted_setlists_of_upcoming_shows(demo: Demo) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from catalog_vote v"
            " join catalog_setlistsong ss on ss.id = v.setlist_song_id"
            " join catalog_setlist s on s.id = ss.setlist_id and s.kind = 'predicted'"
            " join catalog_show w on w.id = s.show_id and w.id = v.show_id and w.start >= %s"
            " where s.artist_id = v.artist_id and v.created_at between %s and %s",
            [NOW, whole_hour(NOW) - timedelta(days=21), NOW],
        )
        assert cursor.fetchone() == (Vote.objects.count(),)


def test_several_fans_ran_into_the_cap(demo: Demo) -> None:
    assert User.objects.filter(votes__counted=False).distinct().count() > 100


def test_nobody_can_log_in_as_a_simulated_fan(demo: Demo) -> None:
    fan = User.objects.get(username="fan-0001")

    assert not fan.has_usable_password()
    assert fan.date_joined < fan.follows.earliest("created_at").created_at


def test_the_next_rows_find_free_ids(demo: Demo) -> None:
    make_vote(make_setlist_song(), fan=make_fan(username="somebody"))


def test_the_scores_spread_and_more_than_a_few_artists_are_hot(demo: Demo) -> None:
    scores = list(ArtistTrend.objects.order_by("-raw").values_list("score", flat=True)[:300])

    assert scores[0] > 950
    assert scores[100] < 900
    assert len(set(scores[:10])) == 10


# --- a second run ---


def test_a_second_run_changes_nothing(demo: Demo) -> None:
    before = fingerprint()

    again = ensure_demo(now=NOW + timedelta(days=5))

    assert again == Demo(since=date(2026, 7, 1))
    assert fingerprint() == before


def test_the_anchor_survives_a_show_moved_by_hand(demo: Demo) -> None:
    Show.objects.order_by("pk").filter(pk__lte=10).update(local_date=date(2026, 12, 24))

    assert find_demo() == date(2026, 7, 1)


def test_the_command_prints_the_ten_hottest_and_what_each_factor_added(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "calculate_trending", score_in_this_transaction)
    before = fingerprint()

    with time_machine.travel(NOW + timedelta(days=3), tick=False):
        printed = run()

    first, *_, tenth = TrendingArtist.objects.filter(rank__lte=10).order_by("rank")
    assert "The demo is 3 days old, loaded on 2026-07-01." in printed
    assert f" 1 {first.name}" in printed
    assert f"10 {tenth.name}" in printed
    assert f"{first.score:.2f}" in printed
    assert "Fans, votes and follows are simulated" in printed
    assert "make test" in printed
    assert fingerprint() == before
    with time_machine.travel(NOW + timedelta(days=3), tick=False):
        assert "are up to date: nobody has voted since" in run()


def test_the_tables_fit_80_columns(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "calculate_trending", score_in_this_transaction)
    monkeypatch.setenv("COLUMNS", "80")

    with time_machine.travel(NOW, tick=False):
        printed = run()

    tables = printed.split("The ten hottest artists")[1].split("What to do next")[0]
    assert max(map(len, tables.splitlines())) <= 80
    assert "…" not in tables  # nothing is cut off


def test_what_the_factors_added_sums_to_raw(demo: Demo) -> None:
    assert all(sum(command.contributed(row).values()) == row.raw for row in TrendingArtist.objects.all()[:50])


# --- refusals, resets, crashes ---


def test_it_refuses_when_a_database_is_configured(settings: Any) -> None:
    settings.DATABASE_URL = "postgres://somewhere/else"

    with pytest.raises(CommandError, match="DATABASE_URL= make demo") as refusal:
        run("--reset")

    assert refusal.value.returncode == 2


@pytest.mark.django_db
def test_it_refuses_a_catalogue_that_holds_something_else(small: Bundle) -> None:
    make_show(make_artist())
    before = fingerprint()

    with pytest.raises(CommandError, match=r"1 artists, 1 shows.*--reset") as refusal:
        run()

    assert refusal.value.returncode == 2
    assert fingerprint() == before


@pytest.mark.django_db
def test_it_does_not_take_the_name_of_a_person(small: Bundle) -> None:
    make_fan(username="fan-0007", password="secret")

    with pytest.raises(DemoRefused, match="fan-0007"):
        ensure_demo(now=NOW)


@pytest.mark.django_db
def test_reset_deletes_the_catalogue_and_keeps_people(small: Bundle) -> None:
    make_fan(username="boss", is_staff=True)
    voter = make_fan(username="visitor")
    make_vote(make_setlist_song(), fan=voter, at=NOW)
    refresh(as_of=whole_hour(NOW))

    demo = ensure_demo(now=NOW, reset=True)

    assert demo.removed == {"artists": 1, "shows": 1, "songs": 1, "votes": 1}
    assert User.objects.filter(username__in=["boss", "visitor"]).count() == 2
    assert Artist.objects.count() == len(small.artists)
    assert not ArtistTrend.objects.exists()
    assert not voter.votes.exists()


@pytest.mark.django_db
def test_reset_anchors_anew_and_draws_the_same(small: Bundle) -> None:
    ensure_demo(now=NOW)
    songs = list(Setlist.objects.order_by("pk").values_list("pk", "setlist_songs__song"))

    demo = ensure_demo(now=NOW + timedelta(days=9), reset=True)

    assert demo.since == find_demo() == date(2026, 7, 10)
    assert list(Setlist.objects.order_by("pk").values_list("pk", "setlist_songs__song")) == songs
    assert User.objects.count() == 60


@pytest.mark.django_db
@pytest.mark.parametrize("reset", [False, True])
def test_a_crash_half_way_leaves_everything_as_it_was(small: Bundle, reset: bool) -> None:
    def crash(label: str, work: Callable[..., Sized], /, *args: Any) -> Any:
        if label == "simulated votes":
            raise KeyboardInterrupt
        return work(*args)

    if reset:
        ensure_demo(now=NOW - timedelta(days=2))
    before = counts()

    with pytest.raises(KeyboardInterrupt):
        ensure_demo(now=NOW, reset=reset, step=crash)

    assert counts() == before
    assert find_demo() == (date(2026, 6, 29) if reset else None)
