"""Addresses of jobs."""

from django.urls import path

from syncjobs import views

urlpatterns = [
    path("cron/runs/<number:pk>/", views.CronRun.as_view(), name="cron-run"),
    path("cron/<slug:slug>/run/", views.CronJobByGet.as_view(), name="cron-job-by-get"),
    path("cron/<slug:slug>/", views.CronJob.as_view(), name="cron-job"),
]
