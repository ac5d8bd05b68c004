"""Taking rows out of the landing files, and leaving the others as they were.

Landings are append-only; this is the one exception, for rows that must not be
kept (a buyer's request) or should never have been landed. Every file is
replaced in one step, after it was read back and found to hold what it should.
"""

import csv
import dataclasses
import gzip
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb

from kefu.contract import Table, read_contract
from kefu.errors import KefuError
from kefu.files import sync
from kefu.landing import FileGroup, LandedFile, Landing, field_key, freeze
from kefu.raw_views import as_text, group_select
from kefu.settings import Settings
from kefu.sql import quote_name, quote_path, quote_text

RECORD = ".kefu-removals.jsonl"
"""Lies in the raw root: what was taken out of it, one line of JSON a file."""

RETRACTED = "_retracted"
"""Folder of the raw root with a folder for each time that something was taken
back, like a raw root itself; no run reads it."""

FRESH = ".removing"
# What staging trims, so that a padded id is found too.
BLANKS = " \t\r\n"
WHOLE_FLOAT = re.compile(r"-?[0-9]+\.0")


@dataclass(frozen=True)
class Rows:
    """The rows of a table in which each of some columns has one of some texts.

    Texts are compared trimmed; None among them stands for nothing there.
    """

    texts: Mapping[str, frozenset[str | None]]

    def condition(self, expressions: Mapping[str, str]) -> str:
        """Return the same as SQL over expressions of the columns' raw texts."""
        parts = []
        for column, wanted in self.texts.items():
            trimmed = f"nullif(trim({expressions[column]}, e' \\t\\r\\n'), '')"
            listed = sorted(text for text in wanted if text is not None)
            choices = []
            if listed:
                choices.append(f"{trimmed} in ({', '.join(map(quote_text, listed))})")
            if None in wanted:
                choices.append(f"{trimmed} is null")
            parts.append(f"({' or '.join(choices) or 'false'})")
        return f"({' and '.join(parts) or 'true'})"

    def holds(self, values: Mapping[str, str | None]) -> bool:
        """Return whether a row, given as raw texts, is one of them."""
        return all(
            ((values.get(column) or "").strip(BLANKS) or None) in wanted
            for column, wanted in self.texts.items()
        )


def any_of(wanted: Iterable[Rows], expressions: Mapping[str, str]) -> str:
    """Return the condition that a row is of one of the kinds; never null."""
    conditions = " or ".join(rows.condition(expressions) for rows in wanted)
    return f"coalesce({conditions or 'false'}, false)"


EVERY_ROW = Rows({})


@dataclass(frozen=True)
class Found:
    """A file that holds rows to be taken out, and how many of how many."""

    file: LandedFile
    group: FileGroup
    table: Table
    wanted: tuple[Rows, ...]
    rows: int
    rows_in_file: int


def folders_only(settings: Settings) -> None:
    """Raise KefuError where the landings are tables of another database."""
    if settings.raw_database:
        raise KefuError(
            "KEFU_RAW_DATABASE is set, and its tables are not ours to change:"
            " delete the rows there with SQL, remove the working database"
            f" {settings.database}, and run again"
        )


def find(
    settings: Settings,
    landings: Iterable[Landing],
    wanted: Mapping[str, Iterable[Rows]],
) -> list[Found]:
    """Return the files that hold rows of the given kinds, by table."""
    contract = read_contract(settings.root)
    found = []
    with duckdb.connect() as connection:
        for landing in landings:
            for name, kinds in wanted.items():
                for group in landing.of_table(name):
                    found.extend(_search(connection, contract[name], group, kinds))
    return found


def landings_of(settings: Settings, *, with_retracted: bool = False) -> list[Landing]:
    """Return the landings that a run reads, and if asked those taken back."""
    contract = read_contract(settings.root)
    landings = [freeze(settings.raw_root, contract)]
    folder = settings.raw_root / RETRACTED
    if with_retracted and folder.is_dir():
        landings += [
            freeze(root, contract, needed=())
            for root in sorted(folder.iterdir())
            if root.is_dir()
        ]
    return landings


