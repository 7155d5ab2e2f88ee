"""Where a cluster lives, whose it is, and the locks beside it."""

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NAME = "mysetlist"  # of the database, its superuser and, as root, the system user
PORT = "5432"  # names the socket file; nothing listens on a network
SYSTEM_HOME = Path("/var/lib/mysetlist")  # as root, what PostgreSQL's user cannot reach is kept here
SOCKET_FOLDER_BYTES = 85  # a socket's path may have 103 bytes; its name takes 14


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Place:
    """Where one cluster lives: everything follows from its home."""

    home: Path

    @classmethod
    def of(cls, folder: Path) -> "Place":
        """The data folder itself, unless we are root and PostgreSQL's user could not reach it."""
        folder = Path(folder).resolve()
        moved = SYSTEM_HOME / _digest(folder)
        if os.geteuid() != 0 or (folder / "cluster").exists():
            return cls(folder)
        return cls(moved if moved.exists() or not open_to_all(folder) else folder)

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def socket(self) -> Path:
        """Inside, unless that is too long for a socket or has signs that libpq takes apart."""
        inside = str(self.home / "socket")
        if len(inside) <= SOCKET_FOLDER_BYTES and re.fullmatch(r"[\w./-]+", inside, re.ASCII):
            return Path(inside)
        # Not tempfile.gettempdir(): cron and a login shell must find the same one.
        return Path("/tmp") / f"mysetlist-{_digest(self.home)}"

    def owner(self) -> tuple[int, int]:
        """Whose the cluster is, or will be: PostgreSQL refuses to run as root."""
        if self.cluster.exists():
            found = self.cluster.stat()
            return found.st_uid, found.st_gid
        if os.geteuid() == 0:
            user = _system_user()
            return user.pw_uid, user.pw_gid
        return os.geteuid(), os.getegid()


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def open_to_all(path: Path) -> bool:
    """May a user without any rights of his own come here?"""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents) if step.is_dir())


def _system_user() -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam(NAME)
    if useradd := shutil.which("useradd"):
        command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/bin/false"]
    elif adduser := shutil.which("adduser"):  # busybox
        command = [adduser, "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/bin/false"]
    else:
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root, and there is no useradd to make the user {NAME}. "
            "Make it yourself, run as an ordinary user, or set DATABASE_URL."
        )
    made = subprocess.run([*command, NAME], capture_output=True, text=True, check=False)
    try:
        return pwd.getpwnam(NAME)  # also when another process made it at the same time
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root, and the user {NAME} could not be made: {made.stderr.strip()}. "
            "Make it yourself, run as an ordinary user, or set DATABASE_URL."
        ) from None


def make_home(home: Path) -> None:
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            folder.chmod(0o711)  # whatever the umask: PostgreSQL's user must pass through


def open_beside(path: Path, flags: int = os.O_RDWR) -> int:
    """Open a file beside the cluster; what root makes in somebody's folder is his."""
    opened = os.open(path, flags | os.O_CREAT, 0o600)  # closed on exec, as always in Python
    if os.geteuid() == 0:
        home = path.parent.stat()
        os.fchown(opened, home.st_uid, home.st_gid)
    return opened


def try_lock(opened: int, kind: int) -> bool:
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
