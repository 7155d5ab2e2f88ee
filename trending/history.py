"""How a score moved: its significant changes, oldest first, and what made each."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from django.db.models import QuerySet

from mysetlist.charts import Point
from trending.explanations import FACTORS, points
from trending.models import Trend, TrendChange, TrendState

LONGEST = 100  # changes told


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A significant change and the factor that changed most in it."""

    change: TrendChange
    mostly: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    points: list[Point]  # for a line, oldest first, the score of now at its end
    moves: list[Move]  # for a table, newest first
    says: str


def story(changes: QuerySet[TrendChange], trend: Trend, state: TrendState | None) -> Story:
    """The latest changes of one artist or show, and its score of now."""
    newest = list(changes.select_related("run").order_by("-changed_at", "-pk")[:LONGEST])
    moves = [
        Move(change=change, mostly=mostly(change.units, before.units if before else None))
        for change, before in zip_longest(newest, newest[1:])
    ]
    oldest = newest[::-1]
    line = [_point(change) for change in oldest]
    if oldest:
        first = oldest[0]
        line.insert(0, Point(at=first.changed_at, value=float(first.old_score), says=f"{first.old_score} before"))
        if state:
            # A change is noted a little after the refresh that it belongs to.
            at = max(state.refreshed_at, oldest[-1].changed_at)
            line.append(Point(at=at, value=float(trend.score), says=f"{trend.score} now"))
    return Story(points=line, moves=moves, says=_summary(oldest, trend))


def mostly(after: Mapping[str, int], before: Mapping[str, int] | None) -> str:
    """The factor that moved most between two breakdowns, and by how many points; unknown without the one before."""
    if before is None:
        return ""
    moved = {name: after.get(name, 0) - before.get(name, 0) for name in FACTORS}
    name = max(moved, key=lambda factor: abs(moved[factor]))
    return f"{FACTORS[name].label} {points(moved[name]):+,.2f}" if moved[name] else ""


def _point(change: TrendChange) -> Point:
    return Point(
        at=change.changed_at,
        value=float(change.new_score),
        says=f"{change.old_score} to {change.new_score} at {change.changed_at:%Y-%m-%d %H:%M} UTC",
    )


def _summary(oldest: list[TrendChange], trend: Trend) -> str:
    if not oldest:
        return "No significant change so far."
    times = "once" if len(oldest) == 1 else f"{len(oldest)} times"
    return f"It moved significantly {times}: from {oldest[0].old_score} to {oldest[-1].new_score}, now {trend.score}."
