"""What the audit measures of the marts, and against the published version."""

from kefu.audit.engine import PUBLISHED, WORKING
from kefu.audit.measured import Measured

# The grain of each mart.
KEYS = {
    "dim_malls": ("mall_id",),
    "dim_agents": ("mall_id", "cs_uid"),
    "dim_dates": ("date_day",),
    "dim_problems": ("problem_code",),
    "mall_kpi_daily": ("mall_id", "service_date"),
    "mall_kpi_30d": ("mall_id", "as_of_date"),
    "agent_kpi_daily": ("mall_id", "cs_uid", "service_date"),
    "agent_kpi_shift_daily": ("mall_id", "cs_uid", "service_date", "shift_name"),
    "agent_kpi_30d": ("mall_id", "cs_uid", "as_of_date"),
    "agent_service_score_30d": ("mall_id", "cs_uid", "as_of_date"),
    "hourly_load": ("mall_id", "service_date", "hour_of_day"),
    "help_seeking_rate_30d": ("mall_id", "as_of_date", "module"),
    "core_issues_30d": ("mall_id", "as_of_date", "problem_code"),
    "mall_benchmarks_30d": ("mall_id", "as_of_date", "metric"),
    "experience_score_30d": ("mall_id", "as_of_date"),
    "experience_module_scores_30d": ("mall_id", "as_of_date", "module"),
    "fct_orders": ("order_sn",),
    "fct_refunds": ("refund_id",),
    "fct_buyer_messages": ("mall_id", "msg_id"),
    "fct_consultations": ("mall_id", "buyer_key", "service_date"),
    "fct_help_requests": ("help_request_id",),
}

# The day that a row belongs to, for tables whose past must not vanish.
DAYS = {
    "mall_kpi_daily": "service_date",
    "mall_kpi_30d": "as_of_date",
    "agent_kpi_daily": "service_date",
    "agent_kpi_shift_daily": "service_date",
    "agent_kpi_30d": "as_of_date",
    "agent_service_score_30d": "as_of_date",
    "hourly_load": "service_date",
    "help_seeking_daily": "request_date",
    "help_seeking_rate_30d": "as_of_date",
    "experience_score_30d": "as_of_date",
    "experience_module_scores_30d": "as_of_date",
    "mall_benchmarks_30d": "as_of_date",
    "fct_buyer_messages": "service_date",
    "fct_consultations": "service_date",
    "fct_orders": "cast(created_at as date)",
    "fct_refunds": "cast(created_at as date)",
    "fct_help_requests": "request_date",
}

# The sources of which each row of a table is made; a row of another table may
# be there for any one of them. A key that was taken out takes along one row at
# most, of 30-day tables one for each day that it counted for.
MADE_OF = {
    "fct_buyer_messages": ("messages",),
    "fct_consultations": ("messages",),
    "fct_orders": ("orders",),
    "fct_refunds": ("refunds",),
    "fct_help_requests": ("messages", "refunds", "complaints"),
    "hourly_load": ("messages",),
    "help_seeking_daily": ("messages", "refunds", "complaints"),
}
WINDOW_DAYS = 30

# Daily figures that are counted once and for all: a day's may grow a little
# while late rows come in.
FIGURES = (
    "consult_buyers",
    "assessed_messages",
    "agent_messages",
    "grouped_orders",
    "paid_grouped_amount",
)

# What people and shops are paid or judged by, of days whose answers and orders
# are all in: table, the columns that say of whom, and the figures.
PAY = (
    (
        "mall_kpi_daily",
        "mall_id",
        (
            "answered_messages",
            "messages_replied_30s",
            "late_buyers_3min",
            "avg_response_seconds",
            "complaint_buyers",
            "rating_count",
            "sales_amount",
            "net_sales_amount",
        ),
    ),
    (
        "agent_kpi_daily",
        "mall_id, cs_uid",
        (
            "consult_buyers",
            "assessed_consult_buyers",
            "answered_messages",
            "messages_replied_30s",
            "late_buyers_3min",
            "complaint_buyers",
            "rating_count",
            "sales_amount",
            "net_sales_amount",
        ),
    ),
)

