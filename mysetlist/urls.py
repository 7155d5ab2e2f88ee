"""Where every address leads. Rooms are joined by string."""

from django.contrib import admin
from django.urls import include, path, register_converter

from mysetlist.addresses import NumberConverter, SlugConverter

register_converter(SlugConverter, "address")
register_converter(NumberConverter, "number")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("trending.urls")),
    path("api/", include("mysetlist.catalog.urls")),
    path("api/", include("syncjobs.urls")),
    path("", include("monitoring.urls")),
]

handler400 = "mysetlist.problems.bad_request"
handler403 = "mysetlist.problems.forbidden"
handler404 = "mysetlist.problems.not_found"
handler500 = "mysetlist.problems.server_error"
