"""What the API tells of one score, of its history and of the formula: plain values for the serializers."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import Http404

from mysetlist.catalog.models import Artist, Show
from mysetlist.catalog.services import CAP, CAP_HOURS
from trending import scoring
from trending.editions import Edition
from trending.explanations import FACTORS, explain, points, summary
from trending.history import mostly
from trending.models import ArtistTrend, ShowTrend, TrendChange, TrendingArtist, TrendingShow
from trending.scoring import POINT, SCORE_KNEE, SCORE_LIMIT
from trending.services import SIGNIFICANT_POINTS, SIGNIFICANT_SHARE

Told = Mapping[str, Any]

KINDS: Mapping[str, tuple[Any, Any, Any]] = {
    "artist": (Artist, ArtistTrend, TrendingArtist),
    "show": (Show, ShowTrend, TrendingShow),
}
FORMULA = (
    "raw = 15 votes + 10 fans + 8 softcap(upcoming shows, 10, 25) + 5 softcap(recent shows, 10, 20)"
    " + 0.1 softcap(followers, 500, 1000) + 0.5 popularity + 3 engagement + 20 recency; score = softcap(raw, 500, 1000)"
)


def edition_told(edition: Edition, stale: bool) -> dict[str, Any]:
    return {
        "version": edition.version,
        "as_of": edition.as_of,
        "refreshed_at": edition.refreshed_at,
        "next_refresh_at": edition.next_refresh_at,
        "stale": stale,
        "formula_version": edition.formula_version,
    }


def trend_told(kind: str, slug: str) -> Told:
    """Why the score is what it is: the stored row. Raises Http404 when there is none."""
    _, trends, listed = KINDS[kind]
    rank = Subquery(listed._default_manager.filter(pk=OuterRef("pk")).values("rank"))
    trend = trends._default_manager.select_related(kind).annotate(rank=rank).filter(**{f"{kind}__slug": slug}).first()
    if trend is None:
        raise Http404
    return {
        kind: getattr(trend, kind),
        "rank": trend.rank,
        "score": trend.score,
        "raw_units": trend.raw,
        "raw_points": points(trend.raw),
        "baseline_score": trend.baseline_score,
        "changed_at": trend.changed_at,
        "summary": summary(trend),
        "factors": explain(trend),
    }


def history_told(kind: str, slug: str, *, limit: int, before: int | None) -> tuple[Told, int | None]:
    """The significant changes, newest first, and after which one to go on. Raises Http404."""
    model, _, _ = KINDS[kind]
    subject = model._default_manager.filter(slug=slug).first()
    if subject is None:
        raise Http404
    changes = TrendChange.objects.filter(**{kind: subject})
    if before:
        changes = changes.filter(pk__lt=before)
    newest: list[Any] = list(changes.order_by("-changed_at", "-pk")[: limit + 1])
    for change, earlier in zip_longest(newest, newest[1:]):
        change.mostly = mostly(change.units, earlier.units if earlier else None)
    return {kind: subject, "results": newest[:limit]}, newest[limit - 1].pk if len(newest) > limit else None


def formula_told() -> Told:
    """The numbers that the scoring itself uses."""
    return {
        "formula": FORMULA,
        "factors": [
            {"factor": name, "weight": factor.weight, **{key: getattr(factor, key) for key in TOLD_OF_A_FACTOR}}
            for name, factor in FACTORS.items()
        ],
        "score": {
            "knee": SCORE_KNEE,
            "limit": SCORE_LIMIT,
            "above_the_knee": "limit - (limit - knee)² / (raw + limit - 2 knee), cut to two decimals",
        },
        "decay": {"half_life_hours": scoring.HALF_LIFE_HOURS, "horizon_hours": scoring.HORIZON_HOURS},
        "cap": {"votes": CAP, "hours": CAP_HOURS},
        "recent_show_hours": scoring.RECENT_SHOW_HOURS,
        "significant_change": {"points": SIGNIFICANT_POINTS, "share": float(SIGNIFICANT_SHARE)},
        "units_of_a_point": POINT,
    }


TOLD_OF_A_FACTOR = ("label", "knee", "limit", "meaning")
