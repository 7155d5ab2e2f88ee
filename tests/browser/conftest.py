"""A real Chromium on a live server, and a small world to look at. Not part of `make test`: see `make browser`."""

import os
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import sync_playwright

from monitoring.health import check_health
from monitoring.models import CronLog
from tests.factories import make_artist, make_fan, make_follow, make_setlist, make_show, make_venue, make_vote
from trending.services import calculate_trending, whole_hour

# Playwright keeps an event loop in this thread; Django would take any query here for one inside of it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

FLAGS = [
    "--no-sandbox",  # as root, in a container
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
PASSWORD = "correct horse"


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS, headless=True)
        yield browser
        browser.close()


@pytest.fixture
def world(transactional_db):
    """Two artists, one with a history; runs that went well and one that did not."""
    now = timezone.now()
    star, other = make_artist(name="Björk & Guðmundur", popularity=80), make_artist(name="Other One")
    show = make_show(star, bill=[other], venue=make_venue(), starts_at=now + timedelta(days=3))
    line = make_setlist(show, songs=5).setlist_songs.first()
    make_follow(star)
    for fans in (0, 2, 5):
        for _ in range(fans):
            make_vote(line, fan=make_fan(), at=now)
        calculate_trending(as_of=whole_hour(now))
    with pytest.raises(ValueError, match="no hour"):
        calculate_trending(as_of=NoHour())
    check_health(now=now)
    return star


class NoHour:
    """What makes a real run fail: it cannot be read as a moment."""

    def __getattr__(self, name):
        raise ValueError("no hour")


@pytest.fixture
def staff(transactional_db, django_user_model):
    return django_user_model.objects.create_superuser("operator", password=PASSWORD)


@pytest.fixture
def open_page(chromium, live_server, staff):
    """Opens an address as the operator, in a fresh profile; at the end nothing may have gone wrong in any page."""
    contexts, wrong = [], []

    def open_it(path, *, width=1280, scheme="light", signed_in=True):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        if signed_in:
            client = Client()
            client.force_login(staff)
            session = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies["sessionid"].value}
            context.add_cookies([{**session, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda problem: wrong.append(str(problem)))
        page.on("request", lambda request: wrong.append(f"asked {request.url}") if is_outside(request.url) else None)
        page.on(
            "response", lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        )
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        return page

    def is_outside(url):
        return not url.startswith((live_server.url, "data:", "blob:"))

    yield open_it
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def failed_run(world):
    return CronLog.objects.get(status="failed")
