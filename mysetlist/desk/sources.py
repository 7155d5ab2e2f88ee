"""The sources on the desk: may they be asked, what is left of their day, how did they answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitoring.rules import clock
from mysetlist.charts import Part
from mysetlist.desk import links
from syncjobs.checks import has_key, says_failures
from syncjobs.clients.errors import Source
from syncjobs.models import SourceState
from syncjobs.policies import QUEUES
from syncjobs.sources import Share, limits_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    label: str
    url: str
    word: str  # closed, open, half open, forced …
    kind: str
    why: str
    per_day: int
    left: int
    resets_at: datetime | None
    spent: Sequence[Part]  # of the day's quota, by share
    spent_says: str
    last_answered_at: datetime | None
    latency_ms: float | None
    calls: str
    last_error: str
    queues: Sequence[tuple[str, str]]  # that ask it, and their addresses


def sources(now: datetime) -> list[Line]:
    """Every source we know, whether it was asked yet or not."""
    states = {state.name: state for state in SourceState.objects.all()}
    return [_line(source, states.get(source), now) for source in Source]


def _line(source: Source, state: SourceState | None, now: datetime) -> Line:
    word, kind, why = _breaker(source, state, now)
    per_day = limits_of(source)[1]
    is_over = state is None or state.quota_resets_at is None or state.quota_resets_at <= now
    used = 0 if state is None or is_over else state.quota_used
    spent = {} if state is None or is_over else state.spent
    parts = [
        Part(kind=f"share-{share}", share=spent.get(share, 0) / per_day, says=f"{share}: {spent[share]:,}")
        for share in Share
        if spent.get(share)
    ]
    return Line(
        label=source.label,
        url=links.row("syncjobs.sourcestate", source) if state else "",
        word=word,
        kind=kind,
        why=why,
        per_day=per_day,
        left=max(per_day - used, 0),
        resets_at=state.quota_resets_at if state and not is_over else None,
        spent=parts,
        spent_says=f"{used:,} of {per_day:,} spent" + "".join(f", {part.says}" for part in parts),
        last_answered_at=state.last_answered_at if state else None,
        latency_ms=state.latency_ms if state else None,
        calls=_calls(state),
        last_error=_error(state),
        queues=[
            (name, links.rows("syncjobs.queuejob", queue_name=name))
            for name, queue in QUEUES.items()
            if source in queue.sources
        ],
    )


def _breaker(source: Source, state: SourceState | None, now: datetime) -> tuple[str, str, str]:
    """The state of its breaker, its colour, and why."""
    if state and state.is_forced(now):
        assert state.forced_until
        kind = "bad" if state.forced == SourceState.Forced.OPEN else "warn"
        since = f" since {clock(state.forced_at, now)}" if state.forced_at else ""
        return (
            f"forced {state.forced}{since}",
            kind,
            f"{state.forced_reason}, until {clock(state.forced_until, now)} UTC",
        )
    if state and state.breaker != SourceState.Breaker.CLOSED:
        since = f" since {clock(state.opened_at, now)}" if state.opened_at else ""
        again = f"Asked again from {state.retry_at:%H:%M:%S} UTC on." if state.retry_at and state.retry_at > now else ""
        why = f"{says_failures(state)}." if state.failures else ""
        said = " ".join(filter(None, [why, again, _error(state)]))
        return f"{state.get_breaker_display().lower()}{since}", "bad", said
    if state and state.blocked_until and state.blocked_until > now:
        return f"blocked ({state.blocked_reason})", "warn", f"until {state.blocked_until:%Y-%m-%d %H:%M:%S} UTC"
    if not has_key(source):
        return "no key", "none", "It is left out until its key is set."
    return "closed", "good", "" if state else "It was not asked yet."


def _calls(state: SourceState | None) -> str:
    if state is None:
        return "none"
    counts = {
        "answered": state.answered_count,
        "busy": state.busy_count,
        "unavailable": state.unavailable_count,
        "refused": state.refused_count,
    }
    return ", ".join(f"{count:,} {word}" for word, count in counts.items() if count) or "none"


def _error(state: SourceState | None) -> str:
    if state is None or not state.recent_errors:
        return ""
    error = state.recent_errors[0]
    status = f" (status {error['status']})" if error["status"] else ""
    return f"{error['at'][:16].replace('T', ' ')} {error['problem']}{status}"
