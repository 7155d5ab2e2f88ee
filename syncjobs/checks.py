"""Health: can the sources be asked, and is what we have of them fresh?"""

from datetime import datetime, timedelta

from django.db.models import Max, Min
from django.utils import timezone

from monitoring.checks import Degraded
from monitoring.rules import clock
from mysetlist.catalog.models import Artist, Billing
from syncjobs.clients.errors import BusyReason, Source, SourceNotConfigured
from syncjobs.models import SourceState
from syncjobs.sources import client_for

# Of active artists (a show within 90 days), whose shows are synced every six hours while the day's calls last.
SHOWS_OLD_AFTER = timedelta(days=2)  # not even one was
ARTIST_OLD_AFTER = timedelta(days=7)  # one was left behind
ACTIVE_WITHIN = timedelta(days=90)
KINDS_TOLD = 3  # of failures of a source


def sources() -> str:
    """No source whose key we have is shut."""
    now = timezone.now()
    states = {state.name: state for state in SourceState.objects.all()}
    troubles, calm = [], []
    for source in Source:
        state = states.get(source)
        if state and state.is_shut(now):
            troubles.append(f"{says_shut(source, state, now)}.")
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


def says_shut(source: Source, state: SourceState, now: datetime) -> str:
    """A shut breaker in one clause, the same on the desk, in health and in alerts: since when, and why."""
    since = state.shut_since(now)
    says = f"{source.label}'s breaker is open" + (f" since {clock(since, now)}" if since else "")
    why = f"forced: {state.forced_reason.rstrip('.')}" if state.is_forced(now) else says_failures(state)
    return f"{says}, {why}" if why else says


def says_failures(state: SourceState) -> str:
    """Of what it opened, and what failed since: HTTP 503 × 37, the most frequent first."""
    kinds = sorted(state.failures.items(), key=lambda kind: -kind[1])
    listed = [f"{problem.rstrip('.')} × {count}" for problem, count in kinds[:KINDS_TOLD]]
    return ", ".join([*listed, "and others"] if len(kinds) > KINDS_TOLD else listed)


def has_key(source: Source) -> bool:
    """Whether it can be asked at all."""
    try:
        client_for(source)
    except SourceNotConfigured:
        return False
    return True


def shows() -> str:
    """Shows come in: somebody's were synced lately."""
    if not has_key(Source.TICKETMASTER):
        return "Ticketmaster has no key: no shows come in."
    newest = Artist.objects.aggregate(at=Max("shows_synced_at"))["at"]
    if newest is None:
        return "No shows were synced yet."
    says = f"Shows were last synced at {newest:%Y-%m-%d %H:%M} UTC."
    if newest < timezone.now() - SHOWS_OLD_AFTER:
        raise Degraded(f"{says} Look at the runs of update_active_artists and master_sync, and at Ticketmaster.")
    return says


def artists() -> str:
    """No active artist is left behind. Those never synced are sync_artist_data's to find."""
    if not has_key(Source.TICKETMASTER):
        return "Ticketmaster has no key: artists are not synced."
    now = timezone.now()
    active = Billing.objects.filter(show__start__range=(now, now + ACTIVE_WITHIN)).values("artist")
    oldest = Artist.objects.filter(pk__in=active).aggregate(at=Min("shows_synced_at"))["at"]
    if oldest is None:
        return "No active artist was synced yet."
    says = f"The shows of every active artist were synced since {oldest:%Y-%m-%d %H:%M} UTC."
    if oldest < now - ARTIST_OLD_AFTER:
        raise Degraded(f"{says} Look at the runs of update_active_artists, and at Ticketmaster's quota.")
    return says
