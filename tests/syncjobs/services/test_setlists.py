"""upsert_setlists: what was played, at which show, and how well it was predicted."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mysetlist.catalog.models import Activity, Artist, ArtistSong, Setlist, SetlistSong, Show, Song, Venue
from syncjobs.clients.records import ArtistRecord, PlayedSong, SetlistRecord, VenueRecord
from syncjobs.services.setlists import Written, upsert_setlists
from tests.factories import make_artist, make_setlist, make_show, make_song, make_venue
from tests.syncjobs.services.worlds import MBID, NOW, forget_activity, physical, played

pytestmark = pytest.mark.django_db

TABLES = (Artist, Venue, Show, Song, ArtistSong, Setlist, SetlistSong)
DAY = date(2026, 6, 20)


@pytest.fixture
def artist() -> Artist:
    return make_artist(name="Band", slug="band", mbid=MBID.format(1))


def sync(artist: Artist, *records: SetlistRecord, show: Show | None = None) -> Written:
    return upsert_setlists(artist=artist, records=records, now=NOW, show=show)


def show_on(artist: Artist, day: date = DAY, **values: object) -> Show:
    known = {"starts_at": None, "local_date": day, "status": "completed"}
    return make_show(artist, **{**known, **values})


def songs(setlist: Setlist | None = None) -> list[str]:
    places = (setlist or Setlist.objects.get(kind="actual")).setlist_songs.order_by("position")
    return list(places.values_list("song__title", flat=True))


def test_a_setlist_belongs_to_the_show_of_its_day_and_place(artist: Artist) -> None:
    venue = make_venue(name="Mercedes-Benz Arena", city="Berlin")
    show = show_on(artist, venue=venue)
    show_on(artist, DAY + timedelta(days=1), venue=venue)
    written = sync(artist, played("One", "Two"))
    setlist = Setlist.objects.get()
    assert (setlist.show, setlist.artist, setlist.kind) == (show, artist, "actual")
    assert setlist.url == "https://www.setlist.fm/setlist/1.html"
    assert (written.shows, written.created_shows, songs()) == ({show.pk}, 0, ["One", "Two"])


def test_a_guest_on_the_bill_has_a_setlist_at_the_same_show(artist: Artist) -> None:
    show = show_on(make_artist(), venue=make_venue(name="Arena"))
    other = Show.objects.get()
    other.billings.create(artist=artist, position=1)
    sync(artist, played("One"))
    assert Setlist.objects.get().show == show


def test_a_concert_that_nobody_listed_is_added(artist: Artist) -> None:
    show_on(artist, venue=make_venue(city="Paris", country="FR"))
    written = sync(artist, played("One"))
    show = Show.objects.exclude(venue__city="Paris").get()
    assert (show.name, show.slug, show.status, show.local_date) == (
        "Band at Arena",
        "band-berlin-2026-06-20",
        "completed",
        DAY,
    )
    assert (written.created_shows, list(show.billings.values_list("artist", flat=True))) == (1, [artist.pk])


def test_twice_writes_nothing(artist: Artist) -> None:
    records = [played("One", "Two / Three"), played("One", number=2, local_date=DAY - timedelta(days=3))]
    sync(artist, *records)
    forget_activity()
    before = physical(*TABLES)
    written = sync(artist, *records)
    assert physical(*TABLES) == before
    assert (written.tally.unchanged, written.tally.seen) == (2, 2)
    assert not Activity.objects.exists()


def test_another_version_replaces_the_songs(artist: Artist) -> None:
    sync(artist, played("One", "Two"))
    written = sync(artist, played("One", "Three", version_id="ffff"))
    assert (songs(), written.tally.updated, Show.objects.count()) == (["One", "Three"], 1, 1)


def test_the_same_version_is_not_read_again(artist: Artist) -> None:
    sync(artist, played("One"))
    sync(artist, played("Never read"))
    assert songs() == ["One"]


def test_another_version_with_the_same_songs_leaves_them(artist: Artist) -> None:
    sync(artist, played("One", "Two"))
    before = physical(SetlistSong)
    sync(artist, played("One", "Two", version_id="ffff"))
    assert physical(SetlistSong) == before
    assert Setlist.objects.get().version_id == "ffff"


def test_songs_are_found_among_the_artists_own_by_title(artist: Artist) -> None:
    song = make_song(artist, title="Don't Stop Me Now", spotify_id="0" * 22)
    make_song(make_artist(), title="Other")
    sync(artist, played("Don\u2019t stop me now!", "Other"))
    assert SetlistSong.objects.get(position=1).song == song
    assert Song.objects.count() == 3


def test_a_cover_is_the_originals_song_if_we_have_it(artist: Artist) -> None:
    original = make_artist(mbid=MBID.format(2))
    song = make_song(original, title="Hallelujah")
    cover = ArtistRecord(name="Leonard Cohen", mbid=MBID.format(2))
    sync(artist, played(PlayedSong(position=1, title="Hallelujah", cover_of=cover)))
    assert SetlistSong.objects.get().song == song
    assert ArtistSong.objects.filter(artist=artist, song=song).exists()


def test_a_cover_of_somebody_unknown_is_a_song_that_the_artist_plays(artist: Artist) -> None:
    cover = ArtistRecord(name="Leonard Cohen", mbid=MBID.format(2))
    sync(artist, played(PlayedSong(position=1, title="Hallelujah", cover_of=cover)))
    assert list(Song.objects.get().artists.all()) == [artist]


def test_tapes_and_unknown_songs_are_left_out_and_encores_kept(artist: Artist) -> None:
    sync(
        artist,
        played(
            PlayedSong(position=1, title="Intro music", is_tape=True),
            PlayedSong(position=2, title="One"),
            PlayedSong(position=3, title=None),
            PlayedSong(position=4, title="Two", encore=1),
        ),
    )
    assert list(SetlistSong.objects.order_by("position").values_list("position", "song__title", "encore")) == [
        (1, "One", None),
        (2, "Two", 1),
    ]


def test_a_medley_is_its_songs(artist: Artist) -> None:
    sync(artist, played("Painkiller / Breaking the Law", "AC/DC"))
    assert songs() == ["Painkiller", "Breaking the Law", "AC/DC"]


def test_a_song_may_be_called_like_a_medley(artist: Artist) -> None:
    make_song(artist, title="Then / Now")
    sync(artist, played("Then / Now"))
    assert songs() == ["Then / Now"]


@pytest.mark.parametrize(
    "stub",
    [
        played(),
        played(PlayedSong(position=1, title=None)),
        played(PlayedSong(position=1, title="From tape", is_tape=True)),
        played("One", local_date=NOW.date() + timedelta(days=1)),
    ],
)
def test_a_stub_is_left_out(artist: Artist, stub: SetlistRecord) -> None:
    assert sync(artist, stub).tally.skipped == 1
    assert not any(model.objects.exists() for model in (Setlist, Show))


def test_an_early_and_a_late_setlist_of_an_unlisted_day_share_a_show(artist: Artist) -> None:
    sync(artist, played("One"), played("Two", number=2))
    assert (Setlist.objects.count(), Show.objects.count()) == (2, 1)


def test_a_venue_is_found_though_setlistfm_has_no_id_of_it(artist: Artist) -> None:
    make_venue(name="Arena", city="Berlin", country="DE", ticketmaster_id="KovArena1")
    sync(artist, played("One"))
    assert Venue.objects.count() == 1


def test_a_show_in_another_country_is_another_show(artist: Artist) -> None:
    show_on(artist, venue=make_venue(name="Arena del Sur", city="Lima", country="PE"))
    sync(artist, played("One", venue=VenueRecord(name="Hall", city="Berlin", country="DE")))
    assert Show.objects.count() == 2


def test_what_is_known_is_not_asked_for_again(artist: Artist) -> None:
    show = show_on(artist, venue=make_venue(name="Arena"), setlist_next_try_at=NOW)
    sync(artist, played("One"), show=show)
    show.refresh_from_db()
    assert show.setlist_next_try_at is None


@pytest.mark.parametrize(
    ("predicted", "of_show", "accuracy"),
    [
        (["One", "Two"], ["One", "Two", "Three"], 100),
        (["One", "Two", "Three"], ["One"], 100),
        (["One", "Two", "Three"], ["One", "Two", "Four"], 67),
        (["One", "Two"], ["Three"], 0),
        (["One", "Two", "Three", "Four"], ["One", "One"], 100),
    ],
)
def test_a_prediction_gets_its_accuracy(
    artist: Artist, predicted: list[str], of_show: list[str], accuracy: int
) -> None:
    show = show_on(artist, venue=make_venue(name="Arena"))
    prediction = make_setlist(show)
    for position, title in enumerate(predicted, 1):
        prediction.setlist_songs.create(song=make_song(artist, title=title), position=position)
    sync(artist, played(*of_show))
    prediction.refresh_from_db()
    assert prediction.accuracy == accuracy
    before = physical(Setlist)
    sync(artist, played(*of_show))
    assert physical(Setlist) == before


def test_a_failure_half_way_leaves_nothing(artist: Artist) -> None:
    broken = replace(played("x" * 300, number=2), local_date=DAY - timedelta(days=1))
    with pytest.raises(Exception, match="too long"):
        sync(artist, played("One"), broken)
    assert not any(model.objects.exists() for model in (Setlist, Song, Show))


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_setlist_may_be_dated_a_day_off_in_the_same_place(artist: Artist, shift: int) -> None:
    show = show_on(artist, DAY + timedelta(days=shift), venue=make_venue(name="Arena"))
    sync(artist, played("One"))
    assert Setlist.objects.get().show == show


def test_two_nights_in_one_place_keep_a_setlist_each(artist: Artist) -> None:
    show_on(artist, venue=make_venue(name="Arena"))
    sync(artist, played("Two", number=2, local_date=DAY + timedelta(days=1)), played("One"))
    assert Show.objects.count() == 2
    assert set(Setlist.objects.values_list("show__local_date", flat=True)) == {DAY, DAY + timedelta(days=1)}


def test_a_day_off_in_another_place_is_another_show(artist: Artist) -> None:
    show_on(artist, DAY + timedelta(days=1), venue=make_venue(name="Elsewhere", city="Hamburg"))
    sync(artist, played("One"))
    assert Show.objects.count() == 2
