"""Restatements: what a closed figure would be now, and why it differs.

Written into each new version before anybody sees it, as the schema `closed`:
the frozen rows, and for each value that differs a row with its cause.
"""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import duckdb

from kefu.closing.inputs import select_input_days, sources_built, write_input_days
from kefu.closing.store import INPUT_DAYS, Closing, Closings
from kefu.closing.tables import (
    ANY_MALL,
    CLOSED_TABLES,
    MOVING,
    ROSTERS,
    WHOLE_ROW,
    family_of,
    reach,
)
from kefu.privacy_landings import removals
from kefu.run_record import project_vars
from kefu.settings import Settings
from kefu.sql import quote_name, quote_path, quote_text

SCHEMA = "closed"
UNEXPLAINED = "unexplained"
ROWS_GONE = "rows_gone"
# Of the larger of two values of floating point; counts and money are exact.
NOISE = 1e-12
# Somebody has to look at these: no rule of ours and no record accounts for them.
TO_LOOK_AT = (UNEXPLAINED, ROWS_GONE)
# Named with every difference, so that alone they account for none.
GENERAL = ("settings_changed", "seeds_changed", "code_changed", "columns_changed")

CREATE = f"""
create schema {SCHEMA};
create table {SCHEMA}.periods (
    period varchar not null,
    revision integer not null,
    is_in_force boolean not null,
    closed_at timestamp not null,
    decided_by varchar,
    run_id varchar not null,
    overrides varchar,
    reason varchar,
    is_altered boolean not null,
    not_compared varchar
);
create table {SCHEMA}.restatements (
    period varchar not null,
    revision integer not null,
    table_name varchar not null,
    mall_id varchar not null,
    cs_uid varchar,
    day date not null,
    row_key varchar not null,
    column_name varchar not null,
    change varchar not null,
    frozen_value varchar,
    current_value varchar,
    difference double,
    cause varchar not null,
    detail varchar
);
comment on table {SCHEMA}.periods is 'One row a closing of a period.';
comment on column {SCHEMA}.periods.not_compared is
    'Frozen tables and columns that are not published any more.';
comment on table {SCHEMA}.restatements is
    'One row a value of a closed period that would be another one now.';
"""

COMPARED = """
insert into temp.differences
with
frozen as (select *, true as was_there from read_parquet([{file}])),
fresh as (
    select *, true as is_there from marts.{table}
    where {day} between date '{first_day}' and date '{last_day}'
),
paired as (
    select
        {keys},
        was_there is null as is_new,
        is_there is null as is_gone,
        unnest([{values}], recursive := true)
    from frozen
    full outer join fresh using ({using})
    where was_there is null or is_there is null or {is_other}
)
select
    '{table}' as table_name,
    mall_id,
    {cs_uid} as cs_uid,
    {day} as day,
    {row_key} as row_key,
    column_name,
    case when is_new then 'appeared' when is_gone then 'vanished' else 'changed' end,
    frozen_value,
    current_value,
    family
from paired
where is_other
"""

# Which groups of input rows are others than those that the closing knew.
CHANGED_INPUT = """
create or replace temp table changed_input as
with
paired as (
    select
        coalesce(known.source, present.source) as source,
        coalesce(known.mall_id, present.mall_id) as mall_id,
        coalesce(known.first_day, present.first_day, date '0001-01-01') as first_day,
        coalesce(known.last_day, present.last_day, date '9999-12-31') as last_day,
        coalesce(present.rows, 0) - coalesce(known.rows, 0) as more_rows,
        coalesce(present.rows_loaded_since, 0) as rows_loaded_since,
        coalesce(known.first_day, present.first_day, date '0001-01-01')
        <= date '{known_until}' as is_of_known_days,
        {is_comparable}
        and known.fingerprint is distinct from present.fingerprint as is_other
    from known_input as known
    full outer join present_input as present
        on known.source = present.source
        and known.mall_id is not distinct from present.mall_id
        and known.first_day is not distinct from present.first_day
        and known.last_day is not distinct from present.last_day
)
select
    *,
    more_rows < 0 as is_fewer,
    -- A newer version moves a row from one span of days to another. What came for
    -- the days since then makes up for none that is gone.
    more_rows < 0
    and source in ({moving})
    and sum(more_rows) over (
        partition by source, mall_id, is_of_known_days
    ) >= 0 as may_have_moved
from paired
where more_rows <> 0 or rows_loaded_since > 0 or is_other
"""

