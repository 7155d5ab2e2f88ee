"""The pages of the queue, as an operator sees and uses them."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from syncjobs import queue
from syncjobs.models import QueueJob, QueueMetric
from tests.browser.test_admin import SCHEMES, WIDTHS, assert_fits, assert_readable

JOBS = "/admin/syncjobs/queuejob/"
QUEUES = "/admin/syncjobs/pausedqueue/"


@pytest.fixture
def parent(transactional_db):
    """A planner at work with children: one failed at its second attempt, one waits for its time."""
    now = timezone.now()
    job = queue.enqueue("master_sync")
    work = queue.claim(job.pk, worker="worker-1:4021")
    queue.checkpoint(work, "planning", 40, "2 artists to import", {})
    queue.enqueue("import_artist", name="Björk & Guðmundur", ticketmaster_id="K8vZ9171ob7", parent=job)
    queue.enqueue("import_artist", name="Other", parent=job, run_at=now + timedelta(hours=3))
    for last in (False, True):
        child = queue.claim(QueueJob.objects.filter(parent=job).order_by("pk")[0].pk, worker="worker-2:17")
        queue.checkpoint(child, "importing-shows", 60, "48 listings", {})
        if last:
            queue.fail(child, "Ticketmaster has no artist K8vZ9171ob7. Check the id.")
        else:
            queue.retry_later(child, "Spotify answers with status 503: Service Unavailable", chance=0)
    for hours in range(30):
        QueueMetric.objects.create(
            queue_name="artist_import",
            hour=now - timedelta(hours=hours),
            depth=hours * 2,
            started=7 * hours % 40,
            failed=hours % 7 == 3,
            p95_wait_ms=240 + hours,
        )
    queue.pause("images", reason="The source asked us to wait until Monday.")
    return job


@SCHEMES
@WIDTHS
def test_a_job_is_found_and_shows_its_attempts_and_leads_to_its_parent(open_page, parent, scheme, width):
    page = open_page(f"{JOBS}?q=guð+björk", scheme=scheme, width=width)
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    assert_fits(page)
    page.get_by_role("link", name="import_artist #").first.click()
    expect(page.get_by_text("Ticketmaster has no artist").first).to_be_visible()
    expect(page.get_by_role("region", name="Attempts").locator("tbody tr")).to_have_count(2)
    expect(page.locator(".timeline li")).to_have_count(6)
    assert_fits(page)
    assert_readable(page)
    page.get_by_role("link", name=f"Parent #{parent.pk}").click()
    expect(page.get_by_role("heading", name="Children: 2")).to_be_visible()
    assert_fits(page)
    assert_readable(page)


def test_what_failed_is_retried_and_what_waits_is_hurried_or_cancelled_after_a_question(open_page, parent):
    failed, later = QueueJob.objects.filter(parent=parent).order_by("pk")
    page = open_page(f"{JOBS}{failed.pk}/change/")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("1 retried.")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    page = open_page(f"{JOBS}{later.pk}/change/")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("1 due now.")).to_be_visible()
    page.get_by_role("button", name="Cancel …").click()
    expect(page.get_by_role("heading", name="1 will be cancelled, with all their children")).to_be_visible()
    assert_readable(page)
    page.get_by_role("button", name="Cancel them").click()
    expect(page.get_by_text("1 cancelled.")).to_be_visible()


def test_the_page_of_a_job_at_work_follows_it_to_its_end(open_page, transactional_db):
    work = queue.claim(queue.enqueue("import_artist", name="Björk").pk, worker="worker-1:4021")
    page = open_page(f"{JOBS}{work.id}/change/")
    expect(page.get_by_role("heading", name="Progress: 0 %")).to_be_visible()
    queue.checkpoint(work, "importing-shows", 60, "48 listings", {})
    expect(page.get_by_role("heading", name="Progress: 60 %, importing-shows")).to_be_visible()
    queue.finish(work, {"seen": 48})
    expect(page.get_by_role("heading", name="Progress: 100 %, completed")).to_be_visible()
    expect(page.get_by_text("Completed", exact=True)).to_be_visible()


@SCHEMES
@WIDTHS
def test_each_queue_shows_how_it_stands_and_is_paused_and_resumed(open_page, parent, scheme, width):
    page = open_page(QUEUES, scheme=scheme, width=width)
    expect(page.get_by_text("The source asked us to wait until Monday.")).to_be_visible()
    expect(page.locator(".small-bars .chart-bar")).to_have_count(30)
    page.get_by_text("The numbers by hour").click()
    expect(page.locator(".numbers tbody tr")).to_have_count(30)
    assert_fits(page)
    assert_readable(page)
    page.get_by_role("button", name="Resume images").click()
    expect(page.get_by_text("images goes on.")).to_be_visible()
    section = page.locator(".panel", has=page.get_by_role("heading", name="images", exact=True))
    section.get_by_label("Why").fill("Trying it out")
    page.get_by_role("button", name="Pause images").click()
    expect(section.get_by_text("Trying it out")).to_be_visible()
