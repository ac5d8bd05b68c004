"""The views `raw.<table>`: whatever was landed, as one table of texts.

Each view has the contract's columns in the contract's order as VARCHAR, then
_loaded_at, _source_file and load_date. What the texts mean is staging's
business; here only values that come typed are written out, always alike.
"""

from collections.abc import Iterable

from kefu.contract import LOAD_DATE, Table
from kefu.landing import (
    Field,
    FileGroup,
    Landing,
    field_key,
    read_csv,
    read_json,
    read_parquet,
)
from kefu.sql import quote_name


def view_sql(table: Table, landing: Landing) -> str:
    """Return the query of a table's view over the frozen landing files."""
    selects = [_group_select(table, group) for group in landing.of_table(table.name)]
    return "\nunion all\n".join(selects) or empty_select(table)


def attached_select(table: Table, relation: str, fields: Iterable[Field]) -> str:
    """Return the query of a table's view over a table of another database."""
    columns = _columns(table, {field_key(item.name): item for item in fields})
    return f"select {columns}, cast(null as date) as {LOAD_DATE} from {relation}"


def empty_select(table: Table) -> str:
    """Return the query of a table that was not landed: typed, of no rows."""
    columns = _columns(table, {})
    return f"select {columns}, cast(null as date) as {LOAD_DATE} where false"


def _group_select(table: Table, group: FileGroup) -> str:
    fields: dict[str, Field] = {}
    for index, item in enumerate(group.fields):
        source = Field(f"c{index}", "VARCHAR") if group.format == "csv" else item
        fields.setdefault(field_key(item.name), source)
    if group.format == "json" and not any(column in fields for column in table.columns):
        return empty_select(table)
    reader = {"csv": read_csv, "json": read_json, "parquet": read_parquet}
    columns = _columns(table, fields)
    return (
        f"select {columns}, {_load_date(group)} as {LOAD_DATE}"
        f" from {reader[group.format](group)}"
    )


def _load_date(group: FileGroup) -> str:
    """Return the load date of a row: one constant, or one looked up by file."""
    days = [file.load_date.isoformat() for file in group.files]
    if len(set(days)) == 1:
        return f"date '{days[0]}'"
    listed = ", ".join(f"'{day}'" for day in days)
    return f"cast([{listed}] as date[])[cast(file_index as bigint) + 1]"


def _columns(table: Table, fields: dict[str, Field]) -> str:
    return ", ".join(
        f"{as_text(fields.get(column))} as {quote_name(column)}"
        for column in table.columns
    )


def as_text(item: Field | None) -> str:
    """Return the expression that writes a column of any type as VARCHAR.

    Numbers with nothing after the point are written as integers, times
    without a zone as they are, times with a zone in UTC with +00.
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
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"cast({name} at time zone 'UTC' as varchar) || '+00'"
    if kind == "BLOB":
        # Older Parquet writers do not mark their texts as texts.
        return f"coalesce(try(decode({name})), {text})"
    return text
