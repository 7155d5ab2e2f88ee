"""`make serve` answers, says how to get in, and leaves nothing behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from mysetlist import embedded
from mysetlist.embedded import Place

PATIENCE = 180  # seconds: on a busy machine the first start, with its migrations, takes long

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data folder: empty for the first test, and for the others as the one before has left it."""
    made = tmp_path_factory.mktemp("serve")
    yield made
    home = Place.of(made / "postgres").home
    embedded.stop(made / "postgres")
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def environment(folder, port):
    settings = {"DJANGO_SETTINGS_MODULE": "mysetlist.settings", "MYSETLIST_DATA_DIR": str(folder), "DATABASE_URL": ""}
    return {**os.environ, **settings, "PORT": str(port)}


def start(environment):
    return subprocess.Popen(
        [sys.executable, "-m", "mysetlist.serve"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def answer(url):
    """The page, as soon as there is one."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return response.read().decode()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def processes_with(*texts):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if any(os.fsencode(text) in known for text in texts) and int(process.name) != os.getpid():
            found.append((process / "cmdline").read_bytes())
    return found


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_it_serves_until_it_is_told_to_stop_and_leaves_no_process(environment, port, folder, stop):
    server = start(environment)
    try:
        page = answer(f"http://localhost:{port}/admin/login/")
        (css,) = re.findall(r'href="(/static/unfold/css/styles.css)"', page)
        assert answer(f"http://localhost:{port}{css}")
    finally:
        server.send_signal(stop)
        said, _ = server.communicate(timeout=PATIENCE)
    password = (folder / "demo_password").read_text()
    assert f"Sign in as demo with the password {password}" in said
    assert "Traceback" not in said
    assert (folder / "demo_password").stat().st_mode & 0o077 == 0
    if stop == signal.SIGINT:
        assert server.returncode == 0
    ours = [str(folder), str(Place.of(folder / "postgres").home)]
    deadline = time.monotonic() + 30
    while processes_with(*ours) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_with(*ours) == []


def test_a_worker_that_is_gone_leaves_the_website_to_tell_of_it(environment, port):
    server = start(environment)
    try:
        answer(f"http://localhost:{port}/livez")
        worker = next(found[1] for line in server.stdout if (found := re.search(r"worker started \(pid=(\d+)\)", line)))
        os.killpg(int(worker), signal.SIGKILL)
        assert any("worker stopped" in line for line in server.stdout)
        assert answer(f"http://localhost:{port}/livez")
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=PATIENCE)
    assert server.returncode == 0


def test_it_says_when_the_port_is_taken(environment, port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        said, _ = start(environment).communicate(timeout=PATIENCE)
    assert said == f"Port {port} is taken. Choose another: make serve PORT={port + 1}\n"


@pytest.mark.django_db
def test_the_demo_login_stays_the_same_and_gives_way_to_a_changed_password(settings, tmp_path):
    from mysetlist.catalog.models import User
    from mysetlist.serve import login

    settings.DATA_DIR = tmp_path
    settings.DATABASE_URL = ""
    first = login()
    assert login() == first
    demo = User.objects.get(username="demo")
    assert demo.is_staff
    demo.set_password("another")
    demo.save()
    assert "the password that you have set" in login()


@pytest.mark.django_db
def test_a_database_of_ones_own_gets_no_demo_login(settings, tmp_path):
    from mysetlist.catalog.models import User
    from mysetlist.serve import login

    settings.DATABASE_URL = "postgresql://somewhere/else"
    assert "createsuperuser" in login()
    assert not User.objects.exists()
