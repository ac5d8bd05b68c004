"""Putting rows into the landing folders, whole or not at all.

A file's own hash is in the name of what it became, so that the landed file is
the only record of what was ingested: there is nothing to fall out of step when
a process dies in between.
"""

import datetime as dt
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from kefu.contract import LOADED_AT, SOURCE_FILE
from kefu.errors import KefuError
from kefu.faults import refused_write
from kefu.files import sync
from kefu.ingest.files import Source
from kefu.ingest.kinds import Kind
from kefu.ingest.options import Options

UNFINISHED = ".kefu-ingest-"
MARK_LENGTH = 32
# Of the columns that options fill, those whose value makes other rows of the
# same content: under another shop or other days they stand beside each other.
WHOSE = ("mall_id", "period_start", "period_end")


def mark_of(kind: Kind, options: Options, source: Source) -> str:
    """Return what names a file's rows: its content, kind and options."""
    parts = (kind.name, *options.meaning, source.digest)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:MARK_LENGTH]


def name_of(kind: Kind, mark: str, source: Source, earlier: int) -> str:
    """Return the name, without suffix, of what a file becomes.

    earlier: how often it has landed with the same options.
    """
    name = f"kefu-{kind.name}-{mark}-{_content(source)}"
    return f"{name}-{earlier + 1}" if earlier else name


def _content(source: Source) -> str:
    return source.digest[:MARK_LENGTH]


def landed_before(root: Path, kind: Kind, mark: str) -> list[Path]:
    """Return what a file has already become, the oldest first."""
    pattern = f"load_date=*/kefu-{kind.name}-{mark}*.parquet"
    return sorted((root / kind.table).glob(pattern))


@dataclass(frozen=True)
class Elsewhere:
    """Where the content of a file has landed as another shop's or other days'."""

    path: Path
    mall_id: str
    days: str | None
    """First and last date of a report, for people; None for other kinds."""


def landed_elsewhere(
    root: Path, kind: Kind, options: Options, source: Source
) -> list[Elsewhere]:
    """Return what the same content has become under another shop or period.

    A landing that cannot be read, or of which every row was taken out, is
    passed over: whose it is does not show.
    """
    own = (options.mall_id, *(day.isoformat() for day in options.period or ()))
    pattern = f"load_date=*/kefu-{kind.name}-*-{_content(source)}*.parquet"
    found = []
    for path in sorted((root / kind.table).glob(pattern)):
        whose = _whose(path)
        if whose and whose != own:
            mall_id, *days = whose
            found.append(Elsewhere(path, mall_id, " to ".join(days) or None))
    return found


def _whose(path: Path) -> tuple[str, ...] | None:
    """Return shop and period of a landing's first row, None if there is none."""
    try:
        with pq.ParquetFile(path) as file:
            columns = [name for name in WHOSE if name in file.schema_arrow.names]
            first = next(file.iter_batches(batch_size=1, columns=columns), None)
    except (OSError, pa.ArrowException):
        return None
    if not first:
        return None
    (row,) = first.to_pylist()
    return tuple(row[name] for name in columns)


@dataclass
class Landing:
    """An open landing file: takes frames of text columns in any number."""

    writer: pq.ParquetWriter
    columns: list[str]
    book: dict[str, object]
    """The values of _loaded_at and _source_file, in the order of the schema."""

    def add(self, frame: pl.DataFrame) -> None:
        """Append rows; columns that the frame lacks are null."""
        if not len(frame):
            return
        lacking = [
            pl.lit(None, pl.String).alias(column)
            for column in self.columns
            if column not in frame.columns
        ]
        table = frame.with_columns(lacking).select(self.columns).to_arrow()
        for name, value in self.book.items():
            kind = self.writer.schema.field(name).type
            table = table.append_column(
                name, pa.repeat(pa.scalar(value, kind), len(frame))
            )
        self.writer.write_table(table.cast(self.writer.schema))


@contextmanager
def landing(
    root: Path, kind: Kind, columns: list[str], name: str, path: Path
) -> Iterator[tuple[Landing, Path]]:
    """Open a landing; at the end it is put in its place by one rename.

    Yields it and the path that it will have. If the body raises, nothing of
    it remains. Raises KefuError if it cannot be written.
    """
    now = dt.datetime.now(dt.UTC)
    folder = root / kind.table / f"load_date={now:%Y-%m-%d}"
    final = folder / f"{name}.parquet"
    unfinished = folder / f"{UNFINISHED}{name}.tmp"
    schema = pa.schema(
        [(column, pa.string()) for column in columns]
        + [(LOADED_AT, pa.timestamp("us", "UTC")), (SOURCE_FILE, pa.string())]
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(root / kind.table)
        with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            source_file = os.fsencode(path.name).decode("utf-8", "replace")
            book = {LOADED_AT: now, SOURCE_FILE: source_file}
            yield Landing(writer, columns, book), final
        _put(unfinished, final)
        for above in (folder, folder.parent, root):
            sync(above)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        said = refused_write(error) or f"{final} cannot be written ({error.strerror})"
        raise KefuError(said) from error
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _put(unfinished: Path, final: Path) -> None:
    """Make a file durable, then give it its name."""
    sync(unfinished)
    os.replace(unfinished, final)


def remove_unfinished(table: Path) -> None:
    """Remove what a killed process left; the caller holds the ingest lock."""
    for left in table.glob(f"load_date=*/{UNFINISHED}*.tmp"):
        left.unlink(missing_ok=True)
