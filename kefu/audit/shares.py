"""Shares of the rows of a load, and medians of its amounts, beside the usual."""

from kefu.audit import landed_columns
from kefu.audit.engine import WORKING
from kefu.audit.measured import ALL_MALLS, Measured, names
from kefu.sql import quote_text


def measure(measured: Measured) -> None:
    """Make audit.shares and audit.amount_changes."""
    load_books(measured)
    staged_shares(measured)
    amounts(measured)


def compare(measured: Measured) -> None:
    """Make audit.share_changes, when audit.shares has all its rows."""
    share_changes(measured)


def load_books(measured: Measured) -> None:
    """Make audit.shares with what became of each load's rows."""
    measured.run(
        """
        create table audit.shares (
            source varchar,
            mall_id varchar,
            load_date date,
            is_new boolean,
            measure varchar,
            detail varchar,
            part bigint,
            whole bigint
        )
        """
    )
    marts = f"{WORKING}.marts"
    if measured.has(marts, "data_quality_balance", "rows_rejected"):
        measured.run(
            f"""
            insert into audit.shares
            select
                source, '{ALL_MALLS}', load_date, loads.is_new, 'rejected',
                'rows', books.rows_rejected, books.rows_landed
            from {marts}.data_quality_balance as books
            inner join audit.loads using (source, load_date)
            """
        )
    if measured.has(marts, "data_quality_issues", "issue"):
        measured.run(
            f"""
            insert into audit.shares
            with kinds as (
                select issue, source, column_name
                from {marts}.data_quality_issues
                group by all
            )
            select
                loads.source, '{ALL_MALLS}', loads.load_date, loads.is_new,
                kinds.issue, kinds.column_name,
                coalesce(issues.rows, 0), loads.rows_landed
            from audit.loads
            inner join kinds on loads.source = kinds.source
            left join {marts}.data_quality_issues as issues
                on
                    issues.source = loads.source
                    and issues.load_date = loads.load_date
                    and issues.column_name = kinds.column_name
                    and issues.issue = kinds.issue
            """
        )
    for source, keys in landed_columns.KEYS.items():
        ranked = f"base_pdd__{source}_duplicates"
        if measured.has(f"{WORKING}.staging", ranked):
            measured.run(
                f"""
                insert into audit.shares
                with repeated as (
                    select load_date, sum(copies - 1) as rows
                    from (
                        select load_date, count(*) as copies
                        from {WORKING}.staging.{ranked}
                        group by load_date, {keys}
                    )
                    group by load_date
                )
                select
                    '{source}', '{ALL_MALLS}', loads.load_date, loads.is_new,
                    'repeated', 'rows', coalesce(repeated.rows, 0),
                    loads.rows_landed
                from audit.loads
                left join repeated on loads.load_date = repeated.load_date
                where loads.source = '{source}'
                """
            )


def staged_shares(measured: Measured) -> None:
    """Add to audit.shares what the staged rows of each load are like."""
    for source, listed in landed_columns.SHARES.items():
        table = f"stg_pdd__{source}"
        there = measured.tables.get((f"{WORKING}.staging", table), set())
        kept = [share for share in listed if share.needs <= there]
        if kept:
            insert_shares(measured, source, as_landed(measured, source), kept)
    for query in landed_columns.JOINED_SHARES:
        if all(
            measured.has(f"{WORKING}.staging", table, *columns.split())
            for table, columns in query.reads.items()
        ):
            insert_shares(measured, query.source, f"({query.sql})", list(query.shares))


def as_landed(measured: Measured, source: str) -> str:
    """Return the relation of a table's accepted rows as each load had them."""
    staging, table = f"{WORKING}.staging", f"stg_pdd__{source}"
    ranked = f"base_pdd__{source}_duplicates"
    if source not in landed_columns.VERSIONED or not measured.has(staging, ranked):
        return f"{staging}.{table}"
    both = sorted(measured.tables[staging, table] & measured.tables[staging, ranked])
    return (
        f"(select {names(both)} from {staging}.{table} union all"
        f" select {names(both)} from {staging}.{ranked} where version_rank > 1)"
    )


def insert_shares(
    measured: Measured,
    source: str,
    relation: str,
    listed: list[landed_columns.Share],
) -> None:
    """Add shares of the rows of a relation, for all malls and for each."""
    entries = ", ".join(
        "{"
        f"'measure': {quote_text(share.measure)},"
        f" 'detail': {quote_text(share.detail)},"
        f" 'part': count(*) filter (where ({share.whole}) and ({share.part})),"
        f" 'whole': count(*) filter (where {share.whole})"
        "}"
        for share in listed
    )
    measured.run(
        f"""
        insert into audit.shares
        with counted as (
            select
                if(grouping(mall_id) = 1, '{ALL_MALLS}', mall_id) as mall,
                load_date,
                any_value(loads.is_new) as is_new,
                unnest([{entries}]) as entry
            from {relation} as landed
            inner join audit.loads as loads using (load_date)
            where loads.source = '{source}'
            group by grouping sets ((load_date), (load_date, mall_id))
        )
        select
            '{source}', mall, load_date, is_new,
            entry.measure, entry.detail, entry.part, entry.whole
        from counted
        where entry.whole > 0 and mall is not null
        """
    )


