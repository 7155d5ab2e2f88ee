"""The side bar: what the admin offers, by what people come for."""

from typing import Any

from django.http import HttpRequest

from mysetlist.desk.links import rows

# heading -> what it offers: title, icon, app and model
ROOMS = {
    "Trending": (
        ("Artists", "trending_up", "trending.artisttrend"),
        ("Shows", "local_activity", "trending.showtrend"),
        ("Changes", "show_chart", "trending.trendchange"),
    ),
    "Operations": (
        ("Alerts", "notifications", "monitoring.alert"),
        ("Runs", "history", "monitoring.cronlog"),
        ("Schedules", "schedule", "django_celery_beat.periodictask"),
        ("Queue", "stacks", "syncjobs.queuejob"),
        ("Queues", "traffic", "syncjobs.pausedqueue"),
        ("Sources", "travel_explore", "syncjobs.sourcestate"),
        ("Health", "ecg_heart", "monitoring.systemhealth"),
        ("Hourly figures", "schedule", "syncjobs.queuemetric"),
        ("Daily figures", "calendar_month", "monitoring.cronmetric"),
        ("Retention", "auto_delete", "monitoring.retention"),
    ),
    "Catalogue": (
        ("Artists", "artist", "catalog.artist"),
        ("Shows", "stadium", "catalog.show"),
        ("Venues", "location_on", "catalog.venue"),
        ("Songs", "music_note", "catalog.song"),
        ("Setlists", "queue_music", "catalog.setlist"),
    ),
    "Fans": (
        ("Votes", "how_to_vote", "catalog.vote"),
        ("Follows", "favorite", "catalog.follow"),
        ("People", "group", "catalog.user"),
        ("Groups", "shield_person", "auth.group"),
    ),
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The side bar: what this person may see."""
    return [
        {
            "title": heading,
            "separator": True,
            "items": [
                {"title": title, "icon": icon, "link": rows(model), "active": request.path.startswith(rows(model))}
                for title, icon, model in offers
                if request.user.has_perm("{}.view_{}".format(*model.split(".")))
            ],
        }
        for heading, offers in ROOMS.items()
    ]
