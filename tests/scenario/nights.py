"""What was played: at the listed shows, once they are over, and on earlier nights."""

from collections.abc import Mapping
from datetime import date, timedelta

from tests.scenario import ids
from tests.scenario.cast import Act
from tests.scenario.places import PLACES
from tests.scenario.world import Artist, Line, Played, Show, Song

MAIN_SET = 8
ENCORE = 3
STUB_EVERY = 4  # of the earlier nights, as in what was counted
SHIFTS = {"day_before": -1, "day_after": 1}


def night_of(
    show: Show, artist: Artist, songs: Mapping[str, tuple[Song, ...]], acts: Mapping[str, Act]
) -> Played | None:
    """Return what the artist plays at this show; None where setlist.fm will not know of it."""
    if show.twists & {"unknown", "cancelled", "postponed", "date_tba"}:
        return None
    shift = sum(days for word, days in SHIFTS.items() if word in show.twists)
    is_stub = "stub" in show.twists
    main, encores = ((), ()) if is_stub else _programme(acts[artist.name], songs[artist.name], show.ticketmaster_id)
    return Played(
        setlistfm_id=ids.hex8("night", artist.name, show.ticketmaster_id),
        artist=artist,
        place=show.place,
        day=show.day + timedelta(days=shift),
        sets=(main,) if main else (),
        encores=encores,
        tour="" if show.festival else show.name.partition(" - ")[2],
    )


def history_of(act: Act, artist: Artist, songs: Mapping[str, tuple[Song, ...]], begin: date) -> list[Played]:
    """Return earlier nights, which Ticketmaster no longer lists."""
    houses = sorted(PLACES)
    nights = []
    for number in range(act.history):
        is_stub = number % STUB_EVERY == STUB_EVERY - 1
        main, encores = ((), ()) if is_stub else _programme(act, songs[act.name], number)
        nights.append(
            Played(
                setlistfm_id=ids.hex8("history", act.name, number),
                artist=artist,
                place=PLACES[houses[number % len(houses)]],
                day=begin - timedelta(days=60 + 3 * number),
                sets=(main,) if main else (),
                encores=encores,
                tour="" if number % 3 == 0 else f"{act.albums[-2][5:]} Tour",
            )
        )
    return nights


def _programme(
    act: Act, songs: tuple[Song, ...], word: object
) -> tuple[tuple[Line, ...], tuple[tuple[Line, ...], ...]]:
    """Return a main set and encores: the artist's first songs nearly every night, the others now and then."""
    order = sorted(songs, key=lambda song: songs.index(song) + ids.between(0, 9, "order", act.name, word, song.title))
    titles = [song.title for song in order]
    main = [Line(title=title) for title in titles[:MAIN_SET]]
    main[0] = Line(title=main[0].title, note="with extended intro")
    main.insert(0, Line(title="Prelude from the Loudspeakers", is_tape=True))
    main.insert(4, Line(title=""))  # nobody knew it
    if len(titles) > MAIN_SET + ENCORE + 1:
        main.append(Line(title=f"{titles[-1]} / {titles[-2]}", note="medley"))
    for cover in act.covers[:1]:
        title, _, by = cover.partition(" by ")
        main.append(Line(title=title, cover_of=by))
    last = [Line(title=title) for title in titles[MAIN_SET : MAIN_SET + ENCORE]]
    for cover in act.covers[1:]:
        title, _, by = cover.partition(" by ")
        last.append(Line(title=title, cover_of=by, guest="A Guest"))
    return tuple(main), tuple(part for part in (tuple(last[:2]), tuple(last[2:])) if part)
