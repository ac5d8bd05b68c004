"""The landing folders: which files a run reads, and whether it can read them.

A run reads one frozen, sorted list of files. Every file's header is checked
against the contract before dbt builds anything, so that a bad delivery is one
clear line and not a binder error in the middle of the build.
"""

import csv
import datetime as dt
import gzip
import io
import os
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import duckdb

from kefu.contract import NEEDED_TABLES, Table
from kefu.errors import KefuError, one_line
from kefu.faults import csv_fault, fault, json_fault
from kefu.settings import DEMO_UNFINISHED
from kefu.sql import quote_name, quote_path, quote_text

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".jsonl": "json",
    ".jsonl.gz": "json",
    ".ndjson": "json",
    ".ndjson.gz": "json",
    ".json": "json",
    ".json.gz": "json",
}
UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".inprogress", ".crc", "~")
CHUNK_BYTES = 1 << 20
# The reader's own limit, 2 MB, is less than a million Chinese characters.
LINE_BYTES = 1 << 26
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
SHOWN_COLUMNS = 8
LOAD_DATE_FOLDER = re.compile(r"load_date=(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Stamp:
    """What tells, without reading it, that a file is still the one it was.

    The time of the last change of the file's entry is the system's own, so
    that a file which was written over or replaced is noticed even where its
    size and the time shown by `ls` are as before.
    """

    size: int
    modified_ns: int
    changed_ns: int
    file_number: int

    @classmethod
    def of(cls, path: Path) -> "Stamp | None":
        """Return a file's stamp; None if it is not there or out of reach."""
        try:
            stat = path.stat()
        except OSError:
            return None
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@dataclass(frozen=True)
class LandedFile:
    """One data file: where it lies, what it is, which load it belongs to."""

    table: str
    path: Path
    name: str
    """The path relative to the raw root, as error messages give it."""
    load_date: dt.date
    format: str
    is_gzip: bool
    stamp: Stamp


@dataclass(frozen=True)
class Field:
    """A column as a file has it: its own spelling and its DuckDB type."""

    name: str
    type: str


# The columns of files by their names and stamps.
Headers = Mapping[tuple[str, Stamp], tuple[Field, ...]]


@dataclass(frozen=True)
class FileGroup:
    """Files of one table with the same header, read by one statement."""

    table: str
    format: str
    is_gzip: bool
    fields: tuple[Field, ...]
    files: tuple[LandedFile, ...]


@dataclass
class Landing:
    """The frozen input of a run: files by header, and what to warn about."""

    root: Path
    groups: list[FileGroup] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def of_table(self, table: str) -> list[FileGroup]:
        """Return the groups of one table, in a fixed order."""
        return [group for group in self.groups if group.table == table]

    @property
    def files(self) -> list[LandedFile]:
        """Return every file that the run reads, sorted by path."""
        found = (file for group in self.groups for file in group.files)
        return sorted(found, key=lambda file: file.name)


def freeze(
    root: Path,
    contract: dict[str, Table],
    needed: Collection[str] = NEEDED_TABLES,
    known: Headers = MappingProxyType({}),
) -> Landing:
    """List and check the files under the raw root.

    Of files that are `known`, because they were checked before, the columns are
    compared with the contract, and nothing is read.

    Raises KefuError, naming table, column and file, when the root is
    missing, a needed table has no file, a file lies outside a load_date
    folder, cannot be read, or lacks a required column.
    """
    files, warnings = discover(root, contract, needed)
    landing = Landing(root=root, warnings=warnings)
    with duckdb.connect() as connection:
        for table in contract.values():
            landed = [file for file in files if file.table == table.name]
            groups = _groups(connection, table, landed, known)
            landed_fields = (item for group in groups for item in group.fields)
            landing.warnings.extend(unknown_columns(table, landed_fields))
            landing.groups.extend(groups)
    return landing


def unknown_columns(table: Table, fields: Iterable[Field]) -> list[str]:
    """Return a warning if columns were landed that the contract does not have.

    One may be ours with a slip in its name, and then its values are lost.
    """
    known = {*table.columns, "load_date"}
    found = sorted({field_key(item.name) for item in fields} - known)
    if not found:
        return []
    shown = ", ".join(quote_name(name) for name in found[:SHOWN_COLUMNS])
    more = len(found) - SHOWN_COLUMNS
    verb = "columns {}{} are" if len(found) > 1 else "column {}{} is"
    told = verb.format(one_line(shown), f" and {more} more" if more > 0 else "")
    return [f"{table.name}: {told} not in the contract: ignored"]


def discover(
    root: Path,
    contract: dict[str, Table],
    needed: Collection[str] = NEEDED_TABLES,
) -> tuple[list[LandedFile], list[str]]:
    """Return the data files under the raw root, sorted, and warnings.

    Raises KefuError as `freeze` does, for all that can be told from names.
    """
    if not root.is_dir():
        raise KefuError(
            f"the raw root {root} is not a folder: land the tables there, set"
            " KEFU_RAW_ROOT to where they are, or make some with"
            " `kefu demo-data`"
        )
    if (root / DEMO_UNFINISHED).exists():
        raise KefuError(
            f"the demo data in {root} is unfinished: make it anew with `kefu demo-data`"
        )
    warnings: list[str] = []
    for entry in sorted(root.iterdir()):
        is_table = entry.name in contract or _is_hidden(entry.name)
        if entry.is_dir() and not is_table:
            warnings.append(f"folder {entry.name} is no table of the contract: ignored")
    files: list[LandedFile] = []
    for table, columns in contract.items():
        landed = list(_walk_table(root, table, warnings))
        if not landed and table in needed:
            raise KefuError(
                f"{table}: no data file under {root / table}: this table needs"
                " at least one, from `kefu ingest` or, of zero rows if need be, as"
                f" {table}/load_date=YYYY-MM-DD/<name>.parquet"
            )
        if not landed and not columns.is_official:
            warnings.append(f"{table}: no data file, read as an empty table")
        files.extend(landed)
    return files, warnings


def _walk_table(root: Path, table: str, warnings: list[str]) -> Iterator[LandedFile]:
    for folder, subfolders, names in os.walk(root / table, followlinks=True):
        subfolders[:] = sorted(name for name in subfolders if not _is_hidden(name))
        for name in subfolders:
            _check_folder(root, table, Path(folder) / name)
        for name in sorted(names):
            if _is_hidden(name) or name.lower().endswith(UNFINISHED):
                continue
            path = Path(folder) / name
            relative = path.relative_to(root)
            suffix = _suffix(name)
            if suffix is None:
                warnings.append(
                    f"{relative} is neither Parquet, CSV nor JSON lines: ignored;"
                    " files of the platform are landed with `kefu ingest`"
                )
                continue
            stamp = Stamp.of(path)
            if stamp is None:
                raise KefuError(
                    f"{table}: file {relative.as_posix()} was taken away, or is a link"
                    " to nothing: run again, or take it away"
                )
            if not path.is_file():
                raise KefuError(
                    f"{table}: {relative.as_posix()} is named like a data file, but is"
                    " none: take it away"
                )
            yield LandedFile(
                table=table,
                path=path,
                name=relative.as_posix(),
                load_date=_load_date(table, relative),
                format=FORMATS[suffix],
                is_gzip=suffix.endswith(".gz"),
                stamp=stamp,
            )


def _check_folder(root: Path, table: str, folder: Path) -> None:
    """Raise KefuError if a folder is a link to one that it lies in.

    Followed, it would read every file there some forty times.
    """
    if folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve()):
        raise KefuError(
            f"{table}: folder {folder.relative_to(root).as_posix()} is a link to a"
            " folder that it lies in: take it away"
        )


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _suffix(name: str) -> str | None:
    lowered = name.lower()
    return next((suffix for suffix in FORMATS if lowered.endswith(suffix)), None)


