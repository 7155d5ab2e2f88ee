"""Parts of addresses."""


class SlugConverter:
    """A slug in its own letters: Björk's neighbours are not all ASCII."""

    regex = r"[-\w]{1,255}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
