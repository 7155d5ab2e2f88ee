"""Settings: safe when nothing is said, clear when something is missing."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "postgresql://somebody:hunter2@127.0.0.1:1/nothing"
NAMES = (
    *("DATABASE_URL", "REDIS_URL", "DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "MYSETLIST_DATA_DIR"),
    *("CRON_TOKENS", "CRON_SECRET", "TRUSTED_PROXIES", "CORS_ALLOWED_ORIGINS", "SITE_URL"),
)


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


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout: a place for a .env of its own."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copy(ROOT / "manage.py", folder)
    for room in ("mysetlist", "monitoring", "syncjobs", "trending"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "*.gz"))
    return folder


def read_beside(tree: Path, file: str, *names: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What these settings are with this .env beside manage.py, called from elsewhere, as cron does."""
    (tree / ".env").write_text(file)
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path[0] = {str(tree)!r};"
            f" from mysetlist import settings as s; print(*(s.{', s.'.join(names)},), sep='|')",
        ],
        cwd="/",
        env={"PATH": os.defpath, "MYSETLIST_DATA_DIR": str(tree / "data"), **environment},
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


@pytest.mark.parametrize(
    "command", ["check", "migrate", "calculate_trending", "check_health", "no_such_command", "help"], ids=str
)
def test_no_command_starts_without_its_settings(command: str) -> None:
    answer = child("manage.py", command, DATABASE_URL=NOWHERE)
    if command == "help":  # lists what there is, and says why the rest is missing
        assert "SECRET_KEY is not set" in answer.stdout
    else:
        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr.startswith("mysetlist: SECRET_KEY is not set. Put a line SECRET_KEY=")
        assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("environment", [{"SECRET_KEY": "s3cret"}, {"DEBUG": "1"}], ids=["a secret", "debugging"])
def test_with_a_secret_or_while_debugging_a_database_of_ones_own_is_used(
    environment: dict[str, str], tmp_path: Path
) -> None:
    answer = read("DATABASES['default']['HOST']", DATABASE_URL=NOWHERE, MYSETLIST_DATA_DIR=str(tmp_path), **environment)
    assert answer.stdout.strip() == "127.0.0.1", answer.stderr


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://me@/mine?host=/run/postgresql&port=5433", "host=/run/postgresql port=5433 dbname=mine user=me"),
        (
            "postgresql://me:pw@db.test:5433/mine?sslmode=require",
            "host=db.test port=5433 dbname=mine user=me password=pw",
        ),
    ],
    ids=["socket", "host"],
)
def test_messages_go_through_the_same_database(url: str, told: str) -> None:
    answer = read("CELERY_BROKER_TRANSPORT_OPTIONS['conn_string']", DATABASE_URL=url, SECRET_KEY="s3cret")
    assert answer.stdout.strip() == told, answer.stderr


@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_an_empty_value_counts_as_not_set(value: str, tmp_path: Path) -> None:
    names = ("DEBUG", "REDIS_URL", "ALLOWED_HOSTS", "CELERY_BROKER_URL", "DATABASES['default']['ENGINE']", "PORT")
    empty = dict.fromkeys(("DEBUG", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "SECRET_KEY", "PORT"), value)
    answer = read(*names, **empty, MYSETLIST_DATA_DIR=str(tmp_path))
    assert answer.stdout.strip() == "False||['localhost', '127.0.0.1', '[::1]']|pgmq://localhost|mysetlist.backend|8000"


def test_a_list_may_have_spaces_and_empty_places(tmp_path: Path) -> None:
    answer = read("ALLOWED_HOSTS", ALLOWED_HOSTS=" a.test, b.test,,", MYSETLIST_DATA_DIR=str(tmp_path))
    assert answer.stdout.strip() == "['a.test', 'b.test']"


@pytest.mark.parametrize("value", ["eighty", "-1", "80.5", "8e3"])
def test_a_number_that_is_none_is_named(value: str, tmp_path: Path) -> None:
    answer = child("manage.py", "check", PORT=value, MYSETLIST_DATA_DIR=str(tmp_path))
    assert (answer.returncode, answer.stderr) == (2, f"mysetlist: PORT must be a whole number, not {value!r}.\n")


def test_the_file_beside_manage_py_is_read_wherever_one_stands(tree: Path) -> None:
    answer = read_beside(
        tree,
        "SECRET_KEY=s3cret\nDATABASE_URL=" + NOWHERE + "\nDEBUG=\n",
        "SECRET_KEY",
        "DATABASES['default']['USER']",
        "DEBUG",
    )
    assert answer.stdout.strip() == "s3cret|somebody|False", answer.stderr


def test_the_environment_comes_before_the_file_even_where_it_is_empty(tree: Path) -> None:
    file = f"SECRET_KEY=s3cret\nDATABASE_URL={NOWHERE}\nREDIS_URL=redis://one.test\n"
    answer = read_beside(
        tree,
        file,
        "SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        SECRET_KEY="other",
        DATABASE_URL="",
        REDIS_URL="redis://two.test",
    )
    assert answer.stdout.strip() == "other||redis://two.test", answer.stderr


def test_a_file_that_says_nothing_is_as_good_as_none(tree: Path) -> None:
    answer = read_beside(tree, "\n# nothing yet\n", "DEBUG", "DATABASES['default']['ENGINE']")
    assert (answer.stdout.strip(), answer.stderr) == ("False|mysetlist.backend", "")


def test_processes_that_start_at_the_same_moment_make_one_secret(tmp_path: Path) -> None:
    code = "import sys; sys.stdin.read(); from mysetlist import settings as s; print(s.SECRET_KEY)"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, **dict.fromkeys(NAMES, ""), "MYSETLIST_DATA_DIR": str(tmp_path / "new")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.close()
    secrets = {process.stdout.read().strip() for process in processes if process.stdout}
    assert [process.wait(60) for process in processes] == [0] * 4
    assert len(secrets) == 1
    assert len(secrets.pop()) > 50
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret_key"]


def test_no_secret_is_told_when_the_database_does_not_answer() -> None:
    answer = child("manage.py", "migrate", DATABASE_URL=NOWHERE, SECRET_KEY="s3cret")
    assert answer.returncode != 0
    assert "hunter2" not in answer.stdout + answer.stderr
    assert "s3cret" not in answer.stdout + answer.stderr


def test_the_limits_of_the_sources_are_settings() -> None:
    answer = read("SOURCE_LIMITS", SETLISTFM_PER_SECOND="1.6", SETLISTFM_PER_DAY="50000")
    assert "'setlistfm': (1.6, 50000)" in answer.stdout
    assert "'ticketmaster': (5.0, 5000)" in answer.stdout


@pytest.mark.parametrize("value", ["fast", "0", "-1", "nan", "inf"])
def test_a_rate_at_which_nothing_could_be_called_is_refused(value: str) -> None:
    answer = read("SOURCE_LIMITS", SPOTIFY_PER_SECOND=value)
    assert answer.returncode != 0
    assert f"SPOTIFY_PER_SECOND must be a number of calls per second, such as 5 or 1.6, not '{value}'." in answer.stderr
