"""Reading what merchants hold: CSV, spreadsheets, JSON.

Every reader gives frames of text columns with the row's number beside them,
chunk by chunk, so that memory does not grow with the file. Nothing but the
columns asked for is kept.
"""

import codecs
import csv
import datetime as dt
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, count, islice
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv
import python_calamine

from kefu.ingest.rows import ROW, FileError, Refused
from kefu.ingest.values import BLANK

READ_BYTES = 1 << 20
# The reader runs dozens of blocks ahead, and no row may be larger than one.
CSV_BLOCK_BYTES = 4 << 20
SHEET_ROWS = 50_000
SHEET = "Sheet0"
ENCODINGS = ("utf-8", "gb18030")
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
ZIPPED = b"PK\x03\x04"
# The largest JSON text that is read in one piece; larger ones come as lines.
MAX_DOCUMENT_BYTES = 256 << 20
# Whole numbers from here on do not survive a spreadsheet's floating point.
EXACT = 10**15


@dataclass(frozen=True)
class Source:
    """A file to ingest and what one pass over its bytes has shown."""

    path: Path
    digest: str
    """SHA-256 of the content."""
    encoding: str | None
    """utf-8 or gb18030; None where the bytes are neither."""
    odd_quotes: bool
    has_nul: bool
    stamp: tuple[int, int]
    """Size and time of change, to notice a file that is still being written."""

    @property
    def is_spreadsheet(self) -> bool:
        """Whether the name says so."""
        return self.path.suffix.lower() in SPREADSHEETS


def inspect(path: Path) -> Source:
    """Read a file once: its hash, its encoding by strict decoding.

    Raises FileError if it cannot be read or is empty.
    """
    digest = hashlib.sha256()
    decoders = {
        name: codecs.getincrementaldecoder(name)("strict") for name in ENCODINGS
    }
    quotes, has_nul, size, begin = 0, False, 0, b""
    try:
        stamp = _stamp(path)
        with path.open("rb") as content:
            while chunk := content.read(READ_BYTES):
                begin = begin or chunk[:4]
                size += len(chunk)
                digest.update(chunk)
                quotes += chunk.count(b'"')
                has_nul = has_nul or b"\0" in chunk
                _decode(decoders, chunk)
        _decode(decoders, b"", final=True)
    except OSError as error:
        raise FileError(
            f"it cannot be read ({error.strerror}): see whether path and permissions"
            " are right"
        ) from error
    if not size:
        raise FileError("it is empty (0 bytes): export it again")
    _check_kind_of_bytes(path, begin, has_nul)
    return Source(
        path=path,
        digest=digest.hexdigest(),
        encoding=next(iter(decoders), None),
        odd_quotes=bool(quotes % 2),
        has_nul=has_nul,
        stamp=stamp,
    )


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def check_unchanged(source: Source) -> None:
    """Raise FileError if the file has changed since it was inspected."""
    try:
        is_same = _stamp(source.path) == source.stamp
    except OSError:
        is_same = False
    if not is_same:
        raise FileError("it changed while it was read: wait until it is complete")


def _decode(decoders: dict, chunk: bytes, final: bool = False) -> None:
    for name in list(decoders):
        try:
            decoders[name].decode(chunk, final)
        except UnicodeDecodeError:
            del decoders[name]


def _check_kind_of_bytes(path: Path, begin: bytes, has_nul: bool) -> None:
    is_spreadsheet = path.suffix.lower() in SPREADSHEETS
    if is_spreadsheet:
        return
    if begin.startswith(ZIPPED):
        raise FileError(
            "it is a zip archive or a spreadsheet, whatever its name says: unpack"
            " it, or name it .xlsx"
        )
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FileError("it is UTF-16 text: save it as UTF-8 (CSV UTF-8)")
    if begin.startswith(b"\x1f\x8b"):
        raise FileError("it is packed with gzip: unpack it first")
    if has_nul:
        raise FileError("it holds bytes of zero and is no text: export it again")


def csv_header(source: Source) -> tuple[list[str], bool]:
    """Return the header fields of a CSV file, and whether anything follows.

    Raises FileError if the file is no text that can be told, or if a quote is
    never closed.
    """
    _check_text(source)
    try:
        with _open_text(source) as lines:
            reader = csv.reader(lines, strict=True)
            header = next(reader, [])
            has_more = bool(next(lines, ""))
    except csv.Error as error:
        raise FileError(
            "its header line has a quote in a wrong place: export it again"
        ) from error
    if source.odd_quotes:
        _check_quotes(source)
    _check_separator(header)
    return header, has_more


