"""After the sale: refunds, disputes, the platform stepping in, help by channel."""

import polars as pl
import streamlit as st

from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context
from kefu.dashboard.figures import Column, incomplete_column, metric_column
from kefu.dashboard.views.mall import rows_of
from kefu.dashboard.views.overview import compared

TILES = (
    *("refund_rate", "dispute_refund_rate", "dispute_refund_rate_of_refunds"),
    *("platform_intervention_rate", "quality_refund_rate", "avg_refund_hours"),
    *("after_sales_first_response_seconds", "after_sales_effective_reply_rate"),
)
DAILY = (
    *("dispute_refund_orders", "platform_intervention_orders"),
    "quality_refund_orders",
)
MALLS = (
    *("dispute_refund_rate", "dispute_refund_orders", "grouped_orders"),
    *("dispute_refund_rate_of_refunds", "refund_rate", "refunded_orders"),
    *("platform_intervention_rate", "platform_intervention_orders"),
    *("quality_refund_rate", "quality_refund_orders", "avg_refund_hours"),
    *("after_sales_first_response_seconds", "after_sales_first_responses"),
)
CHANNELS = (
    *("merchant_chat", "merchant_after_sales", "platform_intervention"),
    *("platform_online_cs", "platform_hotline", "complaint"),
)


def draw(context: Context) -> None:
    """Draw the page."""
    words = context.words
    if context.mall_id:
        st.markdown(f"#### {context.mall_as_text(context.mall_id)}")
        days = {row["as_of_date"]: row for row in rows_of(context, "mall_days")}
        today = days.pop(context.as_of, {})
        before = next(iter(days.values()), {})
        if not today:
            figures.nothing_of_the_mall(context, "state.no_rows_on_day", "mall")
            return
        figures.incomplete(context, today)
    else:
        st.markdown(f"#### {words('load.all')}")
        today, before = compared(context, "all", None)
        if today.get("incomplete_malls"):
            st.warning(
                words("overview.incomplete", malls=today["incomplete_malls"]),
            )
    figures.tiles(context, TILES, today, before=before)
    daily(context)
    channels(context)
    problems(context)
    if not context.mall_id:
        malls(context)


def daily(context: Context) -> None:
    """Draw refunds and disputes day by day."""
    words = context.words
    days = context.ask("after_sale_daily", as_of=context.as_of, mall_id=context.mall_id)
    left, right = st.columns(2, gap="large")
    for column, key, names in (
        (left, "refunds", ("refunded_orders",)),
        (right, "disputes", DAILY),
    ):
        with column:
            title = words(f"after_sale.{key}")
            st.subheader(title)
            series = {
                context.metrics[name].name(words): days[name].to_list()
                for name in names
            }
            if not charts.has_values(series):
                figures.empty(words)
                continue
            chart = charts.lines(
                days["service_date"].to_list(),
                series,
                unit="orders",
                title=words("axis.orders_a_day"),
                words=words,
            )
            figures.chart(context, chart, key, title, names=names)
            shown = days.filter(pl.col("grouped_orders").is_not_null()).reverse()
            columns = {
                "service_date": Column(words("axis.day")),
                **{name: metric_column(context, name) for name in names},
            }
            figures.table_below(context, shown, columns, key=f"{key}-days")


def channels(context: Context) -> None:
    """Draw help requests by channel and day."""
    words = context.words
    st.subheader(words("after_sale.channels"))
    found = context.ask("help_by_channel", as_of=context.as_of, mall_id=context.mall_id)
    if found.is_empty():
        figures.no_issues(context)
        return
    days = sorted(set(found["request_date"].to_list()))
    counts = {
        (row["request_date"], row["channel"]): row["help_requests"]
        for row in found.iter_rows(named=True)
    }
    series = {
        words(f"channel.{channel}"): [counts.get((day, channel), 0) for day in days]
        for channel in CHANNELS
    }
    chart = charts.columns(
        days,
        series,
        unit="requests",
        title=context.metrics["help_requests"].name(words),
        words=words,
    )
    figures.chart(
        context,
        chart,
        "channels",
        words("after_sale.channels"),
        names=["help_requests"],
    )
    counted = pl.DataFrame({"day": days, **series}, schema_overrides={"day": pl.Date})
    columns = {
        "day": Column(words("axis.day")),
        **{name: Column(name, "requests", "help_requests") for name in series},
    }
    figures.table_below(context, counted.reverse(), columns, key="channels")


def problems(context: Context) -> None:
    """Draw what help was about."""
    words = context.words
    st.subheader(words("after_sale.problems"))
    found = context.ask("help_by_problem", as_of=context.as_of, mall_id=context.mall_id)
    if found.is_empty():
        figures.no_issues(context)
        return
    shown = found.with_columns(
        problem=pl.col("problem_code").map_elements(
            context.problem, return_dtype=pl.String
        ),
        module=pl.col("module").map_elements(words.module, return_dtype=pl.String),
    )
    columns = {
        "problem": Column(words("column.problem")),
        "module": Column(words("column.module")),
        "help_orders_30d": metric_column(context, "help_orders_30d"),
        "change_7d": Column(words("column.orders_change_7d"), "change", "change_7d"),
        "platform_help_orders_30d": metric_column(context, "platform_help_orders_30d"),
        "platform_share": metric_column(context, "platform_share"),
    }
    figures.table(context, shown, columns, key="problems")


def malls(context: Context) -> None:
    """Draw all malls, the one with most disputes first."""
    words = context.words
    st.subheader(words("after_sale.malls"))
    found = context.ask("disputes_by_mall", as_of=context.as_of).with_columns(
        mall=pl.col("mall_id").map_elements(context.mall, return_dtype=pl.String)
    )
    columns = {
        "mall": Column(words("column.mall")),
        **{name: metric_column(context, name) for name in MALLS},
        "incomplete_days_30d": incomplete_column(words),
    }
    figures.table(context, found, columns, key="disputes")
