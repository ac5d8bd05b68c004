"""The typed read of the landing folders, for the hand-written alternatives.

A file of texts and one of numbers must mean the same. So a build of the warehouse
writes landed values as texts first, save for whole numbers, booleans and zoned load
times. Here amounts and other times, too, are taken as they are where a file holds
them so, and only what is text goes through the contract's rules for texts. Both
ways give the same values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from kefu.contract import read_contract
from kefu.landing import Field, FileGroup, Landing, field_key, freeze, read_parquet
from kefu.raw_views import as_text, empty_select, group_select
from kefu.sql import quote_name

ROOT = Path(__file__).resolve().parent.parent

# What the contract says of texts, once for every column of a kind.
MACROS = r"""
create or replace temp macro trimmed(x) as
    case
        when x >= '!' and x[-1] >= '!' then x
        else nullif(trim(x, e' \t\r\n'), '')
    end;
-- The same; of values that repeat the engine trims each once, of others each row.
create or replace temp macro trimmed_code(x) as
    nullif(trim(x, e' \t\r\n'), '');
create or replace temp macro is_clock(x, zone) as (
    regexp_full_match(
        x,
        '\d{4}-\d\d-\d\d ([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?' || zone
    )
    and x >= '0001'
);
create or replace temp macro time_of_unix(x) as
    case
        when x < 0 then null
        when x < 100000000000 then epoch_ms(x * 1000 + 28800000)
        when x < 253402272000000 then epoch_ms(x + 28800000)
    end;
-- What quantile_cont makes of the two values around a position.
create or replace temp macro between_ends(low, high, position) as
    low * (1 - (position - floor(position))) + high * (position - floor(position));
-- A text that is what the engine would write for its value needs no expression:
-- far dearer, these judge only the others.
create or replace temp macro time_of_text(x) as
    case
        when
            length(x) between 19 and 23
            and cast(try_cast(x as timestamp) as varchar) = x
            then cast(x as timestamp)
        when regexp_full_match(x, '[0-9]+') then time_of_unix(try_cast(x as bigint))
        when is_clock(x, '') then date_trunc('milliseconds', try_cast(x as timestamp))
    end;
create or replace temp macro integer_of_text(x) as
    case
        when regexp_full_match(x, '[+-]?[0-9]+(\.0+)?') then try_cast(x as integer)
    end;
create or replace temp macro boolean_of_text(x) as
    case
        when lower(x) in ('true', 't', 'yes', '1') then true
        when lower(x) in ('false', 'f', 'no', '0') then false
    end;
create or replace temp macro money_of_text(x) as
    case
        when
            regexp_full_match(
                x, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?'
            )
            then cast(try_cast(x as decimal(14, 2)) as decimal(18, 2))
    end;
create or replace temp macro date_of_text(x) as
    case
        when regexp_full_match(x, '\d{4}-\d\d-\d\d') and x >= '0001'
            then try_cast(x as date)
        when is_clock(x, '') then try_cast(left(x, 10) as date)
    end;
create or replace temp macro load_of_text(x) as
    case
        when is_clock(replace(x, 'T', ' '), '')
            then try_cast(replace(x, 'T', ' ') as timestamp)
        when is_clock(replace(x, 'T', ' '), ' ?(Z|[+-]\d\d(:?\d\d)?)')
            then
                try_cast(
                    regexp_replace(replace(x, 'T', ' '), ' (Z|[+-])', '\1')
                    as timestamptz
                ) at time zone 'UTC'
        when regexp_full_match(x, '[0-9]+')
            then time_of_unix(try_cast(x as bigint)) - interval 8 hours
    end;
-- Is an amount of which only the acceptance matters negative or unreadable?
create or replace temp macro is_bad_amount(x) as
    case
        when x is null then false
        when cast(try_cast(x as decimal(14, 2)) as varchar) = x
            then starts_with(x, '-')
        else money_of_text(x) is null or coalesce(try_cast(x as double) < 0, false)
    end;
create or replace temp macro is_bad_count(x) as
    case
        when x is null then false
        when cast(try_cast(x as integer) as varchar) = x then starts_with(x, '-')
        else integer_of_text(x) is null or coalesce(try_cast(x as double) < 0, false)
    end;
