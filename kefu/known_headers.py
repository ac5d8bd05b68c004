"""The columns of landed files as they were read before, kept beside the database.

Before a run every file's header is checked, and CSV and JSON files are read from end
to end. A file whose stamp is the one it had then is not read again: a run would read
all that was ever landed, however little is new.
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

# What decides which files are accepted, beside the contract.
CHECKS = ("known_headers.py", "landing.py")


def headers_file(database: Path) -> Path:
    """Return where the headers of a working database's landings are kept."""
    return database.with_name(f"{database.name}.headers.json")


def read_headers(settings: Settings) -> Headers:
    """Return the columns of the files that were checked before, by name and stamp.

    None of them if the contract, the checks, the engine or the raw root was another
    one, or if what was kept cannot be read.
    """
    try:
        kept = json.loads(headers_file(settings.database).read_text(encoding="utf-8"))
        if kept["rules"] != _rules(settings):
            return {}
        shapes = [
            tuple(Field(name, kind) for name, kind in shape) for shape in kept["shapes"]
        ]
        return {
            (name, Stamp(*stamp)): shapes[shape]
            for name, (shape, *stamp) in kept["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return {}


def keep_headers(settings: Settings, landing: Landing, known: Headers) -> None:
    """Keep the columns of the files that a run reads, if others were known.

    Where they cannot be written the next run reads the files again.
    """
    current = {(file.name, file.stamp) for file in landing.files}
    if current == set(known):
        return
    kept = {
        "rules": _rules(settings),
        "shapes": [
            [(item.name, item.type) for item in group.fields]
            for group in landing.groups
        ],
        "files": {
            file.name: (number, *_numbers(file.stamp))
            for number, group in enumerate(landing.groups)
            for file in group.files
        },
    }
    with contextlib.suppress(OSError):
        replaced_by(headers_file(settings.database), json.dumps(kept))


def _numbers(stamp: Stamp) -> tuple[int, ...]:
    return stamp.size, stamp.modified_ns, stamp.changed_ns, stamp.file_number


def _rules(settings: Settings) -> str:
    digest = hashlib.sha256(f"{duckdb.__version__} {settings.raw_root}".encode())
    for path in (settings.root / CONTRACT_FILE, *map(_beside, CHECKS)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _beside(name: str) -> Path:
    return Path(__file__).with_name(name)
