"""The versions kept beside the published file, and which of them is current.

A version is a folder <published folder>/versions/<run id>/ that holds
kefu.duckdb, manifest.json and whatever copies were asked for; it gets its
name when it is whole and is not written again. The published file is a copy
of one of them: a link would save that one copy, but then whoever gets to
write the published file writes the version too, and there is nothing left to
return to.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kefu.errors import EXIT_PUBLISH, KefuError, one_line
from kefu.files import remove, sha256_of, sync, write_json, write_protect
from kefu.run_record import RunRecord, now

FOLDER = "versions"
FILE = "kefu.duckdb"
RESTRICTED = "kefu_restricted.duckdb"
PARQUET = "parquet"
REPORT = "report.html"
MANIFEST = "manifest.json"
PINS = "pins.json"
HISTORY = "history.jsonl"
# What the rest of the program relies on in the manifest's part `publication`.
PUBLICATION = (
    "sequence",
    "published_at",
    "published_as",
    "replaces",
    "as_of_end",
    "row_counts",
    "files",
)
PUBLISHED, ROLLED_BACK = PUT_THERE = ("published", "rolled back")
"""The events of the history after which another version is the current one."""
UNFINISHED, REMOVING = ".publishing", ".removing"
DUCKDB_MAGIC = b"DUCK"
REPORT_MARK = re.compile(rb'<meta name="kefu-run-id" content="([^"]+)">')
REPORT_HEAD = 1024


@dataclass(frozen=True)
class Version:
    """One kept version: its folder and what its manifest says."""

    folder: Path
    manifest: dict

    @property
    def run_id(self) -> str:
        """The id of the run that built it."""
        return self.folder.name

    @property
    def record(self) -> RunRecord:
        """What is known of the run."""
        return RunRecord.from_dict(self.manifest)

    @property
    def file(self) -> Path:
        """The marts, as one DuckDB file that nobody may write."""
        return self.folder / FILE

    @property
    def publication(self) -> dict:
        """The part of the manifest that was added at publication."""
        return self.manifest["publication"]

    @property
    def pins(self) -> list[str]:
        """What the version must be kept for, such as a closing."""
        path = self.folder / PINS
        try:
            return list(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError):
            # It was kept for something, and nobody knows that it need not be.
            return [f"what its {PINS} said, which cannot be read"]

    def check(self, names: Iterable[str]) -> None:
        """Raise KefuError unless the files are those that were published.

        `names` are files or folders of the version, such as FILE.
        """
        listed = self.publication["files"]
        for name in names:
            wanted = {
                path: entry
                for path, entry in listed.items()
                if path == name or path.startswith(f"{name}/")
            }
            is_whole = bool(wanted) and all(
                (self.folder / path).is_file()
                and sha256_of(self.folder / path) == entry["sha256"]
                for path, entry in wanted.items()
            )
            if not is_whole:
                raise KefuError(
                    f"the version {self.run_id} is damaged: {name} is not what was"
                    " published; choose another one from `kefu published`",
                    EXIT_PUBLISH,
                )


def _read_version(folder: Path) -> Version:
    """Read a version's manifest; ValueError, KeyError or TypeError if it is none."""
    version = Version(
        folder, json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    )
    if version.record.run_id != version.run_id:
        raise ValueError("the manifest of another run")
    for name in PUBLICATION:
        _ = version.publication[name]
    return version


