"""Published versions made by hand, for tests that have no run to publish one."""

import shutil
from pathlib import Path

from kefu.files import sha256_of
from kefu.run_record import RunRecord
from kefu.versions import FILE, Version, Versions


def keep_version(published: Path, file: Path, run_id: str = "before") -> Version:
    """Keep a copy of a DuckDB file as a version of `published`; return it."""
    versions = Versions(published)
    unfinished = versions.begin(run_id)
    shutil.copyfile(file, unfinished / FILE)
    publication = {
        "sequence": versions.next_sequence(None),
        "published_at": "2026-03-30T01:00:00Z",
        "published_as": published.name,
        "replaces": None,
        "as_of_end": None,
        "row_counts": {},
        "files": {FILE: {"sha256": sha256_of(unfinished / FILE)}},
    }
    manifest = RunRecord(run_id).as_dict() | {"publication": publication}
    return versions.keep(unfinished, run_id, manifest)
