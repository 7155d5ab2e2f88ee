"""How the desk says times."""

from datetime import datetime, timedelta

from django.template import Library

from monitoring.rules import duration

register = Library()


@register.filter
def until(since: datetime, now: datetime) -> str:
    """How long from one moment to another: 12 s, 5 min, 2 h 3 min, 4 d 5 h."""
    span = max(now - since, timedelta(0))
    return f"{round(span.total_seconds())} s" if span < timedelta(minutes=1) else duration(span)
