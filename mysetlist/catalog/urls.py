"""Addresses of what fans do."""

from django.urls import path

from mysetlist.catalog import views

urlpatterns = [
    path("votes/", views.Votes.as_view(), name="votes"),
    path("votes/<number:pk>/", views.OneVote.as_view(), name="vote"),
    path("artists/<address:slug>/follow/", views.Following.as_view(), name="follow"),
]
