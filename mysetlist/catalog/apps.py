"""The catalogue: what exists."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "mysetlist.catalog"
    label = "catalog"
    verbose_name = "Catalogue"