# Metric: numerator and denominator, both columns of mall_kpi_daily.
MEANS = {
    "reply_rate_30s": ("messages_replied_30s", "assessed_messages"),
    "late_rate_3min": ("late_buyers_3min", "assessed_consult_buyers"),
    "ineffective_rate": ("ineffective_buyers", "assessed_consult_buyers"),
    "unanswered_rate": ("unanswered_messages", "assessed_messages"),
    "answer_ask_ratio": ("agent_messages", "buyer_messages"),
    "assessed_share": ("assessed_consult_buyers", "consult_buyers"),
    "robot_only_share": ("robot_only_buyers", "consult_buyers"),
    "inquiry_share": ("inquiry_buyers", "consult_buyers"),
    "complaint_rate": ("complaint_buyers", "consult_buyers"),
    "low_rating_rate": ("low_rating_count", "rating_count"),
    "avg_order_value": ("paid_grouped_amount", "paid_grouped_orders"),
    "paid_share": ("paid_grouped_orders", "grouped_orders"),
    "refund_rate": ("refunded_orders", "grouped_orders"),
    "avg_response_seconds": (
        "avg_response_seconds * answered_messages",
        "answered_messages",
    ),
}

SCORES = (
    ("experience_score_30d", "experience_score", "true"),
    ("help_seeking_rate_30d", "help_seeking_rate", "module = 'all'"),
    ("mall_kpi_30d", "reply_rate_3min", "true"),
    ("mall_kpi_30d", "inquiry_conversion_rate", "true"),
    ("mall_kpi_30d", "refund_rate", "true"),
)

# The same count by two routes: name, tables, query of mall, day and number.
SUMS = (
    (
        "consult_buyers",
        ("fct_consultations", "mall_kpi_daily"),
        "select mall_id, service_date as day, count(*) as number"
        " from working.marts.fct_consultations group by all",
        "select mall_id, service_date as day, consult_buyers as number"
        " from working.marts.mall_kpi_daily",
    ),
    (
        "assessed_messages",
        ("fct_buyer_messages", "mall_kpi_daily"),
        "select mall_id, service_date as day,"
        " count(*) filter (where is_assessed) as number"
        " from working.marts.fct_buyer_messages group by all",
        "select mall_id, service_date as day, assessed_messages as number"
        " from working.marts.mall_kpi_daily",
    ),
    (
        "agent_messages of the hours",
        ("hourly_load", "mall_kpi_daily"),
        "select mall_id, service_date as day, sum(agent_messages) as number"
        " from working.marts.hourly_load group by all",
        "select mall_id, service_date as day, agent_messages as number"
        " from working.marts.mall_kpi_daily",
    ),
    (
        "counted help_requests",
        ("fct_help_requests", "help_seeking_daily"),
        "select mall_id, request_date as day, count(*) as number"
        " from working.marts.fct_help_requests where is_counted group by all",
        "select mall_id, request_date as day, sum(help_requests) as number"
        " from working.marts.help_seeking_daily group by all",
    ),
    (
        "sales_amount of the agents",
        ("agent_kpi_daily", "mall_kpi_daily"),
        "select mall_id, service_date as day, sum(sales_amount) as number"
        " from working.marts.agent_kpi_daily group by all",
        "select mall_id, service_date as day, sales_amount as number"
        " from working.marts.mall_kpi_daily",
    ),
)


