"""Who is rising, and why: public, cached by edition."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse, QueryDict
from django.utils import timezone
from drf_spectacular.utils import extend_schema_view
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from mysetlist import examples
from mysetlist.doors import PublicView
from mysetlist.problems import BadParameters
from mysetlist.querying import Parameters, read_parameters
from mysetlist.schema import Answer, told
from trending import lists
from trending.answers import answer
from trending.cursors import BadCursor, Cursor, read_cursor
from trending.editions import Edition
from trending.serializers import (
    ArtistHistorySerializer,
    ArtistsQuery,
    ArtistTrendSerializer,
    FormulaSerializer,
    HistoryQuery,
    NoQuery,
    ShowHistorySerializer,
    ShowsQuery,
    ShowTrendSerializer,
    TrendingArtistsSerializer,
    TrendingShowsSerializer,
)
from trending.telling import edition_told, formula_told, history_told, trend_told

Values = Mapping[str, Any]


def documented(says: type[Serializer[Any]], example: Values, asks: type[Parameters], *problems: int) -> Any:
    """Document a view of scores."""
    answers = {200: Answer("As the current edition has it", says, example), 304: Answer("You have this answer.")}
    return extend_schema_view(get=told(tag="trending", asks=asks, answers=answers, problems=(400, *problems)))


class EditionView(PublicView):
    """One answer for each edition. A kept one never gets here: see answers.kept_first."""

    asks: type[Parameters] = NoQuery
    says: type[Serializer[Any]]

    def answer(self, request: Request, tell: Callable[[Edition], Values]) -> HttpResponse:
        """`tell` says what is to be told of an edition, beside the edition itself."""

        def render(edition: Edition, stale: bool) -> bytes:
            told = {**edition_told(edition, stale), **tell(edition)}
            return bytes(JSONRenderer().render(self.says(told).data))

        return answer(request._request, render, now=timezone.now())


class TrendingView(EditionView):
    """A page of a list."""

    name: str
    rows: Callable[..., Any]

    def get(self, request: Request) -> HttpResponse:
        asked = read_parameters(self.asks, request.query_params)
        limit, text = asked.pop("limit"), asked.pop("cursor", None)
        of = lists.marked(self.name, asked)
        cursor = checked_cursor(text, of) if text else None

        def tell(edition: Edition) -> Values:
            rows = type(self).rows(asked, as_of=edition.as_of or timezone.now())  # none: nothing is scored
            page = lists.page(rows, limit=limit, cursor=cursor, version=edition.version, of=of)
            return {
                "refreshed": cursor is not None and cursor.version != edition.version,
                "next": link(request, cursor=page.next) if page.next else None,
                "previous": link(request, cursor=page.previous) if page.previous else None,
                "results": page.rows,
            }

        return self.answer(request, tell)


@documented(TrendingArtistsSerializer, examples.TRENDING_ARTISTS, ArtistsQuery)
class TrendingArtists(TrendingView):
    """The artists who are rising: all, or those of a genre, or with an upcoming show in a country or city."""

    name = "artists"
    rows = staticmethod(lists.artists)
    asks = ArtistsQuery
    says = TrendingArtistsSerializer


@documented(TrendingShowsSerializer, examples.TRENDING_SHOWS, ShowsQuery)
class TrendingShows(TrendingView):
    """The shows that fans vote for: all, or those of a genre, country, city or time."""

    name = "shows"
    rows = staticmethod(lists.shows)
    asks = ShowsQuery
    says = TrendingShowsSerializer


class TrendView(EditionView):
    """Why a score is what it is."""

    kind: str

    def get(self, request: Request, slug: str) -> HttpResponse:
        read_parameters(self.asks, request.query_params)
        return self.answer(request, lambda edition: trend_told(self.kind, slug))


@documented(ArtistTrendSerializer, examples.ARTIST_TREND, NoQuery, 404)
class ArtistTrendView(TrendView):
    """Why an artist's score is what it is: eight factors whose units sum to the score's."""

    kind = "artist"
    says = ArtistTrendSerializer


@documented(ShowTrendSerializer, examples.SHOW_TREND, NoQuery, 404)
class ShowTrendView(TrendView):
    """Why a show's score is what it is: eight factors whose units sum to the score's."""

    kind = "show"
    says = ShowTrendSerializer


class HistoryView(EditionView):
    """How a score moved."""

    kind: str
    asks = HistoryQuery

    def get(self, request: Request, slug: str) -> HttpResponse:
        asked = read_parameters(self.asks, request.query_params)

        def tell(edition: Edition) -> Values:
            told, last = history_told(self.kind, slug, limit=asked["limit"], before=asked.get("before"))
            return {**told, "next": link(request, before=last) if last else None}

        return self.answer(request, tell)


@documented(ArtistHistorySerializer, examples.ARTIST_HISTORY, HistoryQuery, 404)
class ArtistHistory(HistoryView):
    """The significant changes of an artist's score, newest first."""

    kind = "artist"
    says = ArtistHistorySerializer


@documented(ShowHistorySerializer, examples.SHOW_HISTORY, HistoryQuery, 404)
class ShowHistory(HistoryView):
    """The significant changes of a show's score, newest first."""

    kind = "show"
    says = ShowHistorySerializer


@documented(FormulaSerializer, {**examples.EDITION, **formula_told()}, NoQuery)
class Formula(EditionView):
    """The formula with every number in it: weights, knees, half-life, cap."""

    says = FormulaSerializer

    def get(self, request: Request) -> HttpResponse:
        read_parameters(self.asks, request.query_params)
        return self.answer(request, lambda edition: formula_told())


def checked_cursor(text: str, of: str) -> Cursor:
    try:
        return read_cursor(text, of=of)
    except BadCursor as problem:
        raise BadParameters({"cursor": [str(problem)]}) from problem


def link(request: Request, **changed: object) -> str:
    """This address with other parameters. Relative: no caller's Host header gets into an answer kept for others."""
    query: QueryDict = request.query_params.copy()
    for name, value in changed.items():
        query[name] = str(value)
    return f"{request.path}?{query.urlencode()}"
