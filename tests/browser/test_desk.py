"""The desk as an operator sees it: what is wrong first, each thing leading on, by day and by night, large and small."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from monitoring.alerts import judge
from monitoring.heartbeats import beat
from monitoring.models import Alert, CronLog, SystemHealth
from syncjobs.models import QueueJob, ScheduleState, SourceState
from syncjobs.queue import pause
from tests.browser.test_admin import FOCUSED, SCHEMES, WIDTHS, assert_fits, assert_readable
from trending.models import TrendChange

DESK = "/admin/"


@pytest.fixture
def trouble(failed_run, settings):
    """No worker, a forced breaker, a paused queue, a dead job, a missed slot and one that nobody answered."""
    now = timezone.now()
    settings.SPOTIFY_CLIENT_ID = settings.SPOTIFY_CLIENT_SECRET = "key"
    beat("scheduler here:1")
    beat("relay here:2")
    beat("worker here:3")
    SystemHealth.objects.filter(component="worker here:3").update(checked_at=now - timedelta(minutes=3), status="down")
    SourceState.objects.get_or_create(pk="spotify")
    SourceState.objects.filter(pk="spotify").update(
        forced="open", forced_until=now + timedelta(hours=1), forced_reason="They asked us to wait"
    )
    pause("images", reason="New crop sizes first")
    run = CronLog.objects.filter(status="success").latest("pk")
    QueueJob.objects.create(
        queue_name="spotify_sync",
        job_name="sync_spotify_artist",
        status="dead",
        finished_at=now,
        run=run,
        last_error="No answer.",
    )
    slot = now.replace(second=0, microsecond=0) - timedelta(hours=2)
    CronLog.objects.create(
        job_name="advance_shows", schedule="advance_shows", slot=slot, status="missed", started_at=now, finished_at=now
    )
    ScheduleState.objects.filter(schedule__name="advance_shows").update(accounted_until=now - timedelta(minutes=11))
    judge(now=now)
    return run


@SCHEMES
@WIDTHS
def test_what_is_wrong_is_seen_at_once_with_its_cause(open_page, trouble, scheme, width):
    page = open_page(DESK, scheme=scheme, width=width)
    top = page.get_by_role("region", name="Alerts")
    expect(top.get_by_role("link", name="no worker has been alive since").first).to_be_in_viewport()
    expect(
        top.get_by_text(re.compile(r"Spotify's breaker is open since \d\d:\d\d, forced: They asked us to wait\."))
    ).to_be_visible()
    expect(page.get_by_role("region", name="Queues", exact=True).first.get_by_text("paused since")).to_be_visible()
    slots = page.get_by_role("region", name="Every slot of the last day").first
    expect(slots.get_by_text("It has no run yet: no scheduler has come so far.").first).to_be_visible()
    expect(slots.get_by_text("Nobody started it in time").first).to_be_visible()
    assert_fits(page)
    assert_readable(page)


def test_the_desk_needs_no_javascript(chromium, live_server, staff, trouble, client, settings):
    client.force_login(staff)
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    session = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies["sessionid"].value, "url": live_server.url}
    context.add_cookies([session])
    page = context.new_page()
    page.goto(live_server.url + DESK)
    for heading in ("Alerts", "Jobs", "Every slot of the last day", "Queues", "Sources", "Trending"):
        expect(page.locator(".desk").get_by_role("heading", name=heading, exact=True)).to_be_visible()
    page.get_by_text("Hour by hour, each schedule").click()
    expect(page.get_by_role("cell", name="1 missed", exact=False).first).to_be_visible()
    context.close()


def test_one_chain_leads_from_the_schedule_over_run_and_queue_job_to_source_and_score(open_page, live_server, trouble):
    page = open_page(DESK)
    page.get_by_role("region", name="Trending").first.get_by_role("link", name=f"#{trouble.pk}").first.click()
    expect(page.get_by_role("heading", name="Its queue jobs")).to_be_visible()
    expect(page.get_by_role("heading", name="What it moved")).to_be_visible()
    assert_fits(page)
    assert_readable(page)
    page.get_by_role("link", name="Spotify", exact=True).click()
    expect(page).to_have_url(f"{live_server.url}/admin/syncjobs/sourcestate/spotify/change/")
    page.go_back()
    change = TrendChange.objects.filter(run=trouble, artist__isnull=False).first()
    page.get_by_role("link", name=str(change.artist), exact=True).first.click()
    expect(page.get_by_text("How it moved")).to_be_visible()
    page.get_by_role("link", name=str(trouble.pk), exact=True).first.click()
    page.get_by_role("link", name="Its schedule").click()
    expect(page.get_by_role("heading", name="Next runs")).to_be_visible()


def test_the_keyboard_goes_over_the_desk_and_every_picture_has_a_name(open_page, trouble):
    page = open_page(DESK)
    alert = f"/admin/monitoring/alert/{Alert.objects.get(rule='nobody_lives').pk}/change/"
    reached = {}
    for _ in range(120):
        page.keyboard.press("Tab")
        spot = page.evaluate(FOCUSED)
        reached[spot["what"]] = spot["isSeen"]
    wanted = [alert, "/admin/monitoring/cronlog/?job_name=calculate_trending", "/admin/monitoring/systemhealth/"]
    assert [what for what in wanted if not reached.get(what)] == []
    pictures = page.get_by_role("img").all()
    assert len(pictures) > 20
    assert all(picture.get_attribute("aria-label") or picture.get_attribute("aria-labelledby") for picture in pictures)
