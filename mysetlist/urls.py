"""Where every address leads. Rooms are joined by string."""

from django.contrib import admin
from django.urls import include, path, register_converter

from mysetlist.addresses import NumberConverter, SlugConverter
from mysetlist.board import board
from mysetlist.pages import Docs, Schema

register_converter(SlugConverter, "address")
register_converter(NumberConverter, "number")

urlpatterns = [
    path("", board, name="board"),
    path("api/", include("trending.urls")),
    path("api/", include("mysetlist.catalog.urls")),
    path("api/", include("syncjobs.urls")),
    path("", include("monitoring.urls")),
    path("api/schema/", Schema.as_view(), name="schema"),
    path("api/docs/", Docs.as_view(), name="docs"),
    path("admin/", admin.site.urls),
]

handler400 = "mysetlist.problems.bad_request"
handler403 = "mysetlist.problems.forbidden"
handler404 = "mysetlist.problems.not_found"
handler500 = "mysetlist.problems.server_error"
