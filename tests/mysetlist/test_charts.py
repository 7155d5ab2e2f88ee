"""Charts are plain SVG with a title, a description and honest lengths."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysetlist.charts import HIGH, Cell, Part, Point, bar_chart, small_bars, stacked_bar, step_chart, strip, ticks

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def points(*values, **more):
    return [
        Point(at=NOON + timedelta(hours=n), value=value, says=f"point {n}", **more) for n, value in enumerate(values)
    ]


def numbers(svg, name):
    return [float(value) for value in re.findall(rf'<rect class="chart-bar"[^>]* {name}="([\d.]+)"', svg)]


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_ticks_enclose_both_ends_in_even_steps(one, other):
    low, high = sorted((one, other))
    marks = ticks(low, high)
    assert marks[0] <= low + 1e-6
    assert marks[-1] >= high - 1e-6
    assert 2 <= len(marks) <= 7


def test_bars_start_at_zero_and_are_as_long_as_their_values():
    svg = bar_chart(points(50, 100, 0), name="it", title="Time", says="Three runs")
    half, whole, nothing = numbers(svg, "height")
    assert (half, whole) == (HIGH / 2, HIGH)
    assert 0 < nothing < HIGH / 20


def test_a_chart_has_a_title_and_a_description_that_its_picture_names():
    for draw in (bar_chart, step_chart):
        svg = draw(points(1, 2), name="it", title="Time <taken>", says="Two & more")
        assert 'role="img" aria-labelledby="it-title it-says"' in svg
        assert '<title id="it-title">Time &lt;taken&gt;</title>' in svg
        assert '<desc id="it-says">Two &amp; more</desc>' in svg


def test_the_unknown_leaves_a_gap_in_a_line_and_is_told_in_bars():
    assert step_chart(points(1, None, 3), name="it", title="", says="").count("chart-dot") == 2
    svg = bar_chart(points(1, None), name="it", title="", says="")
    assert svg.count("chart-bar") == 2
    assert "point 1" in svg


@pytest.mark.parametrize("values", [(), (5,), (None, None)])
def test_a_line_needs_two_values(values):
    assert step_chart(points(*values), name="it", title="", says="") == ""


def test_a_line_steps_at_each_value():
    line = re.search(r'class="chart-line" d="([^"]*)"', step_chart(points(0, 10, 10), name="it", title="", says=""))
    assert line.group(1) == "M0.0 300.0H500.0V0.0H1000.0V0.0"


def test_a_thin_line_reaches_up_to_the_percentile_and_sets_the_scale():
    svg = bar_chart(points(50, upto=100), name="it", title="", says="")
    assert numbers(svg, "height") == [HIGH / 2]
    assert re.search(r'class="chart-upto" d="M[\d.]+ 150.0V0.0"', svg)


def test_one_bar_can_be_marked():
    one, other = points(1)[0], Point(at=NOON, value=1, says="this", is_marked=True)
    svg = bar_chart([one, other], name="it", title="", says="")
    assert svg.count("chart-mark") == 1
    assert svg.index("point 0") < svg.index("chart-mark") < svg.index("this")


def test_a_small_chart_says_all_in_one_label():
    assert 'role="img" aria-label="2 runs, none &quot;slow&quot;"' in small_bars(
        points(1, 2), says='2 runs, none "slow"'
    )


def test_charts_of_nothing_are_drawn_all_the_same():
    assert "<svg" in small_bars([], says="nothing")
    assert "<svg" in bar_chart([], name="it", title="", says="nothing")


def test_a_stacked_bar_is_split_into_its_shares():
    parts = [
        Part(kind="a", share=0.25, says="a"),
        Part(kind="none", share=0, says=""),
        Part(kind="b", share=0.75, says="b"),
    ]
    svg = stacked_bar(parts, length=0.5, says="a 25 %, b 75 %")
    drawn = re.findall(r'class="kind-(\w+)" x="([\d.]+)" width="([\d.]+)"', svg)
    assert drawn == [("a", "0.0", "125.0"), ("b", "125.0", "375.0")]


def test_in_a_strip_the_worse_stands_the_higher():
    svg = strip([Cell(kind=kind, says=f"a {kind} <day>") for kind in ("none", "good", "warn", "bad")], says='4 "days"')
    heights = numbers(svg, "height")
    assert heights == sorted(heights)
    assert heights[-1] == HIGH
    assert len(set(heights)) == 4
    assert re.findall(r"<title>(.*?)</title>", svg)[-1] == "a bad &lt;day&gt;"
    assert 'aria-label="4 &quot;days&quot;"' in svg
    assert strip([], says="none").startswith("<svg")