def _search(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    group: FileGroup,
    kinds: Iterable[Rows],
) -> Iterator[Found]:
    wanted = tuple(kinds)
    condition = any_of(wanted, _plain(table))
    for file in group.files:
        alone = dataclasses.replace(group, files=(file,))
        matched, total = connection.execute(
            f"select count(*) filter ({condition}), count(*)"
            f" from ({group_select(table, alone)})"
        ).fetchone()
        if matched:
            yield Found(file, alone, table, wanted, matched, total)


def texts_in(found: Iterable[Found], column: str) -> frozenset[str]:
    """Return the trimmed texts that a column has in the rows that were found."""
    texts: set[str] = set()
    with duckdb.connect() as connection:
        for item in found:
            rows = connection.execute(
                f"select distinct {quote_name(column)}"
                f" from ({group_select(item.table, item.group)})"
                f" where {any_of(item.wanted, _plain(item.table))}"
            ).fetchall()
            texts.update((text or "").strip(BLANKS) for (text,) in rows)
    return frozenset(texts - {""})


def rows_by_mall(
    table: Table, group: FileGroup, wanted: Iterable[Rows]
) -> dict[str | None, int]:
    """Return how many rows of some kinds each mall has in the files of a group.

    None stands for no mall. Raises duckdb.Error for a file that cannot be read.
    """
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select nullif(trim(mall_id, e' \\t\\r\\n'), '') as mall, count(*)"
            f" from ({group_select(table, group)})"
            f" where {any_of(wanted, _plain(table))} group by mall order by mall"
        ).fetchall()
    return dict(rows)


class KeysSeen:
    """The keys of the rows that a request takes out, each counted once.

    A row that was landed five times is one row of the warehouse.
    """

    def __init__(self) -> None:
        """Begin a request: no key was seen."""
        self.connection = duckdb.connect()
        self.connection.execute("create table seen (key ubigint)")

    def new_by_mall(self, found: Found, key: Iterable[str]) -> dict[str | None, int]:
        """Return how many keys a file adds to those seen, by mall.

        `key` are the columns of the table's key. Raises duckdb.Error for a file
        that cannot be read.
        """
        trimmed = ", ".join(f"trim({quote_name(name)}, e' \\t\\r\\n')" for name in key)
        self.connection.execute(
            f"""
            create or replace temp table fresh as
            select
                hash({quote_text(found.table.name)}, {trimmed}) as key,
                min(nullif(trim(mall_id, e' \\t\\r\\n'), '')) as mall
            from ({group_select(found.table, found.group)})
            where {any_of(found.wanted, _plain(found.table))}
            group by all
            having key not in (from seen)
            """
        )
        rows = self.connection.execute(
            "select mall, count(*) from fresh group by mall"
        ).fetchall()
        self.connection.execute("insert into seen select key from fresh")
        return dict(rows)


def _plain(table: Table) -> dict[str, str]:
    return {column: quote_name(column) for column in table.columns}


