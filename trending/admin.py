"""Pages for scores: why they are what they are, and how they moved. Jobs write them; people read."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from mysetlist.admin import ReadOnlyAdmin
from mysetlist.charts import stacked_bar
from trending.breakdown import breakdown, parts, says
from trending.explanations import points
from trending.history import story
from trending.models import ArtistTrend, ShowTrend, TrendChange, TrendingArtist, TrendingShow, TrendState
from trending.scoring import POINT, SCORE_KNEE

FULL = 1000  # the score that a bar of full length would have


class TrendAdmin(ReadOnlyAdmin):
    """Scores of one kind. The page of one explains it and tells its history."""

    list_display = ("subject", "rank", "score", "made_of", "vote_count", "fan_count", "changed_at")
    ordering = ("-raw",)
    sortable_by = ("score",)
    change_form_before_template = "trending/trend.html"
    fieldsets = (
        (
            "Stored integers",
            {
                "classes": ["collapse"],
                "fields": (
                    ("vote_count", "fan_count", "recent_votes", "active_users"),
                    ("upcoming_shows", "recent_shows", "followers", "popularity"),
                    ("engagement_ratio", "recency_boost", "raw", "baseline_score"),
                ),
            },
        ),
    )
    of: str
    listed: type[Model]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        ranks = self.listed._default_manager.filter(pk=OuterRef("pk")).values("rank")  # null past the first thousand
        trends: QuerySet[Any] = super().get_queryset(request)
        ranked: QuerySet[Any] = trends.select_related(self.of).annotate(rank=Subquery(ranks))
        return ranked

    @display(description="name")
    def subject(self, trend: Any) -> str:
        return str(getattr(trend, self.of))

    @display(description="rank", empty_value="beyond 1,000")
    def rank(self, trend: Any) -> int | None:
        return trend.rank  # type: ignore[no-any-return]

    @display(description="made of")
    def made_of(self, trend: Any) -> str:
        return stacked_bar(parts(trend), length=float(trend.score) / FULL, says=says(trend))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        state = TrendState.objects.first()
        changes = TrendChange.objects.filter(**{f"{self.of}_id": obj.pk})
        context |= {
            "title": getattr(obj, self.of),
            "trend": obj,
            "state": state,
            "lines": breakdown(obj),
            "sum": points(obj.raw),
            "capped": obj.raw > SCORE_KNEE * POINT,
            "story": story(changes, obj, state),
            "pages": self.pages(obj),
        }
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return response

    def pages(self, trend: Any) -> dict[str, str]:
        """Where else to look."""
        return {}


@admin.register(ArtistTrend)
class ArtistTrendAdmin(TrendAdmin):
    of = "artist"
    listed = TrendingArtist
    search_fields = ("artist__name",)
    search_through = {"artist": "name"}
    search_help_text = "Artist"

    def pages(self, trend: ArtistTrend) -> dict[str, str]:
        return {
            "Artist": reverse("admin:catalog_artist_change", args=[trend.pk]),
            "Shows": f"{reverse('admin:catalog_billing_changelist')}?artist__id__exact={trend.pk}",
            "Votes": f"{reverse('admin:catalog_vote_changelist')}?artist__id__exact={trend.pk}",
        }


@admin.register(ShowTrend)
class ShowTrendAdmin(TrendAdmin):
    of = "show"
    listed = TrendingShow
    search_fields = ("show__name",)
    search_through = {"show": "name"}
    search_help_text = "Show"

    def pages(self, trend: ShowTrend) -> dict[str, str]:
        return {
            "Show": reverse("admin:catalog_show_change", args=[trend.pk]),
            "Headliner": reverse("admin:trending_artisttrend_change", args=[trend.show.headliner_id]),
            "Votes": f"{reverse('admin:catalog_vote_changelist')}?show__id__exact={trend.pk}",
        }


@admin.register(TrendChange)
class TrendChangeAdmin(ReadOnlyAdmin):
    list_display = ("subject", "old_score", "new_score", "rank", "as_of", "changed_at", "run")
    list_filter = (("changed_at", admin.DateFieldListFilter), ("artist", admin.EmptyFieldListFilter))
    list_select_related = ("artist", "show", "run")
    search_fields = ("artist__name", "show__name")
    search_through = {"artist": "name", "show": "name"}
    search_help_text = "Artist or show"
    ordering = ("-changed_at",)
    sortable_by = ("changed_at",)

    @display(description="artist or show")
    def subject(self, change: TrendChange) -> str:
        return str(change.artist or change.show)


@admin.register(TrendState)
class TrendStateAdmin(ReadOnlyAdmin):
    list_display = ("version", "as_of", "refreshed_at", "interval_seconds", "formula_version")


class ListAdmin(ReadOnlyAdmin):
    """A list as clients see it: a view over the scores. Each line leads to the score behind it."""

    list_display_links = None
    ordering = ("rank",)
    sortable_by = ()
    scores: str

    @display(description="name")
    def why(self, row: Any) -> str:
        return format_html(
            '<a class="why" href="{}">{}</a>', reverse(f"admin:{self.scores}_change", args=[row.pk]), row.name
        )

    @display(description="made of")
    def made_of(self, row: Any) -> str:
        return stacked_bar(parts(row), length=float(row.score) / FULL, says=says(row))


@admin.register(TrendingArtist)
class TrendingArtistAdmin(ListAdmin):
    list_display = ("rank", "why", "score", "made_of", "vote_count", "fan_count", "upcoming_shows")
    search_fields = ("name",)
    scores = "trending_artisttrend"


@admin.register(TrendingShow)
class TrendingShowAdmin(ListAdmin):
    list_display = ("rank", "why", "city", "start", "score", "made_of", "vote_count")
    search_fields = ("name", "city")
    scores = "trending_showtrend"
