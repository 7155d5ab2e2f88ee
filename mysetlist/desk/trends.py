"""Trending on the desk: how old the scores are, and what moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from mysetlist.desk import links
from trending.models import TrendChange, TrendState

STALE_INTERVALS = 3  # as the lists say of themselves
SHOWN = 10
DAY = timedelta(days=1)
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    name: str
    kind: str  # artist or show
    url: str
    change: TrendChange
    by: Decimal
    run_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trending:
    state: TrendState | None
    is_stale: bool
    count: int  # of changes within a day
    has_more: bool  # … and more, uncounted
    moves: Sequence[Move]  # newest first


def trending(now: datetime) -> Trending:
    state = TrendState.objects.first()
    newest = TrendChange.objects.select_related("artist", "show").order_by("-changed_at", "-pk")[:SHOWN]
    count = TrendChange.objects.filter(changed_at__gt=now - DAY)[: MOST_COUNTED + 1].count()
    return Trending(
        state=state,
        is_stale=bool(state and now - state.refreshed_at > STALE_INTERVALS * timedelta(seconds=state.interval_seconds)),
        count=min(count, MOST_COUNTED),
        has_more=count > MOST_COUNTED,
        moves=[_move(change) for change in newest],
    )


def _move(change: TrendChange) -> Move:
    kind = "artist" if change.artist_id else "show"
    return Move(
        name=str(change.artist or change.show),
        kind=kind,
        url=links.row(f"trending.{kind}trend", change.artist_id or change.show_id),
        change=change,
        by=change.new_score - change.old_score,
        run_url=links.row("monitoring.cronlog", change.run_id) if change.run_id else "",
    )
