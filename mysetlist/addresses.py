"""Parts of addresses."""

from django.urls.converters import IntConverter, StringConverter


class SlugConverter(StringConverter):
    """A slug in its own letters: not every name is ASCII."""

    regex = r"[-\w]{1,255}"


class NumberConverter(IntConverter):
    """The number of a row: what a bigint can be."""

    regex = r"[0-9]{1,18}"