FOUND_CAUSES = """
create or replace temp table found_causes as
with
asked as (
    select distinct table_name, family, mall_id, day from temp.differences
),
reached as (
    select
        asked.*,
        rules.source,
        rules.is_any_mall,
        asked.day - rules.days_before as reached_from,
        asked.day + rules.days_after as reached_to
    from asked
    inner join temp.rules as rules
        on asked.table_name = rules.table_name and asked.family = rules.family
),
own as (
    select reached.* exclude (reached_from, reached_to), changed.*
        exclude (source, mall_id), false as is_peer
    from reached
    inner join temp.changed_input as changed
        on reached.source = changed.source
        and reached.mall_id = changed.mall_id
        and changed.first_day <= reached.reached_to
        and changed.last_day >= reached.reached_from
),
-- Of all malls together: one by one they would be many times as many.
changed_anywhere as (
    select
        source,
        mall_id is not null as is_peer,
        first_day,
        last_day,
        min(mall_id) as one_mall_id,
        max(mall_id) as another_mall_id,
        sum(more_rows) as more_rows,
        sum(rows_loaded_since) as rows_loaded_since,
        bool_or(is_other) as is_other,
        bool_or(is_fewer) as is_fewer,
        bool_and(may_have_moved) as may_have_moved
    from temp.changed_input
    group by all
),
others as (
    select reached.* exclude (reached_from, reached_to), changed.*
        exclude (source, one_mall_id, another_mall_id)
    from reached
    inner join changed_anywhere as changed
        on reached.source = changed.source
        and (
            not changed.is_peer
            or (
                reached.is_any_mall
                and (
                    reached.mall_id <> changed.one_mall_id
                    or reached.mall_id <> changed.another_mall_id
                )
            )
        )
        and changed.first_day <= reached.reached_to
        and changed.last_day >= reached.reached_from
),
by_source as (
    select
        table_name, family, mall_id, day, source, is_peer,
        sum(rows_loaded_since) as rows_loaded_since,
        sum(more_rows) as more_rows,
        min(first_day) as first_day,
        max(last_day) as last_day,
        bool_or(is_fewer) as has_fewer_rows,
        bool_or(is_fewer and not may_have_moved) as has_lost_rows,
        bool_or(not is_fewer or may_have_moved) as has_late_rows
    from (from own union all by name from others)
    group by all
),
-- How many rows of a mall are gone, and how many were taken out with a record.
-- Rows of changing days are counted over all that the closing knew, for they may
-- have moved from one to another, and over all later ones.
accounts as (
    select
        source,
        mall_id,
        sum(rows_gone) as rows_gone,
        sum(rows_removed) as rows_removed,
        min(cause) as cause
    from (
        select
            source,
            mall_id,
            case
                when source in ({moving}) then greatest(-sum(more_rows), 0)
                else sum(-more_rows) filter (is_fewer)
            end as rows_gone
        from temp.changed_input
        group by source, mall_id, is_of_known_days
        union all by name
        select source, mall_id, rows as rows_removed, cause from temp.removals
    )
    group by source, mall_id
),
named as (
    select
        by_source.*,
        list_filter(
            [
                case when is_peer then 'peers_changed' end,
                case
                    when not is_peer
                        and has_late_rows
                        and by_source.source in ({rosters})
                        then 'roster_changed'
                    when not is_peer and has_late_rows then 'late_rows'
                end,
                case
                    when not is_peer and has_fewer_rows
                        then coalesce(own.cause, malls_unknown.cause)
                end,
                case
                    when not is_peer
                        and has_lost_rows
                        and coalesce(own.rows_gone, 0)
                        + coalesce(malls_unknown.rows_gone, 0)
                        > coalesce(own.rows_removed, 0)
                        + coalesce(malls_unknown.rows_removed, 0)
                        then '{rows_gone}'
                end,
            ],
            lambda cause: cause is not null
        ) as causes,
        by_source.source
            || case when is_peer then ' of any mall' else '' end
            || ': '
            || case
                when has_late_rows and rows_loaded_since > 0
                    then rows_loaded_since
                    || if(rows_loaded_since = 1, ' row', ' rows')
                    || ' loaded since the closing, '
                else ''
            end
            || case
                when more_rows > 0 then more_rows || ' more than then'
                when more_rows < 0 then -more_rows || ' fewer than then'
                else 'as many as then'
            end
            -- Of which days: all those in reach, which may be more than the figure's.
            || case
                when first_day = last_day then ' of ' || first_day
                when year(first_day) > 1 and year(last_day) < 9999
                    then ' of ' || first_day || ' to ' || last_day
                when year(first_day) > 1 then ' of ' || first_day || ' and later'
                when year(last_day) < 9999 then ' of ' || last_day || ' and before'
                else ''
            end as told
    from by_source
    left join accounts as own
        on by_source.source = own.source and by_source.mall_id = own.mall_id
    left join accounts as malls_unknown
        on by_source.source = malls_unknown.source and malls_unknown.mall_id is null
)
select
    table_name, family, mall_id, day,
    list_sort(list_distinct(flatten(list(causes)))) as causes,
    string_agg(told, '; ' order by is_peer, source) as told
from named
group by table_name, family, mall_id, day
"""

