"""A refresh: nothing twice, a version for every change, lists that equal a sort of everything."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from mysetlist.catalog.models import Activity, Artist, Show, Venue
from tests.factories import (
    NOON,
    hours_before,
    make_artist,
    make_follow,
    make_setlist,
    make_show,
    make_venue,
    make_vote,
)
from tests.trending.world import (
    HOUR,
    column,
    counted,
    listed,
    make_artists,
    make_crowd,
    make_shows,
    make_votes,
    physical,
    stored,
)
from trending import scoring
from trending.models import COLUMNS, ArtistTrend, ShowTrend, TrendChange, TrendingArtist, TrendingShow, TrendState
from trending.services import AsOfOutOfRange, refresh


def voted_for(fans: int, **artist: Any) -> Artist:
    """An artist with a coming show and so many votes of so many fans."""
    one = make_artist(**artist)
    song = make_setlist(make_show(one), songs=1).setlist_songs.get()
    for _ in range(fans):
        make_vote(song)
    return one


# What people do to a show, its artist and its venue, and a list tells.
EDITS: dict[str, Callable[[Show], object]] = {
    "a vote": lambda show: make_vote(make_setlist(show, make_artist(), songs=1).setlist_songs.get()),
    "a vote taken back": lambda show: show.votes.get().delete(),
    "a vote that no longer counts": lambda show: show.votes.update(counted=False),
    "a vote redated": lambda show: show.votes.update(created_at=hours_before(90)),
    "a follower": lambda show: make_follow(show.headliner),
    "another name": lambda show: Artist.objects.update(name="Another name"),
    "another address": lambda show: Artist.objects.update(slug="another-address"),
    "a picture": lambda show: Artist.objects.update(image_url="https://example.org/a.jpg"),
    "a genre": lambda show: Artist.objects.update(genres=["polka"]),
    "popularity": lambda show: Artist.objects.update(popularity=41),
    "popularity unknown": lambda show: Artist.objects.update(popularity=None),
    "a new artist": lambda show: make_artist(),
    "a deleted artist": lambda show: show.headliner.delete(),
    "another headliner": lambda show: Show.objects.update(headliner=make_artist()),
    "a guest": lambda show: show.billings.create(artist=make_artist(), position=1),
    "a new show": lambda show: make_show(show.headliner),
    "a deleted show": lambda show: show.delete(),
    "another title of the show": lambda show: Show.objects.update(name="Farewell"),
    "another day": lambda show: Show.objects.update(starts_at=NOON - HOUR),
    "another status": lambda show: Show.objects.update(status="ongoing"),
    "a show called off": lambda show: Show.objects.update(status="cancelled"),
    "another hall": lambda show: Show.objects.update(venue=make_venue(city="Leipzig")),
    "the hall renamed": lambda show: Venue.objects.update(name="Arena"),
    "the hall's country": lambda show: Venue.objects.update(country="AT"),
    "the hall gone": lambda show: show.venue.delete(),
}


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
        tables = ("artist_trends", "show_trends", "artist_hours", "artist_fans", "show_hours", "show_fans")
        before = [physical(table) for table in tables]
        version = TrendState.objects.get().version

        result = refresh(as_of=NOON, full=full)

        assert (result["artists_updated"], result["shows_updated"], result["significant_changes"]) == (0, 0, 0)
        assert [physical(table) for table in tables] == before
        assert all(before[:2])
        assert result["version"] == version

    def test_the_version_rises_with_every_refresh_that_changed_something(self) -> None:
        artist = voted_for(1)
        versions = [refresh(as_of=NOON)["version"], refresh(as_of=NOON)["version"]]
        make_follow(artist)
        versions.append(refresh(as_of=NOON)["version"])
        versions.append(refresh(as_of=NOON + HOUR)["version"])
        assert versions == [1, 1, 2, 3]

    def test_an_hour_that_changes_nothing_keeps_the_version_and_moves_the_clock(self) -> None:
        make_artist(popularity=5)
        first = refresh(as_of=NOON)
        before = TrendState.objects.get()
        assert refresh(as_of=NOON + HOUR)["version"] == first["version"]
        after = TrendState.objects.get()
        assert (before.as_of, after.as_of) == (NOON, NOON + HOUR)
        assert after.refreshed_at >= before.refreshed_at

    def test_a_show_that_leaves_the_list_raises_the_version_though_nothing_was_scored_anew(self) -> None:
        make_show(starts_at=NOON)
        seen = [refresh(as_of=NOON + hours * HOUR) for hours in range(6)]
        assert [len(result["top_shows"]) for result in seen] == [1, 1, 1, 1, 0, 0]
        assert [result["shows_updated"] for result in seen] == [1, 1, 0, 0, 0, 0]
        assert [result["version"] for result in seen] == [1, 2, 2, 2, 3, 3]

    @pytest.mark.parametrize("edit", EDITS)
    def test_what_a_list_shows_is_new_under_a_new_version(self, edit: str) -> None:
        show = make_show(make_artist(popularity=40), venue=make_venue(), starts_at=NOON + HOUR)
        make_vote(make_setlist(show, songs=1).setlist_songs.get(), at=hours_before(30))
        refresh(as_of=NOON)
        before = (list(TrendingArtist.objects.values()), list(TrendingShow.objects.values()))

        EDITS[edit](show)

        assert refresh(as_of=NOON)["version"] == 2
        assert (list(TrendingArtist.objects.values()), list(TrendingShow.objects.values())) != before
        assert stored("artist") == counted("artist", NOON)
        assert stored("show") == counted("show", NOON)

    def test_what_no_list_shows_raises_no_version(self) -> None:
        show = make_show()
        refresh(as_of=NOON)
        Artist.objects.update(spotify_followers=10**6)
        Show.objects.update(ticketmaster_id="Z7r9jZ1AdFYJf")
        show.headliner.save()
        show.save()
        assert refresh(as_of=NOON)["version"] == 1

    def test_the_activity_is_drained_and_that_of_hours_to_come_stays(self) -> None:
        song, other = make_setlist(make_show(), songs=2).setlist_songs.all()
        make_vote(song)
        make_vote(other, at=NOON + HOUR)
        assert Activity.objects.count() > 2
        refresh(as_of=NOON)
        assert list(Activity.objects.values_list("kind", "hour")) == [("vote", NOON + HOUR)]
        refresh(as_of=NOON + HOUR)
        assert not Activity.objects.exists()

    def test_a_new_artist_has_a_row_and_a_deleted_one_has_none_within_the_hour(self) -> None:
        old = make_artist(popularity=1)
        refresh(as_of=NOON)
        new = make_artist(popularity=2)
        old.delete()
        refresh(as_of=NOON)
        assert list(stored("artist")) == [new.pk]
        assert listed("artist") == [(1, new.pk)]

    @pytest.mark.parametrize("status", ["cancelled", "postponed"])
    def test_a_show_called_off_leaves_the_list_at_once_and_comes_back_when_it_is_on_again(self, status: str) -> None:
        show, other = make_show(), make_show()
        make_vote(make_setlist(show, songs=1).setlist_songs.get())
        refresh(as_of=NOON)
        assert listed("show") == [(1, show.pk), (2, other.pk)]
        Show.objects.filter(pk=show.pk).update(status=status)
        refresh(as_of=NOON)
        assert listed("show") == [(1, other.pk)]
        assert column(stored("show")[show.pk], "upcoming_shows") == 0
        Show.objects.filter(pk=show.pk).update(status="upcoming")
        refresh(as_of=NOON)
        assert listed("show") == [(1, show.pk), (2, other.pk)]

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
    def test_i21_the_lists_are_the_sort_of_everything_with_ties_by_id_and_end_at_a_thousand(self) -> None:
        """Static ties by the dozen; 15 and more upcoming shows, one of which begins; an hour passes."""
        artists = make_artists(1_100, popularity=lambda number: 15 + number * 7 % 80)
        last = make_artist(popularity=0)
        for number, artist in enumerate(artists[:25]):
            make_shows(artist, 40 + number % 3, NOON + HOUR)  # (P 40, R 0) gains when a show begins
        loud = [make_setlist(make_show(artist), songs=2) for artist in artists[500:520]]
        for number, setlist in enumerate(loud):
            make_votes(setlist.setlist_songs.select_related("setlist"), make_crowd(number % 4), at=hours_before(number))
        self.refresh_and_compare(0)
        make_shows(artists[0], 1, NOON - HOUR)
        make_votes(loud[0].setlist_songs.select_related("setlist"), make_crowd(30))
        self.refresh_and_compare(0)
        self.refresh_and_compare(2)
        Artist.objects.filter(pk=last.pk).update(popularity=11)
        self.refresh_and_compare(2)
        assert last.trend_changes.get().rank is None  # beyond the first thousand
        Artist.objects.filter(pk=last.pk).update(popularity=100)
        self.refresh_and_compare(2)
        place = last.trend_changes.latest("pk").rank
        assert (place, last.pk) in listed("artist")

    def refresh_and_compare(self, hours: int) -> None:
        as_of = NOON + hours * HOUR
        refresh(as_of=as_of)
        on_stage = set(
            Show.objects.standing().filter(start__gt=as_of - 4 * HOUR).values_list("pk", flat=True),
        )
        for kind in ("artist", "show"):
            rows = counted(kind, as_of)
            order = sorted(rows, key=lambda pk: (-column(rows[pk], "raw"), pk))
            if kind == "show":
                order = [pk for pk in order if pk in on_stage]
            assert len(order) > 1000
            assert listed(kind) == list(enumerate(order[:1000], 1))

    def test_what_a_list_says_of_an_artist_or_show_is_what_was_scored(self) -> None:
        voted_for(3, popularity=7, genres=["polka"])
        refresh(as_of=NOON)
        for kind, trends, listing in (
            ("artist", ArtistTrend, TrendingArtist),
            ("show", ShowTrend, TrendingShow),
        ):
            same = (f"{kind}_id", *COLUMNS)
            assert listing.objects.values_list(*same).get() == trends.objects.values_list(*same).get()
        show, line = Show.objects.get(), TrendingShow.objects.get()
        assert (line.name, line.slug, line.start, line.status) == (show.name, show.slug, show.start, "upcoming")
        assert (line.artist_name, line.genres) == (show.headliner.name, ["polka"])

    def test_order_is_by_raw_so_nobody_ties_at_the_top(self) -> None:
        """Far up one hundredth of score hides a whole point of raw: a follower more decides all the same."""
        small, large = make_artist(), make_artist()
        for artist in (small, large):
            songs = make_setlist(make_show(artist), songs=1).setlist_songs.select_related("setlist")
            make_votes(songs, make_crowd(200))
        make_follow(large)
        refresh(as_of=NOON)
        for kind, trends in (("artist", ArtistTrend), ("show", ShowTrend)):
            (score,) = set(trends.objects.values_list("score", flat=True))
            assert score > 900
            first, second = (pk for _, pk in listed(kind))
            assert first > second

    def test_a_new_system_has_two_empty_lists(self) -> None:
        result = refresh(as_of=NOON)
        assert (result["version"], result["top_artists"], result["top_shows"]) == (1, [], [])

    def test_two_runs_agree(self) -> None:
        voted_for(3)
        refresh(as_of=NOON)
        once = list(TrendingArtist.objects.order_by("rank").values())
        ArtistTrend.objects.all().delete()
        refresh(as_of=NOON, full=True)
        assert list(TrendingArtist.objects.order_by("rank").values()) == once


def factors_of(row: ArtistTrend | ShowTrend) -> scoring.Factors:
    return scoring.Factors(
        recent_votes=row.recent_votes,
        active_users=row.active_users,
        upcoming_shows=row.upcoming_shows,
        recent_shows=row.recent_shows,
        followers=row.followers,
        popularity=row.popularity,
        recency_boost=row.recency_boost,
    )


def moves(baselines: dict[tuple[str, int], Decimal]) -> set[tuple[int, Decimal, Decimal]]:
    """The lines that the history must gain, by the rule: of whom, from, to. Keeps the baselines."""
    gained = set()
    for kind in ("artist", "show"):
        for pk, row in stored(kind).items():
            score = column(row, "score")
            baseline = baselines.setdefault((kind, pk), score)
            if abs(score - baseline) >= max(Decimal(5), Decimal("0.05") * baseline):
                gained.add((pk, baseline, score))
                baselines[kind, pk] = score
    return gained


@pytest.mark.django_db
class TestSignificantChanges:
    @settings(max_examples=15)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from([0, 0, 1, 24, 72, 600]),
                st.integers(0, 1),
                st.sampled_from([0, 0, 0, 1, 2, 30]),
                st.none() | st.integers(0, 100),
            ),
            min_size=1,
            max_size=7,
        )
    )
    def test_i22_the_history_and_the_baselines_are_those_of_the_rule(
        self, steps: list[tuple[int, int, int, int | None]]
    ) -> None:
        """The score is always written; the history has a line once it is far enough from its baseline."""
        with transaction.atomic():
            artists = [make_artist(), make_artist(popularity=60)]
            songs = [make_setlist(make_show(artist), songs=1).setlist_songs.get() for artist in artists]
            baselines: dict[tuple[str, int], Decimal] = {}
            as_of = NOON
            for hours, who, fans, popularity in steps:
                as_of += hours * HOUR
                make_votes([songs[who]], make_crowd(fans), at=as_of)
                Artist.objects.filter(pk=artists[who].pk).update(popularity=popularity)
                noted = TrendChange.objects.count()

                result = refresh(as_of=as_of)

                expected = moves(baselines)
                assert result["significant_changes"] == len(expected)
                fresh = TrendChange.objects.order_by("pk")[noted:]
                assert {(c.artist_id or c.show_id, c.old_score, c.new_score) for c in fresh} == expected
                for change in fresh:
                    row = ArtistTrend.objects.get(pk=change.artist_id) if change.artist_id else change.show.trend
                    assert change.units == scoring.units(factors_of(row))
                    assert sum(change.units.values()) == row.raw
                for trend in [*ArtistTrend.objects.all(), *ShowTrend.objects.all()]:
                    assert abs(trend.score - trend.baseline_score) < max(5, trend.baseline_score * Decimal("0.05"))
            transaction.set_rollback(True)

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
