"""Health: can the sources be asked?"""

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
        if not _has_key(source):
            calm.append(f"{source.label} has no key.")
        elif state and state.is_shut(now):
            last = state.recent_errors[0]["problem"] if state.recent_errors else "An operator forced it open."
            troubles.append(f"{source.label} is shut. {last}")
        elif state is None or not (state.last_answered_at or state.recent_errors):
            calm.append(f"{source.label} was not asked yet.")
        elif state.blocked_reason == BusyReason.QUOTA and state.blocked_until and state.blocked_until > now:
            troubles.append(f"{source.label}'s quota is used up until {state.blocked_until:%Y-%m-%d %H:%M} UTC.")
        else:
            calm.append(f"{source.label} answers.")
    if troubles:
        raise Degraded(" ".join([*troubles, *calm]))
    return " ".join(calm)


def _has_key(source: Source) -> bool:
    try:
        client_for(source)
    except SourceNotConfigured:
        return False
    return True
