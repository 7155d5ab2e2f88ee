"""How a score moved, told oldest first for a line and newest first for a table."""

from datetime import timedelta

import pytest

from tests.factories import NOON, make_artist, make_fan, make_setlist, make_show, make_vote
from trending.history import mostly, story
from trending.models import ArtistTrend, TrendChange, TrendState
from trending.scoring import POINT
from trending.services import refresh


def test_the_factor_that_moved_most_is_named_with_its_points() -> None:
    before = {"recent_votes": 30 * POINT, "active_users": 10 * POINT}
    assert mostly({"recent_votes": 15 * POINT, "active_users": 20 * POINT}, before) == "Votes -15.00"
    assert mostly({"recent_votes": 30 * POINT, "active_users": 20 * POINT}, before) == "Fans +10.00"


def test_without_a_change_before_nothing_is_said_to_have_moved() -> None:
    assert mostly({"recent_votes": 5}, None) == ""
    assert mostly({"recent_votes": 5}, {"recent_votes": 5}) == ""


@pytest.mark.django_db
def test_a_line_starts_at_the_old_score_and_ends_at_that_of_now_never_going_back_in_time() -> None:
    artist = make_artist()
    line = make_setlist(make_show(artist), songs=1).setlist_songs.get()
    for fans in (0, 1, 3):
        for _ in range(fans):
            make_vote(line, fan=make_fan())
        refresh(as_of=NOON)
    trend = ArtistTrend.objects.get()
    told = story(TrendChange.objects.filter(artist=artist), trend, TrendState.objects.get())
    assert [float(move.change.new_score) for move in told.moves] == [
        point.value for point in reversed(told.points[1:-1])
    ]
    assert told.points[0].value == float(told.moves[-1].change.old_score)
    assert told.points[-1].value == float(trend.score)
    moments = [point.at for point in told.points]
    assert moments == sorted(moments)
    assert (
        told.says
        == f"It moved significantly 2 times: from {told.points[0].value:.2f} to {trend.score}, now {trend.score}."
    )


@pytest.mark.django_db
def test_the_newest_changes_are_told_when_there_are_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trending.history.LONGEST", 2)
    artist = make_artist()
    refresh(as_of=NOON)
    for n in range(4):
        change = TrendChange.objects.create(artist=artist, as_of=NOON, old_score=n, new_score=n + 9, units={})
        TrendChange.objects.filter(pk=change.pk).update(changed_at=NOON + timedelta(hours=n))
    told = story(TrendChange.objects.all(), ArtistTrend.objects.get(), TrendState.objects.get())
    assert [move.change.new_score for move in told.moves] == [12, 11]
