"""verify_trending: what is stored is what the source rows say; a difference is told and repaired."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from monitoring.models import CronLog
from mysetlist.catalog.models import Artist, Show, Vote
from tests.factories import NOON, hours_before, make_artist, make_fan, make_follow, make_setlist, make_show, make_vote
from tests.trending.threads import holding
from tests.trending.world import HOUR, counted, listed, physical, rows, run_sql, stored
from trending import services
from trending.models import TrendState
from trending.services import calculate_trending, verify_trending
from trending.tasks import verify_trending as task

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = ["artist_fans", "artist_hours", "artist_trends", "show_fans", "show_hours", "show_trends"]

# What a program with a defect, or a hand in psql, could do to each table.
PLANTED = {
    "a fan forgotten for an artist": (
        "artist_fans",
        "DELETE FROM artist_fans WHERE hour = (SELECT max(hour) FROM artist_fans)",
    ),
    "a fan's latest hour for an artist": ("artist_fans", "UPDATE artist_fans SET hour = hour - interval '1 hour'"),
    "a fan who never voted for an artist": (
        "artist_fans",
        "INSERT INTO artist_fans SELECT artist_id, 987654, hour FROM artist_fans LIMIT 1",
    ),
    "votes of an artist": ("artist_hours", "UPDATE artist_hours SET votes = votes + 1"),
    "counted votes of an artist": ("artist_hours", "UPDATE artist_hours SET counted = 0"),
    "fans of an artist": ("artist_hours", "UPDATE artist_hours SET fans = fans + 1"),
    "an hour of an artist gone": ("artist_hours", "DELETE FROM artist_hours"),
    "an artist's factor": ("artist_trends", "UPDATE artist_trends SET followers = followers + 1"),
    "an artist's popularity": ("artist_trends", "UPDATE artist_trends SET popularity = NULL"),
    "an artist's score": ("artist_trends", "UPDATE artist_trends SET score = score + 0.01"),
    "an artist's row gone": ("artist_trends", "DELETE FROM artist_trends"),
    "a fan forgotten on a show": ("show_fans", "DELETE FROM show_fans"),
    "a fan's latest hour on a show": ("show_fans", "UPDATE show_fans SET hour = hour - interval '1 hour'"),
    "votes on a show": ("show_hours", "UPDATE show_hours SET votes = votes - 1"),
    "an hour that no vote on a show lies in": (
        "show_hours",
        "INSERT INTO show_hours SELECT show_id, hour - interval '40 hours', 1, 1, 0 FROM show_hours LIMIT 1",
    ),
    "a show's factor": ("show_trends", "UPDATE show_trends SET upcoming_shows = 0"),
    "a show's raw": ("show_trends", "UPDATE show_trends SET raw = raw - 1"),
    "a show's row gone": ("show_trends", "DELETE FROM show_trends"),
}


@pytest.fixture(autouse=True)
def _scored(transactional_db: None) -> None:
    """A small world, scored: votes old and new, a follower, a show long past."""
    song, other = make_setlist(make_show(make_artist(popularity=40)), songs=2).setlist_songs.all()
    fan = make_fan()
    for place, age in ((song, 5), (other, 30)):
        make_vote(place, fan=fan, at=hours_before(age))
    make_vote(song, at=hours_before(600))
    make_follow(Artist.objects.get())
    calculate_trending(as_of=NOON)


def derived() -> dict[str, list[Any]]:
    return {table: rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES[:2] + TABLES[3:5]}


def assert_true() -> None:
    """Scores, rollups and lists are those that the source rows give."""
    assert stored("artist") == counted("artist", NOON)
    assert stored("show") == counted("show", NOON)
    assert [pk for _, pk in listed("artist")] == [Artist.objects.get().pk]
    before = derived()
    run_sql("SELECT trending_rebuild(%s)", NOON)
    assert derived() == before


def test_what_is_true_is_compared_whole_and_left_alone() -> None:
    before = [physical(table) for table in TABLES]

    run = verify_trending()

    assert run.status == "success"
    assert run.result["compared"] == {
        "artist_fans": 1, "artist_hours": 2, "artist_trends": 1, "show_fans": 1, "show_hours": 2, "show_trends": 1,
    }  # fmt: skip
    assert (run.result["as_of"], run.result["different"], run.result["failed"]) == (NOON, {}, 0)
    assert [physical(table) for table in TABLES] == before
    assert TrendState.objects.get().version == 1


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_difference_makes_the_run_partial_and_is_repaired(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    table, damage = PLANTED[what]
    run_sql(damage)

    run = verify_trending()

    assert (run.status, list(run.result["different"])) == ("partial", [table])
    assert run.result["failed"] == run.result["different"][table] >= 1
    subject = Artist.objects.get() if table.startswith("artist") else Show.objects.get()
    assert run.result["examples"] == {table: [subject.pk]}
    assert f"{table}: {run.result['failed']} rows differed" in caplog.text
    assert CronLog.objects.get(pk=run.run).status == "partial"
    assert_true()
    assert verify_trending().status == "success"


def test_every_column_of_every_derived_table_is_compared() -> None:
    """A column that is added later and forgotten here would go unwatched."""
    compared = {
        "fans": {"hour"},
        "hours": {"votes", "counted", "fans"},
        "trends": set(services.COLUMNS),
    }
    for kind in ("artist", "show"):
        for table, columns in compared.items():
            keys = {f"{kind}_id"} | {"fans": {"fan_id"}, "hours": {"hour"}, "trends": {"baseline_score", "changed_at"}}[
                table
            ]
            names = rows("SELECT column_name FROM information_schema.columns WHERE table_name = %s", f"{kind}_{table}")
            assert {name for (name,) in names} == columns | keys


def test_damage_that_touches_a_list_makes_a_new_version() -> None:
    run_sql("UPDATE artist_trends SET score = 1, raw = 5242880")
    run_sql("SELECT refresh_trending_data()")
    verify_trending()
    assert TrendState.objects.get().version == 2
    assert rows("SELECT score FROM trending_artists_mv") == rows("SELECT score FROM artist_trends")


def test_what_happened_since_the_last_refresh_is_no_difference() -> None:
    make_vote(make_setlist(make_show(), songs=1).setlist_songs.get())
    Vote.objects.earliest("created_at").delete()
    make_follow(make_artist())
    Artist.objects.update(popularity=3)
    assert verify_trending().status == "success"
    assert stored("artist") == counted("artist", NOON)


def test_votes_of_hours_to_come_are_no_difference() -> None:
    make_vote(make_setlist(make_show(), songs=1).setlist_songs.get(), at=NOON + HOUR)
    assert verify_trending().status == "success"


def test_rollups_of_hours_that_no_longer_count_are_no_difference() -> None:
    calculate_trending(as_of=NOON + timedelta(hours=503 - 5))
    assert verify_trending().result["compared"]["artist_hours"] == 1
    run_sql("INSERT INTO artist_hours SELECT artist_id, hour - interval '1 year', 9, 9, 9 FROM artist_hours")
    assert verify_trending().status == "success"


def test_it_keeps_the_hour_of_the_scores() -> None:
    verify_trending()
    assert TrendState.objects.get().as_of == NOON


def test_without_scores_there_is_nothing_to_compare() -> None:
    TrendState.objects.all().delete()
    run = verify_trending()
    assert (run.status, run.result) == ("success", {"as_of": None, "failed": 0})


def test_the_command_warns_of_a_difference_and_prints_the_run() -> None:
    run_sql("DELETE FROM show_fans")
    out, err = StringIO(), StringIO()
    call_command("verify_trending", "--json", stdout=out, stderr=err)
    answer = json.loads(out.getvalue())
    assert (answer["status"], answer["result"]["different"]) == ("partial", {"show_fans": 1})
    assert "some items failed" in err.getvalue()


def test_the_command_exits_75_while_the_scores_are_refreshed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PATIENCE_SECONDS", 0.05)
    with (
        holding("SELECT pg_advisory_xact_lock(hashtextextended('trending', 0))"),
        pytest.raises(CommandError, match="Another process is refreshing") as refusal,
    ):
        call_command("verify_trending")
    assert refusal.value.returncode == 75


def test_the_celery_task_reaches_the_same_recorded_function() -> None:
    task()
    log = CronLog.objects.latest("pk")
    assert (log.job_name, log.status, log.trigger) == ("verify_trending", "success", "schedule")
