"""Charts as plain SVG: they need no JavaScript, follow light and dark, and stand beside a table of their numbers.

A plot is stretched to the width of its place, so nothing in it is text: labels are HTML around it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template import Library
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = Library()

WIDE, HIGH = 1000.0, 300.0  # units of a plot, whatever its size on the screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A share of a whole: one colour of a stacked bar."""

    kind: str  # names its colour in charts.css
    share: float  # 0 to 1
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value at a time. None is unknown: its place stays empty."""

    at: datetime
    value: float | None
    says: str
    kind: str = ""
    upto: float | None = None  # a thin line from the value on, such as from a median to a 95th percentile
    is_marked: bool = False  # the one that a page is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """An hour or a day in a strip: good, warn, bad, busy or none."""

    kind: str
    says: str


HEIGHTS = {
    "none": 0.12,
    "good": 0.55,
    "busy": 0.55,
    "warn": 0.8,
    "bad": 1.0,
}  # what is wrong stands out without colours


@register.simple_tag
def strip(cells: Sequence[Cell], *, says: str) -> SafeString:
    """A row of days or hours, oldest first: the worse, the higher."""
    slot = WIDE / max(len(cells), 1)
    bars = []
    for number, cell in enumerate(cells):
        height = HIGH * HEIGHTS[cell.kind]
        bars.append((cell.kind, cell.says, slot * (number + 0.1), HIGH - height, slot * 0.8, height))
    return _small(bars, says, "small-bars strip")


@register.simple_tag
def stacked_bar(parts: Sequence[Part], *, length: float = 1, says: str = "") -> SafeString:
    """One bar, as long as `length` of its place, split into its parts."""
    rects, x = [], 0.0
    for part in parts:
        width = part.share * length * WIDE
        if width > 0:
            rects.append({"kind": part.kind, "x": f"{x:.1f}", "width": f"{width:.1f}", "says": part.says})
        x += width
    return render_to_string("charts/stacked_bar.html", {"rects": rects, "says": says, "wide": f"{WIDE:.0f}"})


@register.simple_tag
def step_chart(points: Sequence[Point], *, name: str, title: str, says: str) -> SafeString:
    """How a value moved: it stays until the next point. The scale is as narrow as the values are."""
    values = [point.value for point in points if point.value is not None]
    if len(values) < 2:
        return SafeString("")
    marks = ticks(min(values), max(values))
    scale = Scale(marks[0], marks[-1])
    begin, span = points[0].at, (points[-1].at - points[0].at).total_seconds() or 1
    dots = [
        {
            "x": f"{(point.at - begin).total_seconds() / span * WIDE:.1f}",
            "y": f"{scale(point.value):.1f}",
            "says": point.says,
            "kind": point.kind,
        }
        for point in points
        if point.value is not None
    ]
    first, *others = dots
    line = f"M{first['x']} {first['y']}" + "".join(f"H{dot['x']}V{dot['y']}" for dot in others)
    return _plot(
        "charts/step_chart.html", points, marks, scale, name=name, title=title, says=says, line=line, dots=dots
    )


@register.simple_tag
def bar_chart(
    points: Sequence[Point], *, name: str, title: str, says: str, unit: str = "", is_daily: bool = False
) -> SafeString:
    """A bar for each value, in the order given, from zero up."""
    marks = ticks(0, _highest(points))
    scale = Scale(0, marks[-1])
    bars = _bars(points, scale)
    words: dict[str, Any] = {"name": name, "title": title, "says": says, "unit": unit, "is_daily": is_daily}
    return _plot("charts/bar_chart.html", points, marks, scale, bars=bars, **words)


@register.simple_tag
def small_bars(points: Sequence[Point], *, says: str) -> SafeString:
    """A bar chart for a line of text or a card: no scale, all its words in one."""
    bars = [
        (bar["kind"], bar["says"], float(bar["x"]), float(bar["y"]), float(bar["width"]), float(bar["height"]))
        for bar in _bars(points, Scale(0, _highest(points)))
    ]
    return _small(bars, says, "small-bars")


def _small(bars: Sequence[tuple[str, str, float, float, float, float]], says: str, kind: str) -> SafeString:
    """A page has dozens of these: without a template each takes a tenth of the time."""
    drawn = (
        f'<g class="kind-{escape(kind)}"><title>{escape(says)}</title><rect class="chart-bar"'
        f' x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" /></g>'
        for kind, says, x, y, width, height in bars
    )
    return mark_safe(
        f'<svg class="{kind}" viewBox="0 0 {WIDE:.0f} {HIGH:.0f}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(says)}">{"".join(drawn)}</svg>'
    )


def _highest(points: Sequence[Point]) -> float:
    values = [value for point in points for value in (point.value, point.upto) if value is not None]
    return max(values, default=0) or 1


def _bars(points: Sequence[Point], scale: "Scale") -> list[dict[str, Any]]:
    slot = WIDE / max(len(points), 12)  # a few bars do not fill the place
    bars = []
    for number, point in enumerate(points):
        top = min(scale(point.value or 0), HIGH - 6)  # even nothing is seen
        bar: dict[str, Any] = {
            "x": f"{slot * (number + 0.12):.1f}",
            "width": f"{slot * 0.76:.1f}",
            "y": f"{top:.1f}",
            "height": f"{HIGH - top:.1f}",
            "says": point.says,
            "kind": point.kind,
        }
        if point.upto is not None:
            bar["line"] = f"M{slot * (number + 0.5):.1f} {top:.1f}V{scale(point.upto):.1f}"
        if point.is_marked:
            bar["mark"] = {"x": f"{slot * number:.1f}", "width": f"{slot:.1f}", "height": f"{HIGH:.0f}"}
        bars.append(bar)
    return bars


@dataclass(frozen=True, slots=True)
class Scale:
    """From a value to its height in a plot, downwards as SVG counts."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        return HIGH - (value - self.low) / ((self.high - self.low) or 1) * HIGH


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers at even distances that enclose both ends."""
    if low == high:
        low, high = low - 1, high + 1
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(step * number, 6) for number in range(first, last + 1)]


def _plot(
    template: str, points: Sequence[Point], marks: Sequence[float], scale: Scale, *, unit: str = "", **context: Any
) -> SafeString:
    context |= {
        "wide": f"{WIDE:.0f}",
        "high": f"{HIGH:.0f}",
        "ticks": [
            {"label": f"{mark:,.10g}{unit}", "y": f"{scale(mark):.1f}", "top": f"{scale(mark) / HIGH * 100:.2f}"}
            for mark in marks
        ],
        "first": points[0].at if points else None,
        "last": points[-1].at if points else None,
    }
    return render_to_string(template, context)
