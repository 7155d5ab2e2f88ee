"""Health: can the sources be asked?"""

from datetime import datetime

from django.utils import timezone

from monitoring.checks import Degraded
from syncjobs.clients.errors import BusyReason, Source, SourceNotConfigured
from syncjobs.models import SourceState
from syncjobs.sources import client_for


def sources() -> str:
    """No source whose key we have is shut."""
    now = timezone.now()
    states = {state.name: state for state in SourceState.objects.all()}
    troubles, calm = [], []
    for source in Source:
        state = states.get(source)
        if state and state.is_shut(now):
            troubles.append(f"{source.label} is shut. {_why_shut(state, now)}")
        elif not has_key(source):
            calm.append(f"{source.label} has no key.")
        elif state is None or not (state.last_answered_at or state.recent_errors):
            calm.append(f"{source.label} was not asked yet.")
        elif state.blocked_reason == BusyReason.QUOTA and state.blocked_until and state.blocked_until > now:
            troubles.append(f"{source.label}'s quota is used up until {state.blocked_until:%Y-%m-%d %H:%M} UTC.")
        else:
            calm.append(f"{source.label} answers.")
    if troubles:
        raise Degraded(" ".join([*troubles, *calm]))
    return " ".join(calm)


def _why_shut(state: SourceState, now: datetime) -> str:
    if state.forced and state.forced_until and state.forced_until > now:
        reason = state.forced_reason.rstrip(".")
        return f"An operator forced its breaker open until {state.forced_until:%Y-%m-%d %H:%M} UTC: {reason}."
    return str(state.recent_errors[0]["problem"]) if state.recent_errors else "Its breaker is open."


def has_key(source: Source) -> bool:
    """Whether it can be asked at all."""
    try:
        client_for(source)
    except SourceNotConfigured:
        return False
    return True
