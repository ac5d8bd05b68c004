"""Publishing: the marts into a file of their own, replaced in one rename.

Runs as a process of its own (`python -m kefu.publish`), because DuckDB lets
nobody open a file that another connection has open for writing.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from kefu.closing.restate import SCHEMA as CLOSED
from kefu.closing.restate import complete
from kefu.errors import EXIT_PUBLISH, KefuError, one_line
from kefu.files import remove, sha256_of, write_protect
from kefu.meta_schema import (
    AS_OF_END,
    META,
    SCHEMA,
    as_text,
    row_counts,
    watermark,
    write_meta,
)
from kefu.run_lock import held
from kefu.run_record import RunRecord, now
from kefu.settings import DEFAULT_KEPT_VERSIONS
from kefu.table_copy import copy_schemas, schemas_of, write_parquet
from kefu.versions import (
    FILE,
    PARQUET,
    PUBLISHED,
    REPORT,
    RESTRICTED,
    ROLLED_BACK,
    Found,
    Version,
    Versions,
    look_at,
    publication_in,
    report_in,
)

# The names of people, and what somebody wrote in words of his own: left out of
# the restricted file.
RESTRICTED_COLUMNS = frozenset({"cs_name", "cs_account"})
RESTRICTED_IN_CLOSED = RESTRICTED_COLUMNS | {"decided_by", "reason"}


@dataclass(frozen=True)
class Request:
    """What is to be published, where, and with which copies."""

    database: Path
    published: Path
    record: RunRecord
    kept_versions: int = DEFAULT_KEPT_VERSIONS
    with_parquet: bool = False
    with_restricted: bool = False

    def as_json(self) -> str:
        """Return the request as one line for another process."""
        values = asdict(self) | {"record": self.record.as_dict()}
        return json.dumps(values, default=str)

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """Return the request of `as_json`."""
        values = json.loads(text)
        values["database"] = Path(values["database"])
        values["published"] = Path(values["published"])
        values["record"] = RunRecord.from_dict(values["record"])
        return cls(**values)


def publish(request: Request) -> dict:
    """Copy the marts of a finished build and put them in place of the old.

    Tables keep their constraints and comments. Readers that have the old file
    open keep it; who opens it later sees the new one; there is no moment
    without a file. The build is kept as a version, the oldest versions go.
    Returns the figures of the summary. Raises KefuError, with the published
    file as it was.
    """
    published = request.published
    try:
        published.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KefuError(
            f"the folder {published.parent} of the published file cannot be"
            f" made ({error.strerror}): set KEFU_PUBLISHED to a path you may"
            " write",
            EXIT_PUBLISH,
        ) from error
    # A rollback takes seconds, and what waits here took much longer to build.
    with held(published, "publishing", wait=True), _told_as_one_line(published):
        versions = Versions(published)
        versions.remove_leftovers()
        parts = check_places(versions, request.with_parquet, request.with_restricted)
        current = publication_in(published)
        _check_nothing_newer(versions, request.record)
        with duckdb.connect(str(request.database), read_only=True) as built:
            figures, reach = summary(built), watermark(built)
        replaced = versions.current_id()
        with_names = RESTRICTED not in parts
        version, is_new = _version_of(
            versions, request, current, replaced, reach, with_names=with_names
        )
        try:
            add_copies(versions, version, parts)
            add_report(versions, version, with_names=with_names)
            versions.put_in_place(version, parts)
        except BaseException:
            # A copy that is in place already needs what it is a copy of.
            if is_new and not versions.is_put_in_place:
                versions.drop(version.folder)
            raise
        figures |= {"version": version.run_id}
        figures |= version.publication.get("closed", {})
        figures |= _after_publication(versions, version, replaced, request)
        figures |= _about_report(versions, version, figures.get("warning"))
    return figures


@contextlib.contextmanager
def _told_as_one_line(published: Path) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, OSError) as error:
        raise KefuError(
            f"publishing to {published} failed, the file there is as it"
            f" was: {one_line(error, 300)}",
            EXIT_PUBLISH,
        ) from error


def _check_nothing_newer(versions: Versions, record: RunRecord) -> None:
    """Raise KefuError if another version was put in place since the run began.

    Runs with a working database each can share one published file: the last to
    be done need not have the newest input.
    """
    there = versions.current_id()
    if None in (there, record.follows) or there in (record.follows, record.run_id):
        return
    raise KefuError(
        f"{versions.published} is another version ({there}) than when the run"
        f" {record.run_id} began, and may be of newer input: it stays; use `kefu run`"
        " to build from what is landed now",
        EXIT_PUBLISH,
    )


def check_places(
    versions: Versions, with_parquet: bool = False, with_restricted: bool = False
) -> list[str]:
    """Return what a publication puts in place: the marts and which copies.

    A copy that is there already is renewed even if nobody asks for it: old
    figures beside new ones are worse than none. Raises KefuError if what is
    there is not ours to replace.
    """
    versions.check_folder()
    parts = [FILE]
    _check_replaceable(versions, versions.published, look_at(versions.published))
    found = look_at(versions.restricted)
    if with_restricted or _is_restricted(versions, found):
        _check_replaceable(versions, versions.restricted, found)
        parts.append(RESTRICTED)
    link = versions.parquet
    if with_parquet or link.is_symlink():
        if link.exists() and not link.is_symlink():
            raise KefuError(
                f"{link} exists and is no link that kefu made: move it away, so that"
                " the Parquet files can be put there",
            )
        parts.append(PARQUET)
    return parts


def _is_restricted(versions: Versions, found: Found) -> bool:
    """Whether a restricted file is there; one that cannot be read counts as one."""
    if found.publication is not None:
        return found.publication["is_restricted"]
    return found.is_open_for_writing or (
        found.is_damaged
        and any(RESTRICTED in item.publication["files"] for item in versions.read()[0])
    )


def _check_replaceable(versions: Versions, place: Path, found: Found) -> None:
    # A file that cannot be read is ours if we keep what it was made of.
    is_ours = found.is_damaged and bool(versions.read()[0])
    if not (found.is_replaceable or is_ours):
        raise KefuError(
            f"{place} exists and is no database that kefu published: move it"
            " away, or set KEFU_PUBLISHED to another path"
        )


def _version_of(
    versions: Versions,
    request: Request,
    current: dict | None,
    replaced: str | None,
    reach: dict,
    *,
    with_names: bool,
) -> tuple[Version, bool]:
    """Return the version of the request's run, and whether it was made now.

    `current` is what the published file says about itself, `replaced` the version
    that was in place, `reach` how far the input reaches. A run whose version is
    kept already, and whole, is not copied again.
    """
    record = request.record
    run_id = record.run_id
    for version in versions.read()[0]:
        if version.run_id == run_id:
            with contextlib.suppress(KefuError):
                version.check([FILE])
                return version, False
    unfinished = versions.begin(run_id)
    try:
        file = unfinished / FILE
        copy_schemas(request.database, file, [SCHEMA])
        # Whatever else belongs to a version is put into `file` here: it has
        # the marts, is open nowhere, and nobody has seen it yet.
        with duckdb.connect(str(file), read_only=True) as connection:
            counts = row_counts(connection)
        publication = {
            "sequence": versions.next_sequence(current),
            "published_at": now(),
            "published_as": request.published.name,
            "replaces": replaced,
            **reach,
            "row_counts": counts,
        }
        manifest = record.as_dict() | {"publication": publication}
        write_meta(file, manifest, is_restricted=False)
        publication["closed"] = complete(
            file, request.database, request.published, manifest
        )
        publication["files"] = _finish(unfinished, request.published, FILE)
        written, publication["report"] = write_report(
            file, unfinished, request.published, with_names=with_names
        )
        publication["files"] |= written
        return versions.keep(unfinished, run_id, manifest), True
    finally:
        remove(unfinished)


def add_copies(versions: Versions, version: Version, parts: Collection[str]) -> None:
    """Add the copies to a version that it does not have yet."""
    files = version.publication["files"]
    missing = [
        part
        for part in (RESTRICTED, PARQUET)
        if part in parts and not any(path.split("/")[0] == part for path in files)
    ]
    if not missing:
        return
    version.check([FILE])
    unfinished = versions.begin(version.run_id)
    try:
        if RESTRICTED in missing:
            file = unfinished / RESTRICTED
            blank = {
                name: RESTRICTED_IN_CLOSED if name == CLOSED else RESTRICTED_COLUMNS
                for name in schemas_of(version.file)
                if name != META
            }
            copy_schemas(version.file, file, blank, blank)
            write_meta(file, version.manifest, is_restricted=True)
            files |= _finish(unfinished, versions.restricted, RESTRICTED)
        if PARQUET in missing:
            write_parquet(version.file, unfinished / PARQUET, SCHEMA, version.run_id)
            files |= _finish(unfinished, versions.published, PARQUET)
        versions.add(version, unfinished, missing)
    finally:
        remove(unfinished)


def write_report(
    file: Path, folder: Path, model: Path, *, with_names: bool
) -> tuple[dict, dict]:
    """Write the report of a version's file into a folder.

    Returns its entry among the version's files, and what the manifest says of it.
    No publication fails for want of its report: whatever goes wrong is told
    there, without the words of an error, which may name places.
    """
    told = {"is_written": True, "with_names": with_names}
    path = folder / REPORT
    try:
        # Imported here: a rollback to a version that has its report needs none.
        from kefu.report.page import render  # noqa: PLC0415

        path.write_text(render(file, with_names=with_names), encoding="utf-8")
        return _finish(folder, model, REPORT), told
    except Exception as error:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        why = getattr(error, "strerror", None) or type(error).__name__
        return {}, told | {"is_written": False, "why": why}


def add_report(
    versions: Versions, version: Version, *, with_names: bool, anew: bool = False
) -> None:
    """Give a kept version its report, if it has none of the right kind yet.

    With `anew` it is written again in any case.
    """
    publication = version.publication
    told = publication.get("report", {})
    has_one = REPORT in publication["files"] and told.get("with_names") == with_names
    if has_one and not anew:
        return
    try:
        unfinished = versions.begin(version.run_id)
        try:
            written, publication["report"] = write_report(
                version.file, unfinished, versions.published, with_names=with_names
            )
            publication["files"].pop(REPORT, None)
            remove(version.folder / REPORT)
            publication["files"] |= written
            versions.add(version, unfinished, written)
        finally:
            remove(unfinished)
    except OSError as error:
        # Then it is not put in place either, which is told there.
        publication["report"] = told | {"is_written": False, "why": error.strerror}
        publication["files"].pop(REPORT, None)


def _about_report(versions: Versions, version: Version, warning: str | None) -> dict:
    """Return what the summary says of the report; a failure goes into the manifest."""
    trouble = versions.report_trouble
    if trouble is None:
        return {"report": str(versions.report)}
    version.publication["report"] |= {"is_in_place": False, "why": trouble}
    with contextlib.suppress(OSError):
        versions.add(version, version.folder, ())
    told = f"{REPORT} could not be written ({trouble})"
    return {"report": None, "warning": f"{warning}; {told}" if warning else told}


def renew_report(published: Path, *, anew: bool = False) -> str | None:
    """Put the report of the version in place beside it; return what went wrong.

    With `anew` it is written again, else only if it is not there. Raises KefuError
    if the version is not kept.
    """
    versions = Versions(published)
    current = versions.current_id()
    if not anew and (current is None or report_in(versions.report) == current):
        return None
    with held(published, "report", wait=True):
        current = versions.current_id()
        if current is None:
            raise KefuError(
                f"nothing is published as {published}: use `kefu run`", EXIT_PUBLISH
            )
        version = versions.find(current)
        is_restricted = _is_restricted(versions, look_at(versions.restricted))
        add_report(versions, version, with_names=not is_restricted, anew=anew)
        versions.place_report(version)
    return versions.report_trouble


def _finish(folder: Path, model: Path, part: str) -> dict[str, dict]:
    """Write-protect the files of a part; return their sizes and hashes."""
    path = folder / part
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in found:
        write_protect(file, model)
    return {
        file.relative_to(folder).as_posix(): {
            "bytes": file.stat().st_size,
            "sha256": sha256_of(file),
        }
        for file in found
    }


def _after_publication(
    versions: Versions, version: Version, replaced: str | None, request: Request
) -> dict:
    """Note what was done and remove old versions; return what to warn of.

    The new file is in place: what fails now is no failure of publishing.
    """
    try:
        versions.note(PUBLISHED, version.run_id, replaced)
        versions.prune(request.kept_versions, version.run_id)
    except OSError as error:
        return {"warning": f"old versions stay ({one_line(error, 200)})"}
    return {}


FIGURES = {
    "malls": "select count(*) from marts.dim_malls",
    "agents": "select count(*) from marts.dim_agents",
    "days": "select count(distinct service_date) from marts.mall_kpi_daily",
    "rows in": "select sum(rows_landed)::bigint from marts.data_quality_balance",
    "rows rejected": (
        "select sum(rows_rejected)::bigint from marts.data_quality_balance"
    ),
    "as-of end": AS_OF_END,
    "newest score day": "select max(as_of_date) from marts.experience_score_30d",
}


def summary(connection: duckdb.DuckDBPyConnection) -> dict:
    """Return the figures of a finished build: counts, and days as ISO text.

    `connection` is one to the working database. A figure is None where its
    table holds nothing or is not there.
    """
    figures = {}
    for figure, query in FIGURES.items():
        figures[figure] = None
        with contextlib.suppress(duckdb.CatalogException):
            row = connection.execute(query).fetchone()
            figures[figure] = as_text(row[0]) if row else None
    return figures


def roll_back(
    published: Path, run_id: str | None, say: Callable[[str], None] = print
) -> Version:
    """Put a kept version in place of the current one; return it.

    Without an id, the one that the current version took the place of. Copies
    that lie beside the published file go back with it. Raises KefuError, with
    the published file as it was.
    """
    if not published.parent.is_dir():
        raise KefuError(
            f"there is no folder {published.parent}: nothing was published yet",
            EXIT_PUBLISH,
        )
    with held(published, "rollback", wait=True), _told_as_one_line(published):
        versions = Versions(published)
        versions.remove_leftovers()
        version = versions.find(run_id) if run_id else versions.before_current()
        replaced = versions.current_id()
        parts = check_places(versions)
        add_copies(versions, version, parts)
        add_report(versions, version, with_names=RESTRICTED not in parts)
        versions.put_in_place(version, parts)
        if versions.report_trouble:
            say(f"  warning: {REPORT} is not there ({versions.report_trouble})")
        if version.run_id != replaced:
            versions.note(ROLLED_BACK, version.run_id, replaced)
    return version


def main() -> int:
    """Do the request on standard input; print the figures, or the error."""
    try:
        figures = publish(Request.from_json(sys.stdin.read()))
    except KefuError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
