"""import_artist: everything of one artist, in phases that a crash resumes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.utils import timezone

from mysetlist.catalog.models import Artist
from syncjobs.clients.errors import Source
from syncjobs.clients.records import ArtistRecord, Page
from syncjobs.imports.course import Course, Step
from syncjobs.imports.discography import Discography
from syncjobs.imports.finding import Asked, find_artist
from syncjobs.imports.identifiers import Choice, pick
from syncjobs.imports.namesakes import as_state, decide, from_state, players, telling_titles, unsure
from syncjobs.imports.outside import Outside
from syncjobs.progress import Counts, Work
from syncjobs.services.artists import fill_artist
from syncjobs.services.predictions import predict_setlists
from syncjobs.services.setlists import upsert_setlists
from syncjobs.services.shows import upsert_shows
from syncjobs.services.songs import upsert_songs
from syncjobs.services.writing import stamp
from syncjobs.sources import Share, spending

Take = Callable[[Course, Step], None]

SETLIST_PAGES = 2  # at once; the earlier ones come later


def import_artist(
    work: Work,
    *,
    artist: int | None = None,
    ticketmaster_id: str | None = None,
    mbid: str | None = None,
    spotify_id: str | None = None,
    name: str | None = None,
    is_listed: bool = False,
    share: str = Share.OPERATORS,
) -> Counts:
    """Bring in an artist: identifiers, shows, songs, played and predicted setlists.

    `is_listed`: Ticketmaster told of the artist just now, so it is not asked who that is. A source
    that is missing, refuses or is down costs its own part alone: the result says which and why.
    `share`: whose calls these are.
    """
    asked = Asked(artist=artist, ticketmaster_id=ticketmaster_id, mbid=mbid, spotify_id=spotify_id, name=name)
    course = Course(work, Outside(), timezone.now(), is_listed=is_listed, share=share)
    with spending(Share(share)):
        _find(course, asked)
        return course.follow(STEPS)


def _find(course: Course, asked: Asked) -> None:
    if known := course.work.state.get("artist"):
        course.artist = Artist.objects.get(pk=known)
        return
    found = find_artist(asked, course.outside)
    told = {"told": found.source} if found.source else {}  # a retry finds the row, and asks nobody
    with course.work.checkpoint("initializing", 0, "Looking the artist up", **told):
        course.artist = found.row()
    with course.work.checkpoint("initializing", 5, course.artist.name, artist=course.artist.pk):
        pass


def _ticketmaster(course: Course, step: Step) -> None:
    """Ask who this is, unless Ticketmaster has told us already or there is nothing left to learn."""
    artist, client = course.artist, course.outside.ticketmaster
    record = None
    if artist.ticketmaster_id is None:
        record = _pick(course, Source.TICKETMASTER, client.search_artists(artist.name)).record
    elif not (_is_told(course, Source.TICKETMASTER) or (artist.mbid and artist.spotify_id)):
        record = client.artist(artist.ticketmaster_id)
    _fill(course, step, record)


def _spotify(course: Course, step: Step) -> None:
    """The numbers and the image; by name if no link says who it is."""
    artist, client = course.artist, course.outside.spotify
    choice = Choice()
    if artist.spotify_id is None:
        choice = _pick(course, Source.SPOTIFY, client.search_artists(artist.name))
    elif not _is_told(course, Source.SPOTIFY):
        choice = Choice(record=client.artist(artist.spotify_id))
    _fill(course, step, choice.record, namesakes=as_state(choice.namesakes))


def _setlistfm(course: Course, step: Step) -> None:
    """The MusicBrainz id, by name, if nobody has linked to it."""
    record = None
    if course.artist.mbid is None:
        record = _pick(course, Source.SETLISTFM, course.outside.setlistfm.search_artists(course.artist.name)).record
    _fill(course, step, record)


def _is_told(course: Course, source: Source) -> bool:
    listed = course.is_listed and source is Source.TICKETMASTER
    return listed or course.work.state.get("told") == source


def _pick(course: Course, source: Source, found: Page[ArtistRecord]) -> Choice:
    """Whom we take of those found. Spotify's namesakes are looked at again once we know what is played."""
    choice = pick(course.artist, found.items)
    if choice.record:
        course.notes.append(f"{source.label}: found by {choice.reason}.")
    elif not choice.namesakes:
        course.notes.append(f"{source.label}: {choice.reason}.")
    elif source is not Source.SPOTIFY:
        course.notes.append(unsure(source, course.artist.name, choice.namesakes))
    return choice


def _fill(course: Course, step: Step, record: ArtistRecord | None, **state: Any) -> None:
    with course.write(step, course.artist.name, **state):
        if record:
            course.count("identifiers", fill_artist(artist_id=course.artist.pk, record=record))