RESTATED = """
insert into {schema}.restatements
with
caused as (
    select
        differences.*,
        list_concat(
            coalesce(found.causes, []),
            case
                when day > $as_of_end then ['days_cut_off']
                when family = 'finality' then ['became_final']
                else []
            end,
            $general::varchar[]
        ) as causes,
        concat_ws('; ', found.told, nullif($general_told, '')) as told
    from temp.differences as differences
    left join temp.found_causes as found
        using (table_name, family, mall_id, day)
)
select
    $period, $revision, table_name, mall_id, cs_uid, day, row_key, column_name,
    change, frozen_value, current_value,
    try_cast(current_value as double) - try_cast(frozen_value as double),
    coalesce(nullif(array_to_string(causes, '+'), ''), '{unexplained}'),
    nullif(told, '')
from caused
order by all
"""


def complete(file: Path, database: Path, published: Path, manifest: dict) -> dict:
    """Add to a fresh version what it was computed from, and what is closed.

    `file` is open nowhere and has the schemas marts and meta; `database` is
    the build behind it. Returns lines for the summary of the run. Raises
    duckdb.Error or OSError, and KefuError if a closing cannot be read.
    """
    settings = Settings.from_env()
    closings = Closings(published)
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            f"attach {quote_text(str(database))} as kefu_built (read_only)"
        )
        variables = manifest.get("vars") or {}
        write_input_days(connection, settings, variables)
        # One that cannot be read stops the publication: without it, what others
        # read of closed months would be gone from the file.
        everything = closings.read()
        if everything:
            connection.execute(CREATE)
        in_force = {item.name for item in closings.in_force()}
        told = {}
        for closing in everything:
            altered = closings.altered(closing)
            _note(connection, closing, closing.name in in_force, bool(altered))
            if closing.name not in in_force:
                continue
            if altered:
                told[f"closed {closing.name}"] = (
                    f"ALTERED since it was closed ({', '.join(altered)}): left out"
                )
                continue
            _add_rows(connection, closings, closing)
            missing = _restate(connection, settings, closings, closing, manifest)
            told[f"closed {closing.name}"] = _summary(connection, closing, missing)
        connection.execute("checkpoint")
        connection.execute("detach kefu_built")
    return told


def _note(
    connection: duckdb.DuckDBPyConnection,
    closing: Closing,
    is_in_force: bool,
    is_altered: bool,
) -> None:
    connection.execute(
        f"insert into {SCHEMA}.periods values (?, ?, ?, ?, ?, ?, ?, ?, ?, null)",
        [
            closing.period,
            closing.revision,
            is_in_force,
            closing.closed_at.removesuffix("Z"),
            closing.decided_by,
            closing.run_id,
            ", ".join(closing.overrides) or None,
            closing.reason,
            is_altered,
        ],
    )


