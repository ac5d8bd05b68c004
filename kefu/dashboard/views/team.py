"""The team of a mall: agents compared, shifts, how long answers take."""

import polars as pl
import streamlit as st

from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context, member
from kefu.dashboard.figures import Column, incomplete_column, metric_column
from kefu.dashboard.views.overview import over_all_messages

CLASSES = {
    "to_30s": "#0072B2",
    "to_3min": "#56B4E9",
    "to_5min": "#F0E442",
    "to_1h": "#E69F00",
    "over_1h": "#D55E00",
    "unanswered": "#4D4D4D",
}
COMPARED = (
    *("reply_rate_3min", "reply_rate_30s", "avg_response_seconds"),
    *("median_response_seconds", "p90_response_seconds", "service_score"),
    *("inquiry_conversion_rate", "sales_amount", "consult_buyers"),
    *("max_concurrent_buyers", "low_rating_rate", "complaint_rate"),
)
RANKS = {
    "reply_rate_3min": "rank_reply_rate_3min",
    "avg_response_seconds": "rank_avg_response_seconds",
    "inquiry_conversion_rate": "rank_inquiry_conversion_rate",
    "sales_amount": "rank_sales_amount",
}
SPEED = (
    *("reply_rate_3min", "late_buyers_3min", "assessed_consult_buyers"),
    *("rank_reply_rate_3min", "reply_rate_30s", "messages_replied_30s"),
    *("assessed_messages", "avg_response_seconds", "answered_messages"),
    *("rank_avg_response_seconds", "median_response_seconds"),
    *("p90_response_seconds", "unanswered_messages", "max_concurrent_buyers"),
)
SALES = (
    *("inquiry_conversion_rate", "converted_inquiry_buyers", "inquiry_buyers"),
    *("rank_inquiry_conversion_rate", "sales_amount", "net_sales_amount"),
    *("rank_sales_amount", "sales_buyers", "sales_orders", "avg_order_value"),
)
SERVICE = (
    *("service_score", "buyer_days", "response_speed", "problem_solving"),
    *("communication", "professionalism", "after_sales"),
    *("avg_rating", "rating_count", "low_rating_rate", "low_rating_count"),
    *("complaint_rate", "complaint_buyers", "received_buyers"),
)
MOST_BARS = 30
# What a figure without numerator and denominator was taken over.
TAKEN_OVER = {
    "median_response_seconds": "answered_messages",
    "p90_response_seconds": "answered_messages",
    "service_score": "buyer_days",
}


def draw(context: Context) -> None:
    """Draw the page."""
    st.markdown(f"#### {context.mall_as_text(context.mall_id)}")
    asked = {"mall_id": context.mall_id, "as_of": context.as_of}
    agents = context.ask("agents_30d", **asked)
    if agents.is_empty():
        figures.nothing_of_the_mall(context, "state.no_agents", "agents")
        return
    agents = agents.with_columns(
        agent=pl.struct("cs_name", "cs_uid").map_elements(
            lambda row: member(row["cs_name"], row["cs_uid"]), return_dtype=pl.String
        )
    )
    days = agents["incomplete_days_30d"].max()
    figures.incomplete(context, {"incomplete_days_30d": days})
    compare(context, agents)
    responses(context, agents)
    shifts(context)
    tables(context, agents)


def compare(context: Context, agents: pl.DataFrame) -> None:
    """Draw one figure of all agents, the best on top."""
    words = context.words
    st.subheader(words("team.compared"))
    name = st.selectbox(
        words("choose.metric"),
        COMPARED,
        format_func=lambda name: figures.named(context.metrics[name], words),
        key="metric-team",
    )
    metric = context.metrics[name]
    known = agents.filter(pl.col(name).is_not_null()).with_columns(
        pl.col(name).cast(pl.Float64)
    )
    if known.is_empty():
        figures.empty(words, "state.too_little")
        return
    best_is_low = metric.is_higher_better is False
    ordered = known.sort([name, "cs_uid"], descending=[not best_is_low, False])
    shown = ordered.head(MOST_BARS)
    chart = charts.rows(
        shown["agent"].to_list(),
        {metric.name(words): shown[name].to_list()},
        unit=metric.unit,
        title=figures.named(metric, words),
        words=words,
        labels=[figures.written(value, metric.unit, words) for value in shown[name]],
        most=1 if metric.unit == "rate" and shown[name].max() > 0.5 else None,
        parts=figures.parts_told(context, shown, name, of_agent=True),
    )
    figures.chart(context, chart, "compared", words("team.compared"), names=[name])
    lacking = agents.height - known.height
    notes = [words("team.lacking", agents=lacking)] if lacking else []
    if ordered.height > shown.height:
        notes.append(words("team.cut", agents=MOST_BARS))
    if notes:
        st.caption(" ".join(notes))
    names = figures.with_parts(context, [name], of_agent=True)
    if name in TAKEN_OVER:
        names.append(TAKEN_OVER[name])
    columns = {
        "agent": Column(words("column.agent")),
        **{part: metric_column(context, part) for part in names},
    }
    figures.table_below(context, ordered, columns, key="compared")