create or replace temp macro is_event(event_at, loaded) as
    loaded is not null
    and coalesce(
        event_at <= loaded + interval 32 hours
        and event_at >= timestamp '2015-09-01 00:00:00',
        false
    );
"""

# For each kind of value: how a text of it is read, and the type of nothing.
OF_TEXT = {
    "text": ("{}", "varchar"),
    "code": ("{}", "varchar"),
    "content": ("{}", "varchar"),
    "time": ("time_of_text({})", "timestamp"),
    "integer": ("integer_of_text({})", "integer"),
    "boolean": ("boolean_of_text({})", "boolean"),
    "money": ("money_of_text({})", "decimal(18, 2)"),
    "date": ("date_of_text({})", "date"),
    "load": ("load_of_text({})", "timestamp"),
}
WHOLE_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT")


def read_landing(root: Path) -> Landing:
    """Return the checked list of landed files; KefuError for what a run refuses."""
    return freeze(root, read_contract(ROOT))


def typed_rows(landing: Landing, name: str, kinds: Mapping[str, str]) -> str:
    """Return a query for typed columns of a raw table.

    `kinds` gives the kind (a key of OF_TEXT) of each column that is wanted; the
    query has them under their landed names. Needs MACROS on the connection.
    """
    table = read_contract(ROOT)[name]
    texts = [Field(column, "VARCHAR") for column in table.columns]
    of_texts: list[str] = []
    selects: list[str] = []
    for group in landing.of_table(name):
        if group.format == "parquet" and not _holds_texts(group, kinds):
            selects.append(_select(group.fields, kinds, read_parquet(group)))
        else:
            of_texts.append(group_select(table, group))
    if of_texts or not selects:
        relation = "\nunion all\n".join(of_texts) or empty_select(table)
        selects.append(_select(texts, kinds, f"({relation})"))
    return "\nunion all\n".join(selects)


def _holds_texts(group: FileGroup, kinds: Mapping[str, str]) -> bool:
    """Whether all that is wanted of the files is text: read as other texts are."""
    return all(
        item.type.upper() == "VARCHAR"
        for item in group.fields
        if field_key(item.name) in kinds
    )


def _select(fields: Sequence[Field], kinds: Mapping[str, str], relation: str) -> str:
    """Return a select of the columns; texts are trimmed once, then read."""
    by_key = {field_key(item.name): item for item in fields}
    inner, outer = [], []
    for column, kind in kinds.items():
        name = quote_name(column)
        before, after = typed(by_key.get(column), column, kind)
        inner.append(f"{before} as {name}")
        outer.append(f"{after.format(name)} as {name}")
    return f"select {', '.join(outer)} from (select {', '.join(inner)} from {relation})"


def typed(item: Field | None, column: str, kind: str) -> tuple[str, str]:
    """Return how one column of a file is taken, and how what was taken is read.

    The second is a template with {} for the first: an expression that mentions a
    value several times must not hold how the value comes about.
    """
    template, data_type = OF_TEXT[kind]
    if item is None:
        return f"cast(null as {data_type})", "{}"
    name, landed = quote_name(item.name), item.type.upper()
    if kind == "time" and landed in WHOLE_NUMBERS:
        return f"cast({name} as bigint)", "time_of_unix({})"
    if kind == "integer" and landed in WHOLE_NUMBERS:
        return f"try_cast({name} as integer)", "{}"
    if kind == "boolean" and landed == "BOOLEAN":
        return name, "{}"
    if kind == "load" and landed == "TIMESTAMP":
        limits = "timestamp '0001-01-01' and timestamp '9999-12-31 23:59:59.999999'"
        return name, f"case when {{0}} between {limits} then {{0}} end"
    text = as_text(column, item)
    if kind != "content":
        text = f"trimmed{'_code' if kind == 'code' else ''}({text})"
    return text, template


def connect(
    database: str = ":memory:", threads: int = 2, memory_limit: str | None = None
) -> duckdb.DuckDBPyConnection:
    """Return a connection in UTC that knows the macros."""
    config: dict[str, object] = {"threads": threads}
    if memory_limit:
        config["memory_limit"] = memory_limit
    connection = duckdb.connect(database, config=config)
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set preserve_insertion_order = false")
    connection.execute(MACROS)
    return connection
