"""Addresses for new rows, beside those that are taken."""

from collections.abc import Sequence

from django.db.models import Q

from mysetlist.catalog.models import Artist, Show
from mysetlist.catalog.slugs import slug, unique_slugs


def free_slugs(model: type[Artist] | type[Show], names: Sequence[str]) -> list[str]:
    """A slug for each name that no row has; a second Halsey becomes halsey-2."""
    slugs = model._default_manager.values_list("slug", flat=True)
    held = set(slugs.filter(slug__in={slug(name) for name in names}))
    numbered = Q(pk__in=())
    for base in held:
        numbered |= Q(slug__startswith=f"{base}-")
    return unique_slugs(names, held | set(slugs.filter(numbered)))
