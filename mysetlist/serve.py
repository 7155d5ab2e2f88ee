"""`make serve`: everything of the Procfile on this machine, stopped together. Not for production."""

import os
import secrets
import signal
import socket
import sys
import threading
from contextlib import closing
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections
from honcho import manager as honcho_manager
from honcho.environ import parse_procfile
from honcho.manager import Manager

from mysetlist import embedded

DEMO_USER = "demo"
STOPPED = 130  # by Ctrl-C, as meant
honcho_manager.KILL_WAIT = 30  # seconds: a worker ends what it is at


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysetlist.settings")
    try:
        django.setup()
    except ImproperlyConfigured as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    if not is_free(settings.PORT):
        sys.stderr.write(f"Port {settings.PORT} is taken. Choose another: make serve PORT={settings.PORT + 1}\n")
        return 1
    call_command("collectstatic", interactive=False, verbosity=0)
    if not settings.DATABASE_URL:
        call_command("migrate", interactive=False, verbosity=0)
    sys.stdout.write(f"{welcome()}\n")
    sys.stdout.flush()
    connections.close_all()
    try:
        return run(settings.BASE_DIR)
    finally:
        if not settings.DATABASE_URL:
            embedded.leave(settings.DATA_DIR / "postgres")


def is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has just been stopped is no hindrance
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def welcome() -> str:
    from mysetlist.catalog.models import Artist

    where = f"http://localhost:{settings.PORT}"
    lines = [f"MySetlist is at {where}/ and its admin at {where}/admin/"]
    lines.append(f"  {login()}")
    if not Artist.objects.exists():
        lines.append("  There is nothing to see yet. A real catalogue with simulated fans: make demo")
    return "\n".join([*lines, "Ctrl-C stops everything."])


def login() -> str:
    """How to get into the admin. The embedded database has a member of staff, made once; any other has its own."""
    from mysetlist.catalog.models import User

    if settings.DATABASE_URL:
        return "Sign in with an account of your database; make one with: manage.py createsuperuser"
    password = demo_password(settings.DATA_DIR / "demo_password")
    user, is_new = User.objects.get_or_create(username=DEMO_USER, defaults={"is_staff": True, "is_superuser": True})
    if is_new:
        user.set_password(password)
        user.save(update_fields=["password"])
    if user.check_password(password):
        return f"Sign in as {DEMO_USER} with the password {password}"
    return f"Sign in as {DEMO_USER} with the password that you have set"


def demo_password(path: Path) -> str:
    """Made once, readable by its owner alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(12))
    return path.read_text()


class Together(Manager):  # type: ignore[misc]
    def terminate(self) -> None:
        if self._all_started():
            super().terminate()
        else:  # honcho has no process yet that it could stop
            threading.Timer(0.1, self.terminate).start()

    def _any_stopped(self) -> bool:
        """Only the end of the website, or being told so, ends the others: who else is gone, health and alerts tell."""
        return self._terminating or self._processes["web"].get("returncode") is not None


def run(folder: Path) -> int:
    """Run the lines of the Procfile until the website ends or we are told to stop; then stop them all."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    manager = Together()
    for name, command in parse_procfile((folder / "Procfile").read_text()).processes.items():
        manager.add_process(
            name,
            command,
            env={"LOG_FORMAT": "console", **os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
            cwd=folder,
        )
    signal.signal(signal.SIGHUP, hang_up)
    manager.loop()
    return 0 if manager.returncode == STOPPED else int(manager.returncode or 0)


def hang_up(*_: object) -> None:
    """The terminal was closed: there is nothing left to write to, and everything must stop all the same."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # while it was still setting up
        sys.exit(130)
