"""Writing files so that they are whole or not there, whatever happens."""

import contextlib
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

WRITE_BITS = 0o222


def sync(path: Path) -> None:
    """Have the disk hold what was written to a file or a folder."""
    with _descriptor(path) as descriptor:
        os.fsync(descriptor)


@contextlib.contextmanager
def _descriptor(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: object) -> None:
    """Put a JSON file in place in one step; the value's dates become text."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    replaced_by(path, f"{text}\n")


def replaced_by(path: Path, text: str) -> None:
    """Put a text file in place in one step."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.publishing")
    try:
        fresh.write_text(text, encoding="utf-8")
        sync(fresh)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    sync(path.parent)


def write_protect(path: Path, model: Path | None = None) -> None:
    """Take the right to write from a file, and nothing else.

    With a `model` that exists, the file also gets its other rights and its
    group: who could not read the old file shall not read the new one. Raises
    OSError if the group cannot be given.
    """
    rights = path.stat()
    if model is not None and model.exists():
        wanted = model.stat()
        if wanted.st_gid != rights.st_gid:
            os.chown(path, -1, wanted.st_gid)
        rights = wanted
    path.chmod(stat.S_IMODE(rights.st_mode) & 0o777 & ~WRITE_BITS)


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
