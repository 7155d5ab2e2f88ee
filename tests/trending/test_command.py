"""manage.py calculate_trending: what it prints, writes and how it exits."""

import json
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone as clock

from monitoring.models import CronLog
from mysetlist.catalog.models import Activity
from tests.factories import make_artist, make_fan, make_follow, make_setlist, make_show, make_vote
from tests.trending.threads import holding
from tests.trending.world import HOUR, counted, listed, make_artists, make_crowd, make_votes, rows, run_sql, stored
from trending import services
from trending.models import ArtistTrend, TrendState
from trending.services import calculate_trending, preview_trending, whole_hour

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_lists(transactional_db: None) -> None:
    """Between tests tables are emptied, but materialized views are not."""
    run_sql("SELECT refresh_trending_data()")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("calculate_trending", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    return refusal.value


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def this_hour() -> datetime:
    return whole_hour(clock.now())


def everything() -> list[Any]:
    tables = ("artist_trends", "show_trends", "trend_state", "trend_changes", "catalog_activity", "cron_logs")
    return [sorted(rows(f"SELECT t::text FROM {table} t")) for table in (*tables, "trending_artists_mv")]


def test_it_is_silent_on_success_off_a_terminal() -> None:
    assert run() == ""
    assert TrendState.objects.get().as_of == this_hour()


def test_json_prints_one_object_of_the_promised_shape() -> None:
    artists = make_artists(12, popularity=lambda number: number)
    star = make_artist(name="Björk", popularity=50)
    show = make_show(star, name="Night", starts_at=this_hour() + HOUR)

    answer = json.loads(run("--json"))

    assert {"job", "run", "status", "duration_ms", "result"} == set(answer)
    assert (answer["job"], answer["status"]) == ("calculate_trending", "success")
    result = answer["result"]
    promised = [
        "as_of",
        "version",
        "artists_scored",
        "artists_updated",
        "shows_scored",
        "shows_updated",
        "significant_changes",
    ]
    assert {name: result[name] for name in promised} == {
        "as_of": iso(this_hour()).replace("Z", ":00Z"),
        "version": 1,
        "artists_scored": 13,
        "artists_updated": 13,
        "shows_scored": 1,
        "shows_updated": 1,
        "significant_changes": 0,
    }
    assert len(result["top_artists"]) == 10
    assert result["top_artists"][0] == {"rank": 1, "id": star.pk, "slug": star.slug, "name": "Björk", "score": 33.0}
    assert result["top_artists"][1]["id"] == artists[11].pk
    assert result["top_artists"][1]["score"] == 5.5
    assert result["top_shows"] == [{"rank": 1, "id": show.pk, "slug": show.slug, "name": "Night", "score": 33.0}]
    log = CronLog.objects.get(pk=answer["run"])
    assert log.execution_time_ms == answer["duration_ms"]
    assert log.result == result


def test_an_earlier_hour_is_refused_and_nothing_is_written() -> None:
    artist = make_artist()
    calculate_trending(as_of=this_hour())
    make_follow(artist)
    before = everything()

    refusal = refused("--as-of", iso(this_hour() - timedelta(hours=2)))

    assert refusal.returncode == 2
    assert "--dry-run" in str(refusal)
    assert everything() == before


def test_an_hour_since_the_last_refresh_is_taken() -> None:
    make_artist()
    calculate_trending(as_of=this_hour() - 3 * HOUR)
    for hours in (3, 2, 0):
        run("--as-of", iso(this_hour() - hours * HOUR))
        assert TrendState.objects.get().as_of == this_hour() - hours * HOUR


def test_the_hour_may_be_given_in_any_zone() -> None:
    moment = (this_hour() - HOUR).astimezone(timezone(timedelta(hours=2)))
    answer = json.loads(run("--json", "--as-of", moment.isoformat()))
    assert answer["result"]["as_of"] == iso(moment).replace("Z", ":00Z")
    assert TrendState.objects.get().as_of == moment


def test_an_earlier_hour_can_be_looked_at_without_writing_anything() -> None:
    old, new = make_artist(popularity=40), make_artist()
    for artist, age in ((old, 4 * 24 * HOUR), (new, HOUR)):
        song = make_setlist(make_show(artist, starts_at=this_hour() + 24 * HOUR), songs=1).setlist_songs.get()
        make_votes([song], make_crowd(3), at=this_hour() - age)
    calculate_trending(as_of=this_hour())
    make_follow(old)
    before = everything()

    then = this_hour() - timedelta(days=4)
    answer = json.loads(run("--as-of", iso(then), "--dry-run"))

    # 3 votes of 3 fans at that hour: 45 + 30 + 20 + 2.25 (engagement) + 8 (show) + 20 (popularity), a follower
    assert [(line["id"], line["score"]) for line in answer["top_artists"]] == [(old.pk, 125.35), (new.pk, 8.0)]
    assert everything() == before
    assert listed("artist") == [(1, new.pk), (2, old.pk)]


def test_a_dry_run_tells_what_the_run_after_it_does() -> None:
    artists = make_artists(15, popularity=lambda number: number * 5)
    calculate_trending(as_of=this_hour() - HOUR)
    for artist in artists[:4]:
        song = make_setlist(make_show(artist, starts_at=this_hour() + HOUR), songs=1).setlist_songs.get()
        make_vote(song, at=this_hour())
    make_show(artists[0], status="cancelled")

    told = json.loads(run("--dry-run"))
    done = json.loads(run("--json"))["result"]

    assert set(told) <= set(done)
    assert told.pop("version") == done["version"] - 1
    assert {name: done[name] for name in told} == told
    assert json.loads(run("--dry-run"))["artists_updated"] == 0


def test_a_dry_run_works_before_the_first_refresh() -> None:
    make_artist(popularity=40)
    answer = json.loads(run("--dry-run"))
    assert (answer["version"], answer["artists_scored"], answer["artists_updated"]) == (0, 1, 1)
    assert not ArtistTrend.objects.exists()
    assert Activity.objects.exists()


def test_full_counts_every_vote_anew_with_the_same_end() -> None:
    song = make_setlist(make_show(), songs=1).setlist_songs.get()
    make_vote(song, at=this_hour())
    calculate_trending(as_of=this_hour())
    before = stored("artist")
    answer = json.loads(run("--full", "--json"))["result"]
    assert (answer["artists_scored"], answer["artists_updated"], answer["version"]) == (1, 0, 1)
    assert stored("artist") == before == counted("artist", this_hour())


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--full", "--json"]])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("yesterday", "not a time with its zone"),
        ("", "not a time with its zone"),
        ("14:00Z", "not a time with its zone"),
        ("2026-13-45T99:00Z", "not a time with its zone"),
        ("2026-07-01T14:00", "not a time with its zone"),
        ("2026-07-01", "not a time with its zone"),
        ("0001-01-01T00:00+05:00", "not a time with its zone"),  # in UTC that year is no year
        ("9999-12-31T23:00-05:00", "not a time with its zone"),
        ("2999-01-01T00:00Z", "lies ahead"),
        ("2026-07-01T14:30Z", "not a whole hour"),
        ("2026-07-01T14:00:00.000001Z", "not a whole hour"),
        ("2026-07-01T14:00+05:30", "not a whole hour"),
    ],
)
def test_a_bad_as_of_is_one_clear_line_and_exit_code_2(given: str, said: str, more: list[str]) -> None:
    refusal = refused(f"--as-of={given}", *more)
    assert refusal.returncode == 2
    assert said in str(refusal)
    assert "\n" not in str(refusal)
    assert not CronLog.objects.exists()
    assert not TrendState.objects.exists()