def responses(context: Context, agents: pl.DataFrame) -> None:
    """Draw how long the answers of each agent took."""
    words = context.words
    st.subheader(words("team.responses"))
    st.caption(words("team.responses_how"))
    names = dict(agents.select("cs_uid", "agent").iter_rows())
    found = context.ask(
        "responses", mall_id=context.mall_id, as_of=context.as_of, cs_uid=None
    )
    response_chart(context, found, names, key="responses")


def response_chart(
    context: Context, found: pl.DataFrame, names: dict[str, str], key: str
) -> None:
    """Draw shares of classes of response time, a bar an agent; and a table."""
    words = context.words
    if found.is_empty():
        figures.empty(words, "state.no_messages")
        return
    wide = (
        found.with_columns(
            agent=pl.col("cs_uid").map_elements(
                lambda cs_uid: names.get(cs_uid, cs_uid),
                return_dtype=pl.String,
                skip_nulls=True,
            )
        )
        .with_columns(pl.col("agent").fill_null(words("team.nobody")))
        .pivot("response_class", index="agent", values="messages")
    )
    wide = wide.with_columns(
        *(
            pl.lit(0).cast(pl.Int64).alias(name)
            for name in CLASSES
            if name not in wide.columns
        )
    ).with_columns(pl.col(list(CLASSES)).fill_null(0))
    wide = wide.with_columns(total=pl.sum_horizontal(list(CLASSES))).sort(
        ["total", "agent"], descending=[True, False]
    )
    shown = wide.head(MOST_BARS)
    series = {
        words(f"class.{name}"): (shown[name] / shown["total"]).to_list()
        for name in CLASSES
    }
    chart = charts.rows(
        shown["agent"].to_list(),
        series,
        unit="rate",
        title=words("axis.share_of_messages"),
        words=words,
        colours={words(f"class.{name}"): colour for name, colour in CLASSES.items()},
        most=1,
        parts={
            words(f"class.{name}"): [
                words(
                    "figure.ratio",
                    part=f"{row[name]:,} ({words(f'class.{name}')})",
                    total=f"{row['total']:,}"
                    f" ({context.metrics['assessed_messages'].name(words)})",
                )
                for row in shown.iter_rows(named=True)
            ]
            for name in CLASSES
        },
    )
    figures.chart(
        context,
        chart,
        key,
        words("team.responses"),
        names=["assessed_messages"],
        meanings=["response_class"],
    )
    columns = {
        "agent": Column(words("column.agent")),
        "total": Column(
            context.metrics["assessed_messages"].name(words),
            "messages",
            "assessed_messages",
        ),
        **{
            name: Column(words(f"class.{name}"), "messages", meaning="response_class")
            for name in CLASSES
        },
    }
    figures.table(context, wide, columns, key=key)


def shifts(context: Context) -> None:
    """Draw the shifts compared, of the mall or of the agent that is chosen."""
    words = context.words
    st.subheader(words("team.shifts"))
    found = context.ask(
        "shifts",
        mall_id=context.mall_id,
        as_of=context.as_of,
        cs_uid=context.cs_uid,
        over_all_messages=over_all_messages(context),
    )
    if found.is_empty():
        figures.empty(words)
        return
    st.caption(words("team.shifts_how"))
    known = found.filter(pl.col("reply_rate_3min").is_not_null())
    if known.height:
        name = context.metrics["reply_rate_3min"].name(words)
        chart = charts.rows(
            known["shift_name"].to_list(),
            {name: known["reply_rate_3min"].to_list()},
            unit="rate",
            title=name,
            words=words,
            most=1,
            labels=[
                figures.written(rate, "rate", words)
                for rate in known["reply_rate_3min"]
            ],
            parts=figures.parts_told(context, known, "reply_rate_3min"),
        )
        figures.chart(
            context, chart, "shifts", words("team.shifts"), names=["reply_rate_3min"]
        )
    names = (
        *("reply_rate_3min", "late_buyers_3min", "assessed_consult_buyers"),
        *("reply_rate_30s", "messages_replied_30s", "assessed_messages"),
        *("avg_response_seconds", "answered_messages", "unanswered_messages"),
    )
    columns = {
        "shift_name": Column(words("column.shift")),
        **{name: metric_column(context, name) for name in names},
    }
    figures.table(context, found, columns, key="shifts")


def tables(context: Context, agents: pl.DataFrame) -> None:
    """Draw all agents by subject."""
    words = context.words
    st.subheader(words("team.tables"))
    subjects = {
        "speed": (SPEED, {}),
        "sales": (SALES, {}),
        "service": (
            SERVICE,
            {"missing": Column(words("column.items_missing"))},
        ),
    }
    shown = agents.with_columns(
        missing=pl.col("items_missing").map_elements(
            lambda items: words("list.separator").join(
                context.metrics[item].name(words)
                for item in items.split(",")
                if item in context.metrics
            ),
            return_dtype=pl.String,
        )
    )
    tabs = st.tabs([words(f"team.{subject}") for subject in subjects])
    for tab, (subject, (names, more)) in zip(tabs, subjects.items(), strict=True):
        with tab:
            columns = {
                "agent": Column(words("column.agent")),
                **{name: metric_column(context, name) for name in names},
                **more,
                "incomplete_days_30d": incomplete_column(words),
            }
            figures.table(context, shown, columns, key=f"agents_{subject}")
