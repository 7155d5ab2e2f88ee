"""The whole scenario by commands alone, without worker, relay or scheduler: all of it, once, whatever goes wrong."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from mysetlist.catalog.models import Artist, Setlist, Show, Song
from syncjobs import running, sources
from syncjobs.clients import http
from syncjobs.clients.errors import Source
from syncjobs.clients.http import Limits
from syncjobs.clients.songs import song_key
from syncjobs.models import QueueJob
from syncjobs.planners.shows import predict_missing
from tests.scenario import world as scenario
from tests.standin.faults import Fault, Kind
from tests.standin.outside import Outside

WINDOW = timedelta(days=30)
GONE_WRONG = (
    Fault(kind=Kind.ERROR, chance=0.10),
    Fault(kind=Kind.WAIT, chance=0.05, seconds=1),
    Fault(kind=Kind.SILENT, chance=0.02, seconds=1),
)


def command(job: str, *arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(job, "--json", *arguments, stdout=out, stderr=StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def pass_time(world: Outside, seconds: float) -> None:
    """A wait for a source, for its clock and for ours alike, without the waiting."""
    world.pass_time(seconds)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE source_state SET blocked_until = blocked_until - make_interval(secs => %(s)s),"
            " next_at = next_at - make_interval(secs => %(s)s)",
            {"s": seconds},
        )


def coming(world: Outside) -> list[scenario.Show]:
    """The shows that Ticketmaster lists."""
    return [show for show in world.world.shows if show.day >= world.today]


def met(world: Outside) -> set[str]:
    """Who is on a bill of the next month."""
    soon = [
        show for show in coming(world) if show.starts_at < datetime.now(UTC) + WINDOW and "date_tba" not in show.twists
    ]
    return {artist.name for show in soon for artist in show.bill}


def assert_all_is_there_once(world: Outside) -> None:
    names = met(world)
    assert len(names) >= 18
    assert sorted(Artist.objects.values_list("name", flat=True)) == sorted(names)
    for name in names:
        known, artist = world.world.artists[name], Artist.objects.get(name=name)
        assert (artist.ticketmaster_id, artist.spotify_id, str(artist.mbid)) == (
            known.ticketmaster_id,
            known.spotify_id,
            known.mbid,
        )
        keys = Counter(
            song_key(title)
            for title in Song.objects.filter(artistsong__artist=artist, spotify_id__isnull=False).values_list(
                "title", flat=True
            )
        )
        assert keys == Counter(song_key(title) for title in world.world.titles(name)), name
    listed = {show.ticketmaster_id: (show.name, show.day, show.twists) for show in coming(world)}
    stored = list(Show.objects.filter(ticketmaster_id__isnull=False).values_list("ticketmaster_id", flat=True))
    assert {key: show for key, show in listed.items() if key not in stored} == {}
    assert sorted(stored) == sorted(listed)
    assert predict_missing(now=datetime.now(UTC), limit=1000) == 0
    assert_every_setlist_is_there_once(world, names)


def assert_every_setlist_is_there_once(world: Outside, names: set[str]) -> None:
    stored = Setlist.objects.filter(kind="actual").values_list("setlistfm_id", flat=True)
    played = [p for name in names for p in world.world.setlists_of(name) if p.sets and p.day <= world.today]
    assert sorted(filter(None, stored)) == sorted(p.setlistfm_id for p in played)
    nights = Counter((p.artist.name, p.day, p.place.key) for p in played)
    assert Show.objects.filter(ticketmaster_id=None).count() <= len(nights)


def necessary(world: Outside) -> dict[Source, int]:
    """The calls without which it cannot be done: each page of each answer once."""
    names = met(world)
    spotify = 1  # the token
    setlistfm = 0
    for name in names:
        releases = world.world.releases[name]
        spotify += 1 + -(-len(releases) // 10) + sum(-(-len(release.tracks) // 50) for release in releases)
        setlistfm += max(-(-sum(p.day <= world.today for p in world.world.setlists_of(name)) // 20), 1)
        setlistfm += "musicbrainz" not in world.world.artists[name].links
    return {Source.TICKETMASTER: 8 + len(names), Source.SPOTIFY: spotify, Source.SETLISTFM: setlistfm}


def test_without_faults_nothing_is_asked_for_that_is_not_needed(world: Outside) -> None:
    answer = command("master_sync")
    assert answer["status"] == "success", answer
    assert not QueueJob.objects.exclude(status="completed").exists()
    assert_all_is_there_once(world)
    assert world.log.repeated() == {}
    asked = {source: len(world.log.of(source)) for source in Source}
    needed = necessary(world)
    assert all(asked[source] <= 1.1 * needed[source] for source in Source), (asked, needed)
    again = command("master_sync")
    assert (again["result"]["created"], again["result"]["updated"], again["result"]["imports"]) == (0, 0, 0)


def test_with_faults_all_of_it_still_arrives_once(world: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Limits.__init__.__kwdefaults__, "read_seconds", 0.3)
    monkeypatch.setattr(http, "FIRST_BACKOFF_SECONDS", 0.02)
    monkeypatch.setattr(http, "JITTER_SECONDS", 0.02)
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(sources.gate, "pause", lambda seconds: pass_time(world, seconds))
    world.fails(*GONE_WRONG, seed=5)
    command("master_sync")
    assert {call.fault for call in world.log.calls} >= {"error", "wait", "silent"}
    assert world.log.early() == []
    assert_all_is_there_once(world)
    assert len(world.log.calls) <= 1.35 * sum(necessary(world).values())
