"""Slugs: names as they stand in an address."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mysetlist.catalog.slugs import LONGEST, slug, unique_slugs

names = st.lists(
    st.text(max_size=40) | st.sampled_from(["Halsey", "Halsey 2", "Halsey-2", "HALSEY", "", "!!!", "Bjørk"])
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Radiohead", "radiohead"),
        ("Sigur Rós", "sigur-ros"),
        ("Beyoncé", "beyonce"),
        ("Mötley Crüe", "motley-crue"),
        ("Guns N' Roses", "guns-n-roses"),
        ("Earth, Wind & Fire", "earth-wind-fire"),
        ("  The   The ", "the-the"),
        ("blink-182", "blink-182"),
        ("Sunn O)))", "sunn-o"),
        ("P!nk", "pink"),
        ("Panic! at the Disco", "panic-at-the-disco"),
        ("Ke$ha", "kesha"),
        ("A$AP Rocky", "asap-rocky"),
        ("$uicideboy$", "suicideboys"),
        ("Ca$h $ign", "cash-sign"),
        ("AC/DC", "acdc"),
        ("Love / Hate", "love-hate"),
        ("宇多田ヒカル", "宇多田ヒカル"),
        ("ДДТ", "ддт"),
        ("방탄소년단", "방탄소년단"),
        ("فيروز", "فيروز"),
        ("Би-2", "би-2"),
        ("BØRNS", "børns"),
        ("MØ", "mø"),
        ("Röyksopp", "royksopp"),
        ("Æther Łona", "æther-łona"),
        ("", "unnamed"),
        ("!!!", "unnamed"),
        ("†††", "unnamed"),
        ("🎸", "unnamed"),
    ],
)
def test_a_name_becomes(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_several_parts_become_one_slug_without_the_empty_ones() -> None:
    assert slug("Radiohead", "", "Berlin", "2026-07-01") == "radiohead-berlin-2026-07-01"


def test_a_long_name_is_cut_and_leaves_room_for_a_number() -> None:
    assert slug("ab " * 500) == ("ab-" * 500)[:LONGEST].strip("-")
    assert len(unique_slugs(["a" * 500] * 1000, set())[-1]) <= 255


def test_a_second_one_of_a_name_gets_a_number() -> None:
    assert unique_slugs(["Halsey", "Halsey", "halsey!"], set()) == ["halsey", "halsey-2", "halsey-3"]


def test_numbers_that_are_taken_are_passed_over() -> None:
    taken = {"halsey", "halsey-3"}
    assert unique_slugs(["Halsey 2", "Halsey", "Halsey"], taken) == ["halsey-2", "halsey-4", "halsey-5"]
    assert taken == {"halsey", "halsey-2", "halsey-3", "halsey-4", "halsey-5"}


@given(st.text())
def test_any_name_gives_a_slug_that_stands_in_an_address(name: str) -> None:
    made = slug(name)
    assert re.fullmatch(r"[-\w]+", made)
    assert made == made.strip("-")
    assert len(made) <= LONGEST


@given(names, st.sets(st.sampled_from(["halsey", "halsey-2", "unnamed"])))
def test_slugs_never_meet_and_each_begins_with_that_of_its_name(names: list[str], taken: set[str]) -> None:
    before = set(taken)
    slugs = unique_slugs(names, taken)
    assert len(set(slugs)) == len(names)
    assert not set(slugs) & before
    assert taken == before | set(slugs)
    assert all(made.startswith(slug(name)) for made, name in zip(slugs, names, strict=True))