def _namesakes(course: Course, step: Step) -> None:
    """Whom of Spotify's namesakes: who has recorded what the artist plays. Costs nothing where there are none."""
    namesakes = from_state(course.work.state.get("namesakes", ()))
    if not namesakes or course.artist.spotify_id:
        course.done.append(step.name)
        return
    if course.artist.mbid and PLAYED.name not in course.done:  # now, then, for its titles
        course.attempt(replace(PLAYED, phase=step.phase, percent=step.percent))
    told: dict[str, list[str]] = dict(course.work.state.get("told_titles", {}))
    for title in telling_titles(course.artist):
        if title not in told:
            found = course.outside.spotify.search_tracks(title, course.artist.name)
            told[title] = players(title, found.items, namesakes)
            with course.work.checkpoint(step.phase, step.percent, title, told_titles=told):
                pass
    record = decide(namesakes, told)
    course.notes.append(
        f"Spotify: found by what is played, among {len(namesakes)} of its name."
        if record
        else unsure(Source.SPOTIFY, course.artist.name, namesakes)
    )
    _fill(course, step, record)


def _shows(course: Course, step: Step) -> None:
    """Page by page, each written at once."""
    artist = course.artist
    if artist.ticketmaster_id is None:
        course.skip(step, "there is no Ticketmaster id.")
        return
    page: int | None = course.work.state.get("shows_page", 0)
    while page is not None:
        listed = course.outside.ticketmaster.shows_of_artist(artist.ticketmaster_id, page=page)
        page = listed.next
        with course.write(step, f"{listed.total} listings", is_done=page is None, shows_page=page):
            synced = upsert_shows(records=listed.items, now=course.now, asked=artist.ticketmaster_id)
            course.count("shows", synced.shows, listed.rejected)
            if page is None:
                stamp(artist.pk, "shows", now=course.now)


def _songs(course: Course, step: Step) -> None:
    """The releases call by call; written as one, since only all of them show which take is the song's."""
    artist = course.artist
    if artist.spotify_id is None:
        course.skip(step, "there is no Spotify id.")
        return
    discography = Discography(artist.spotify_id, course.work.state.get("discography"))

    def remember() -> None:
        percent = step.percent - round(25 * (1 - discography.share))
        with course.work.checkpoint(step.phase, percent, discography.told, discography=discography.state):
            pass

    tracks = discography.fetch(course.outside.spotify, remember)
    with course.write(step, f"{len(tracks)} recordings", discography=None):
        course.count("songs", upsert_songs(artist_id=artist.pk, tracks=tracks))
        stamp(artist.pk, "songs", now=course.now)


def _played(course: Course, step: Step) -> None:
    """The newest setlists now; the earlier ones are put into the queue."""
    artist = course.artist
    if artist.mbid is None:
        course.skip(step, "there is no MusicBrainz id, the key to setlist.fm.")
        return
    page: int | None = course.work.state.get("setlists_page", 1)
    while page is not None and page <= SETLIST_PAGES:
        listed = course.outside.setlistfm.setlists_of_artist(str(artist.mbid), page=page)
        page = listed.next
        is_done = page is None or page > SETLIST_PAGES
        with course.write(step, f"{listed.total} setlists", is_done=is_done, setlists_page=page):
            written = upsert_setlists(artist=artist, records=listed.items, now=course.now)
            course.count("setlists", written.tally, listed.rejected)
            if page is None:
                stamp(artist.pk, "setlists", now=course.now)
            elif is_done:
                course.put_off("sync_setlists", page=page)
                course.notes.append(f"{listed.total} setlists; from page {page} on they come later, at low priority.")


def _predictions(course: Course, step: Step) -> None:
    """One for each upcoming show, from what is played and what is popular."""
    with course.write(step, "Predicting setlists"):
        course.count("predictions", predict_setlists(artist=course.artist, now=course.now))


def _resolved(course: Course, step: Step) -> None:
    """Remember that the sources were asked who this is, unless one could not answer."""
    with course.write(step, course.artist.name):
        if not course.is_unresolved:
            stamp(course.artist.pk, "profile", now=course.now)


def _step(name: str, phase: str, percent: int, what: str, take: Take, later: str | None = None) -> Step:
    return Step(name=name, phase=phase, percent=percent, what=what, take=take, later=later)


PLAYED = _step("played", "creating-setlists", 94, "Played setlists", _played, "sync_setlists")
STEPS = (
    _step("ticketmaster", "syncing-identifiers", 8, "Identifiers at Ticketmaster", _ticketmaster),
    _step("spotify", "syncing-identifiers", 12, "Identifiers at Spotify", _spotify),
    _step("setlistfm", "syncing-identifiers", 16, "Identifiers at setlist.fm", _setlistfm),
    _step("shows", "importing-shows", 60, "Shows", _shows, "sync_ticketmaster_artist"),
    _step("namesakes", "importing-shows", 62, "Namesakes at Spotify", _namesakes),
    _step("resolved", "importing-shows", 64, "Identifiers", _resolved),
    _step("songs", "importing-songs", 90, "Songs", _songs, "sync_spotify_artist"),
    PLAYED,
    _step("predictions", "creating-setlists", 99, "Predicted setlists", _predictions),
)
LATER = tuple(step.later for step in STEPS if step.later)  # what an import may leave in the queue
