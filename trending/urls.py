"""Addresses of scores."""

from django.urls import path

from trending import views

urlpatterns = [
    path("trending/artists/", views.TrendingArtists.as_view(), name="trending-artists"),
    path("trending/shows/", views.TrendingShows.as_view(), name="trending-shows"),
    path("trending/formula/", views.Formula.as_view(), name="trending-formula"),
    path("artists/<address:slug>/trend/", views.ArtistTrendView.as_view(), name="artist-trend"),
    path("artists/<address:slug>/history/", views.ArtistHistory.as_view(), name="artist-history"),
    path("shows/<address:slug>/trend/", views.ShowTrendView.as_view(), name="show-trend"),
    path("shows/<address:slug>/history/", views.ShowHistory.as_view(), name="show-history"),
]
