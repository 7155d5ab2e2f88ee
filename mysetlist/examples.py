"""An example of every answer, for the OpenAPI document. A test holds each against its schema."""

from typing import Any

Example = dict[str, Any]


def _problem(status: int, title: str, detail: str, code: str, **more: Any) -> Example:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, **more}


PROBLEMS: dict[int, Example] = {
    400: _problem(
        *(400, "Bad Request", "Bad parameters: limit, colour.", "invalid"),
        errors=[
            {"name": "limit", "detail": "Ensure this value is less than or equal to 100."},
            {
                "name": "colour",
                "detail": "There is no such parameter here; known: limit, cursor, genre, country, city.",
            },
        ],
    ),
    401: _problem(401, "Unauthorized", "Authentication credentials were not provided.", "not_authenticated"),
    403: _problem(403, "Forbidden", "CSRF Failed: CSRF token missing.", "permission_denied"),
    404: _problem(404, "Not Found", "There is nothing at this address.", "not_found"),
    406: _problem(406, "Not Acceptable", "Could not satisfy the request Accept header.", "not_acceptable"),
    409: _problem(409, "Conflict", "This show has started: votes are no longer accepted.", "show_started"),
    413: _problem(413, "Request Entity Too Large", "The body is too large: at most 65,536 bytes.", "too_large"),
    415: _problem(
        415, "Unsupported Media Type", 'Unsupported media type "text/xml" in request.', "unsupported_media_type"
    ),
    429: _problem(429, "Too Many Requests", "Request was throttled. Expected available in 12 seconds.", "throttled"),
    500: _problem(500, "Internal Server Error", "Something went wrong here. It has been noted.", "error"),
    503: _problem(503, "Service Unavailable", "The service cannot answer right now; try again shortly.", "unavailable"),
}

EDITION: Example = {
    "version": 7,
    "as_of": "2026-11-24T07:00:00Z",
    "refreshed_at": "2026-11-24T07:40:03.512345Z",
    "next_refresh_at": "2026-11-24T07:45:03.512345Z",
    "stale": False,
    "formula_version": 1,
}
ARTIST: Example = {"id": 808, "slug": "madonna", "name": "Madonna"}
SHOW: Example = {"id": 2876, "slug": "madonna-hollywood-2026-12-29", "name": "Madonna"}

# factor: label, count, effective, weight, units, points, share, note
_MADE_OF: dict[str, tuple[Any, ...]] = {
    "recent_votes": ("Votes", 34, 20.25, 15.0, 1592524800, 303.75, 0.6275, "34 votes in 21 days"),
    "active_users": ("Fans", 9, 6.5, 10.0, 340787200, 65.0, 0.1343, "9 fans voted in 21 days"),
    "upcoming_shows": ("Upcoming shows", 3, 3.0, 8.0, 125829120, 24.0, 0.0496, "3 upcoming shows"),
    "recent_shows": ("Recent shows", 4, 4.0, 5.0, 104857600, 20.0, 0.0413, "4 shows in the last 30 days"),
    "followers": ("Followers", 180, 180.0, 0.1, 94371840, 18.0, 0.0372, "180 followers here"),
    "popularity": ("Popularity", 78, 78.0, 0.5, 204472320, 39.0, 0.0806, "78 of 100 on Spotify"),
    "engagement_ratio": ("Engagement", None, 2.7, 3.0, 42467328, 8.1, 0.0167, "2.70 votes per fan"),
    "recency_boost": ("Recency", None, 0.3125, 20.0, 32768000, 6.25, 0.0129, "the latest vote weighs 0.31"),
}
_FACTORS: Example = {
    name: {"count": line[1], "effective": line[2], "points": line[5]} for name, line in _MADE_OF.items()
}
_PLACE: Example = {"rank": 12, "position": 1, "score": 484.1}
_DRESSED: Example = {**ARTIST, "image_url": "https://example.org/madonna.jpg", "genres": ["dance pop"]}
_VENUE: Example = {"name": "Catalina Jazz Club", "city": "Hollywood", "region": "California", "country": "US"}
_DATED: Example = {
    **SHOW,
    "start": "2026-12-30T02:30:00Z",
    "local_date": "2026-12-29",
    "status": "upcoming",
    "venue": _VENUE,
}
_LIST: Example = {
    **EDITION,
    "refreshed": False,
    "next": "/api/trending/artists/?limit=1&cursor=bi43LjI1MzgwNzgyMDguODA4LjEuOTcyZmEzZDY",
    "previous": None,
}