def test_the_next_hour_lies_ahead() -> None:
    assert "lies ahead" in str(refused("--as-of", iso(this_hour() + 2 * HOUR), "--dry-run"))


def test_while_something_else_refreshes_the_scores_it_exits_75_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PATIENCE_SECONDS", 0.05)
    with holding("SELECT pg_advisory_lock(hashtextextended('trending', 0))"):
        refusal = refused()
    assert refusal.returncode == 75
    assert "Another process is refreshing" in str(refusal)


def test_the_celery_task_reaches_the_same_recorded_function() -> None:
    from trending.tasks import calculate_trending as task

    task()

    log = CronLog.objects.get()
    assert (log.job_name, log.status, log.trigger) == ("calculate_trending", "success", "schedule")


def test_a_preview_of_any_hour_equals_what_is_stored_at_that_hour() -> None:
    song = make_setlist(make_show(starts_at=this_hour() - HOUR), songs=1).setlist_songs.get()
    for age in (0, 30, 600):
        make_vote(song, fan=make_fan(), at=this_hour() - age * HOUR)
    previews = [preview_trending(as_of=this_hour() - age * HOUR) for age in (700, 600, 30, 0)]
    for preview in previews:
        done = calculate_trending(as_of=preview["as_of"]).result
        for top in ("top_artists", "top_shows"):
            assert preview[top] == done[top]
