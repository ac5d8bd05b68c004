"""The closings beside the published file: written once, never changed.

A closing is a folder <published folder>/closed/<period>[.r<revision>]/ with
one Parquet file a table and manifest.json. It gets its name when it is whole.
"""

import dataclasses
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.files import remove, sha256_of, sync, write_json, write_protect

FOLDER = "closed"
MANIFEST = "manifest.json"
UNFINISHED = ".closing"
INPUT_DAYS = "input_days"


@dataclass(frozen=True)
class Closing:
    """One closing of a period, as its manifest states it.

    Days are ISO text, times UTC. `tables` gives rows and sha256 of each file;
    `run` is what was known of the run that computed the figures.
    """

    period: str
    revision: int
    first_day: str
    last_day: str
    run_id: str
    closed_at: str
    decided_by: str
    as_of_end: str
    overrides: list[str] = field(default_factory=list)
    reason: str | None = None
    incomplete_days: int | None = None
    """Mall, source and day found incomplete; None where nobody looked."""
    unjudged_days: int | None = None
    """Of as many the rows were too few to tell whether they came whole."""
    days_of_data: int | None = None
    """How many malls, sources and days there are at all."""
    data_begin: str | None = None
    """The first day of messages and orders, if it is after the period's first."""
    tables: dict[str, dict] = field(default_factory=dict)
    run: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The period, with the revision from the second on."""
        suffix = f".r{self.revision}" if self.revision > 1 else ""
        return f"{self.period}{suffix}"


class Closings:
    """All closings kept for one published file."""

    def __init__(self, published: Path) -> None:
        """Take the closings beside `published`, which need not exist."""
        self.folder = published.parent / FOLDER

    def read(self) -> list[Closing]:
        """Return all closings by period and revision.

        Raises KefuError for one whose manifest cannot be read.
        """
        found = []
        for folder in sorted(self.folder.iterdir()) if self.folder.is_dir() else []:
            if folder.name.startswith(".") or not folder.is_dir():
                continue
            try:
                values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
                closing = Closing(**values)
            except (OSError, ValueError, TypeError) as error:
                raise KefuError(
                    f"the closing {folder} cannot be read ({type(error).__name__}):"
                    " restore it from a backup, or move it away for that month to be"
                    " compared and published no more; then use `kefu publish`",
                    EXIT_PUBLISH,
                ) from error
            found.append(closing)
        return sorted(found, key=lambda item: (item.period, item.revision))

    def of_period(self, period: str) -> list[Closing]:
        """Return the closings of one period, the one in force last."""
        return [item for item in self.read() if item.period == period]

    def in_force(self) -> list[Closing]:
        """Return the last closing of each period."""
        return list({item.period: item for item in self.read()}.values())

    def file(self, closing: Closing, table: str) -> Path:
        """Return the Parquet file of a table."""
        return self.folder / closing.name / f"{table}.parquet"

    def altered(self, closing: Closing) -> list[str]:
        """Return the tables whose file is not the one that was closed."""
        return [
            name
            for name, kept in closing.tables.items()
            if not self.file(closing, name).is_file()
            or sha256_of(self.file(closing, name)) != kept["sha256"]
        ]

    def begin(self, closing: Closing) -> Path:
        """Make and return the folder in which a closing is put together."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(f".*{UNFINISHED}"):
            remove(left)
        unfinished = self.folder / f".{closing.name}.{os.getpid()}{UNFINISHED}"
        unfinished.mkdir()
        return unfinished

    def keep(self, unfinished: Path, closing: Closing, rows: dict[str, int]) -> Closing:
        """Give a finished closing its name; return it with its files' hashes."""
        tables = {
            name: {
                "rows": count,
                "sha256": sha256_of(unfinished / f"{name}.parquet"),
            }
            for name, count in rows.items()
        }
        whole = dataclasses.replace(closing, tables=tables)
        write_json(unfinished / MANIFEST, dataclasses.asdict(whole))
        self._protect(unfinished.iterdir())
        sync(unfinished)
        folder = self.folder / closing.name
        if folder.exists():
            raise KefuError(
                f"{folder} exists: a closing is never changed", EXIT_PUBLISH
            )
        unfinished.rename(folder)
        sync(self.folder)
        folder.chmod(0o555)
        return whole

    def _protect(self, files: Iterable[Path]) -> None:
        for file in files:
            write_protect(file)
            sync(file)
