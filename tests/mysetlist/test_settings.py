"""Settings: safe when nothing is said, clear when something is missing."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "postgresql://somebody:hunter2@127.0.0.1:1/nothing"
NAMES = ("DATABASE_URL", "REDIS_URL", "DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "MYSETLIST_DATA_DIR")


def read(*names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start Python with these settings and print some of them."""
    return child(
        "-c", f"from mysetlist import settings as s; print(*(s.{', s.'.join(names)},), sep='|')", **environment
    )


def child(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in {*NAMES, "DJANGO_SETTINGS_MODULE"}}
    nothing = dict.fromkeys(NAMES, "")  # set and empty: .env of this checkout, if any, is not asked
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**inherited, **nothing, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_missing_secret_with_a_database_of_ones_own_refuses_to_start_in_one_clear_line() -> None:
    answer = child("manage.py", "check", DATABASE_URL=NOWHERE)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "SECRET_KEY is not set" in answer.stderr
    assert "hunter2" not in answer.stderr + answer.stdout


def test_the_embedded_installation_makes_its_own_secret_once_for_its_owners_eyes(tmp_path: Path) -> None:
    first, second = (read("SECRET_KEY", MYSETLIST_DATA_DIR=str(tmp_path)).stdout for _ in range(2))
    assert first == second
    assert len(first.strip()) > 50
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_nothing_said_is_safe(tmp_path: Path) -> None:
    answer = read("DEBUG", "ALLOWED_HOSTS", MYSETLIST_DATA_DIR=str(tmp_path))
    assert answer.stdout.strip() == "False|['localhost', '127.0.0.1', '[::1]']"


@pytest.mark.parametrize(("said", "meant"), [("1", "True"), ("true", "True"), ("0", "False"), ("", "False")])
def test_a_switch_is_on_or_off(said: str, meant: str, tmp_path: Path) -> None:
    assert read("DEBUG", DEBUG=said, MYSETLIST_DATA_DIR=str(tmp_path)).stdout.strip() == meant


def test_a_switch_that_is_neither_is_named(tmp_path: Path) -> None:
    answer = child("manage.py", "check", DEBUG="perhaps", MYSETLIST_DATA_DIR=str(tmp_path))
    assert (answer.returncode, answer.stderr) == (2, "mysetlist: DEBUG must be 1 or 0, not 'perhaps'.\n")


def test_a_data_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    answer = child("manage.py", "check", MYSETLIST_DATA_DIR=str(tmp_path / "file"))
    assert answer.returncode == 2
    assert "Set MYSETLIST_DATA_DIR to a folder of yours" in answer.stderr


def test_check_starts_no_server(tmp_path: Path) -> None:
    answer = child("manage.py", "check", MYSETLIST_DATA_DIR=str(tmp_path))
    assert answer.returncode == 0
    assert not (tmp_path / "postgres").exists()
