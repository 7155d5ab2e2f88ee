"""Text from outside: what is taken out, what must stay."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncjobs.clients.cleaning import INVISIBLE, clean_link, clean_text

ANY_TEXT = st.text(st.characters())  # half characters (surrogates) too: JSON can spell them


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Las Vegas ", "Las Vegas"),
        ("The  Pavilion\tat\n Montage", "The Pavilion at Montage"),
        ("a\x00b", "ab"),
        ("a\x1bb\x7fc\x85d", "abc d"),
        ("\u202egpj.exe", "gpj.exe"),
        ("\u2066Muse\u2069\u200e", "Muse"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half \ud83d", "half"),
        ("Beyonce\u0301", "Beyonc\u00e9"),
        ("\u00a0\u3000", ""),
        ("\u0646\u200c\u0645", "\u0646\u200c\u0645"),  # Persian needs its joiner
        ("\U0001f468\u200d\U0001f3a4", "\U0001f468\u200d\U0001f3a4"),  # so do emoji
        ("<b>Tom & Jerry</b>", "<b>Tom & Jerry</b>"),  # pages escape, the catalogue keeps what was said
    ],
)
def test_what_is_taken_out_and_what_stays(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


def test_text_is_cut_to_its_length_without_a_trailing_space() -> None:
    assert clean_text("abc def", 4) == "abc"
    assert len(clean_text("x" * 1000)) == 255


@given(ANY_TEXT)
def test_clean_text_is_clean(raw: str) -> None:
    text = clean_text(raw)
    assert clean_text(text) == text
    assert text == text.strip()
    assert not INVISIBLE.search(text)
    assert not {unicodedata.category(char) for char in text} & {"Cc", "Cs", "Zl", "Zp"}
    text.encode()  # the database can take it


@pytest.mark.parametrize(
    "link",
    [
        "https://www.setlist.fm/setlists/babymetal-5bd19f80.html",
        "http://s1.ticketm.net/dam/c/MISC.jpg?a=1&b=2#c",
        "https://example.org:8443/\u00fc",
    ],
)
def test_web_links_stay_as_they_are(link: str) -> None:
    assert clean_link(f" {link}\n") == link


@pytest.mark.parametrize(
    "link",
    [
        "",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/",
        "//example.org/",
        "/setlists",
        "https://",
        "https:///path",
        "http://[::1",
        "http://example.org:port/",
        "https://user:word@example.org/",
        "https://ticketmaster.com@example.org/",
        "https://example.org\\@evil.example/",
        'https://example.org/"onclick="x',
        "https://example.org/<script>",
        "https://example.org/a b",
        "https://example.org/\u202egpj",
        "https://example.org/\x00",
        "https://example.org/" + "x" * 500,
    ],
)
def test_other_links_are_dropped_whole(link: str) -> None:
    assert clean_link(link) is None


@given(ANY_TEXT | st.builds("https://{}".format, ANY_TEXT))
def test_no_text_breaks_the_link_check(raw: str) -> None:
    link = clean_link(raw)
    assert link is None or link.startswith(("http://", "https://"))
