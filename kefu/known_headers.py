"""The columns of landed files as they were checked before, kept beside the database.

Before a run every file's header is checked, and CSV and JSON files are read from end
to end. A file whose stamp is the one it had then is not read again: a run would read
all that was ever landed, however little is new. What is kept are names of files and
columns, no rows; it may be deleted at any time.
"""

import contextlib
import hashlib
import json
from pathlib import Path

import duckdb

from kefu.contract import CONTRACT_FILE
from kefu.files import replaced_by
from kefu.landing import Field, Headers, Landing, Stamp
from kefu.settings import Settings

# What decides which files are accepted, beside the sources' own file.
CHECKS = ("contract.py", "faults.py", "known_headers.py", "landing.py")


def headers_file(database: Path) -> Path:
    """Return where the headers of a working database's landings are kept."""
    return database.with_name(f"{database.name}.headers.json")


def forget_headers(database: Path) -> None:
    """Have the next run check every file again."""
    with contextlib.suppress(OSError):
        headers_file(database).unlink(missing_ok=True)


def header_rules(settings: Settings) -> str | None:
    """Return a hash of what decides about files; None if it cannot be read.

    To be taken before the first file is checked: what is checked meanwhile was
    judged by no later rules. The raw root is part of it.
    """
    digest = hashlib.sha256(f"{duckdb.__version__} {settings.raw_root}".encode())
    try:
        for path in (settings.root / CONTRACT_FILE, *map(_beside, CHECKS)):
            digest.update(path.read_bytes())
    except OSError:
        return None
    return digest.hexdigest()


def read_headers(settings: Settings, rules: str | None) -> Headers:
    """Return the columns of the files that were checked before, by name and stamp.

    None of them if they were checked by other rules, or if what was kept is not as
    it was written.
    """
    try:
        written = headers_file(settings.database).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return {}
    digest, _, text = written.partition("\n")
    if rules is None or digest != _digest(rules, text):
        return {}
    kept = json.loads(text)
    shapes = [
        tuple(Field(name, kind) for name, kind in shape) for shape in kept["shapes"]
    ]
    return {
        (name, Stamp(*stamp)): shapes[shape]
        for name, (shape, *stamp) in kept["files"].items()
    }


def keep_headers(
    settings: Settings, rules: str | None, landing: Landing, known: Headers
) -> None:
    """Keep the columns of the files that a run reads, if others were known.

    A file that was replaced while it was checked is not kept: its stamp may be of
    the one and its columns of the other. Where nothing can be written the next run
    checks the files again.
    """
    kept = {
        (file.name, file.stamp): number
        for number, group in enumerate(landing.groups)
        for file in group.files
        if (file.name, file.stamp) in known or Stamp.of(file.path) == file.stamp
    }
    if rules is None or kept.keys() == known.keys():
        return
    shapes = [
        [(item.name, item.type) for item in group.fields] for group in landing.groups
    ]
    files = {name: (number, *_numbers(stamp)) for (name, stamp), number in kept.items()}
    text = json.dumps({"shapes": shapes, "files": files})
    with contextlib.suppress(OSError):
        replaced_by(headers_file(settings.database), f"{_digest(rules, text)}\n{text}")


def _numbers(stamp: Stamp) -> tuple[int, ...]:
    return stamp.size, stamp.modified_ns, stamp.changed_ns, stamp.file_number


def _digest(rules: str, text: str) -> str:
    return hashlib.sha256(f"{rules}\n{text}".encode()).hexdigest()


def _beside(name: str) -> Path:
    return Path(__file__).with_name(name)
