"""How all is, on the desk: who lives, which part is unwell, what is wrong and because of what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.models import Alert
from monitoring.report import Part, report
from mysetlist.desk import links

OVER_SHOWN = 5
OVER_FOR = timedelta(days=1)
KINDS = {"pass": "good", "warn": "warn", "fail": "bad"}
TELLING = frozenset({"trending", "schedules", "sources", "shows", "artists"})
LABELS = {"pass": "well", "warn": "not quite well", "fail": "down"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A part, or a process, and what is said of it."""

    name: str
    word: str
    kind: str
    part: Part

    @property
    def is_telling(self) -> bool:
        """Worth reading even when all is well."""
        return self.name in TELLING


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    word: str
    kind: str
    output: str
    processes: Sequence[Word]
    unwell: Sequence[Word]  # the other parts
    well: Sequence[Word]
    is_checked: bool


def health(now: datetime) -> Health:
    """The same words as /api/health/ has."""
    told = report(now=now)
    words = [
        Word(name=name, word=LABELS[part.status], kind="none" if part.is_replaced else KINDS[part.status], part=part)
        for name, (part,) in told.checks.items()
    ]
    return Health(
        word=LABELS[told.status],
        kind=KINDS[told.status],
        output=told.output,
        processes=[word for word in words if word.part.is_process],
        unwell=[word for word in words if not word.part.is_process and word.kind != "good"],
        well=[word for word in words if not word.part.is_process and word.kind == "good"],
        is_checked=bool(told.checks),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    live: Sequence[tuple[Alert, str]]  # with their addresses; open ones first, then by weight
    over: Sequence[tuple[Alert, str]]  # within a day, the newest first
    open_count: int


def alerts(now: datetime) -> Alerts:
    live = list(Alert.objects.filter(state__in=Alert.LIVE).select_related("cause"))
    live.sort(key=_weight)
    over = Alert.objects.filter(state=Alert.State.RESOLVED, resolved_at__gt=now - OVER_FOR).order_by("-opened_at")
    return Alerts(
        live=[(alert, links.row("monitoring.alert", alert.pk)) for alert in live],
        over=[(alert, links.row("monitoring.alert", alert.pk)) for alert in over[:OVER_SHOWN]],
        open_count=sum(alert.state == Alert.State.OPEN for alert in live),
    )


def _weight(alert: Alert) -> tuple[bool, bool, bool, bool, float]:
    return (
        alert.state != Alert.State.OPEN,
        alert.cause_id is not None,  # an effect stands behind its cause
        alert.severity == Alert.Severity.NOTICE,
        alert.severity != Alert.Severity.CRITICAL,
        -alert.opened_at.timestamp(),
    )
