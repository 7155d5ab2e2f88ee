"""manage.py calculate_trending: what it prints, writes and how it exits."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring.models import CronLog
from tests.factories import make_artist
from trending.models import ArtistTrend, TrendState
from trending.services import calculate_trending, whole_hour

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("calculate_trending", *arguments, stdout=out)
    return out.getvalue()


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def this_hour() -> datetime:
    return whole_hour(timezone.now())


def test_it_is_silent_on_success_off_a_terminal() -> None:
    assert run() == ""
    assert TrendState.objects.get().as_of == this_hour()


def test_json_prints_one_object_of_the_promised_shape() -> None:
    make_artist(name="Björk", popularity=50)
    answer = json.loads(run("--json"))
    assert {"job", "run", "status", "duration_ms", "result"} == set(answer)
    assert answer["result"]["top_artists"][0] | {"id": 0, "slug": ""} == {
        "rank": 1,
        "id": 0,
        "slug": "",
        "name": "Björk",
        "score": 25.0,
    }
    assert {"as_of", "version", "artists_scored", "artists_updated", "shows_scored", "shows_updated"} < set(
        answer["result"]
    )
    assert CronLog.objects.get(pk=answer["run"]).execution_time_ms == answer["duration_ms"]


def test_an_earlier_hour_is_refused_and_nothing_is_written() -> None:
    calculate_trending(as_of=this_hour())
    runs = CronLog.objects.count()
    with pytest.raises(CommandError, match="--dry-run") as refusal:
        run("--as-of", iso(this_hour() - timedelta(hours=2)))
    assert refusal.value.returncode == 2
    assert CronLog.objects.count() == runs


def test_an_earlier_hour_can_be_looked_at_without_writing_anything() -> None:
    make_artist(popularity=40)
    calculate_trending(as_of=this_hour())
    before = (list(ArtistTrend.objects.values()), list(TrendState.objects.values()), CronLog.objects.count())

    answer = json.loads(run("--as-of", iso(this_hour() - timedelta(days=3)), "--dry-run"))

    assert answer["top_artists"][0]["score"] == 20.0
    assert (list(ArtistTrend.objects.values()), list(TrendState.objects.values()), CronLog.objects.count()) == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("yesterday", "not a time with its zone"),
        ("2026-13-45T99:00Z", "not a time with its zone"),
        ("2026-07-01T14:00", "not a time with its zone"),
        ("2999-01-01T00:00Z", "lies ahead"),
        ("2026-07-01T14:30Z", "not a whole hour"),
    ],
)
def test_a_bad_as_of_is_one_clear_line_and_exit_code_2(given: str, said: str) -> None:
    with pytest.raises(CommandError, match=said) as refusal:
        run("--as-of", given)
    assert refusal.value.returncode == 2
    assert not CronLog.objects.exists()


def test_the_celery_task_reaches_the_same_recorded_function() -> None:
    from trending.tasks import calculate_trending as task

    task()

    log = CronLog.objects.get()
    assert (log.job_name, log.status, log.trigger) == ("calculate_trending", "success", "schedule")