def _check_text(source: Source) -> None:
    if source.encoding is None:
        raise FileError(
            "it is neither UTF-8 nor GBK/GB18030 text: save it as UTF-8 (CSV UTF-8)"
        )


def _open_text(source: Source) -> io.TextIOWrapper:
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding
    return source.path.open(encoding=encoding, newline="")


def _check_quotes(source: Source) -> None:
    """Raise FileError if a quote is opened and never closed.

    The fast reader would take the rest of the file for one value.
    """
    begins = 1
    with _open_text(source) as lines:
        reader = csv.reader(lines, strict=True)
        try:
            for _ in reader:
                begins = reader.line_num + 1
        except csv.Error as error:
            raise FileError(
                f"a quote in the row that begins in line {begins} is never closed:"
                " export it again"
            ) from error


def _check_separator(header: list[str]) -> None:
    if len(header) != 1:
        return
    for mark, name in (
        ("\t", "tabs"),
        (";", "semicolons"),
        ("，", "full-width commas"),
    ):
        if header[0].strip().count(mark):
            raise FileError(
                f"its columns are separated by {name}: save it with commas, or as xlsx"
            )


def csv_rows(
    source: Source, width: int, positions: dict[str, int], refused: Refused
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a CSV file: ROW and the wanted columns, as text.

    width: fields of the header. positions: column -> its place. Rows of
    another width go to `refused`; blank lines are passed over.
    """
    skipped: list[int] = []

    def skip(row: pa.csv.InvalidRow) -> str:
        skipped.append(row.number)
        refused.add(row.number, f"it has {row.actual_columns} fields, not {width}")
        return "skip"

    names = [f"c{place}" for place in range(width)]
    wanted = {name: names[place] for name, place in positions.items()}
    try:
        reader = pa.csv.open_csv(
            source.path,
            read_options=pa.csv.ReadOptions(
                use_threads=False,
                block_size=CSV_BLOCK_BYTES,
                column_names=names,
                skip_rows_after_names=1,
                encoding=source.encoding,
            ),
            parse_options=pa.csv.ParseOptions(
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
                include_columns=list(dict.fromkeys(wanted.values())),
            ),
        )
        numbers = _not_in(skipped, first=2)
        for batch in reader:
            frame = pl.from_arrow(batch).select(
                pl.Series(ROW, list(islice(numbers, batch.num_rows)), pl.Int64),
                *(pl.col(inner).alias(name) for name, inner in wanted.items()),
            )
            yield _without_blank(frame, refused)
    except pa.ArrowInvalid as error:
        raise FileError(_csv_fault(error)) from error
    except UnicodeDecodeError as error:
        raise FileError("it changed while it was read: try again") from error


def _not_in(skipped: list[int], first: int) -> Iterator[int]:
    """Count from `first`, without the numbers that are in an ascending list.

    The list may grow meanwhile: the reader runs ahead of the rows it gives.
    """
    seen = 0
    for number in count(first):
        if seen < len(skipped) and skipped[seen] == number:
            seen += 1
        else:
            yield number


def _csv_fault(error: pa.ArrowInvalid) -> str:
    said = str(error)
    if "straddling" in said or "too large" in said:
        return (
            f"a row is larger than {CSV_BLOCK_BYTES >> 20} MiB, as after a quote that"
            " is never closed: export it again"
        )
    return "its rows cannot be split into columns: export it again"


def _without_blank(frame: pl.DataFrame, refused: Refused) -> pl.DataFrame:
    """Leave out, and note, the rows with nothing in any of the wanted columns."""
    is_filled = pl.any_horizontal(
        pl.col(name).str.strip_chars(BLANK).fill_null("") != ""
        for name in frame.columns
        if name != ROW
    )
    blank = frame.filter(~is_filled)
    if not len(blank):
        return frame
    refused.blank.extend(blank[ROW])
    return frame.filter(is_filled)


@dataclass
class Sheet:
    """The rows of a spreadsheet: its header and what comes below."""

    header: list[str]
    first_row: int
    """Number of the first row below the header."""
    rows: Iterator[list]


def open_sheet(source: Source) -> Sheet:
    """Open the one sheet of a spreadsheet that holds the data.

    It is called Sheet0, or it is the only one. Raises FileError otherwise, and
    for a file that is no spreadsheet.
    """
    try:
        workbook = python_calamine.load_workbook(str(source.path))
        names = workbook.sheet_names
    except python_calamine.PasswordError as error:
        raise FileError("it is protected by a password: save it without") from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise FileError(
            "it is no spreadsheet that can be read: export it again"
        ) from error
    if SHEET in names:
        name = SHEET
    elif len(names) == 1:
        name = names[0]
    else:
        raise FileError(
            f"it has {len(names)} sheets and none is called {SHEET}: keep one sheet"
        )
    try:
        rows = iter(workbook.get_sheet_by_name(name).iter_rows())
    except python_calamine.CalamineError as error:
        raise FileError("its sheet cannot be read: export it again") from error
    for number, values in enumerate(rows, start=1):
        header = [cell_text(value) or "" for value in values]
        if any(name.strip(BLANK) for name in header):
            return Sheet(header, number + 1, rows)
    raise FileError("its sheet is empty: export it again")


def sheet_rows(
    sheet: Sheet,
    positions: dict[str, int],
    refused: Refused,
    percents: frozenset[str] = frozenset(),
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a sheet: ROW and the wanted columns, as text.

    percents: columns in which a number is a ratio shown as a percentage.
    """
    number, chunk = sheet.first_row, []
    for values in sheet.rows:
        row = [number]
        for name, place in positions.items():
            value = values[place] if place < len(values) else None
            row.append(cell_text(value, is_percent=name in percents))
        chunk.append(row)
        number += 1
        if len(chunk) == SHEET_ROWS:
            yield _sheet_frame(chunk, positions, refused)
            chunk = []
    yield _sheet_frame(chunk, positions, refused)


def _sheet_frame(
    chunk: list[list], positions: dict[str, int], refused: Refused
) -> pl.DataFrame:
    schema = {ROW: pl.Int64, **dict.fromkeys(positions, pl.String)}
    return _without_blank(pl.DataFrame(chunk, schema, orient="row"), refused)


def cell_text(value: object, is_percent: bool = False) -> str | None:
    """Return a cell as the text that the rules read."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dt.date):
        # A midnight comes as a date; who wants a date drops the clock.
        return f"{value:%Y-%m-%d} 00:00:00"
    if isinstance(value, (int, float)):
        return _number_text(value, is_percent)
    return str(value)


def _number_text(value: float, is_percent: bool) -> str:
    if is_percent:
        return f"{(Decimal(repr(value)) * 100).normalize():f}%"
    if value == int(value):
        # What was rounded must not look like an identifier.
        return str(int(value)) if abs(value) < EXACT else f"{value:.14E}"
    return f"{Decimal(repr(value)):f}"


def documents(source: Source, refused: Refused) -> Iterator[tuple[int | None, object]]:
    """Yield the JSON values of a file: (line, value), or (None, value) of one.

    A line that is no JSON goes to `refused`. Raises FileError if the file is
    neither JSON lines nor one JSON document.
    """
    _check_text(source)
    with _open_text(source) as lines:
        numbered = ((number, line) for number, line in enumerate(lines, start=1))
        filled = ((number, line) for number, line in numbered if line.strip())
        first = next(filled, None)
        second = next(filled, None)
        if first is None:
            raise FileError("it holds nothing: export it again")
        pair = [entry for entry in (first, second) if entry]
        is_lines = any(_parsed(line) is not None for _, line in pair)
        if is_lines and second:
            for number, line in chain(pair, filled):
                value = _parsed(line)
                if value is None:
                    refused.add(number, "the line is no JSON object")
                else:
                    yield number, value
            return
    yield None, _whole(source)


def parse_json(text: str) -> object:
    """Return a JSON value; numbers with a point stay as they are written."""
    return json.loads(text, parse_float=str, parse_constant=_refuse_constant)


def _refuse_constant(_: str) -> None:
    raise ValueError


def _parsed(line: str) -> dict | list | None:
    try:
        value = parse_json(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None


def _whole(source: Source) -> object:
    if source.stamp[0] > MAX_DOCUMENT_BYTES:
        raise FileError(
            f"it is one JSON text of more than {MAX_DOCUMENT_BYTES >> 20} MiB: save"
            " one answer a line"
        )
    with _open_text(source) as content:
        text = content.read()
    try:
        value = parse_json(text)
    except json.JSONDecodeError as error:
        raise FileError(
            f"it is neither JSON nor JSON lines (line {error.lineno}, column"
            f" {error.colno}): see whether the kind is right, or save it again as it"
            " was received"
        ) from error
    except (ValueError, RecursionError) as error:
        raise FileError("it is no JSON that can be read: save it again") from error
    if not isinstance(value, (dict, list)):
        raise FileError("it is JSON, but holds no record: save the whole answer")
    return value


def as_text(value: object, name: str) -> str | None:
    """Return a JSON value as text. Raises ValueError for an object or a list."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    raise ValueError(f"{name} is neither text nor number")
