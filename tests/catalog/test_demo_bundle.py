"""The bundled files, without a database."""

import shutil
from pathlib import Path

import pytest

from mysetlist.catalog.demo.bundle import COUNTRIES, FOLDER, BundleDamaged, clean, read_bundle


def test_it_holds_what_is_promised() -> None:
    bundle = read_bundle()

    assert (len(bundle.artists), len(bundle.shows), len(bundle.songs)) == (11_837, 3_990, 20_405)
    assert len({show.headliner for show in bundle.shows}) == 866
    assert {show.headliner for show in bundle.shows} <= {artist.spotify_id for artist in bundle.artists}
    assert {show.venue.country for show in bundle.shows} == set(COUNTRIES.values())


def test_packing_the_files_again_gives_the_same_bytes() -> None:
    for path in FOLDER.glob("*.csv.gz"):
        assert path.read_bytes()[3:8] == bytes(5)  # no name of a file, no time


def test_the_credit_lies_beside_the_data() -> None:
    credit = (FOLDER / "CREDIT.md").read_text()

    assert all(word in credit for word in ("MusicOSet", "Silva", "2019", "CC BY 4.0", "Ticketmaster", "simulated"))


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("MIKA: SPINNING OUT TOUR\t\t\t", "MIKA: SPINNING OUT TOUR"),
        ("Bastille \nwith special guests", "Bastille with special guests"),
        (" Great Hall", "Great Hall"),
        ("Papa Roach \x96 BIG ROCK TOUR", "Papa Roach BIG ROCK TOUR"),
        ("x" * 300, "x" * 255),
    ],
)
def test_names_are_cleaned(written: str, cleaned: str) -> None:
    assert clean(written) == cleaned


PACKED = (FOLDER / "shows.csv.gz").read_bytes()


@pytest.mark.parametrize("damage", [b"", b"no gzip", PACKED[:5000], PACKED[:5000] + bytes(99) + PACKED[5099:]])
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, damage: bytes) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "shows.csv.gz").write_bytes(damage)

    with pytest.raises(BundleDamaged, match=r"shows.csv.gz cannot be read.*git checkout"):
        read_bundle(tmp_path)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BundleDamaged, match=r"artists.csv.gz cannot be read"):
        read_bundle(tmp_path)
