"""Pages for scores: why they are what they are, and how they moved. Jobs write them; people read."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from unfold.decorators import display

from mysetlist.admin import ReadOnlyAdmin
from trending.models import ArtistTrend, ShowTrend, TrendChange, TrendingArtist, TrendingShow, TrendState


class TrendAdmin(ReadOnlyAdmin):
    list_display = ("subject", "rank", "score", "vote_count", "fan_count", "upcoming_shows", "changed_at")
    ordering = ("-raw",)
    sortable_by = ("score",)
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


@admin.register(ArtistTrend)
class ArtistTrendAdmin(TrendAdmin):
    of = "artist"
    listed = TrendingArtist
    search_fields = ("artist__name",)
    search_through = {"artist": "name"}
    search_help_text = "Artist"


@admin.register(ShowTrend)
class ShowTrendAdmin(TrendAdmin):
    of = "show"
    listed = TrendingShow
    search_fields = ("show__name",)
    search_through = {"show": "name"}
    search_help_text = "Show"


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


@admin.register(TrendingArtist)
class TrendingArtistAdmin(ReadOnlyAdmin):
    """The list as clients see it: a view over the scores."""

    list_display = ("rank", "name", "score", "vote_count", "fan_count", "upcoming_shows", "popularity")
    list_display_links = ("name",)
    search_fields = ("name",)
    ordering = ("rank",)


@admin.register(TrendingShow)
class TrendingShowAdmin(ReadOnlyAdmin):
    list_display = ("rank", "name", "city", "start", "score", "vote_count", "fan_count")
    list_display_links = ("name",)
    search_fields = ("name", "city")
    ordering = ("rank",)
