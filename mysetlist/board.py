"""The front page: who is rising, and what it is made of. Plain HTML, the same for everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from mysetlist.charts import Part
from trending import lists
from trending.answers import answer
from trending.breakdown import parts, says
from trending.editions import Edition
from trending.explanations import FACTORS

TOP = 10
FULL = 1000  # the score that a bar of full length would have
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the board."""

    row: Any
    why: str  # address of the explanation
    parts: Sequence[Part]
    length: float  # of the bar; 1 is as long as there is room
    says: str


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """The ten hottest artists and shows."""
    now = timezone.now()
    response = answer(
        request, lambda edition, stale: _page(edition, stale, now), now=now, content_type="text/html; charset=utf-8"
    )
    response["Content-Security-Policy"] = POLICY
    return response


def _page(edition: Edition, stale: bool, now: datetime) -> bytes:
    as_of = edition.as_of or now
    context = {
        "edition": edition,
        "stale": stale,
        "artists": _lines(lists.artists({}, as_of=as_of), "artist-trend"),
        "shows": _lines(lists.shows({}, as_of=as_of), "show-trend"),
        "factors": FACTORS,
    }
    return render_to_string("board.html", context).encode()


def _lines(rows: Any, address: str) -> list[Line]:
    page = lists.page(rows, limit=TOP, cursor=None, version=0, of="")
    return [
        Line(
            row=row,
            why=reverse(address, args=[row.slug]),
            parts=parts(row),
            length=float(row.score) / FULL,
            says=says(row),
        )
        for row in page.rows
    ]