class Versions:
    """All versions kept for one published file."""

    def __init__(self, published: Path) -> None:
        """Take the versions beside `published`, which need not exist."""
        self.published = published
        self.folder = published.parent / FOLDER
        self.is_put_in_place = False
        """Whether `put_in_place` has replaced a file or link, be it one of many."""
        self.report_trouble: str | None = None
        """Why the report beside the published file is not that of its version."""

    @property
    def restricted(self) -> Path:
        """The published file without the names of agents."""
        return restricted_beside(self.published)

    @property
    def parquet(self) -> Path:
        """The link to the current version's Parquet files."""
        return self.published.parent / PARQUET

    @property
    def report(self) -> Path:
        """The current version's report, as people open it."""
        return self.published.parent / REPORT

    def read(self) -> tuple[list[Version], dict[str, str]]:
        """Return the versions, newest first, and the ids that cannot be read.

        The latter with what is wrong with them.
        """
        whole, broken = [], {}
        folders = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        for folder in folders:
            if folder.name.startswith(".") or not folder.is_dir():
                continue
            try:
                whole.append(_read_version(folder))
            except FileNotFoundError:
                broken[folder.name] = f"it has no {MANIFEST}"
            except (OSError, ValueError, KeyError, TypeError) as error:
                broken[folder.name] = (
                    f"its {MANIFEST} cannot be read ({type(error).__name__})"
                )
        whole.sort(key=lambda item: item.publication["sequence"], reverse=True)
        return whole, broken

    def find(self, run_id: str) -> Version:
        """Return the version of a run. Raises KefuError if there is none."""
        whole, broken = self.read()
        for version in whole:
            if version.run_id == run_id:
                return version
        if run_id in broken:
            raise KefuError(
                f"the version {run_id} is damaged: {broken[run_id]}; choose another"
                " one from `kefu published`",
                EXIT_PUBLISH,
            )
        raise KefuError(
            f"there is no version {one_line(run_id, 60)}: `kefu published` lists"
            " those that are kept",
            EXIT_PUBLISH,
        )

    def before_current(self) -> Version:
        """Return the version that the current one took the place of.

        Raises KefuError if that is not known or not kept any more.
        """
        if not self.published.exists() and not self.read()[0]:
            raise KefuError(
                f"nothing is published as {self.published}: use `kefu run`",
                EXIT_PUBLISH,
            )
        current = publication_in(self.published)
        if current is None:
            raise KefuError(
                f"{self.published} does not say which version it is: name the one"
                " to return to, `kefu published` lists them",
                EXIT_PUBLISH,
            )
        replaced = current["replaces"]
        if replaced is None:
            raise KefuError(
                f"there is no version before the current one, {current['run_id']}:"
                " `kefu published` lists those that are kept",
                EXIT_PUBLISH,
            )
        return self.find(replaced)

    def current_id(self) -> str | None:
        """Return the id of the version in place; None where nothing tells.

        What cannot be read now, being written or damaged, is what the history
        says was put there last.
        """
        current = publication_in(self.published)
        if current:
            return current["run_id"]
        put_there = [
            event["run_id"] for event in self.history() if event["event"] in PUT_THERE
        ]
        return put_there[-1] if put_there else None

    def check_folder(self) -> None:
        """Raise KefuError if the versions are those of another published file."""
        for version in self.read()[0]:
            name = version.publication["published_as"]
            if name != self.published.name:
                raise KefuError(
                    f"the folder {self.published.parent} keeps the versions of"
                    f" {name}: give {self.published.name} a folder of its own",
                )

    def next_sequence(self, current: dict | None) -> int:
        """Return the number of the next publication: the clock may go back.

        `current` is what the published file says about itself.
        """
        numbers = [item.publication["sequence"] for item in self.read()[0]]
        if current:
            numbers.append(current["sequence"])
        return max(numbers, default=0) + 1

    def begin(self, run_id: str) -> Path:
        """Make and return the folder in which a version is put together."""
        unfinished = self.folder / f".{run_id}{UNFINISHED}"
        unfinished.mkdir(parents=True)
        return unfinished

    def keep(self, unfinished: Path, run_id: str, manifest: dict) -> Version:
        """Give a finished version its name; return it.

        A version of the same run that is damaged makes room, and what it is kept
        for counts for the new one.
        """
        for file in sorted(unfinished.rglob("*")):
            sync(file)
        write_json(unfinished / MANIFEST, manifest)
        write_protect(unfinished / MANIFEST)
        folder = self.folder / run_id
        if (folder / PINS).exists():
            shutil.copyfile(folder / PINS, unfinished / PINS)
            sync(unfinished / PINS)
        self.drop(folder)
        os.replace(unfinished, folder)
        sync(self.folder)
        return Version(folder, manifest)

    def add(self, version: Version, unfinished: Path, parts: Iterable[str]) -> None:
        """Move further copies into a kept version.

        They count once they stand in its manifest, which is written last.
        """
        for file in sorted(unfinished.rglob("*")):
            sync(file)
        for part in parts:
            remove(version.folder / part)
            os.replace(unfinished / part, version.folder / part)
        write_json(version.folder / MANIFEST, version.manifest)
        write_protect(version.folder / MANIFEST)

    def drop(self, folder: Path) -> None:
        """Remove a version's folder; killed meanwhile, no half of it stays."""
        if folder.exists():
            removing = folder.with_name(f".{folder.name}{REMOVING}")
            remove(removing)
            os.replace(folder, removing)
            remove(removing)

    def prune(self, keep: int, current: str) -> list[str]:
        """Remove all but the `keep` newest versions; return their ids.

        The one with the id `current`, the one that it took the place of, to
        which a rollback returns, and those that are pinned stay whatever their
        age.
        """
        removed = []
        whole = self.read()[0]
        spared = {current} | {
            version.publication["replaces"]
            for version in whole
            if version.run_id == current
        }
        for version in whole[keep:]:
            if version.run_id not in spared and not version.pins:
                self.drop(version.folder)
                removed.append(version.run_id)
        return removed

    def pin(self, run_id: str, reason: str) -> None:
        """Keep a version for good. Raises KefuError if there is none."""
        version = self.find(run_id)
        if reason not in version.pins:
            write_json(version.folder / PINS, [*version.pins, reason])

    def note(self, event: str, run_id: str, replaced: str | None) -> None:
        """Add a line to the history of what was put in place, and when."""
        line = {"at": now(), "event": event, "run_id": run_id, "replaced": replaced}
        path = self.folder / HISTORY
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def history(self) -> list[dict]:
        """Return the lines of the history, oldest first.

        A line that was cut off by the end of the machine is passed over.
        """
        path = self.folder / HISTORY
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        events = []
        for line in lines:
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
        return events

    def remove_leftovers(self) -> None:
        """Remove what killed processes left behind; call it under the lock."""
        if self.folder.is_dir():
            for left in self.folder.glob(".*"):
                if left.name.endswith((UNFINISHED, REMOVING)):
                    remove(left)
        for left in self.published.parent.glob(f".*{UNFINISHED}*"):
            if left.name.startswith(
                tuple(
                    f".{path.name}."
                    for path in (
                        *(self.published, self.restricted, self.parquet),
                        self.report,
                    )
                )
            ):
                remove(left)

    def put_in_place(self, version: Version, parts: Iterable[str]) -> None:
        """Make a version the current one, in one step for each part.

        `parts` are FILE and what stands beside it, RESTRICTED or PARQUET.
        All are copied and checked before the first is put in place; FILE comes
        last. Raises KefuError or OSError; OSError only with everything as it was.

        The report is never that of another version than FILE: the old one goes
        before FILE is replaced and the new one comes after it, so that who is
        killed in between leaves none. What fails about it is noted as
        `report_trouble`.
        """
        places = {
            RESTRICTED: self.restricted,
            PARQUET: self.parquet,
            FILE: self.published,
        }
        chosen = [part for part in places if part in parts]
        prepared: list[tuple[Path, Path]] = []
        try:
            for part in chosen:
                place = places[part]
                fresh = place.parent / f".{place.name}.{os.getpid()}{UNFINISHED}"
                prepared.append((fresh, place))
                remove(fresh)
                if part == PARQUET:
                    version.check([part])
                    fresh.symlink_to(Path(FOLDER, version.run_id, PARQUET))
                else:
                    self._copy(version, part, fresh, place)
            self.check_nobody_writes(chosen)
            self._replace(version, prepared)
        finally:
            for fresh, _ in prepared:
                remove(fresh)
        self.place_report(version)

    def place_report(self, version: Version) -> None:
        """Put the report of a version beside the published file.

        If there is none, or it cannot be done, no other version's report stays
        there, and `report_trouble` says why.
        """
        fresh = self.report.with_name(f".{REPORT}.{os.getpid()}{UNFINISHED}")
        try:
            if REPORT not in version.publication["files"]:
                told = version.publication.get("report", {}).get("why")
                raise KefuError(told or "the version has none")
            self._check_report()
            self._copy(version, REPORT, fresh, self.report)
            os.replace(fresh, self.report)
            sync(self.published.parent)
            self.report_trouble = None
        except (KefuError, OSError) as error:
            told = getattr(error, "strerror", None) or error
            self.report_trouble = one_line(told, 200)
            if report_in(self.report) not in (None, version.run_id) and (
                aside := self._withdraw_report()
            ):
                remove(aside)
        finally:
            fresh.unlink(missing_ok=True)

    def _check_report(self) -> None:
        """Raise KefuError if what lies in the report's place is not ours."""
        place = self.report
        if os.path.lexists(place) and report_in(place) is None:
            raise KefuError(
                f"{REPORT} beside the published file is none that kefu wrote: move it"
                " away, and use `kefu report`"
            )

    def _withdraw_report(self) -> Path | None:
        """Take the report away; return where it lies, for as long as it may return."""
        aside = self.report.with_name(f".{REPORT}.old.{os.getpid()}{UNFINISHED}")
        if report_in(self.report) is None:
            return None
        try:
            os.replace(self.report, aside)
            sync(self.published.parent)
        except OSError:
            return None
        return aside

    def _replace(self, version: Version, prepared: list[tuple[Path, Path]]) -> None:
        placed, aside = [], None
        try:
            for fresh, place in prepared:
                if place == self.published:
                    aside = self._withdraw_report()
                os.replace(fresh, place)
                self.is_put_in_place = True
                placed.append(place.name)
            sync(self.published.parent)
        except OSError as error:
            if not placed:
                raise
            raise KefuError(
                f"{', '.join(placed)} in {self.published.parent} became the version"
                f" {version.run_id}, and then it failed ({one_line(error, 200)}): mend"
                f" that and use `kefu rollback {version.run_id}`, which does it again",
                EXIT_PUBLISH,
            ) from error
        finally:
            if aside:
                if self.published.name in placed:
                    remove(aside)
                else:
                    with contextlib.suppress(OSError):
                        os.replace(aside, self.report)

    def check_nobody_writes(self, parts: Iterable[str]) -> None:
        """Raise KefuError if replacing a part would lose what someone wrote."""
        for part, place in ((FILE, self.published), (RESTRICTED, self.restricted)):
            if part not in parts:
                continue
            log = place.with_name(f"{place.name}.wal")
            if log.exists() and log.stat().st_size:
                raise KefuError(
                    f"somebody wrote to {place}, and {log.name} beside it holds what:"
                    " move that file away, have readers open the other read-only, and"
                    " use `kefu publish`",
                    EXIT_PUBLISH,
                )
            if look_at(place).is_open_for_writing:
                raise KefuError(
                    f"{place} is open for writing in another program: close it, have"
                    " readers open it read-only, and use `kefu publish`",
                    EXIT_PUBLISH,
                )

    def _copy(self, version: Version, part: str, fresh: Path, place: Path) -> None:
        """Copy a file of a version, making sure that it is what was kept."""
        wanted = version.publication["files"].get(part, {}).get("sha256")
        try:
            shutil.copyfile(version.folder / part, fresh)
        except FileNotFoundError:
            wanted = None
        if wanted is None or sha256_of(fresh) != wanted:
            raise KefuError(
                f"the version {version.run_id} is damaged: {part} is not what was"
                " published; choose another one from `kefu published`",
                EXIT_PUBLISH,
            )
        write_protect(fresh, place)
        sync(fresh)