def take_out(found: Found, keep_in: Path | None = None) -> None:
    """Replace a file by one without the rows; keep them in a file if asked.

    `keep_in` is a Parquet file that gets the rows, with the contract's columns
    as texts. Raises KefuError, with the file as it was, if what was written
    does not read as the old file without those rows.
    """
    # A link would be replaced, and what it points to would keep the rows.
    path = found.file.path.resolve()
    fresh = path.with_name(f".{path.name}.{os.getpid()}{FRESH}")
    try:
        if keep_in:
            _keep(found, keep_in)
        _write_without(found, path, fresh)
        _check(found, path, fresh)
        shutil.copymode(path, fresh)
        sync(fresh)
        os.replace(fresh, path)
        sync(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


def remove_leftovers(root: Path) -> None:
    """Remove half-written files of a removal that was killed."""
    for left in root.glob(f"*/**/.*{FRESH}"):
        left.unlink(missing_ok=True)


def _keep(found: Found, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select * exclude (load_date)"
            f" from ({group_select(found.table, found.group)})"
            f" where {any_of(found.wanted, _plain(found.table))})"
            f" to {quote_text(str(target))} (format parquet)"
        )
    sync(target)
    sync(target.parent)


def _write_without(found: Found, path: Path, fresh: Path) -> None:
    if found.file.format == "parquet":
        _write_parquet(found, path, fresh)
        return
    opener = gzip.open if found.file.is_gzip else open
    with opener(path, "rb") as source, opener(fresh, "wb") as target:
        if found.file.format == "csv":
            _write_csv(found, source, target)
        else:
            _write_json(found, source, target)


def _write_parquet(found: Found, path: Path, fresh: Path) -> None:
    fields = {field_key(item.name): item for item in found.group.fields}
    texts = {name: as_text(name, fields.get(name)) for name in found.table.columns}
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * from read_parquet([{quote_path(path)}],"
            f" hive_partitioning = false) where not {any_of(found.wanted, texts)})"
            f" to {quote_text(str(fresh))} (format parquet, compression zstd)"
        )


def _write_csv(found: Found, source: BinaryIO, target: BinaryIO) -> None:
    """Copy the records that stay, byte for byte."""
    lines = _Lines(io.TextIOWrapper(source, encoding="utf-8", newline=""))
    limit = csv.field_size_limit(sys.maxsize)
    try:
        records = csv.reader(lines, strict=True)
        next(records)
        target.write(lines.taken())
        names = [field_key(item.name) for item in found.group.fields]
        for fields in records:
            taken = lines.taken()
            # Lines of nothing at all come before the record, not in it.
            values = dict(zip(names, fields, strict=False))
            if not (fields and any(rows.holds(values) for rows in found.wanted)):
                target.write(taken)
    finally:
        csv.field_size_limit(limit)


class _Lines:
    """The lines of a file, remembered until they are taken."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = iter(lines)
        self.passed: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.passed.append(line)
        # A mark at the file's start is no part of the first name.
        return line.removeprefix("\ufeff")

    def taken(self) -> bytes:
        """Return the lines passed since the last call, as they were read."""
        text, self.passed = "".join(self.passed), []
        return text.encode()


def _write_json(found: Found, source: BinaryIO, target: BinaryIO) -> None:
    """Copy the lines that stay, byte for byte."""
    for line in source:
        if line.strip():
            # Numbers as they are written: an id of twenty digits is no float.
            row = json.loads(line, parse_float=str, parse_int=str)
            values = {field_key(key): _json_text(row[key]) for key in row}
            if any(rows.holds(values) for rows in found.wanted):
                continue
        target.write(line)


def _json_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        is_whole = value is not None and WHOLE_FLOAT.fullmatch(value)
        return value[:-2] if is_whole else value
    return json.dumps(value)


def _check(found: Found, path: Path, fresh: Path) -> None:
    kept = _fingerprint(found, path, f"not {any_of(found.wanted, _plain(found.table))}")
    if kept[0] == found.rows_in_file - found.rows and kept == _fingerprint(
        found, fresh, "true"
    ):
        return
    raise KefuError(
        f"{found.table.name}: file {found.file.name} cannot be written anew without"
        " changing the rows that stay, and is as it was: take the rows out yourself,"
        " or deliver the file again without them"
    )


def _fingerprint(found: Found, path: Path, condition: str) -> tuple[int, int | None]:
    """Return the number and the summed hashes of rows, as the run reads them."""
    group = dataclasses.replace(
        found.group, files=(dataclasses.replace(found.file, path=path),)
    )
    columns = ", ".join(map(quote_name, found.table.columns))
    with duckdb.connect() as connection:
        return connection.execute(
            f"select count(*), sum(hash({columns})::hugeint)"
            f" from ({group_select(found.table, group)}) where {condition}"
        ).fetchone()


def record(root: Path, entries: Iterable[dict]) -> None:
    """Add lines to the record of removals, for good before it returns.

    A line is of one table, file and mall, so that it can be told whether as many
    rows are gone as were taken out. One that is there already is not added: a call
    that was killed behind it did not get to the file, or the file would be another.
    """
    path = root / RECORD
    known = [_what(entry) for entry in removals(root) if "stamp" in entry]
    entries = [entry for entry in entries if _what(entry) not in known]
    with path.open("a", encoding="utf-8") as file:
        for entry in entries:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync(root)


def _what(entry: dict) -> dict:
    """Return what a line says was taken out, whoever did it when."""
    # Which keys are new depends on the files that come before.
    left_out = ("at", "decided_by", "keys")
    return {name: value for name, value in entry.items() if name not in left_out}


def removals(root: Path) -> list[dict]:
    """Return the record of removals, oldest first.

    A line that was cut off by the end of the machine is passed over.
    """
    path = root / RECORD
    entries = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                continue
    return entries