def _add_rows(
    connection: duckdb.DuckDBPyConnection, closings: Closings, closing: Closing
) -> None:
    """Add a closing's rows to the schema `closed`, table by table."""
    for name in _tables(closing):
        file = quote_path(closings.file(closing, name))
        rows = (
            f"select {quote_text(closing.period)} as period,"
            f" {closing.revision} as revision, * from read_parquet([{file}])"
        )
        table = f"{SCHEMA}.{quote_name(name)}"
        is_there = connection.execute(
            "select 1 from duckdb_tables() where schema_name = ? and table_name = ?"
            " and database_name = current_database()",
            [SCHEMA, name],
        ).fetchone()
        if not is_there:
            connection.execute(f"create table {table} as {rows}")
            continue
        # Columns come and go over the years: what a period lacks is null.
        known = {row[0] for row in connection.execute(f"describe {table}").fetchall()}
        for column, kind, *_ in connection.execute(f"describe {rows}").fetchall():
            if column not in known:
                connection.execute(
                    f"alter table {table} add column {quote_name(column)} {kind}"
                )
        connection.execute(f"insert into {table} by name {rows}")


def _tables(closing: Closing) -> list[str]:
    return [name for name in closing.tables if name in CLOSED_TABLES]


def _restate(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    closings: Closings,
    closing: Closing,
    manifest: dict,
) -> list[str]:
    """Write the restatements of a closing; return what could not be compared."""
    connection.execute(
        "create or replace temp table differences (table_name varchar,"
        " mall_id varchar, cs_uid varchar, day date, row_key varchar,"
        " column_name varchar, change varchar, frozen_value varchar,"
        " current_value varchar, family varchar)"
    )
    missing = []
    for name in _tables(closing):
        missing += _compare(connection, closings, closing, name)
    (count,) = connection.execute("select count(*) from temp.differences").fetchone()
    if missing:
        connection.execute(
            f"update {SCHEMA}.periods set not_compared = $missing"
            " where period = $period and revision = $revision",
            {
                "missing": ", ".join(missing),
                "period": closing.period,
                "revision": closing.revision,
            },
        )
    if not count:
        return missing
    _find_causes(connection, settings, closings, closing, manifest)
    chosen = project_vars(settings.root) | (manifest.get("vars") or {})
    causes, told = general_causes(closing, manifest | {"vars": chosen})
    for name in missing:
        told.append(f"{name} is not published any more")
        causes.append("columns_changed")
    publication = manifest["publication"]
    connection.execute(
        RESTATED.format(schema=SCHEMA, unexplained=UNEXPLAINED),
        {
            "period": closing.period,
            "revision": closing.revision,
            "as_of_end": publication.get("as_of_end") or dt.date.max,
            "general": causes,
            "general_told": "; ".join(told),
        },
    )
    return missing


def _compare(
    connection: duckdb.DuckDBPyConnection,
    closings: Closings,
    closing: Closing,
    name: str,
) -> list[str]:
    """Note the values of a table that differ; return what is published no more.

    That is columns, or the table itself.
    """
    table = CLOSED_TABLES[name]
    file = quote_path(closings.file(closing, name))

    def columns(relation: str) -> dict[str, str]:
        rows = connection.execute(f"describe select * from {relation}").fetchall()
        return {row[0]: row[1] for row in rows}

    frozen = columns(f"read_parquet([{file}])")
    try:
        fresh = columns(f"marts.{name}")
    except duckdb.CatalogException:
        return [name]
    if not fresh.keys() >= set(table.keys):
        return [name]
    both = [item for item in frozen if item in fresh and item not in table.keys]
    others = {
        column: _is_other(column, frozen[column], fresh[column]) for column in both
    }
    values = [_whole_row(name)]
    values += [_value(name, column, others[column]) for column in both]
    row_key = " || ', ' || ".join(
        f"'{key}=' || cast({key} as varchar)" for key in table.keys
    )
    connection.execute(
        COMPARED.format(
            file=file,
            table=name,
            day=table.day,
            first_day=closing.first_day,
            last_day=closing.last_day,
            keys=", ".join(table.keys),
            using=", ".join(table.keys),
            values=", ".join(values),
            is_other=f"({' or '.join(others.values()) or 'false'})",
            cs_uid="cs_uid" if "cs_uid" in table.keys else "null",
            row_key=row_key,
        )
    )
    return [f"{name}.{column}" for column in frozen if column not in fresh]