# Rates that must have a value where their denominator is not zero.
RATES = (
    ("mall_kpi_daily", "service_date", "reply_rate_3min", "assessed_consult_buyers"),
    ("mall_kpi_daily", "service_date", "reply_rate_30s", "assessed_messages"),
    ("mall_kpi_daily", "service_date", "avg_response_seconds", "answered_messages"),
    ("agent_kpi_daily", "service_date", "reply_rate_3min", "assessed_consult_buyers"),
    ("mall_kpi_30d", "as_of_date", "reply_rate_3min", "assessed_consult_buyers"),
    ("mall_kpi_30d", "as_of_date", "refund_rate", "grouped_orders"),
    ("help_seeking_rate_30d", "as_of_date", "help_seeking_rate", "grouped_orders_30d"),
)


def measure(measured: Measured) -> None:
    """Fill the tables of the marts; those that lack something are left out."""
    mart_keys(measured)
    marts_filled(measured)
    rates_missing(measured)
    completeness(measured)
    sums(measured)
    means(measured)
    if measured.database.has_published:
        published_days(measured)
        published_figures(measured)
        published_pay(measured)
        published_members(measured)
        score_changes(measured)


def mart_keys(measured: Measured) -> None:
    """Make audit.mart_keys: how many rows and how many keys a mart has."""
    parts = [
        f"select '{table}' as table_name, count(*) as rows,"
        f" count(distinct ({', '.join(keys)},)) as distinct_keys"
        f" from {WORKING}.marts.{table}"
        for table, keys in KEYS.items()
        if measured.has(f"{WORKING}.marts", table, *keys)
    ]
    if parts:
        measured.run(f"create table audit.mart_keys as {' union all '.join(parts)}")


def marts_filled(measured: Measured) -> None:
    """Make audit.marts_filled: daily tables that messages must have filled."""
    staged = f"{WORKING}.staging"
    if not measured.has(staged, "stg_pdd__messages", "from_role"):
        return
    parts = [
        f"select '{table}' as table_name, count(*) = 0 as is_empty"
        f" from {WORKING}.marts.{table}"
        for table in ("mall_kpi_daily", "mall_kpi_30d", "hourly_load")
        if measured.has(f"{WORKING}.marts", table)
    ]
    if parts and measured.has_measure("judged_days"):
        measured.run(
            f"""
            create table audit.marts_filled as
            select *
            from ({" union all ".join(parts)})
            where exists (
                select 1
                from {staged}.stg_pdd__messages, audit.judged_days as judged
                where
                    from_role = 'user'
                    and cast(sent_at as date) <= judged.last_day
            )
            """
        )


def rates_missing(measured: Measured) -> None:
    """Make audit.rates_missing: rates without a value beside their wholes."""
    parts = [
        f"select '{table}' as table_name, '{rate}' as rate, mall_id,"
        f" {day} as day, {rate} is null as is_missing"
        f" from {WORKING}.marts.{table} where {whole} > 0"
        for table, day, rate, whole in RATES
        if measured.has(f"{WORKING}.marts", table, rate, whole)
    ]
    if parts:
        measured.run(f"create table audit.rates_missing as {' union all '.join(parts)}")


def completeness(measured: Measured) -> None:
    """Make audit.incomplete and audit.feeds from the mart of completeness.

    All days that are not published are asked, however long ago: a hole in them
    would never be looked at again.
    """
    columns = ("mall_id", "source", "date_day", "rows", "expected_rows", "status")
    marts = f"{WORKING}.marts"
    if not (
        measured.has(marts, "data_completeness", *columns)
        and measured.has_measure("judged_days")
    ):
        return
    measured.run(
        f"""
        create table audit.completeness as
        select {", ".join(columns)}
        from {marts}.data_completeness, audit.judged_days as judged
        where date_day between judged.first_new_day and judged.last_day
        """
    )
    measured.run(
        """
        create table audit.incomplete as
        from audit.completeness
        where status <> 'not_judged'
        """
    )
    # A mall too small to be judged says something all the same: where its rows
    # came, the source came.
    measured.run(
        """
        create table audit.feeds as
        select
            source,
            date_day,
            count(*) filter (where status <> 'not_judged') as malls,
            count(*) filter (where status = 'missing') as malls_missing,
            count(*) as malls_listed,
            count(*) filter (where rows = 0) as malls_silent
        from audit.completeness
        group by all
        """
    )


