"""When two names are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncjobs.clients.names import exact_matches, normal_name, same_name
from syncjobs.clients.records import ArtistRecord


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Guns N' Roses", "GUNS N\u2019 ROSES"),
        ("Guns N' Roses", "Guns & Roses"),
        ("Rock 'n' Roll", "Rock and Roll"),
        ("Guns N' Roses", "Guns N\u00b4 Roses"),
        ("Sinead O'Connor", "Sinead O\u02bcConnor"),
        ("Mumford & Sons", "Mumford and Sons"),
        ("Florence + The Machine", "Florence and the Machine"),
        ("Simon&Garfunkel", "Simon & Garfunkel"),
        ("P!nk", "Pink"),
        ("P!NK", "p!nk"),
        ("AC/DC", "ACDC"),
        ("A$AP Rocky", "ASAP Rocky"),
        ("Joey Bada$$", "Joey Badass"),
        ("Jay-Z", "JAY Z"),
        ("Blink\u2010182", "blink-182"),
        ("Beyonc\u00e9", "Beyonce\u0301"),
        ("Beyonc\u00e9", "BEYONCE"),
        ("Mot\u00f6rhead", "Motorhead"),
        ("\u0130stanbul Trip", "istanbul trip"),
        ("Wham!", "WHAM"),
        ("Earth, Wind & Fire", "Earth Wind and Fire"),
        ("\uff22\uff41\uff4e\uff44", "Band"),
        ("\u041a\u0438\u043d\u043e", "\u041a\u0418\u041d\u041e"),
        ("!!!", " !!! "),
    ],
)
def test_spellings_of_one_name_are_the_same(one: str, other: str) -> None:
    assert same_name(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Iron Maiden", "The Iron Maidens"),
        ("Iron Maiden", "Iron Maiden Tribute: Harris & Stratton"),
        ("Arctic Monkeys", "Arctic"),
        ("Dethklok", "Metalocalypse: Dethklok"),
        ("The The", "The"),
        ("!!!", "???"),
        ("\u30ac", "\u30ab"),  # the mark makes another letter
        ("\u0439", "\u0438"),
        ("$3 Throwdown", "S3 Throwdown"),
        ("M\u00d8", "Mo"),
        ("", "!!!"),
    ],
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert not same_name(one, other)


@given(st.text())
def test_a_normal_name_is_its_own_normal_name(name: str) -> None:
    assert normal_name(normal_name(name)) == normal_name(name)


@given(st.text())
def test_only_a_blank_name_becomes_nothing(name: str) -> None:
    assert bool(normal_name(name)) == bool("".join(name.split()))


def test_exact_matches_puts_the_same_spelling_first_and_leaves_out_parts() -> None:
    names = ["Arctic Monkeys", "ARCTIC!", "Arctic Vision", "arctic", "Arctic"]
    found = exact_matches("Arctic", [ArtistRecord(name=name) for name in names])
    assert [artist.name for artist in found] == ["arctic", "Arctic", "ARCTIC!"]