def _load_date(table: str, relative: Path) -> dt.date:
    folders = [part for part in relative.parts[1:-1] if part.startswith("load_date=")]
    if len(folders) != 1:
        raise KefuError(
            f"{table}: {relative.as_posix()} does not lie in a load_date folder:"
            f" move it to {table}/load_date=YYYY-MM-DD/"
        )
    match = LOAD_DATE_FOLDER.fullmatch(folders[0])
    try:
        return dt.date.fromisoformat(match.group(1) if match else "")
    except ValueError:
        raise KefuError(
            f"{table}: {relative.as_posix()} lies in {folders[0]}, which is no"
            " date: name the folder load_date=YYYY-MM-DD"
        ) from None


def _groups(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    files: list[LandedFile],
    known: Headers,
) -> list[FileGroup]:
    headers = {
        file: known[file.name, file.stamp]
        for file in files
        if (file.name, file.stamp) in known
    }
    unread = [file for file in files if file not in headers]
    parquet = [file for file in unread if file.format == "parquet"]
    if parquet:
        headers.update(_parquet_headers(connection, table, parquet))
    for file in unread:
        if file.format == "csv":
            headers[file] = _csv_header(file)
    texts = [file for file in unread if file.format == "json"]
    if texts:
        headers.update(_json_headers(connection, table, texts))

    grouped: dict[tuple, list[LandedFile]] = {}
    for file in files:
        fields = headers[file]
        if not (file.format == "json" and not fields):
            check_columns(table, fields, f"file {file.name}")
        # A Parquet column called file_index would hide the reader's own one,
        # from which load_date is looked up: such files are read day by day.
        hides = any(item.name.lower() == "file_index" for item in fields)
        day = file.load_date if file.format == "parquet" and hides else None
        key = (file.format, file.is_gzip, fields, day)
        grouped.setdefault(key, []).append(file)
    groups = [
        FileGroup(table.name, form, is_gzip, fields, tuple(members))
        for (form, is_gzip, fields, _), members in grouped.items()
    ]
    read = set(unread)
    for group in groups:
        if group.format == "csv":
            members = tuple(file for file in group.files if file in read)
            if members:
                _check_quotes(replace(group, files=members))
                _check_csv_rows(connection, replace(group, files=members))
    return groups