def sums(measured: Measured) -> None:
    """Make audit.sums: figures of a mall and day counted by two routes."""
    parts = [
        f"""
        select
            '{figure}' as figure,
            coalesce(one.mall_id, other.mall_id) as mall_id,
            coalesce(one.day, other.day) as day,
            coalesce(one.number, 0) as counted,
            coalesce(other.number, 0) as told
        from ({one}) as one
        full join ({other}) as other
            on one.mall_id = other.mall_id and one.day = other.day
        """
        for figure, tables, one, other in SUMS
        if all(measured.has(f"{WORKING}.marts", table) for table in tables)
    ]
    if parts:
        measured.run(
            f"""
            create table audit.sums as
            select *
            from ({" union all ".join(parts)})
            where day <= (select max(service_date) from working.marts.mall_kpi_daily)
            """
        )


def means(measured: Measured) -> None:
    """Make audit.means: a category's daily means beside its days before."""
    marts = f"{WORKING}.marts"
    if not (
        measured.has(marts, "mall_kpi_daily", "consult_buyers")
        and measured.has(marts, "dim_malls", "category_name")
        and measured.has_measure("judged_days")
    ):
        return
    entries = ", ".join(
        f"{{'metric': '{metric}', 'part': cast(sum({part}) as double),"
        f" 'whole': cast(sum({whole}) as double)}}"
        for metric, (part, whole) in MEANS.items()
    )
    measured.run(
        f"""
        create table audit.means as
        with summed as (
            select
                if(grouping(category_name) = 1, '(all)', category_name)
                    as category_name,
                service_date as day,
                unnest([{entries}]) as entry
            from {marts}.mall_kpi_daily
            inner join {marts}.dim_malls using (mall_id)
            group by grouping sets ((service_date), (service_date, category_name))
        ),
        daily as (
            select
                category_name, day,
                entry.metric, entry.part, entry.whole,
                day >= judged.first_day as is_judged
            from summed, audit.judged_days as judged
            where
                entry.whole > 0
                and day between judged.first_day - 28 and judged.last_day
        ),
        bounds as (
            select
                category_name, metric,
                audit.lower_bound(list(part / whole)) as lowest,
                audit.upper_bound(list(part / whole)) as highest
            from daily
            where not is_judged
            group by all
            having count(*) >= $least
        ),
        earlier as (
            select
                daily.*,
                least(greatest(part / whole, lowest), highest) as held
            from daily
            inner join bounds using (category_name, metric)
            where not daily.is_judged
        ),
        usual as (
            select
                category_name, metric,
                count(*) as days_before,
                sum(held * whole) / sum(whole) as mean,
                stddev_samp(held) as spread
            from earlier
            group by all
        )
        select
            daily.category_name, daily.day, daily.metric,
            daily.whole as weight,
            daily.part / daily.whole as mean,
            usual.mean as usual_mean,
            daily.part / daily.whole - usual.mean as change,
            abs(change) / greatest(
                usual.spread,
                if(
                    usual.mean < 1,
                    sqrt(4 * usual.mean * (1 - usual.mean) / daily.whole),
                    0
                ),
                0.005
            ) as deviations,
            abs(change) / greatest(abs(usual.mean), 0.01) as relative_change
        from daily
        inner join usual using (category_name, metric)
        where daily.is_judged
        """,
        least=measured.least_history,
    )


