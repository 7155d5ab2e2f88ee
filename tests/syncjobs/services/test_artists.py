"""upsert_artists: by external id, then by exact name; nothing is written twice."""

from dataclasses import replace

import pytest

from mysetlist.catalog.models import Activity, Artist
from syncjobs.clients.records import ArtistRecord
from syncjobs.services.artists import is_performer, upsert_artists
from tests.factories import make_artist
from tests.syncjobs.services.worlds import MBID, attraction, forget_activity, physical, spotify_id

pytestmark = pytest.mark.django_db

FULL = attraction(
    1,
    "Halsey",
    mbid=MBID.format(1),
    spotify_id=spotify_id(1),
    genres=("Pop",),
    image_url="https://s1.ticketm.net/a.jpg",
)


def test_a_new_artist_has_all_that_the_record_says() -> None:
    (artist,), tally = upsert_artists(records=[FULL])
    artist.refresh_from_db()
    assert (artist.name, artist.slug, artist.ticketmaster_id, str(artist.mbid)) == (
        "Halsey",
        "halsey",
        FULL.ticketmaster_id,
        FULL.mbid,
    )
    assert (artist.genres, artist.image_url) == (["Pop"], "https://s1.ticketm.net/a.jpg")
    assert tally.counts() == {"seen": 1, "created": 1, "updated": 0, "unchanged": 0, "failed": 0, "skipped": 0}


def test_twice_writes_nothing() -> None:
    records = [FULL, attraction(2), attraction(3)]
    upsert_artists(records=records)
    forget_activity()
    before = physical(Artist)
    _, tally = upsert_artists(records=records)
    assert physical(Artist) == before
    assert tally.unchanged == 3
    assert not Activity.objects.exists()


def test_only_the_changed_row_is_rewritten() -> None:
    upsert_artists(records=[FULL, attraction(2)])
    before = physical(Artist)["Artist"]
    _, tally = upsert_artists(records=[replace(FULL, popularity=71), attraction(2)])
    after = physical(Artist)["Artist"]
    assert (tally.updated, tally.unchanged) == (1, 1)
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]


@pytest.mark.parametrize("key", ["ticketmaster_id", "spotify_id", "mbid"])
def test_each_external_id_finds_the_row_whatever_its_name(key: str) -> None:
    artist = make_artist(name="Dethklok", **{key: getattr(FULL, key)})
    (found,), tally = upsert_artists(records=[replace(FULL, name="Metalocalypse: Dethklok")])
    assert found == artist
    artist.refresh_from_db()
    assert (artist.name, artist.ticketmaster_id, tally.updated) == ("Dethklok", FULL.ticketmaster_id, 1)


def test_an_exact_name_finds_the_row_that_no_id_contradicts() -> None:
    artist = make_artist(name="P!nk", slug="pink", spotify_id=spotify_id(7))
    (found,), _ = upsert_artists(records=[attraction(1, "Pink")])
    assert found == artist


def test_a_part_of_a_name_finds_nobody() -> None:
    make_artist(name="Queen", slug="queen")
    (found,), tally = upsert_artists(records=[attraction(1, "Queen Extravaganza")])
    assert (found.name, tally.created) == ("Queen Extravaganza", 1)


def test_namesakes_with_ids_of_their_own_stay_two() -> None:
    upsert_artists(records=[attraction(1, "Halsey"), attraction(2, "Halsey")])
    assert list(Artist.objects.order_by("pk").values_list("slug", flat=True)) == ["halsey", "halsey-2"]


def test_of_two_namesakes_a_record_without_an_id_takes_neither() -> None:
    for number in (1, 2):
        make_artist(name="Halsey", slug=f"halsey{'-2' * (number - 1)}", ticketmaster_id=f"known{number}")
    (found,), _ = upsert_artists(records=[attraction(3, "Halsey")])
    assert found.slug == "halsey-3"


def test_an_id_that_another_artist_holds_stays_there() -> None:
    other = make_artist(mbid=MBID.format(1))
    make_artist(ticketmaster_id=FULL.ticketmaster_id, name="Halsey")
    (found,), _ = upsert_artists(records=[FULL])
    found.refresh_from_db()
    assert (found.mbid, str(Artist.objects.get(pk=other.pk).mbid)) == (None, FULL.mbid)


def test_numbers_that_a_source_no_longer_tells_stay() -> None:
    upsert_artists(records=[replace(FULL, popularity=80, spotify_followers=5)])
    upsert_artists(records=[FULL])
    artist = Artist.objects.get()
    assert (artist.popularity, artist.spotify_followers) == (80, 5)


def test_ticketmasters_image_comes_before_spotifys() -> None:
    theirs = ArtistRecord(name="Halsey", spotify_id=spotify_id(1), image_url="https://i.scdn.co/image/b")
    upsert_artists(records=[theirs])
    assert Artist.objects.get().image_url == "https://i.scdn.co/image/b"
    upsert_artists(records=[FULL])
    upsert_artists(records=[theirs])
    assert Artist.objects.get().image_url == FULL.image_url


def test_one_record_twice_in_a_batch_is_one_artist() -> None:
    (one, other), _ = upsert_artists(records=[FULL, replace(FULL, popularity=3)])
    assert one is other
    assert Artist.objects.get().popularity == 3


def test_a_failure_half_way_leaves_nothing() -> None:
    with pytest.raises(ValueError, match="badly formed"):
        upsert_artists(records=[attraction(2), replace(FULL, mbid="no id")])
    assert not Artist.objects.exists()


@pytest.mark.parametrize(
    ("record", "performs"),
    [
        (attraction(1, "Tokio Hotel"), True),
        (attraction(1, "The Divine Comedy"), True),
        (attraction(1, "Trans-Siberian Orchestra"), True),
        (attraction(1, "Arena Parking"), False),
        (attraction(1, "One Night of Queen - A Tribute"), False),
        (attraction(1, "Berlin Bears", is_music=False), False),
    ],
)
def test_who_performs(record: ArtistRecord, performs: bool) -> None:
    assert is_performer(record) is performs
