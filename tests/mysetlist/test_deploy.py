"""`manage.py check --deploy`: names what an installation for others lacks; without --deploy nothing is said."""

from pathlib import Path

import pytest

from tests.mysetlist.test_settings import NOWHERE, child, read

COMPLETE = {
    "DATABASE_URL": NOWHERE,
    "SECRET_KEY": "".join(map(chr, range(48, 123))),
    "ALLOWED_HOSTS": "mysetlist.example",
    "SITE_URL": "https://mysetlist.example",
    "TRUSTED_PROXIES": "1",
    "CRON_TOKENS": "railway:s3cret",
}


def test_nothing_said_is_fine_for_ones_own_machine(tmp_path: Path) -> None:
    answer = child("manage.py", "check", MYSETLIST_DATA_DIR=str(tmp_path))
    assert (answer.returncode, answer.stdout) == (0, "System check identified no issues (0 silenced).\n"), answer.stderr


def test_for_others_all_that_is_missing_is_named(tmp_path: Path) -> None:
    answer = child("manage.py", "check", "--deploy", MYSETLIST_DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    for said in ("E001", "I002", "W001", "W002", "W003", "W004"):
        assert f"mysetlist.{said}" in answer.stderr
    for name in ("DATABASE_URL", "REDIS_URL", "CRON_TOKENS", "SECRET_KEY", "ALLOWED_HOSTS", "SITE_URL"):
        assert f"{name} is" in answer.stderr or name in answer.stderr


def test_a_complete_installation_has_nothing_but_the_news_of_its_broker() -> None:
    for url, said in (("", "I002"), ("redis://127.0.0.1:1/0", "I001")):
        answer = child("manage.py", "check", "--deploy", **COMPLETE, REDIS_URL=url)
        assert answer.returncode == 0, answer.stderr
        assert answer.stderr.count("?: (") == 1, answer.stderr
        assert f"mysetlist.{said}" in answer.stderr


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SITE_URL": "http://mysetlist.example"}, "mysetlist.W005"),
        ({"SITE_URL": "http://mysetlist.example"}, "security.W012"),
        ({"TRUSTED_PROXIES": ""}, "mysetlist.W006"),
        ({"DEBUG": "1"}, "security.W018"),
        ({"SECRET_KEY": "short"}, "security.W009"),
    ],
)
def test_one_thing_amiss_is_named(changes: dict[str, str], said: str) -> None:
    assert said in child("manage.py", "check", "--deploy", **COMPLETE | changes).stderr


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "True|True|3600|('HTTP_X_FORWARDED_PROTO', 'https')|['https://mysetlist.example']"),
        (
            {"SITE_URL": "http://mysetlist.example"},
            "False|False|0|('HTTP_X_FORWARDED_PROTO', 'https')|['http://mysetlist.example']",
        ),
        ({"DATABASE_URL": "", "SITE_URL": "", "TRUSTED_PROXIES": ""}, "False|False|0|None|[]"),
        ({"DEBUG": "1", "TRUSTED_PROXIES": ""}, "False|False|0|None|['https://mysetlist.example']"),
    ],
    ids=["public", "public without TLS", "one's own machine", "debugging"],
)
def test_cookies_and_headers_are_as_strict_as_the_place_allows(
    changes: dict[str, str], told: str, tmp_path: Path
) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    proxy = "__dict__.get('SECURE_PROXY_SSL_HEADER')"
    answer = read(*names, proxy, "CSRF_TRUSTED_ORIGINS", **COMPLETE | {"MYSETLIST_DATA_DIR": str(tmp_path)} | changes)
    assert answer.stdout.strip() == told, answer.stderr