def published_days(measured: Measured) -> None:
    """Make audit.published_days: rows a table, mall and day, then and now.

    `rows_removed` are those of the missing that are accounted for by what was
    taken out of the landings with a record, the oldest days first, and never more
    than was recorded for the table's sources and the mall.
    """
    measured.run(
        "create table audit.removed (table_name varchar, mall_id varchar, rows bigint)"
    )
    for table, day in DAYS.items():
        most = WINDOW_DAYS if day == "as_of_date" else 1
        for item in measured.removed:
            if item.source in MADE_OF.get(table, (item.source,)):
                measured.run(
                    "insert into audit.removed values ($table, $mall_id, $rows)",
                    table=table,
                    mall_id=item.mall_id,
                    rows=item.keys * most,
                )
    parts = [
        f"""
        select
            '{table}' as table_name,
            mall_id,
            day,
            sum(published_rows) as published_rows,
            sum(rows) as rows
        from (
            select mall_id, {day} as day, count(*) as published_rows, 0 as rows
            from {PUBLISHED}.marts.{table}
            group by all
            union all
            select mall_id, {day}, 0, count(*)
            from {WORKING}.marts.{table}
            group by all
        )
        group by mall_id, day
        """
        for table, day in DAYS.items()
        if measured.has(f"{PUBLISHED}.marts", table, "mall_id")
        and measured.has(f"{WORKING}.marts", table, "mall_id")
    ]
    if not parts:
        return
    measured.run(
        f"""
        create table audit.published_days as
        with compared as (
            select *, published_rows - rows as rows_gone
            from ({" union all ".join(parts)})
            where published_rows > 0
        ),
        accounts as (
            select table_name, mall_id, sum(rows) as rows_recorded
            from audit.removed
            group by all
        ),
        summed as (
            select
                compared.*,
                coalesce(rows_recorded, 0) - coalesce(
                    sum(greatest(rows_gone, 0)) over (
                        partition by table_name, mall_id order by day
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                ) as rows_left
            from compared
            left join accounts using (table_name, mall_id)
        )
        select
            table_name, mall_id, day, published_rows, rows,
            greatest(least(rows_gone, rows_left), 0) as rows_removed,
            rows_gone - rows_removed as rows_lost
        from summed
        """
    )


def published_figures(measured: Measured) -> None:
    """Make audit.published_figures: what published days now say otherwise.

    A mall's day that was published as incomplete may grow: its rows have come.
    """
    table = "mall_kpi_daily"
    there = measured.tables.get((f"{WORKING}.marts", table), set())
    before = measured.tables.get((f"{PUBLISHED}.marts", table), set())
    figures = [name for name in FIGURES if name in there & before]
    if not figures:
        return
    listed = ", ".join(
        f"{{'figure': '{name}', 'published': cast(before.{name} as double),"
        f" 'now': cast(now.{name} as double)}}"
        for name in figures
    )
    measured.run(
        f"""
        create table audit.published_figures as
        with compared as (
            select
                mall_id,
                service_date as day,
                date_diff('day', service_date, max(service_date) over ()) as age,
                unnest([{listed}]) as entry
            from {PUBLISHED}.marts.{table} as before
            inner join {WORKING}.marts.{table} as now using (mall_id, service_date)
        )
        select
            compared.mall_id, compared.day, compared.age,
            entry.figure, entry.published, entry.now,
            (entry.now - entry.published) / entry.published as relative_change
        from compared
        left join ({_thin_days(measured)}) as thin
            on compared.mall_id = thin.mall_id and compared.day = thin.date_day
        where
            entry.published > 0
            and not (thin.date_day is not null and entry.now > entry.published)
        """
    )


