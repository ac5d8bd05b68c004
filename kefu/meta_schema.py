"""The schema `meta` of a published file: which version it is, told by itself."""

import contextlib
import json
from pathlib import Path

import duckdb

from kefu.run_record import RunRecord
from kefu.sql import quote_name, quote_text

SCHEMA, META = "marts", "meta"


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the number of rows of each mart of a published file."""
    names = connection.execute(
        """
        select table_name
        from duckdb_tables()
        where database_name = current_database() and schema_name = ?
        order by table_name
        """,
        [SCHEMA],
    ).fetchall()
    return {
        name: connection.execute(
            f"select count(*) from {SCHEMA}.{quote_name(name)}"
        ).fetchone()[0]
        for (name,) in names
    }


WATERMARK = """
select
    max(newest_accepted_loaded_at) as newest_loaded_at,
    min(load_date) as first_load_date,
    max(load_date) as last_load_date,
    count(distinct load_date) as load_dates,
    cast(sum(rows_landed) as bigint) as rows_landed,
    cast(sum(rows_accepted) as bigint) as rows_accepted
from staging.stg_pdd__loads
"""
AS_OF_END = "select as_of_end from intermediate.int_as_of_end"


def watermark(connection: duckdb.DuckDBPyConnection) -> dict:
    """Return how far the input of a build reaches, with days as ISO text.

    `connection` is one to the working database. Keys are there with None where
    the build lacks the table.
    """
    found = dict.fromkeys(
        (
            "as_of_end",
            "newest_loaded_at",
            "first_load_date",
            "last_load_date",
            "load_dates",
            "rows_landed",
            "rows_accepted",
        )
    )
    for query in (AS_OF_END, WATERMARK):
        with contextlib.suppress(duckdb.CatalogException):
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description]
            row = cursor.fetchone() or [None] * len(names)
            found |= dict(zip(names, map(as_text, row), strict=True))
    return found


def as_text(value: object) -> object:
    """Return a date or a time as ISO text, anything else as it is."""
    return value.isoformat() if hasattr(value, "isoformat") else value


# Name, type and description of the columns of meta.publication.
META_COLUMNS = (
    ("run_id", "varchar not null", "The run that built this version."),
    ("sequence", "integer not null", "Number of the version: 1, 2, 3 ..."),
    ("replaces", "varchar", "The version that was current before, if any."),
    ("published_at", "timestamp not null", "When it was published (UTC)."),
    ("started_at", "timestamp", "When its run began (UTC)."),
    ("is_tested", "boolean not null", "Whether all data tests ran and passed."),
    ("is_audited", "boolean not null", "Whether the audit ran and passed."),
    ("is_restricted", "boolean not null", "Whether agents' names are left out."),
    ("as_of_end", "date", "The last complete day, local time."),
    ("newest_loaded_at", "timestamp", "Newest accepted _loaded_at (UTC)."),
    ("files_read", "integer", "How many landing files were read."),
    ("input_list_hash", "varchar", "SHA-256 of their sizes and names."),
    ("kefu_version", "varchar", "Version of the warehouse."),
    ("dbt_version", "varchar", "Version of dbt-core."),
    ("duckdb_version", "varchar", "Version of DuckDB."),
    ("git_commit", "varchar", "Commit of the project, where there is one."),
    ("manifest", "varchar not null", "All that is known of the run, as JSON."),
)
META_TABLES = f"""
create schema {META};
create table {META}.publication (
    {", ".join(f"{name} {kind}" for name, kind, _ in META_COLUMNS)}
);
comment on table {META}.publication is 'One row: which version this file is.';
create table {META}.row_counts (
    table_name varchar primary key,
    rows bigint not null
);
comment on table {META}.row_counts is 'One row a table of the schema {SCHEMA}.';
""" + "".join(
    f"comment on column {META}.publication.{name} is {quote_text(told)};"
    for name, _, told in META_COLUMNS
)


def write_meta(file: Path, manifest: dict, *, is_restricted: bool) -> None:
    """Write into a fresh file which version it is: the schema meta.

    Of the manifest, the names of files and the keys that the audit found are
    left out: they are for those who run the warehouse.
    """
    record = RunRecord.from_dict(manifest)
    publication = manifest["publication"]
    values = {
        "run_id": record.run_id,
        "sequence": publication["sequence"],
        "replaces": publication["replaces"],
        "published_at": publication["published_at"].removesuffix("Z"),
        "started_at": record.started_at and record.started_at.removesuffix("Z"),
        "is_tested": record.is_tested,
        "is_audited": record.is_audited,
        "is_restricted": is_restricted,
        "as_of_end": publication["as_of_end"],
        "newest_loaded_at": publication["newest_loaded_at"],
        "files_read": record.input.get("files_read"),
        "input_list_hash": record.input.get("list_hash"),
        "kefu_version": record.versions.get("kefu"),
        "dbt_version": record.versions.get("dbt-core"),
        "duckdb_version": record.versions.get("duckdb"),
        "git_commit": record.git_commit,
        "manifest": json.dumps(
            for_readers(manifest, without_reasons=is_restricted), default=str
        ),
    }
    with duckdb.connect(str(file)) as connection:
        connection.execute(META_TABLES)
        marks = ", ".join("?" for _ in META_COLUMNS)
        connection.execute(
            f"insert into {META}.publication values ({marks})",
            [values[name] for name, _, _ in META_COLUMNS],
        )
        connection.execute(
            f"insert into {META}.row_counts"
            " select unnest($names), unnest($rows::bigint[])",
            {
                "names": list(publication["row_counts"]),
                "rows": list(publication["row_counts"].values()),
            },
        )
        connection.execute("checkpoint")


def for_readers(manifest: dict, *, without_reasons: bool = False) -> dict:
    """Return the manifest without what is for those who run the warehouse.

    That is: names of landed files and columns, keys of findings, and the check
    value of the secret, against which anyone could try keys. Reasons are in
    somebody's own words, and may name people.
    """
    shown = {
        name: value
        for name, value in manifest.items()
        if name not in ("buyer_key_check", "warnings")
    }
    shown["input"] = {
        name: value for name, value in manifest["input"].items() if name != "files"
    }
    left_out = {"keys", "accepted_reason"} if without_reasons else {"keys"}
    if without_reasons:
        shown["accepted"] = [
            {"check": entry["check"]} for entry in manifest.get("accepted", [])
        ]
    if isinstance(manifest["audit"], dict):
        checks = manifest["audit"].get("checks", [])
        told = {
            name: value
            for name, value in manifest["audit"].items()
            if name != "landings_gone"
        }
        shown["audit"] = told | {
            "checks": [
                {name: value for name, value in check.items() if name not in left_out}
                for check in checks
            ]
        }
    return shown
