"""Addresses of jobs and imports."""

from django.urls import path

from syncjobs import views

urlpatterns = [
    path("artists/import/", views.ImportArtist.as_view(), name="import-artist"),
    path("jobs/<number:pk>/", views.OneJob.as_view(), name="job"),
    path("jobs/<number:pk>/events/", views.JobEvents.as_view(), name="job-events"),
    path("cron/runs/<number:pk>/", views.CronRun.as_view(), name="cron-run"),
    path("cron/<slug:slug>/run/", views.CronJobByGet.as_view(), name="cron-job-by-get"),
    path("cron/<slug:slug>/", views.CronJob.as_view(), name="cron-job"),
]