def check_columns(table: Table, fields: Iterable[Field], where: str) -> None:
    """Raise KefuError if a required column is missing or landed twice.

    Names are compared trimmed and without regard to case, as DuckDB does.
    """
    names = check_names(table, (item.name for item in fields), where)
    missing = [
        column
        for column in table.columns
        if column in table.required and column not in names
    ]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise KefuError(
            f"{table.name}: required column {missing[0]}{more} is missing in"
            f" {where}: deliver it again with that column, or take it away"
        )


def check_names(table: Table, names: Iterable[str], where: str) -> set[str]:
    """Return the names as they are compared.

    Raises KefuError if two of them are one column of the contract: which of
    the two holds the values is not for us to guess.
    """
    spelled: dict[str, str] = {}
    for name in names:
        key = field_key(name)
        if key in spelled and key in table.columns:
            raise KefuError(
                f"{table.name}: column {key} landed twice in {where}, as"
                f" {quote_name(spelled[key])} and as {quote_name(name)}: deliver"
                " it again with one column of that name, or take it away"
            )
        spelled.setdefault(key, name)
    return set(spelled)


def field_key(name: str) -> str:
    """Return the form in which a header name is compared."""
    return name.strip().lower()


def unreadable(
    file: LandedFile, reason: object, column: str | None = None
) -> KefuError:
    """Return the error of a file that cannot be read.

    `reason` is the reader's exception, or a text that holds no landed value.
    """
    where = f", column {column}," if column else ""
    return KefuError(
        f"{file.table}: file {file.name}{where} cannot be read as"
        f" {'Parquet' if file.format == 'parquet' else file.format.upper()}"
        f" ({fault(reason)}): deliver it again, or take it away"
    )


