"""Addresses of admin pages, so that everything on the desk leads on."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse


def row(model: str, key: Any) -> str:
    """The page of one row; `model` such as "monitoring.cronlog"."""
    return reverse("admin:{}_{}_change".format(*model.split(".")), args=[key])


def rows(model: str, **which: Any) -> str:
    """The list of a model's rows, all or those that match."""
    query = f"?{urlencode(which)}" if which else ""
    return reverse("admin:{}_{}_changelist".format(*model.split("."))) + query