def _whole_row(table: str) -> str:
    return (
        f"{{column_name: '{WHOLE_ROW}', family: '{family_of(table, WHOLE_ROW)}',"
        " frozen_value: case when was_there then 'there' end,"
        " current_value: case when is_there then 'there' end,"
        " is_other: was_there is null or is_there is null}"
    )


def _is_other(column: str, frozen_type: str, fresh_type: str) -> str:
    """Return the condition that a value is another one, NULL being a value."""
    old, new = (f"{side}.{quote_name(column)}" for side in ("frozen", "fresh"))
    if frozen_type != fresh_type:
        old, new = f"cast({old} as varchar)", f"cast({new} as varchar)"
    is_other = f"{old} is distinct from {new}"
    if frozen_type == fresh_type == "DOUBLE":
        # A mean's last digits depend on the order in which it was added up.
        near = f"abs({old} - {new}) <= {NOISE} * greatest(abs({old}), abs({new}))"
        is_other = f"({is_other} and not coalesce({near}, false))"
    return is_other


def _value(table: str, column: str, is_other: str) -> str:
    old, new = (
        f"cast({side}.{quote_name(column)} as varchar)" for side in ("frozen", "fresh")
    )
    # Of a row that is on one side only, what says nothing is left out.
    return (
        f"{{column_name: {quote_text(column)},"
        " family: case when was_there and is_there"
        f" then '{family_of(table, column)}' else '{family_of(table, WHOLE_ROW)}' end,"
        f" frozen_value: {old}, current_value: {new},"
        f" is_other: {is_other} and (coalesce(was_there and is_there, false)"
        f" or coalesce({old}, {new}) not in ('0', '0.0', '0.00', 'false'))}}"
    )