def _parquet_headers(
    connection: duckdb.DuckDBPyConnection, table: Table, files: list[LandedFile]
) -> dict[LandedFile, tuple[Field, ...]]:
    """Return the columns of Parquet files, one call for all of them."""
    try:
        shapes = _parquet_shapes(connection, files)
    except duckdb.Error:
        for file in files:
            try:
                _parquet_shapes(connection, [file])
            except duckdb.Error as error:
                raise unreadable(file, error) from error
        raise
    known: dict[tuple, tuple[Field, ...]] = {}
    headers = {}
    for file, shape in zip(files, shapes, strict=True):
        if shape not in known:
            # The reader renames the second of two like columns, so the names
            # are taken as the file has them.
            check_names(table, _top_names(shape), f"file {file.name}")
            rows = connection.execute(
                "describe select * from read_parquet("
                f"[{quote_path(file.path)}], hive_partitioning = false)"
            ).fetchall()
            known[shape] = tuple(Field(row[0], row[1]) for row in rows)
        headers[file] = known[shape]
    return headers


def _parquet_shapes(
    connection: duckdb.DuckDBPyConnection, files: list[LandedFile]
) -> list[tuple]:
    listed = ", ".join(quote_path(file.path) for file in files)
    rows = connection.execute(
        f"""
        select
            file_name, name, num_children,
            (type, converted_type, scale, logical_type)::varchar
        from parquet_schema([{listed}])
        """
    ).fetchall()
    shapes: dict[str, list] = {str(file.path): [] for file in files}
    for file_name, *element in rows:
        shapes[file_name].append(tuple(element))
    return [tuple(shapes[str(file.path)]) for file in files]


def _top_names(shape: tuple) -> list[str]:
    """Return the names of a Parquet file's columns, without what is in them.

    The elements come depth first, below a root, each with its child count.
    """
    names, open_children = [], []
    for name, children, _ in shape:
        if len(open_children) == 1:
            names.append(name)
        if open_children:
            open_children[-1] -= 1
        open_children.append(children or 0)
        while open_children and not open_children[-1]:
            open_children.pop()
    return names


def _csv_header(file: LandedFile) -> tuple[Field, ...]:
    try:
        # The reader consumes the lines of a quoted header name as it needs.
        with _open_text(file) as lines:
            header = next(csv.reader(lines, strict=True), None)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        reason = csv_fault(file.path, file.is_gzip, None, error)
        raise unreadable(file, reason) from error
    if not header:
        raise unreadable(file, "it has no header line")
    if any("\n" in name or "\r" in name for name in header):
        # DuckDB takes the first line end it meets for that of all lines, and
        # where it is another it gives no rows and says nothing.
        raise unreadable(file, "a column name holds a line end")
    others = [name for sign, name in SEPARATORS.items() if sign in header[0]]
    if len(header) == 1 and others:
        raise unreadable(file, f"its fields are parted by {others[0]}, not by commas")
    return tuple(Field(name, "VARCHAR") for name in header)


def _open_text(file: LandedFile) -> io.TextIOBase:
    opener = gzip.open if file.is_gzip else open
    return opener(file.path, "rt", encoding="utf-8-sig", newline="")


def _check_quotes(group: FileGroup) -> None:
    """Raise KefuError if a quote is opened and never closed.

    DuckDB reading with one thread drops the rest of such a file in silence.
    In a well-formed file every quote has its partner.
    """
    for file in group.files:
        opener = gzip.open if file.is_gzip else open
        quotes = 0
        try:
            with opener(file.path, "rb") as content:
                while chunk := content.read(CHUNK_BYTES):
                    quotes += chunk.count(b'"')
        except (OSError, EOFError, zlib.error) as error:
            raise unreadable(file, error) from error
        if quotes % 2:
            raise unreadable(file, "a quote is opened and never closed")