def restricted_beside(published: Path) -> Path:
    """Return where the published file without agents' names lies."""
    return published.with_name(f"{published.stem}_restricted{published.suffix}")


def report_in(place: Path) -> str | None:
    """Return the id of the run that a report is of; None if it is no report."""
    try:
        with place.open("rb") as file:
            found = REPORT_MARK.search(file.read(REPORT_HEAD))
    except OSError:
        return None
    return found.group(1).decode(errors="replace") if found else None


@dataclass(frozen=True)
class Found:
    """What lies where something is to be published."""

    is_replaceable: bool
    is_open_for_writing: bool = False
    is_damaged: bool = False
    """Whether it is a DuckDB file that cannot be read."""
    publication: dict | None = None


def look_at(place: Path) -> Found:
    """Look at what lies in a published place, opening it once.

    It may be replaced where it is nothing, an empty file, or a DuckDB file
    with a schema marts. One that another process is writing counts as such,
    but cannot be looked into.
    """
    if not place.exists() or place.stat().st_size == 0:
        return Found(True)
    if not place.is_file():
        return Found(False)
    with place.open("rb") as file:
        if file.read(12)[8:] != DUCKDB_MAGIC:
            return Found(False)
    try:
        with duckdb.connect(str(place), read_only=True) as connection:
            schemas = connection.execute(
                "select schema_name from duckdb_schemas()"
                " where database_name = current_database()"
            ).fetchall()
            return Found(
                is_replaceable=("marts",) in schemas,
                publication=_publication(connection),
            )
    except duckdb.Error as error:
        if isinstance(error, duckdb.IOException) and "lock" in str(error).lower():
            return Found(is_replaceable=True, is_open_for_writing=True)
        return Found(is_replaceable=False, is_damaged=True)


def _publication(connection: duckdb.DuckDBPyConnection) -> dict | None:
    try:
        cursor = connection.execute(
            "select run_id, sequence, replaces, is_restricted, published_at"
            " from meta.publication"
        )
    except duckdb.CatalogException:
        return None
    names = [column[0] for column in cursor.description]
    row = cursor.fetchone()
    return dict(zip(names, row, strict=True)) if row else None


def publication_in(file: Path) -> dict | None:
    """Return what a published file says about itself, or None.

    Keys: run_id, sequence, replaces, is_restricted, published_at (UTC).
    """
    return look_at(file).publication