TRENDING_ARTISTS: Example = {**_LIST, "results": [{**_PLACE, "artist": _DRESSED, "factors": _FACTORS}]}
TRENDING_SHOWS: Example = {
    **_LIST,
    "next": None,
    "results": [{**_PLACE, "show": _DATED, "artist": _DRESSED, "factors": _FACTORS}],
}
_TREND: Example = {
    **EDITION,
    "rank": 12,
    "score": 484.1,
    "raw_units": 2538078208,
    "raw_points": 484.1,
    "baseline_score": 470.25,
    "changed_at": "2026-11-24T07:40:03.512345Z",
    "summary": "34 votes by 9 fans in 21 days",
    "factors": [
        dict(
            zip(
                ("factor", "label", "count", "effective", "weight", "units", "points", "share", "note"),
                (name, *line),
                strict=True,
            )
        )
        for name, line in _MADE_OF.items()
    ],
}
ARTIST_TREND: Example = {**_TREND, "artist": ARTIST}
SHOW_TREND: Example = {**_TREND, "show": SHOW}
_HISTORY: Example = {
    **EDITION,
    "next": None,
    "results": [
        {
            "id": 5123,
            "as_of": "2026-11-24T07:00:00Z",
            "changed_at": "2026-11-24T07:05:02.101112Z",
            "old_score": 441.5,
            "new_score": 470.25,
            "rank": 12,
            "mostly": "Votes +24.31",
        }
    ],
}
ARTIST_HISTORY: Example = {**_HISTORY, "artist": ARTIST}
SHOW_HISTORY: Example = {**_HISTORY, "show": SHOW}

VOTE: Example = {
    "id": 990,
    "setlist_song": 44021,
    "show": 2876,
    "artist": 808,
    "created_at": "2026-11-24T07:41:00.000001Z",
    "counted": True,
}
FOLLOW: Example = {"artist": "madonna", "following": True}
HEALTH: Example = {"status": "pass"}
HEALTH_REPORT: Example = {
    "status": "warn",
    "output": "Not well: trending.",
    "checks": {
        "trending": [
            {
                "status": "warn",
                "output": "The scores are 21 minutes old. Is calculate_trending scheduled and running?",
                "observedValue": 1.2,
                "observedUnit": "ms",
                "time": "2026-11-24T07:41:00Z",
                "since": "2026-11-24T07:35:00Z",
                "last_good_at": "2026-11-24T07:34:00Z",
            }
        ]
    },
}

RUN: Example = {
    "id": 4711,
    "url": "/api/cron/runs/4711/",
    "job": "calculate_trending",
    "status": "success",
    "trigger": "http",
    "asked_by": "token railway",
    "schedule": "calculate_trending",
    "slot": "2026-11-24T07:40:00Z",
    "started_at": "2026-11-24T07:40:01.200300Z",
    "finished_at": "2026-11-24T07:40:03.512345Z",
    "duration_ms": 2312,
    "result": {"version": 7, "artists_scored": 10000, "artists_updated": 312},
    "error": "",
}
QUEUED_RUN: Example = {
    **RUN,
    "status": "queued",
    "finished_at": None,
    "duration_ms": None,
    "result": None,
    "notice": "No worker is alive: the run waits in the queue until one is.",
}
OVERLAP: Example = {
    **_problem(409, "Conflict", "calculate_trending is already under way; this call was skipped.", "already_running"),
    "run": "/api/cron/runs/4711/",
    "skipped": "/api/cron/runs/4712/",
}

JOB: Example = {
    "id": 9021,
    "job": "import_artist",
    "queue": "artist_import",
    "arguments": {"name": "Madonna"},
    "status": "active",
    "priority": 5,
    "phase": "importing-shows",
    "percent": 60,
    "message": "48 listings",
    "attempts": 1,
    "max_attempts": 3,
    "run_at": "2026-11-24T07:41:00Z",
    "created_at": "2026-11-24T07:41:00Z",
    "started_at": "2026-11-24T07:41:00.120300Z",
    "finished_at": None,
    "result": None,
    "error": "",
    "url": "/api/jobs/9021/",
    "events": "/api/jobs/9021/events/",
    "run": None,
    "parent": None,
    "children": {"total": 0, "live": 0, "cancelled": 0, "completed": 0, "dead": 0, "failed": 0},
}
QUEUED_JOB: Example = {
    **JOB,
    "status": "pending",
    "phase": "",
    "percent": 0,
    "message": "",
    "attempts": 0,
    "started_at": None,
    "notice": "No worker is alive: the job waits in the queue until one is.",
}
JOB_EVENT: Example = {
    "seq": 50412,
    "kind": "progress",
    "phase": "importing-shows",
    "percent": 60,
    "message": "48 listings",
    "attempt": 1,
    "worker": "worker-1:4021",
    "error": "",
    "at": "2026-11-24T07:41:02.512345+00:00",
}
