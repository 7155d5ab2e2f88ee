"""master_sync: windows of countries and months, split where paging ends; it plans imports within the budget."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring.models import CronLog
from mysetlist.catalog.models import Artist, Show, Song
from syncjobs.clients.records import Page, ShowRecord, ShowStatus, VenueRecord
from syncjobs.clients.ticketmaster import TicketmasterClient
from syncjobs.imports.windows import as_state, sync_ticketmaster_window
from syncjobs.models import QueueJob
from syncjobs.planners.discovery import plan_master_sync
from syncjobs.progress import Unqueued
from syncjobs.queue import checkpoint, enqueue, finish
from syncjobs.running import run_job
from tests.factories import NOON, make_artist, make_song
from tests.standin.outside import Outside
from tests.syncjobs.steps import claimed, fresh, make_due, opened_run

MONTH = {"country": "DE", "start": "2026-07-01T12:00:00+00:00", "end": "2026-07-31T11:59:59+00:00"}


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(("mode", "windows"), [("hourly", 2), ("daily", 2), ("initial", 26)])
def test_each_mode_looks_as_far_ahead_as_it_says(mode: str, windows: int) -> None:
    plan = plan_master_sync(now=NOON, mode=mode)
    assert len(plan.pieces) == windows
    assert {**MONTH, "imports": None, "share": "discovery"} in [
        piece.arguments for piece in plan.pieces
    ] or mode == "hourly"


@pytest.mark.usefixtures("keys")
def test_windows_cover_every_second_once() -> None:
    spans = sorted(
        (piece.arguments["start"], piece.arguments["end"])
        for piece in plan_master_sync(now=NOON, mode="initial").pieces
        if piece.arguments["country"] == "DE"
    )
    ends = [datetime.fromisoformat(end) + timedelta(seconds=1) for _, end in spans]
    assert ends[:-1] == [datetime.fromisoformat(start) for start, _ in spans[1:]]
    assert ends[-1] == NOON + timedelta(days=365)


@pytest.mark.usefixtures("keys")
def test_a_window_that_paging_cannot_reach_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    def capped(self: TicketmasterClient, start: Any, end: Any, **options: Any) -> Page[ShowRecord]:
        return Page(items=(), total=2500, is_capped=True)

    monkeypatch.setattr(TicketmasterClient, "shows_between", capped)
    assert sync_ticketmaster_window(Unqueued(), **MONTH) == {"parts": 4}
    spans = list(QueueJob.objects.order_by("job_data__start").values_list("job_data__start", "job_data__end"))
    assert (spans[0][0], spans[-1][1], len(spans)) == (MONTH["start"], MONTH["end"], 4)


def test_the_limit_is_how_many_artists_a_window_may_bring_in(world: Outside) -> None:
    begin = world.world.begin
    counts = sync_ticketmaster_window(
        Unqueued(),
        country="DE",
        start=f"{begin}T00:00:00+00:00",
        end=f"{begin + timedelta(days=30)}T00:00:00+00:00",
        imports=3,
    )
    assert (counts["imports"], QueueJob.objects.filter(job_name="import_artist").count()) == (3, 3)
    assert (Artist.objects.count() > 3, Show.objects.count() > 3) == (True, True)


def test_imports_beyond_the_days_budget_are_left(world: Outside, settings: Any) -> None:
    settings.SOURCE_LIMITS = {**settings.SOURCE_LIMITS, "setlistfm": (1000.0, 20)}
    begin = world.world.begin
    counts = sync_ticketmaster_window(
        Unqueued(), country="DE", start=f"{begin}T00:00:00+00:00", end=f"{begin + timedelta(days=30)}T00:00:00+00:00"
    )
    assert counts["imports"] == 4  # 40 % of 20 calls, two an import


def test_a_dry_run_tells_the_plan_and_asks_nobody(world: Outside, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("master_sync", "--dry-run")
    said = capsys.readouterr().out
    assert "master_sync would queue 8 jobs; calls, as a rule: ticketmaster 8." in said
    assert "sync_ticketmaster_window country=DE" in said
    assert (world.log.calls, QueueJob.objects.count()) == ([], 0)


def test_one_artist_that_fails_makes_the_run_partial_and_the_rest_goes_on(
    world: Outside, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SETLISTFM_API_KEY = "wrong"
    settings.SYNC_COUNTRIES = ["FR"]
    with pytest.raises(SystemExit):
        call_command("master_sync", "--strict")
    assert "some items failed" in capsys.readouterr().err
    assert CronLog.objects.get().status == "partial"
    assert Song.objects.exists()


def test_a_wrong_key_fails_the_run_at_once_and_says_what_to_do(world: Outside, settings: Any) -> None:
    settings.TICKETMASTER_API_KEY = "wrong"
    call_command("master_sync")
    assert CronLog.objects.get().status == "partial"
    assert len(world.log.calls) == 1  # the breaker keeps the others in
    assert all(
        "refused us" in job.last_error or "TICKETMASTER_API_KEY" in job.last_error for job in QueueJob.objects.all()
    )


def test_no_wait_leaves_it_to_the_workers(world: Outside, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("master_sync", "--no-wait", "--limit", "2")
    job = QueueJob.objects.get()
    assert (str(job.run_id), job.job_data) == (capsys.readouterr().out.strip(), {"mode": "daily", "limit": 2})
    with pytest.raises(CommandError) as problem:
        call_command("master_sync", "--no-wait")
    assert problem.value.returncode == 75


def kept_by_a_run(*listings: ShowRecord, **arguments: Any) -> QueueJob:
    """The last step of a run whose one window kept these listings."""
    opened = opened_run("master_sync")
    window = enqueue("sync_ticketmaster_window", run=opened.run, **{**MONTH, **arguments})
    state = {"kept": [as_state(listing) for listing in listings], "counts": {"imports": 0}}
    taken = claimed(window)
    checkpoint(taken, "shows", 90, "", state)
    finish(taken, {})
    return enqueue("place_listings", run=opened.run)


def nameless(number: int, name: str = "Heart - Tour") -> ShowRecord:
    return ShowRecord(
        ticketmaster_id=f"Z{number}",
        name=name,
        status=ShowStatus.UPCOMING,
        starts_at=timezone.now() + timedelta(days=number),
        local_date=(timezone.now() + timedelta(days=number)).date(),
        venue=VenueRecord(name="Stadtpark", city="Hamburg", country="DE"),
    )


def test_a_kept_listing_is_placed_when_its_artist_is_known_by_then(transactional_db: None, keys: None) -> None:
    job = kept_by_a_run(nameless(1), nameless(2, "Nobody we know"))
    artist = make_artist(name="Heart", slug="heart", songs_synced_at=NOON)
    make_song(artist)
    run_job(claimed(job))
    show = Show.objects.get()
    assert (show.ticketmaster_id, show.headliner, show.venue.city) == ("Z1", artist, "Hamburg")
    assert show.setlists.get().kind == "predicted"
    result = fresh(job).result
    assert (result["seen"], result["created"], result["skipped"]) == (2, 1, 1)
    assert QueueJob.objects.get(job_name="import_artist").job_data["artist"] == artist.pk


@pytest.mark.parametrize("job", ["import_artist", "sync_ticketmaster_window", "sync_ticketmaster_artist"])
def test_the_last_step_waits_for_all_that_could_tell_whose_a_listing_is(
    transactional_db: None, keys: None, job: str
) -> None:
    last = kept_by_a_run(nameless(1))
    make_artist(name="Heart", slug="heart", shows_synced_at=NOON)
    other = enqueue(job, run=last.run_id)
    run_job(claimed(last))
    assert (fresh(last).status, fresh(last).attempts, Show.objects.exists()) == ("delayed", 0, False)
    finish(claimed(other), {})
    make_due(last)
    run_job(claimed(last))
    assert (fresh(last).status, Show.objects.exists()) == ("completed", True)


def test_a_window_brings_in_no_more_than_its_limit_by_the_last_step_either(transactional_db: None, keys: None) -> None:
    job = kept_by_a_run(nameless(1), nameless(2, "Blondie - Tour"), imports=1)
    make_artist(name="Heart", slug="heart")
    make_artist(name="Blondie", slug="blondie")
    run_job(claimed(job))
    assert (Show.objects.count(), QueueJob.objects.filter(job_name="import_artist").count()) == (2, 1)


@pytest.mark.parametrize("wrong", [["--limit", "0"], ["--limit", "many"], ["--mode", "yearly"]])
@pytest.mark.django_db
def test_wrong_arguments_are_refused(wrong: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("master_sync", *wrong)
