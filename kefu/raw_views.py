"""The views `raw.<table>`: whatever was landed, as one table of texts.

Each view has the contract's columns in the contract's order as VARCHAR, then
_loaded_at, _source_file and load_date. What the texts mean is staging's
business; here only values that come typed are written out, always alike.

Builds read `raw.<table>_native`, where whole numbers, booleans and zoned load times
that come with their type are spared the way to a text and back.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from kefu.contract import LANDING_ID, LOAD_DATE, LOADED_AT, Table
from kefu.landing import (
    Field,
    FileGroup,
    Landing,
    field_key,
    read_csv,
    read_json,
    read_parquet,
)
from kefu.ledger import landing_id
from kefu.sql import quote_name, quote_text

ZONED = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")

# DuckDB's types of which every value fits the native type.
NATIVE_KINDS = {
    "bigint": (
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER"),
    ),
    "boolean": ("BOOLEAN",),
    "timestamp": ZONED,
}

Write = Callable[[str, Field | None], str]


def view_sql(table: Table, landing: Landing) -> str:
    """Return the query of a table's view over the frozen landing files."""
    groups = landing.of_table(table.name)
    return "\nunion all\n".join(
        group_select(table, group) for group in groups
    ) or empty_select(table)


def native_sql(
    table: Table, landing: Landing, unread: Collection[str] | None = None
) -> str:
    """Return the query of a table's view for builds, over all or the unread files.

    Beside the columns of view_sql it has `<column>_native` for those of
    table.native. A row has the one or the other, or neither: its text is null where
    its file gives the column that type. The text is then the native value's, as
    cast, a `_loaded_at` with `+00` at its end.
    """
    selects = []
    for group in landing.of_table(table.name):
        files = tuple(
            file for file in group.files if unread is None or file.name in unread
        )
        if files:
            selects.append(
                group_select(table, replace(group, files=files), with_native=True)
            )
    return "\nunion all\n".join(selects) or empty_select(table, with_native=True)


def with_no_native(table: Table, query: str) -> str:
    """Return the query of a view for builds over rows that are all texts."""
    columns = ", ".join(["*", *_native_columns(table, {})])
    return f"select {columns} from ({query}) as landed"


def attached_select(table: Table, relation: str, fields: Iterable[Field]) -> str:
    """Return the query of a table's view over a table of another database.

    Its rows have no file; what is read again or not is the day of their
    _loaded_at, as it is written.
    """
    columns = _columns(table, {field_key(item.name): item for item in fields})
    day = f"coalesce(left(trim({LOADED_AT}), 10), '')"
    return (
        f"select *, cast(null as date) as {LOAD_DATE},"
        f" cast(hash({quote_text(table.name + '/')} || {day}) >> 1 as bigint)"
        f" as {LANDING_ID} from (select {columns} from {relation})"
    )


def empty_select(table: Table, *, with_native: bool = False) -> str:
    """Return the query of a table that was not landed: typed, of no rows."""
    columns = _columns(table, {})
    if with_native:
        columns = ", ".join([columns, *_native_columns(table, {})])
    return (
        f"select {columns}, cast(null as date) as {LOAD_DATE},"
        f" cast(null as bigint) as {LANDING_ID} where false"
    )


def group_select(table: Table, group: FileGroup, *, with_native: bool = False) -> str:
    """Return the query of the files that one statement reads; see native_sql."""
    fields: dict[str, Field] = {}
    for index, item in enumerate(group.fields):
        key = field_key(item.name)
        if key in table.columns:
            source = Field(f"c{index}", "VARCHAR") if group.format == "csv" else item
            fields[key] = source
    if group.format == "json" and not fields:
        return empty_select(table, with_native=with_native)
    native = _native_fields(table, fields) if with_native else {}
    texts = {key: item for key, item in fields.items() if key not in native}
    if group.format == "json":
        columns = _columns(table, texts, json_text)
        relation = read_json(group, fields.values())
    else:
        columns = _columns(table, texts)
        relation = read_csv(group) if group.format == "csv" else read_parquet(group)
    if with_native:
        columns = ", ".join([columns, *_native_columns(table, native)])
    return (
        f"select {columns}, {_load_date(group)} as {LOAD_DATE},"
        f" {_landing_id(group)} as {LANDING_ID} from {relation}"
    )


