"""Where every address leads. Rooms are joined by string."""

from django.contrib import admin
from django.urls import include, path, register_converter

from mysetlist.addresses import SlugConverter

register_converter(SlugConverter, "address")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("trending.urls")),
]

handler400 = "mysetlist.problems.bad_request"
handler403 = "mysetlist.problems.forbidden"
handler404 = "mysetlist.problems.not_found"
handler500 = "mysetlist.problems.server_error"
