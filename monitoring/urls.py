"""Addresses of health."""

from django.urls import path

from monitoring import views

urlpatterns = [
    path("livez", views.Livez.as_view(), name="livez"),
    path("readyz", views.Readyz.as_view(), name="readyz"),
    path("metrics", views.Metrics.as_view(), name="metrics"),
    path("api/health/", views.Health.as_view(), name="health"),
]