def _load_date(group: FileGroup) -> str:
    """Return the load date of a row: one constant, or one looked up by file."""
    days = [file.load_date.isoformat() for file in group.files]
    if len(set(days)) == 1:
        return f"date '{days[0]}'"
    listed = ", ".join(f"'{day}'" for day in days)
    return f"cast([{listed}] as date[])[cast(file_index as bigint) + 1]"


def _landing_id(group: FileGroup) -> str:
    """Return the number of a row's file, as the ledger has it."""
    ids = [str(landing_id(file.name)) for file in group.files]
    if len(ids) == 1:
        return f"cast({ids[0]} as bigint)"
    return f"cast([{', '.join(ids)}] as bigint[])[cast(file_index as bigint) + 1]"


def _columns(table: Table, fields: dict[str, Field], write: Write | None = None) -> str:
    return ", ".join(
        f"{(write or as_text)(column, fields.get(column))} as {quote_name(column)}"
        for column in table.columns
    )


def _native_fields(table: Table, fields: dict[str, Field]) -> dict[str, Field]:
    return {
        column: fields[column]
        for column, kind in table.native.items()
        if column in fields and fields[column].type.upper() in NATIVE_KINDS[kind]
    }


def _native_columns(table: Table, fields: dict[str, Field]) -> list[str]:
    return [
        f"{_as_native(fields.get(column), kind)} as {quote_name(f'{column}_native')}"
        for column, kind in table.native.items()
    ]


def _as_native(item: Field | None, kind: str) -> str:
    if item is None:
        return f"cast(null as {kind})"
    name = quote_name(item.name)
    return in_utc(name) if kind == "timestamp" else f"cast({name} as {kind})"


def in_utc(name: str) -> str:
    """Return the expression of a zoned time as a timestamp in UTC."""
    # By way of microseconds: not every zoned type can be moved.
    return f"(cast({name} as timestamptz) at time zone 'UTC')"


def json_text(column: str, item: Field | None) -> str:
    """Return the expression that reads a JSON value as text.

    Writers of floating point put a point into whole numbers; without it they
    read as the same number in Parquet does. A text in quotes stays as it is,
    since it must mean what it means in other formats.
    """
    if item is None:
        return as_text(column, item)
    name = quote_name(item.name)
    text = f"cast({name} as varchar)"
    return (
        f"case when starts_with({text}, '\"') then {name} ->> '$'"
        f" when {text} = 'null' then null"
        f" when regexp_full_match({text}, '-?[0-9]+\\.0') then left({text}, -2)"
        f" else {text} end"
    )


def as_text(column: str, item: Field | None) -> str:
    """Return the expression that writes a column of any type as VARCHAR.

    Numbers with nothing after the point are written as integers, times
    without a zone as they are. Times with a zone are written in the local
    time that the contract gives texts in, save for _loaded_at, which is UTC.
    """
    if item is None:
        return "cast(null as varchar)"
    name, kind = quote_name(item.name), item.type.upper()
    text = f"cast({name} as varchar)"
    if kind == "VARCHAR":
        return name
    if kind in ("DOUBLE", "FLOAT") or (
        kind.startswith("DECIMAL") and not kind.endswith(",0)")
    ):
        whole = f"cast(try_cast({name} as hugeint) as varchar)"
        return (
            f"case when {name} = trunc({name}) then coalesce({whole}, {text})"
            f" else {text} end"
        )
    if kind == "TIMESTAMP_NS":
        # Cut, not rounded, to the microseconds that a TIMESTAMP can hold.
        return f"left({text}, 26)"
    if kind in ZONED:
        utc = in_utc(name)
        if column == LOADED_AT:
            return f"cast({utc} as varchar) || '+00'"
        return f"cast({utc} + interval 8 hours as varchar)"
    if kind == "BLOB":
        # Older Parquet writers do not mark their texts as texts.
        return f"coalesce(try(decode({name})), {text})"
    return text
