"""Addresses of jobs."""

from django.urls import path

from syncjobs import views

urlpatterns = [
    path("cron/<slug:slug>/", views.CronJob.as_view(), name="cron-job"),
]
