"""A refresh: all or nothing, nothing twice, lists that equal a sort of everything."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from monitoring.models import CronLog
from mysetlist.catalog.models import Artist, Show
from tests.factories import NOON, hours_before, make_artist, make_fan, make_follow, make_setlist, make_show, make_vote
from trending import services
from trending.models import ArtistTrend, ShowTrend, TrendChange, TrendingArtist, TrendingShow, TrendState
from trending.services import AsOfOutOfRange, RefreshRunning, calculate_trending, refresh

HOUR = timedelta(hours=1)


def rows(sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def voted_for(fans: int, **artist: Any) -> Artist:
    """An artist with a coming show and so many votes of so many fans."""
    one = make_artist(**artist)
    song = make_setlist(make_show(one), songs=1).setlist_songs.get()
    for _ in range(fans):
        make_vote(song)
    return one


@contextmanager
def another_connection() -> Iterator[psycopg.Connection[Any]]:
    parameters = connection.get_connection_params()
    wanted = {key: parameters[key] for key in ("dbname", "user", "host", "port") if key in parameters}
    with psycopg.connect(**wanted, autocommit=True) as other:
        yield other


@pytest.mark.django_db
class TestOneRefresh:
    def test_every_artist_has_a_row_so_a_new_systems_list_is_not_empty(self) -> None:
        silent = make_artist(popularity=40)
        refresh(as_of=NOON)
        assert ArtistTrend.objects.get(artist=silent).score == 20
        assert TrendingArtist.objects.get().name == silent.name

    @pytest.mark.parametrize("full", [False, True])
    def test_i15_a_second_refresh_at_the_same_hour_writes_no_row(self, full: bool) -> None:
        voted_for(3)
        refresh(as_of=NOON)
        tuples = "SELECT ctid, xmin, * FROM {}_trends ORDER BY 3"
        before = [rows(tuples.format(kind)) for kind in ("artist", "show")]
        version = TrendState.objects.get().version

        result = refresh(as_of=NOON, full=full)

        assert (result["artists_updated"], result["shows_updated"], result["significant_changes"]) == (0, 0, 0)
        assert [rows(tuples.format(kind)) for kind in ("artist", "show")] == before
        assert result["version"] == version

    def test_the_version_rises_with_every_refresh_that_changed_something(self) -> None:
        artist = voted_for(1)
        versions = [refresh(as_of=NOON)["version"], refresh(as_of=NOON)["version"]]
        make_follow(artist)
        versions.append(refresh(as_of=NOON)["version"])
        versions.append(refresh(as_of=NOON + HOUR)["version"])
        assert versions == [1, 1, 2, 3]

    def test_a_renamed_artist_shows_in_the_list_under_a_new_version(self) -> None:
        artist = voted_for(1)
        refresh(as_of=NOON)
        Artist.objects.filter(pk=artist.pk).update(name="Another name")
        assert refresh(as_of=NOON)["version"] == 2
        assert TrendingArtist.objects.get().name == "Another name"

    def test_same_raw_with_other_factors_is_written_all_the_same(self) -> None:
        """23 upcoming and 14 recent shows have the raw of 22 and 15."""
        artist = make_artist()
        shows = [make_show(artist, starts_at=NOON + timedelta(days=2)) for _ in range(23)]
        for _ in range(14):
            make_show(artist, starts_at=hours_before(5))
        refresh(as_of=NOON)
        before = ArtistTrend.objects.get()

        Show.objects.filter(pk=shows[0].pk).update(starts_at=hours_before(1))
        refresh(as_of=NOON)

        after = ArtistTrend.objects.get()
        assert (before.raw, before.upcoming_shows, before.recent_shows) == (before.raw, 23, 14)
        assert (after.raw, after.upcoming_shows, after.recent_shows) == (before.raw, 22, 15)

    def test_a_score_that_shrinks_to_nothing_is_written(self) -> None:
        artist = voted_for(2)
        refresh(as_of=NOON)
        refresh(as_of=NOON + timedelta(days=60))
        assert ArtistTrend.objects.get(artist=artist).score == 0

    def test_a_show_long_past_loses_its_row_and_one_without_a_date_keeps_it(self) -> None:
        past = make_show(starts_at=NOON)
        dateless = make_show(starts_at=None)
        refresh(as_of=NOON)
        refresh(as_of=NOON + timedelta(hours=720))
        assert ShowTrend.objects.filter(show=past).exists()
        refresh(as_of=NOON + timedelta(hours=721))
        assert list(ShowTrend.objects.values_list("show", flat=True)) == [dateless.pk]

    @pytest.mark.parametrize(
        ("values", "listed"),
        [
            ({}, True),
            ({"starts_at": hours_before(3.9)}, True),
            ({"starts_at": hours_before(4)}, False),
            ({"status": "cancelled"}, False),
            ({"status": "postponed"}, False),
            ({"status": "completed"}, True),  # the clock decides, not the stored status
            ({"starts_at": None}, False),
        ],
    )
    def test_the_list_of_shows_holds_those_that_stand_and_are_not_over(
        self, values: dict[str, Any], listed: bool
    ) -> None:
        make_show(**values)
        refresh(as_of=NOON)
        assert TrendingShow.objects.exists() == listed

    def test_a_future_show_is_not_recent_and_a_past_one_not_upcoming(self) -> None:
        show = make_show(starts_at=NOON)
        refresh(as_of=NOON)
        trend = ShowTrend.objects.get(show=show)
        assert (trend.upcoming_shows, trend.recent_shows) == (1, 0)
        refresh(as_of=NOON + HOUR)
        trend.refresh_from_db()
        assert (trend.upcoming_shows, trend.recent_shows) == (0, 1)

    def test_a_show_counts_for_everyone_on_its_bill(self) -> None:
        guest = make_artist()
        make_show(bill=[guest])
        refresh(as_of=NOON)
        assert ArtistTrend.objects.get(artist=guest).upcoming_shows == 1


@pytest.mark.django_db
class TestLists:
    def test_i21_the_list_is_the_sort_of_everything_with_ties_by_id_and_ends_at_a_thousand(self) -> None:
        Artist.objects.bulk_create(Artist(name=f"A{n}", slug=f"a{n}", popularity=n * 7 % 90) for n in range(1_100))
        refresh(as_of=NOON)
        expected = rows(
            "SELECT artist_id FROM trending_artist_scores(%s) ORDER BY raw DESC, artist_id LIMIT 1000", NOON
        )
        assert list(TrendingArtist.objects.order_by("rank").values_list("rank", "artist_id")) == [
            (rank, pk) for rank, (pk,) in enumerate(expected, 1)
        ]

    def test_order_is_by_raw_so_nobody_ties_at_the_top(self) -> None:
        small, large = make_artist(), make_artist()
        for artist, fans in ((small, 3), (large, 4)):
            song = make_setlist(make_show(artist), songs=1).setlist_songs.get()
            for _ in range(fans):
                make_vote(song)
        refresh(as_of=NOON)
        assert list(TrendingArtist.objects.order_by("rank").values_list("artist", flat=True)) == [large.pk, small.pk]

    def test_two_runs_agree(self) -> None:
        voted_for(3)
        refresh(as_of=NOON)
        once = list(TrendingArtist.objects.order_by("rank").values())
        ArtistTrend.objects.all().delete()
        refresh(as_of=NOON, full=True)
        assert list(TrendingArtist.objects.order_by("rank").values()) == once


@pytest.mark.django_db
class TestSignificantChanges:
    def test_i22_after_every_refresh_each_score_is_near_its_baseline(self) -> None:
        artist = make_artist()
        song = make_setlist(make_show(artist), songs=1).setlist_songs.get()
        for hour in range(12):
            for _ in range(hour % 4):
                make_vote(song, at=NOON + hour * HOUR)
            refresh(as_of=NOON + hour * HOUR)
            trend = ArtistTrend.objects.get()
            assert abs(trend.score - trend.baseline_score) < max(5, trend.baseline_score * Decimal("0.05"))

    def test_a_new_row_sets_its_baseline_silently(self) -> None:
        voted_for(9)
        assert refresh(as_of=NOON)["significant_changes"] == 0
        assert not TrendChange.objects.exists()

    def test_a_small_change_is_stored_but_makes_no_history(self) -> None:
        artist = make_artist(popularity=10)
        refresh(as_of=NOON)
        Artist.objects.update(popularity=11)
        assert refresh(as_of=NOON)["significant_changes"] == 0
        trend = ArtistTrend.objects.get(artist=artist)
        assert (trend.score, trend.baseline_score) == (Decimal("5.50"), 5)

    def test_a_change_of_exactly_five_points_is_significant(self) -> None:
        make_artist(popularity=10)
        refresh(as_of=NOON)
        Artist.objects.update(popularity=20)
        assert refresh(as_of=NOON)["significant_changes"] == 1
        change = TrendChange.objects.get()
        assert (change.old_score, change.new_score, change.rank) == (5, 10, 1)
        assert sum(change.units.values()) == ArtistTrend.objects.get().raw

    def test_above_a_hundred_five_percent_are_asked_for(self) -> None:
        artist = make_artist(popularity=100)
        for _ in range(10):
            make_show(artist, starts_at=NOON + timedelta(days=3))
        refresh(as_of=NOON)  # 50 + 80
        Artist.objects.update(popularity=88)
        refresh(as_of=NOON)  # 6 of 130
        assert not artist.trend_changes.exists()
        Artist.objects.update(popularity=86)
        refresh(as_of=NOON)  # 7 of 130
        assert artist.trend_changes.get().new_score == 123


@pytest.mark.django_db
class TestAsOf:
    @pytest.mark.parametrize("moment", [NOON + timedelta(minutes=1), NOON.replace(tzinfo=None)])
    def test_only_whole_hours_are_taken(self, moment: Any) -> None:
        with pytest.raises(AsOfOutOfRange, match="whole hour"):
            refresh(as_of=moment)

    def test_the_scores_never_go_back(self) -> None:
        refresh(as_of=NOON)
        with pytest.raises(AsOfOutOfRange, match="dry-run"):
            refresh(as_of=NOON - HOUR)


@pytest.mark.django_db(transaction=True)
class TestTheJob:
    def test_a_run_is_recorded_with_what_it_counted_and_named_in_the_history(self) -> None:
        make_artist(popularity=1)
        first = calculate_trending(as_of=NOON)
        Artist.objects.update(popularity=99)
        second = calculate_trending(as_of=NOON)

        assert (first.status, first.result["artists_scored"]) == ("success", 1)
        assert TrendChange.objects.get().run_id == second.run
        log = CronLog.objects.get(pk=second.run)
        assert (log.status, log.result["significant_changes"], log.result["as_of"]) == (
            "success",
            1,
            "2026-07-01T12:00:00Z",
        )

    def test_two_refreshes_exclude_each_other(self) -> None:
        with another_connection() as other:
            other.execute("SELECT pg_advisory_lock(hashtextextended('trending', 0))")
            with pytest.raises(RefreshRunning):
                calculate_trending(as_of=NOON)
        assert calculate_trending(as_of=NOON).status == "success"

    def test_i23_a_refresh_whose_backend_is_killed_leaves_the_old_list_whole(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        artist = voted_for(1)
        calculate_trending(as_of=NOON)
        before = list(TrendingArtist.objects.values())
        make_follow(artist)

        def killed(*args: Any) -> int:
            (pid,) = rows("SELECT pg_backend_pid()")[0]
            with another_connection() as other:
                other.execute("SELECT pg_terminate_backend(%s)", [pid])
            rows("SELECT 1")
            raise AssertionError("the backend outlived its end")

        with monkeypatch.context() as patch:
            patch.setattr(services, "_note_changes", killed)
            with pytest.raises(OperationalError):
                calculate_trending(as_of=NOON)

        assert list(TrendingArtist.objects.values()) == before
        assert CronLog.objects.order_by("-pk")[0].status == "failed"
        assert calculate_trending(as_of=NOON).result["artists_updated"] == 1

    def test_i20_a_vote_committed_during_a_refresh_is_counted_by_the_next(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        artist = voted_for(1)
        song = artist.setlists.get().setlist_songs.get()
        fan = make_fan()
        note = services._note_changes

        def vote_meanwhile(*args: Any) -> int:
            with another_connection() as other:
                other.execute(
                    "INSERT INTO catalog_vote (fan_id, setlist_song_id, show_id, artist_id, created_at, counted)"
                    " VALUES (%s, %s, %s, %s, %s, true) ON CONFLICT DO NOTHING",
                    [fan.pk, song.pk, song.setlist.show_id, artist.pk, NOON],
                )
            return note(*args)

        with monkeypatch.context() as patch:
            patch.setattr(services, "_note_changes", vote_meanwhile)
            calculate_trending(as_of=NOON)
        assert ArtistTrend.objects.get(artist=artist).vote_count == 1

        calculate_trending(as_of=NOON)
        assert ArtistTrend.objects.get(artist=artist).vote_count == 2

    def test_a_serialisation_failure_is_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        artist = make_artist(popularity=1)
        calculate_trending(as_of=NOON)
        drain = services.rollups.drain
        met: list[int] = []

        def meet_anothers_write(*args: Any) -> Any:
            drained = drain(*args)
            if len(met) < 2:
                met.append(1)
                with another_connection() as other:
                    other.execute("UPDATE artist_trends SET changed_at = now() WHERE artist_id = %s", [artist.pk])
            return drained

        Artist.objects.update(popularity=50)
        monkeypatch.setattr(services.rollups, "drain", meet_anothers_write)

        assert calculate_trending(as_of=NOON).status == "success"
        assert len(met) == 2
        assert ArtistTrend.objects.get().score == 25

    def test_a_reader_sees_the_old_lists_or_the_new_never_half(self) -> None:
        """Rank 1 and the version belong together in every snapshot."""
        first, second = make_artist(popularity=10), make_artist(popularity=20)
        calculate_trending(as_of=NOON)
        seen: set[tuple[int, int]] = set()
        done = threading.Event()

        def read() -> None:
            with another_connection() as other:
                while not done.is_set():
                    seen.add(
                        other.execute(
                            "SELECT version, (SELECT artist_id FROM trending_artists_mv WHERE rank = 1) FROM trend_state"
                        ).fetchone()  # type: ignore[arg-type]
                    )

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for turn in range(8):
                Artist.objects.filter(pk=first.pk).update(popularity=30 if turn % 2 == 0 else 10)
                calculate_trending(as_of=NOON)
        finally:
            done.set()
            reader.join()
        assert all(top == (first.pk if version % 2 == 0 else second.pk) for version, top in seen)
        assert len(seen) > 1
