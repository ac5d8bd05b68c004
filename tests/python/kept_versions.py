"""Published versions made by hand, for tests that have no run to publish one."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from kefu.files import sha256_of
from kefu.run_record import RunRecord
from kefu.versions import FILE, Version, Versions


def keep_version(
    published: Path, file: Path, run_id: str = "before", landings: Iterable[str] = ()
) -> Version:
    """Keep a copy of a DuckDB file as a version of `published`; return it.

    `landings` are the names of the files that it was built from.
    """
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
    files = [{"name": name, "bytes": 1} for name in landings]
    record = RunRecord(run_id, input={"files": files})
    manifest = record.as_dict() | {"publication": publication}
    return versions.keep(unfinished, run_id, manifest)