def _check_csv_rows(connection: duckdb.DuckDBPyConnection, group: FileGroup) -> None:
    """Raise KefuError if a row cannot be split or is no UTF-8 text."""
    counts = ", ".join(f"count(c{index})" for index in range(len(group.fields)))
    try:
        connection.execute(f"select {counts} from {read_csv(group)}").fetchall()
    except duckdb.Error:
        for file in group.files:
            alone = FileGroup(
                group.table, group.format, group.is_gzip, group.fields, (file,)
            )
            try:
                connection.execute(f"select {counts} from {read_csv(alone)}").fetchall()
            except duckdb.Error as error:
                reason = csv_fault(file.path, file.is_gzip, len(group.fields), error)
                raise unreadable(file, reason) from error
        raise


def _json_headers(
    connection: duckdb.DuckDBPyConnection, table: Table, files: list[LandedFile]
) -> dict[LandedFile, tuple[Field, ...]]:
    """Return the keys that the rows of JSON files have, each file in full.

    A key may be left out of a row that has no value for it, so the first row
    is no header. Reading them all also shows that they can be read.
    """
    headers = {}
    for file in files:
        try:
            rows = connection.execute(
                f"""
                select distinct json_keys(json)
                from read_json_objects(
                    [{quote_path(file.path)}],
                    format = 'newline_delimited',
                    compression = '{"gzip" if file.is_gzip else "none"}',
                    hive_partitioning = false
                )
                """
            ).fetchall()
        except duckdb.Error as error:
            raise unreadable(
                file, json_fault(file.path, file.is_gzip, error)
            ) from error
        if ([],) in rows:
            _check_objects(file)
        for (keys,) in rows:
            check_names(table, keys, f"a row of file {file.name}")
        found = sorted({key for (keys,) in rows for key in keys})
        if rows and not found:
            # Rows of nothing, not a file of no rows: they would vanish unbooked.
            check_columns(table, (), f"file {file.name}")
        headers[file] = tuple(Field(key, "VARCHAR") for key in found)
    return headers


def _check_objects(file: LandedFile) -> None:
    """Raise KefuError if a line is JSON, but no object."""
    reason = json_fault(file.path, file.is_gzip, "")
    if reason:
        raise unreadable(file, reason)


def read_csv(group: FileGroup) -> str:
    """Return the table function that reads CSV files as text columns c0, c1 ...

    Columns go by position, because header names may need trimming or may be
    empty. One thread a file: a quoted field may hold line breaks.
    """
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(group.fields)))
    return (
        f"read_csv([{_paths(group)}], columns = {{{columns}}},"
        " header = true, auto_detect = false, delim = ',', quote = '\"',"
        " escape = '\"', parallel = false, hive_partitioning = false,"
        f" max_line_size = {LINE_BYTES}, buffer_size = {2 * LINE_BYTES},"
        f" compression = {quote_text('gzip' if group.is_gzip else 'none')})"
    )


def read_json(group: FileGroup, fields: Iterable[Field]) -> str:
    """Return the table function that reads keys of JSON lines as JSON columns."""
    columns = ", ".join(f"{quote_name(item.name)}: 'JSON'" for item in fields)
    return (
        f"read_json([{_paths(group)}], columns = {{{columns}}},"
        " format = 'newline_delimited', hive_partitioning = false,"
        f" compression = {quote_text('gzip' if group.is_gzip else 'none')})"
    )


def read_parquet(group: FileGroup) -> str:
    """Return the table function that reads Parquet files as they are."""
    return f"read_parquet([{_paths(group)}], hive_partitioning = false)"


def _paths(group: FileGroup) -> str:
    return ", ".join(quote_path(file.path) for file in group.files)