def share_changes(measured: Measured) -> None:
    """Make audit.share_changes: each new share beside the usual one.

    `deviations` counts the usual spread between loads, or what chance gives
    for so few rows if that is more. Earlier loads beyond the bounds of what is
    usual count as if they lay on them: a bad load that was accepted must not
    excuse the next. What is usual for all malls is put together
    from the malls that the load holds: one that is closed or new changes how the
    whole looks, and nothing is wrong. Messages come in bunches, a chat at a
    time, so chance is reckoned as for a quarter of them: `rows_alone`. The
    last seven loads together stand beside those before them too: one load of a
    small source says little.
    """
    measured.run(
        f"""
        create table audit.share_changes as
        with numbered as (
            select
                shares.*,
                coalesce(loads.number <= 7, false) as is_of_week
            from audit.shares as shares
            left join (
                select source, load_date,
                    row_number() over (
                        partition by source order by load_date desc
                    ) as number
                from audit.loads
            ) as loads using (source, load_date)
        ),
        windows as (
            select 1 as window_loads, source, mall_id, load_date, measure, detail,
                is_new as is_judged, part, whole
            from numbered
            union all
            select 7, source, mall_id, max(load_date), measure, detail,
                true, sum(part), sum(whole)
            from numbered
            where is_of_week and mall_id = '{ALL_MALLS}'
            group by all
            union all
            select 7, source, mall_id, load_date, measure, detail,
                false, part, whole
            from numbered
            where not is_of_week and mall_id = '{ALL_MALLS}'
        ),
        bounds as (
            select
                window_loads, source, mall_id, measure, detail,
                audit.lower_bound(list(part / whole)) as lowest,
                audit.upper_bound(list(part / whole)) as highest
            from windows
            where not is_judged
            group by all
            having count(*) >= $least
        ),
        earlier as (
            select
                windows.*, bounds.lowest, bounds.highest,
                least(greatest(part / whole, lowest), highest) as held,
                held * whole as held_part
            from windows
            inner join bounds
                using (window_loads, source, mall_id, measure, detail)
            where not windows.is_judged
        ),
        usual as (
            select
                window_loads, source, mall_id, measure, detail,
                lowest, highest,
                count(*) as loads_before,
                sum(held_part) / count(*) as part_a_load,
                sum(held_part) / sum(whole) as share,
                (sum(held_part) + 1) / (sum(whole) + 2) as smoothed,
                sqrt(
                    greatest(
                        sum(held * held_part) / sum(whole)
                        - (sum(held_part) / sum(whole)) ** 2,
                        0
                    )
                ) as spread
            from earlier
            group by all
        ),
        of_known_malls as (
            select
                new.source, new.load_date, new.measure, new.detail,
                sum(new.part) as part,
                sum(new.whole) as whole,
                sum(new.whole * usual.share) / sum(new.whole) as usual_share
            from windows as new
            inner join usual
                using (window_loads, source, mall_id, measure, detail)
            where new.is_judged and new.mall_id <> '{ALL_MALLS}'
            group by all
        ),
        standardized as (
            select
                windows.* exclude (part, whole),
                coalesce(known.part, windows.part) as part,
                coalesce(known.whole, windows.whole) as whole,
                known.usual_share
            from windows
            left join of_known_malls as known
                on
                    windows.window_loads = 1
                    and windows.mall_id = '{ALL_MALLS}'
                    and windows.source = known.source
                    and windows.load_date = known.load_date
                    and windows.measure = known.measure
                    and windows.detail = known.detail
            where windows.is_judged
        ),
        compared as (
            select
                new.window_loads, new.source, new.mall_id, new.load_date,
                new.measure, new.detail,
                new.whole as rows,
                new.whole / case
                    when new.source <> 'messages' then 1
                    when new.measure in ('chats', 'mix') then 1
                    when new.measure = 'hour' then 8
                    else 4
                end as rows_alone,
                new.part / new.whole as share,
                coalesce(new.usual_share, usual.share) as usual_share,
                usual.part_a_load,
                usual.lowest,
                usual.highest,
                usual.loads_before,
                greatest(
                    usual.spread,
                    sqrt(smoothed * (1 - smoothed) / rows_alone),
                    0.005
                ) as spread
            from standardized as new
            inner join usual
                using (window_loads, source, mall_id, measure, detail)
        )
        select
            * exclude (spread),
            share - usual_share as change,
            abs(share - usual_share) / spread as deviations
        from compared
        """,
        least=measured.least_history,
    )


def amounts(measured: Measured) -> None:
    """Make audit.amount_changes: medians of new loads over the usual ones."""
    parts = []
    for source, columns in landed_columns.AMOUNTS.items():
        table = f"stg_pdd__{source}"
        for column, expression in columns.items():
            if measured.has(f"{WORKING}.staging", table):
                parts.append(
                    f"""
                    select
                        '{source}' as source,
                        if(grouping(mall_id) = 1, '{ALL_MALLS}', mall_id)
                            as mall_id,
                        load_date,
                        any_value(loads.is_new) as is_new,
                        {quote_text(column)} as column_name,
                        count({expression}) as rows,
                        cast(median({expression}) as double) as middle
                    from {as_landed(measured, source)} as landed
                    inner join audit.loads as loads using (load_date)
                    where loads.source = '{source}' and {expression} > 0
                    group by grouping sets ((load_date), (load_date, mall_id))
                    """
                )
    if not parts:
        return
    measured.run(
        f"""
        create table audit.amount_changes as
        with medians as ({" union all ".join(parts)}),
        usual as (
            select
                source, mall_id, column_name,
                count(*) as loads_before,
                median(middle) as middle
            from medians
            where not is_new
            group by all
            having count(*) >= $least
        )
        select
            new.source, new.mall_id, new.load_date, new.column_name, new.rows,
            new.middle as median,
            usual.middle as usual_median,
            new.middle / usual.middle as ratio
        from medians as new
        inner join usual using (source, mall_id, column_name)
        where new.is_new and new.mall_id is not null
        """,
        least=measured.least_history,
    )
