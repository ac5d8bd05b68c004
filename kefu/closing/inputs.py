"""What a version was computed from, mall by mall and day by day.

Published beside the marts, so that a later run can tell whether the input of
a closed figure changed, whatever the landings say about when they came.
"""

import duckdb

from kefu.run_record import project_vars
from kefu.settings import Settings

TABLE = "input_days"
COMMENT = (
    "One row a source, mall and span of days that its current rows speak of: how"
    " many there are, and a keyed fingerprint that changes when one of them does."
)

# First and last day that a row speaks of; null is without an end.
SPANS = {
    "messages": ("sent_at::date", "sent_at::date"),
    "orders": (
        "least(created_at, confirmed_at)::date",
        "coalesce(received_at, confirmed_at, created_at)::date + {after_sales_days}",
    ),
    "refunds": (
        "created_at::date",
        # Still open: whatever day comes, it is open on it.
        "case when refund_success_at is not null"
        " then greatest(refund_success_at, updated_at)::date"
        " when after_sales_status in (0, 9, 11, 12, 13) then updated_at::date end",
    ),
    "complaints": ("created_at::date", "created_at::date"),
    "ratings": ("created_at::date", "created_at::date"),
    "quality_reviews": ("service_date::date", "service_date::date"),
    "malls": ("null::date", "null::date"),
    "agents": ("valid_from::date", "valid_to::date"),
    "agent_shifts": ("start_at::date", "end_at::date"),
    "excluded_buyers": ("valid_from::date", "valid_to::date"),
}
# When a row came says nothing of what it says.
NOT_CONTENT = ("loaded_at", "load_date")


def select_input_days(source: str, variables: dict) -> str:
    """Return the query over one staging model of the attached build.

    Its parameters are secret and watermark (UTC, may be null).
    """
    days = int(variables["after_sales_period_days"])
    first, last = (text.format(after_sales_days=days) for text in SPANS[source])
    columns = f"columns(* exclude ({', '.join(NOT_CONTENT)}))"
    return f"""
        select
            '{source}' as source,
            mall_id,
            first_day,
            last_day,
            count(*) as rows,
            max(loaded_at) as newest_loaded_at,
            count(*) filter (loaded_at > $watermark) as rows_loaded_since,
            -- Keyed, for a group of one row is no crowd to hide in.
            left(
                sha256($secret || chr(31) || cast(sum(row_hash) as varchar)), 16
            ) as fingerprint
        from (
            select
                mall_id,
                {first} as first_day,
                {last} as last_day,
                loaded_at,
                cast(hash(*{columns}) as hugeint) as row_hash
            from kefu_built.staging.stg_pdd__{source}
        )
        group by mall_id, first_day, last_day
    """


def sources_built(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the sources whose staging model, table or view, is in the build."""
    rows = connection.execute(
        """
        select table_name
        from information_schema.tables
        where table_catalog = 'kefu_built' and table_schema = 'staging'
        """
    ).fetchall()
    there = {name for (name,) in rows}
    return [source for source in SPANS if f"stg_pdd__{source}" in there]


def write_input_days(
    connection: duckdb.DuckDBPyConnection, settings: Settings, variables: dict
) -> None:
    """Write meta.input_days into the current database, from kefu_built.

    Of no rows where the build has no staging tables, as projects of a user's
    own may.
    """
    chosen = project_vars(settings.root) | variables
    connection.execute(
        """
        create table meta.input_days (
            source varchar not null,
            mall_id varchar,
            first_day date,
            last_day date,
            rows bigint not null,
            newest_loaded_at timestamp,
            fingerprint varchar not null
        )
        """
    )
    connection.execute(f"comment on table meta.input_days is '{COMMENT}'")
    for source in sources_built(connection):
        connection.execute(
            "insert into meta.input_days select * exclude (rows_loaded_since)"
            f" from ({select_input_days(source, chosen)}) order by all",
            {"secret": settings.buyer_key, "watermark": None},
        )