def published_pay(measured: Measured) -> None:
    """Make audit.published_pay: PAY of published days that were final, then and now.

    What is gone counts as 0. A day of a mall that was published as incomplete
    may grow, which is told elsewhere.
    """
    final = ("is_conversion_final", "is_response_final")
    parts = []
    for table, keys, figures in PAY:
        before = measured.tables.get((f"{PUBLISHED}.marts", table), set())
        there = measured.tables.get((f"{WORKING}.marts", table), set())
        both = [name for name in figures if name in before & there]
        if not both or not before.issuperset(final):
            continue
        listed = ", ".join(
            f"{{'figure': '{name}', 'published':"
            f" cast(coalesce(before.{name}, 0) as double),"
            f" 'now': cast(coalesce(now.{name}, 0) as double)}}"
            for name in both
        )
        agent = "cs_uid" if "cs_uid" in keys else "cast(null as varchar)"
        parts.append(
            f"""
            select '{table}' as table_name, mall_id, {agent} as cs_uid,
                service_date as day, unnest([{listed}]) as entry
            from {PUBLISHED}.marts.{table} as before
            left join {WORKING}.marts.{table} as now using ({keys}, service_date)
            where {" and ".join(f"before.{name}" for name in final)}
            """
        )
    if not parts:
        return
    measured.run(
        f"""
        create table audit.published_pay as
        select
            pay.table_name, pay.mall_id, pay.cs_uid, pay.day,
            entry.figure, entry.published, entry.now
        from ({" union all ".join(parts)}) as pay
        left join ({_thin_days(measured)}) as thin
            on pay.mall_id = thin.mall_id and pay.day = thin.date_day
        where not (thin.date_day is not null and entry.now > entry.published)
        """
    )


def _thin_days(measured: Measured) -> str:
    """Return a query of the mall_id and date_day that were published incomplete."""
    if measured.has(f"{PUBLISHED}.marts", "data_completeness", "status", "date_day"):
        return (
            f"select mall_id, date_day from {PUBLISHED}.marts.data_completeness"
            " where status in ('low', 'missing') group by all"
        )
    return "select null as mall_id, null as date_day where false"


def published_members(measured: Measured) -> None:
    """Make audit.published_malls and audit.published_agents: then and now."""
    for table, keys, columns in (
        ("dim_malls", "mall_id", ("category_name", "mall_name", "merchant_type")),
        (
            "dim_agents",
            "mall_id, cs_uid",
            ("cs_name", "agent_role", "is_robot"),
        ),
    ):
        needed = (*keys.split(", "), *columns, "is_unknown_member")
        if not (
            measured.has(f"{PUBLISHED}.marts", table, *needed)
            and measured.has(f"{WORKING}.marts", table, *needed)
        ):
            continue
        flags = ", ".join(
            f"now.{column} is distinct from before.{column} as is_other_{column}"
            for column in columns
        )
        name = table.removeprefix("dim_")
        measured.run(
            f"""
            create table audit.published_{name} as
            select
                {keys},
                coalesce(now.is_unknown_member, true) as is_lost,
                {flags}
            from {PUBLISHED}.marts.{table} as before
            left join {WORKING}.marts.{table} as now using ({keys})
            where not before.is_unknown_member
            """
        )


def score_changes(measured: Measured) -> None:
    """Make audit.score_changes: a category's newest means, then and now."""
    marts, before = f"{WORKING}.marts", f"{PUBLISHED}.marts"
    parts = [
        f"""
        select
            malls.category_name,
            '{metric}' as metric,
            newest.as_of_date,
            count(now.{metric}) as malls,
            avg(before.{metric}) as published_mean,
            avg(now.{metric}) as mean
        from (select max(as_of_date) as as_of_date from {before}.{table}) as newest
        inner join (select * from {before}.{table} where {condition}) as before
            on newest.as_of_date = before.as_of_date
        inner join (select * from {marts}.{table} where {condition}) as now
            on
                before.mall_id = now.mall_id
                and now.as_of_date = (select max(as_of_date) from {marts}.{table})
        inner join {marts}.dim_malls as malls on now.mall_id = malls.mall_id
        where now.{metric} is not null and before.{metric} is not null
        group by all
        """
        for table, metric, condition in SCORES
        if measured.has(marts, table, metric)
        and measured.has(before, table, metric)
        and measured.has(marts, "dim_malls", "category_name")
    ]
    if parts:
        measured.run(
            f"""
            create table audit.score_changes as
            select *,
                abs(mean - published_mean) as change,
                abs(mean - published_mean) / greatest(abs(published_mean), 0.01)
                    as relative_change
            from ({" union all ".join(parts)})
            """
        )
