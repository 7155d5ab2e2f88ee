"""The operator's desk, as a person sees it: by day and by night, on a desk and on a phone, by keyboard alone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD

SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
WIDTHS = pytest.mark.parametrize("width", [1280, 390])

ARTISTS = "/admin/trending/artisttrend/"
RUNS = "/admin/monitoring/cronlog/"
HEALTH = "/admin/monitoring/systemhealth/"
DAYS = "/admin/monitoring/cronmetric/"

# The colour of each text of ours against what is behind it, as WCAG counts it; the faintest first.
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const c = rgba(getComputedStyle(node).backgroundColor);
      if (c[3] === 255) return c;
    }
    return [255, 255, 255, 255];
  };
  return [...document.querySelectorAll(".panel *")]
    .filter((node) => node.checkVisibility() && [...node.childNodes].some((t) => t.nodeType === 3 && t.data.trim()))
    .filter((node) => !node.closest("svg, .sr-only"))
    .map((node) => {
      const [a, b] = [light(rgba(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
      return [(a + .05) / (b + .05), node.textContent.trim().slice(0, 40)];
    }).sort((x, y) => x[0] - y[0]);
}"""
FOCUSED = """() => {
  const node = document.activeElement, style = getComputedStyle(node);
  return {
    what: node.getAttribute("href") || node.name || node.getAttribute("aria-label") || node.textContent.trim(),
    isSeen: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none",
  };
}"""


def assert_fits(page):
    """Nothing is wider than the screen."""
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def assert_readable(page):
    faintest = page.evaluate(CONTRASTS)
    assert len(faintest) >= 3
    assert faintest[0][0] >= 4.5, faintest[:3]


def test_the_operator_signs_in(open_page, live_server, world):
    page = open_page("/admin/", signed_in=False)
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The desk")).to_be_visible()
    page.get_by_role("link", name="Runs").first.click()
    expect(page).to_have_url(live_server.url + RUNS)


@SCHEMES
@WIDTHS
def test_artists_are_searched_and_each_leads_to_why(open_page, world, scheme, width):
    page = open_page(ARTISTS, scheme=scheme, width=width)
    rows = page.locator("#result_list .stacked-bar")
    expect(rows).to_have_count(2)
    assert_fits(page)
    page.locator("#searchbar").fill("guð björk")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows.first).to_have_accessible_name(re.compile("votes .*%"))
    page.get_by_role("link", name="Björk & Guðmundur").first.click()
    expect(page.get_by_text("What the score is made of")).to_be_visible()


@SCHEMES
@WIDTHS
def test_a_score_is_explained_by_bars_and_its_history_by_a_line(open_page, world, scheme, width):
    page = open_page(f"{ARTISTS}{world.pk}/change/", scheme=scheme, width=width)
    expect(page.locator(".breakdown .stacked-bar")).to_have_count(8)
    chart = page.get_by_role("img", name="Score over time")
    expect(chart).to_be_visible()
    box, place = chart.bounding_box(), page.locator(".plot").bounding_box()
    assert box["y"] + box["height"] <= place["y"] + place["height"]
    assert box["width"] > 150
    expect(page.locator(".chart-dot")).not_to_have_count(0)
    assert_fits(page)
    assert_readable(page)


@SCHEMES
@WIDTHS
def test_the_run_log_shows_each_job_then_one_then_a_run(open_page, failed_run, scheme, width):
    page = open_page(RUNS, scheme=scheme, width=width)
    page.locator(".card", has_text="calculate_trending").click()
    chart = page.get_by_role("img", name="Time taken by run")
    expect(chart).to_be_visible()
    assert chart.bounding_box()["height"] < 200
    expect(chart.locator(".chart-bar")).to_have_count(4)
    page.get_by_text("The numbers").click()
    expect(page.locator(".numbers tbody tr")).to_have_count(4)
    assert_fits(page)
    assert_readable(page)
    page.locator(".numbers a", has_text=f"#{failed_run.pk}").click()
    expect(page.get_by_text("ValueError: no hour", exact=True)).to_be_visible()
    expect(page.locator(".chart-mark")).to_have_count(1)
    assert_fits(page)
    assert_readable(page)


@SCHEMES
@pytest.mark.parametrize("path", [HEALTH, DAYS])
def test_health_and_daily_figures_are_readable(open_page, world, scheme, path):
    page = open_page(path, scheme=scheme)
    expect(page.locator(".panel").first).to_be_visible()
    assert_fits(page)
    assert_readable(page)


def test_failed_runs_are_found_through_the_filters_by_keyboard(open_page, failed_run):
    page = open_page(RUNS)
    page.get_by_role("button", name="Filters").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Started at from: date, UTC")).to_be_visible()
    page.get_by_role("link", name="Failed", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)


def test_the_keyboard_reaches_the_main_links_and_shows_where_it_is(open_page, failed_run):
    page = open_page(RUNS)
    reached = {}
    for _ in range(60):
        page.keyboard.press("Tab")
        spot = page.evaluate(FOCUSED)
        reached[spot["what"]] = spot["isSeen"]
    wanted = [ARTISTS, RUNS, HEALTH, DAYS, "/admin/catalog/artist/", "?job_name=calculate_trending"]
    wanted += [f"{RUNS}{failed_run.pk}/change/", "Show or hide the menu"]
    assert [what for what in wanted if what not in reached] == []
    assert [what for what in wanted if not reached[what]] == []