def _find_causes(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    closings: Closings,
    closing: Closing,
    manifest: dict,
) -> None:
    """Make temp.found_causes: what input changed in reach of what differs."""
    variables = project_vars(settings.root) | (manifest.get("vars") or {})
    _write_rules(connection, [variables, closing.run["vars"]], _tables(closing))
    _write_removals(connection, settings, closing)
    is_known = INPUT_DAYS in closing.tables
    known = "meta.input_days where false"
    if is_known:
        known = f"read_parquet([{quote_path(closings.file(closing, INPUT_DAYS))}])"
    connection.execute(f"create or replace temp table known_input as from {known}")
    _write_present(connection, settings, closing, variables, is_known)
    run = closing.run
    is_comparable = run.get("buyer_key_check") == manifest.get(
        "buyer_key_check"
    ) and run.get("versions", {}).get("duckdb") == manifest["versions"].get("duckdb")
    connection.execute(
        CHANGED_INPUT.format(
            is_comparable=str(is_comparable).lower(),
            moving=_listed(MOVING),
            known_until=closing.as_of_end,
        )
    )
    connection.execute(
        FOUND_CAUSES.format(
            rosters=_listed(ROSTERS), moving=_listed(MOVING), rows_gone=ROWS_GONE
        )
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(quote_text(name) for name in sorted(names))


def _write_rules(
    connection: duckdb.DuckDBPyConnection, choices: list[dict], tables: list[str]
) -> None:
    """Make temp.rules: the wider of what the vars of both runs let reach."""
    connection.execute(
        "create or replace temp table rules (table_name varchar, family varchar,"
        " source varchar, is_any_mall boolean, days_before integer,"
        " days_after integer)"
    )
    now_and_then = [reach(variables) for variables in choices]
    rules = []
    for name in tables:
        for family, sources in now_and_then[0].items():
            for source, span in sources.items():
                for other in now_and_then[1:]:
                    span |= other[family][source]  # noqa: PLW2901
                before, after = span.bounds()
                before += CLOSED_TABLES[name].window_days
                is_any = family in ANY_MALL
                rules.append((name, family, source, is_any, before, after))
    columns = ", ".join(f"unnest(${number})" for number in range(1, 7))
    connection.execute(
        f"insert into temp.rules select {columns}",
        [list(column) for column in zip(*rules, strict=True)],
    )


def _write_removals(
    connection: duckdb.DuckDBPyConnection, settings: Settings, closing: Closing
) -> None:
    """Make temp.removals: what was taken out of the landings by request."""
    connection.execute(
        "create or replace temp table removals"
        " (source varchar, mall_id varchar, rows bigint, cause varchar)"
    )
    since = closing.run.get("finished_at") or ""
    for entry in removals(settings.raw_root):
        if entry["at"] >= since and not entry.get("is_set_aside"):
            is_buyer = entry["kind"] == "buyer"
            connection.execute(
                "insert into temp.removals values (?, ?, ?, ?)",
                [
                    entry["table"],
                    entry.get("mall_id"),
                    # Of older releases there are the landed rows only.
                    entry.get("keys", entry.get("rows")) or 0,
                    "buyer_removed" if is_buyer else "rows_retracted",
                ],
            )


def _write_present(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    closing: Closing,
    variables: dict,
    is_known: bool,
) -> None:
    """Make temp.present_input: the input of this version, and what is new in it."""
    connection.execute(
        "create or replace temp table present_input as"
        " select *, 0::bigint as rows_loaded_since from meta.input_days where false"
    )
    for source in sources_built(connection) if is_known else ():
        connection.execute(
            "insert into temp.present_input by name"
            f" {select_input_days(source, variables)}",
            {
                "secret": settings.buyer_key,
                "watermark": closing.run.get("newest_loaded_at"),
            },
        )


def general_causes(closing: Closing, manifest: dict) -> tuple[list[str], list[str]]:
    """Return what can have changed any figure, as causes and in words."""
    causes, told = [], []
    then, present = closing.run, manifest
    before, after = then.get("vars") or {}, present.get("vars") or {}
    changed = [
        f"{name}: {before.get(name)} -> {after.get(name)}"
        for name in sorted(before.keys() | after.keys())
        # It cuts days off, which is told of the days that it cuts off.
        if name != "as_of_date" and str(before.get(name)) != str(after.get(name))
    ]
    if changed:
        causes.append("settings_changed")
        told.append(f"vars: {', '.join(changed)}")
    if then.get("seeds_hash") != present.get("seeds_hash"):
        causes.append("seeds_changed")
        told.append("the seeds are not those of the closing")
    versions = {
        name
        for name in ("dbt-core", "dbt-duckdb", "duckdb")
        if (then.get("versions") or {}).get(name)
        != (present.get("versions") or {}).get(name)
    }
    # What was closed by an older release has the hash of the whole project only.
    are_known = then.get("figures_hash") and present.get("figures_hash")
    of_code = "figures_hash" if are_known else "project_hash"
    if versions or then.get(of_code) != present.get(of_code):
        causes.append("code_changed")
        told.append("the code or its libraries are not those of the closing")
    return causes, told


def is_to_be_looked_at(cause: str) -> bool:
    """Return whether nothing in particular accounts for a difference."""
    causes = set(cause.split("+"))
    return bool(causes & set(TO_LOOK_AT)) or causes <= set(GENERAL)


def _summary(
    connection: duckdb.DuckDBPyConnection, closing: Closing, missing: list[str]
) -> str:
    causes = connection.execute(
        f"select cause, count(*) from {SCHEMA}.restatements where period = ?"
        " group by cause",
        [closing.period],
    ).fetchall()
    total = sum(count for _, count in causes)
    to_look_at = sum(count for cause, count in causes if is_to_be_looked_at(cause))
    if missing:
        left_out = f"; NOT COMPARED, published no more: {', '.join(missing)}"
    else:
        left_out = ""
    if not total:
        return f"nothing changed since the closing{left_out}"
    flagged = f", {to_look_at:,} of them TO BE LOOKED AT" if to_look_at else ""
    return (
        f"{total:,} value{'s' * (total > 1)} would be different now{flagged}: see"
        f" `kefu restatements`"
        f"{left_out}"
    )
