"""Rows as compressed lines of JSON in a file: whole or not at all, checksummed, for zcat, jq and sha256sum."""

import gzip
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

CHUNK = 1 << 20  # bytes


class ArchiveDamaged(Exception):
    """A file does not hold what was written to it."""


def write(path: Path, rows: Iterable[Any]) -> int:
    """Write rows to `path`, on the disk when this returns; how many.

    The file appears under its name only when it is whole. Beside it lies its checksum, as sha256sum has it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    count = 0
    try:
        with _private(draft) as file:
            with gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
                for row in rows:
                    packed.write(json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n")
                    count += 1
            settle(file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sign(path)
    return count


def read_back(path: Path, *, expected: int) -> None:
    """Read a file as who restores it would. Raises ArchiveDamaged unless it is whole."""
    verify(path)
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found = sum(1 for line in lines if json.loads(line) is not None)
    except (OSError, EOFError, ValueError) as problem:
        raise ArchiveDamaged(f"{path} cannot be read: {problem}") from problem
    if found != expected:
        raise ArchiveDamaged(f"{path} holds {found} rows, not {expected}.")


def sign(path: Path) -> None:
    """Put the file's checksum beside it, and both on the disk."""
    with _private(checksum_of(path)) as file:
        file.write(f"{digest(path)}  {path.name}\n".encode())
        settle(file)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # else a crash could take the names away
    finally:
        os.close(folder)


def verify(path: Path) -> None:
    """Raises ArchiveDamaged when the file is not the one that was signed."""
    try:
        said = checksum_of(path).read_text().split()[0]
    except (FileNotFoundError, IndexError) as problem:
        raise ArchiveDamaged(f"{path} has no checksum beside it.") from problem
    if said != digest(path):
        raise ArchiveDamaged(f"{path} does not fit its checksum.")


def keep_newest(folder: Path, pattern: str, count: int) -> int:
    """Delete all but the newest files, by name, with their checksums; how many went."""
    old = sorted(folder.glob(pattern), reverse=True)[count:]
    for path in old:
        path.unlink(missing_ok=True)
        checksum_of(path).unlink(missing_ok=True)
    return len(old)


def checksum_of(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def digest(path: Path) -> str:
    seen = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            seen.update(chunk)
    return seen.hexdigest()


def settle(file: Any) -> None:
    """Have what was written on the disk."""
    file.flush()
    os.fsync(file.fileno())


def _private(path: Path) -> Any:
    """Open for writing; what we keep is nobody else's business."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
