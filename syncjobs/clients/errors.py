"""What can go wrong with a source. The docstring of an exception is its message.

No message holds a URL, a key, a token or a piece of the answer's text: any of them may carry a secret.
"""

from enum import StrEnum


class Source(StrEnum):
    """The foreign APIs, by the name that rows and settings use."""

    TICKETMASTER = "ticketmaster"
    SPOTIFY = "spotify"
    SETLISTFM = "setlistfm"

    @property
    def label(self) -> str:
        """The name that people use."""
        return {"ticketmaster": "Ticketmaster", "spotify": "Spotify", "setlistfm": "setlist.fm"}[self]


class BusyReason(StrEnum):
    """Why a source has to wait."""

    RATE = "rate"
    QUOTA = "quota"
    BREAKER = "breaker"


class SourceError(Exception):
    """{source} could not be asked."""

    def __init__(self, source: Source, *details: object) -> None:
        super().__init__(source, *details)
        self.source = Source(source)

    def __str__(self) -> str:
        template = type(self).__doc__ or type(self).__name__  # python -OO has no docstrings
        return template.format_map({**vars(self), "source": self.source.label})


class SourceBusy(SourceError):
    """{source} can take no question for {retry_after:.0f} s (limit: {reason}). Put the job off until then."""

    def __init__(self, source: Source, retry_after: float, reason: BusyReason = BusyReason.RATE) -> None:
        super().__init__(source, retry_after, reason)
        self.retry_after = retry_after
        self.reason = reason


class SourceUnavailable(SourceError):
    """{source} did not answer properly: {problem}. The job may be tried again later."""

    def __init__(self, source: Source, problem: str, is_passing: bool = True) -> None:
        """`is_passing`: asking again within seconds may help."""
        super().__init__(source, problem, is_passing)
        self.problem = problem
        self.is_passing = is_passing


class SourceRefused(SourceError):
    """{source} does not let us in: {problem}. Check {setting}, then run the job again."""

    def __init__(self, source: Source, problem: str, setting: str) -> None:
        super().__init__(source, problem, setting)
        self.problem = problem
        self.setting = setting


class SourceNotConfigured(SourceRefused):
    """{source} is not asked: {problem}. Set {setting} (in .env or the environment), then run the job again."""

    def __init__(self, source: Source, setting: str) -> None:
        super().__init__(source, f"{setting} is not set", setting)


class RecordNotFound(SourceError):
    """{source} has no such record. Check the id that was asked for."""


class BadRequest(SourceError):
    """{source} cannot take this question: {problem}. The same question will fail again."""

    def __init__(self, source: Source, problem: str) -> None:
        super().__init__(source, problem)
        self.problem = problem


class BadAnswer(SourceError):
    """{source} sent an answer that cannot be read: {field} {problem}. Has its format changed?"""

    def __init__(self, source: Source, field: str, problem: str) -> None:
        super().__init__(source, field, problem)
        self.field = field
        self.problem = problem
