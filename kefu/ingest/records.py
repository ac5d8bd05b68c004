"""JSON answers and payloads: from nested records to rows of texts."""

from collections.abc import Callable, Iterator

import polars as pl

from kefu.ingest.files import Source, as_text, documents
from kefu.ingest.mapping import KindMapping, empty_texts, header_key
from kefu.ingest.rows import ROW, FileError, Refused, RowError
from kefu.ingest.values import BLANK

CHUNK_RECORDS = 20_000

Flatten = Callable[[dict, KindMapping], dict[str, str | None]]
"""Turns the fields of a record, by column, into texts by field."""


def record_rows(
    source: Source,
    mapping: KindMapping,
    flatten: Flatten,
    fields: list[str],
    refused: Refused,
    names_seen: dict[str, None],
) -> Iterator[pl.DataFrame]:
    """Yield the records of a file as frames of ROW and the fields, as text.

    Names of the records' own fields are gathered in names_seen, in the order
    of their first sight.
    """
    schema = {ROW: pl.Int64, **dict.fromkeys(fields, pl.String)}
    chunk: list[dict] = []
    for row, record in _records(source, mapping, refused):
        try:
            if not isinstance(record, dict):
                raise RowError("it is no JSON object")
            names_seen |= dict.fromkeys(record)
            columns = _columns(record, mapping)
            chunk.append({ROW: row, **flatten(columns, mapping)})
        except RowError as error:
            refused.add(row, str(error))
        if len(chunk) == CHUNK_RECORDS:
            yield pl.DataFrame(chunk, schema)
            chunk = []
    yield pl.DataFrame(chunk, schema)


def _records(
    source: Source, mapping: KindMapping, refused: Refused
) -> Iterator[tuple[int, object]]:
    """Yield (row, record): the line of JSON lines, else the record's number."""
    for line, document in documents(source, refused):
        try:
            found = find_records(document, mapping)
        except RowError as error:
            if line is None:
                raise FileError(f"{error}") from error
            refused.add(line, str(error))
            continue
        for number, record in enumerate(found, start=1):
            yield (number if line is None else line), record


def find_records(document: object, mapping: KindMapping) -> list:
    """Return the records of one answer, out of whatever it is wrapped in.

    Raises RowError if there is none where this kind has them.
    """
    if isinstance(document, list):
        parts = [
            find_records(part, mapping) if isinstance(part, (dict, list)) else [part]
            for part in document
        ]
        return [record for part in parts for record in part]
    if "error_response" in document:
        raise RowError("it is an error of the platform, no answer: ask it again")
    if mapping.extra["key"] in document:
        return [document]
    for path in mapping.extra["records"]:
        found: object = document
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        if isinstance(found, list):
            return found
        if isinstance(found, dict):
            return [found]
    raise RowError(
        f"it holds no record of the kind {mapping.kind}, neither {mapping.extra['key']}"
        f" nor {mapping.extra['records'][0]}: see whether the kind is right"
    )


def _columns(record: dict, mapping: KindMapping) -> dict[str, object]:
    """Return the values of a record by column; what it lacks is None.

    Where none of a column's own fields holds anything, one that stands in does.
    """
    values: dict[str, object] = {}
    named = {header_key(name): name for name in record}
    for column, spellings in mapping.columns.items():
        present = [named[key] for key in spellings.headers if key in named]
        if spellings.instead and all(_is_empty(record[name]) for name in present):
            stand_ins = [named[key] for key in spellings.instead if key in named]
            filled = [name for name in stand_ins if not _is_empty(record[name])]
            present = filled or present or stand_ins
        if not present and spellings.required:
            raise RowError(f"it has no field {spellings.shown}")
        if len(present) > 1 and len({repr(record[name]) for name in present}) > 1:
            raise RowError(f"{' and '.join(present)} differ, and both are {column}")
        values[column] = record[present[0]] if present else None
    return values


def _is_empty(value: object) -> bool:
    if isinstance(value, str):
        return value.strip(BLANK) in {"", *empty_texts()}
    return value is None


def texts(columns: dict[str, object], *but: str) -> dict[str, str | None]:
    """Return the columns as texts, without some that are no texts."""
    try:
        return {
            column: as_text(value, column)
            for column, value in columns.items()
            if column not in but
        }
    except ValueError as error:
        raise RowError(str(error)) from error


def plain(columns: dict[str, object], mapping: KindMapping) -> dict[str, str | None]:
    """Flatten records that hold nothing nested."""
    return texts(columns)
