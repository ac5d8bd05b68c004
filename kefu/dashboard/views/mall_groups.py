"""Groups of malls: the shops of a client or of a team, as one."""

import polars as pl
import streamlit as st

from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context
from kefu.dashboard.figures import Column, incomplete_column, metric_column
from kefu.dashboard.text import as_text
from kefu.dashboard.views.overview import compared, over_all_messages

TILES = (
    *("help_seeking_rate", "platform_help_rate", "reply_rate_3min"),
    *("avg_response_seconds", "inquiry_conversion_rate", "sales_amount"),
    *("refund_rate", "dispute_refund_rate"),
)
TABLE = (
    *("help_seeking_rate", "help_orders_30d", "platform_help_rate"),
    *("platform_help_orders_30d", "grouped_orders_30d"),
    *("reply_rate_3min", "late_buyers_3min", "assessed_consult_buyers"),
    *("reply_rate_30s", "messages_replied_30s", "assessed_messages"),
    *("avg_response_seconds", "answered_messages"),
    *("inquiry_conversion_rate", "final_group_buyers", "inquiry_buyers"),
    *("sales_amount", "refund_rate", "refunded_orders", "grouped_orders"),
    *("dispute_refund_rate", "dispute_refund_orders"),
)
CHARTED = (
    *("help_seeking_rate", "platform_help_rate", "reply_rate_3min"),
    *("avg_response_seconds", "inquiry_conversion_rate", "sales_amount"),
    *("refund_rate", "dispute_refund_rate"),
)


def draw(context: Context) -> None:
    """Draw the page."""
    words = context.words
    members = context.ask("groups_scores", as_of=context.as_of)
    if members.is_empty():
        st.info(words("groups.empty"))
        st.code("group_name,mall_id\n甲客户,123456\n甲客户,234567\n", language="text")
        return
    st.caption(words("groups.how"))
    unknown = members.filter(pl.col("is_unknown_member"))["mall_id"].unique().sort()
    if len(unknown):
        listed = words("list.separator").join(map(as_text, unknown))
        st.warning(words("groups.unknown", malls=listed))
    together(context)
    names = members["group_name"].unique().sort().to_list()
    name = st.selectbox(words("choose.group"), names, key="group")
    one(context, members.filter(pl.col("group_name") == name), name)


def together(context: Context) -> None:
    """Draw the groups side by side."""
    words = context.words
    st.subheader(words("groups.compared"))
    totals = context.ask(
        "totals",
        as_of=context.as_of,
        kind="group",
        name=None,
        over_all_messages=over_all_messages(context),
    ).filter(pl.col("as_of_date") == context.as_of)
    name = st.selectbox(
        words("choose.metric"),
        CHARTED,
        format_func=lambda name: context.metrics[name].name(words),
        key="metric-groups",
    )
    metric = context.metrics[name]
    known = totals.filter(pl.col(name).is_not_null()).with_columns(
        pl.col(name).cast(pl.Float64)
    )
    if known.height:
        chart = charts.rows(
            known["name"].to_list(),
            {metric.name(words): known[name].to_list()},
            unit=metric.unit,
            title=metric.name(words),
            words=words,
            labels=[
                figures.written(value, metric.unit, words) for value in known[name]
            ],
            parts=figures.parts_told(context, known, name),
        )
        figures.chart(context, chart, "groups", words("groups.compared"), names=[name])
    else:
        figures.empty(words)
    columns = {
        "name": Column(words("column.group")),
        "malls": Column(words("column.malls"), "malls", meaning="malls"),
        **{name: metric_column(context, name) for name in TABLE},
        "incomplete_malls": Column(
            words("column.incomplete_malls"), "malls", meaning="incomplete_days"
        ),
    }
    figures.table(context, totals, columns, key="groups")


def one(context: Context, members: pl.DataFrame, name: str) -> None:
    """Draw one group and its malls."""
    words = context.words
    today, before = compared(context, "group", name)
    if today.get("incomplete_malls"):
        st.warning(words("overview.incomplete", malls=today["incomplete_malls"]))
    figures.tiles(context, TILES, today, before=before, key="group-")
    st.subheader(words("groups.members"))
    shown = members.with_columns(
        mall=pl.col("mall_id").map_elements(context.mall, return_dtype=pl.String),
        tier=pl.coalesce("score_tier", "score_status").map_elements(
            words.tier, return_dtype=pl.String
        ),
        module=pl.col("costliest_module").map_elements(
            words.module, return_dtype=pl.String
        ),
    )
    columns = {
        "mall": Column(words("column.mall")),
        "experience_score": metric_column(context, "experience_score"),
        "tier": Column(words("column.tier")),
        "change_7d": Column(
            context.metrics["change_7d"].name(words), "change of points", "change_7d"
        ),
        "module": Column(words("column.costliest_module")),
        "incomplete_days_30d": incomplete_column(words),
    }
    figures.table(context, shown, columns, key="members")
