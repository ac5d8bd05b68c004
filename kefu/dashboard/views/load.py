"""Load by hour and weekday: when buyers write, and who is there."""

import polars as pl
import streamlit as st

from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context
from kefu.dashboard.figures import Column, metric_column

SHOWN = (
    *("messages", "buyers", "active_agents", "buyers_per_active_agent"),
    "reply_rate_30s",
)
MEANS = {"messages", "buyers", "active_agents"}
WEEKDAYS = range(1, 8)
HOURS = range(24)


def draw(context: Context) -> None:
    """Draw the page."""
    words = context.words
    scope = words("load.all")
    if context.mall_id:
        scope = context.mall_as_text(context.mall_id)
    st.markdown(f"#### {scope}")
    load = context.ask("load", as_of=context.as_of, mall_id=context.mall_id)
    if not load["messages"].sum():
        figures.empty(words, "state.no_messages")
        return
    st.caption(
        words("load.how", days=load.group_by("iso_weekday").first()["days"].sum())
    )
    peaks(context, load)
    name = st.selectbox(
        words("choose.metric"),
        SHOWN,
        format_func=lambda name: context.metrics[name].name(words),
        key="metric-load",
    )
    field(context, load, name)
    by_hour(context, load)
    by_day(context)


def hours_told(hour: int) -> str:
    """Return an hour as people write it."""
    return f"{hour:02d}:00-{hour + 1:02d}:00"


def peaks(context: Context, load: pl.DataFrame) -> None:
    """Say when most is written, and when answers are slowest."""
    words = context.words
    top = load.sort(
        ["messages", "iso_weekday", "hour_of_day"], descending=[True, False, False]
    ).row(0, named=True)
    st.markdown(
        words(
            "load.peak",
            weekday=words(f"weekday.{top['iso_weekday']}"),
            hours=hours_told(top["hour_of_day"]),
            messages=f"{top['messages']:,.1f}",
            agents=f"{top['active_agents']:,.1f}",
        )
    )
    judged = load.filter(pl.col("assessed_messages") >= 50)
    if judged.height:
        slow = judged.sort(["reply_rate_30s", "iso_weekday", "hour_of_day"]).row(
            0, named=True
        )
        st.markdown(
            words(
                "load.slowest",
                weekday=words(f"weekday.{slow['iso_weekday']}"),
                hours=hours_told(slow["hour_of_day"]),
                rate=figures.written(slow["reply_rate_30s"], "rate", words),
                above=f"{slow['messages_replied_30s']:,}",
                below=f"{slow['assessed_messages']:,}",
            )
        )
    names = ["messages", "active_agents", "reply_rate_30s"]
    figures.definitions(context, names, key="define-peaks")


def field(context: Context, load: pl.DataFrame, name: str) -> None:
    """Draw one figure by weekday and hour."""
    words, metric = context.words, context.metrics[name]
    cells = {
        (row["iso_weekday"], row["hour_of_day"]): row
        for row in load.iter_rows(named=True)
    }
    title = metric.name(words)
    if metric.unit not in ("rate", "buyers per agent"):
        title = words("load.mean_a_day", metric=title)
    chart = charts.heat(
        [[cells.get((day, hour), {}).get(name) for hour in HOURS] for day in WEEKDAYS],
        across=[f"{hour:02d}" for hour in HOURS],
        down=[words(f"weekday.{day}") for day in WEEKDAYS],
        x=words("axis.hour"),
        y=words("axis.weekday"),
        unit=metric.unit,
        title=title,
        words=words,
        parts=None
        if metric.denominator is None
        else [
            [
                figures.parts_of(metric, cells.get((day, hour), {}), context)
                for hour in HOURS
            ]
            for day in WEEKDAYS
        ],
    )
    figures.chart(context, chart, "load", title, names=[name])
    shown = load.with_columns(
        weekday=pl.col("iso_weekday").map_elements(
            lambda day: words(f"weekday.{day}"), return_dtype=pl.String
        ),
        hours=pl.col("hour_of_day").map_elements(hours_told, return_dtype=pl.String),
    )
    columns = {
        "weekday": Column(words("axis.weekday")),
        "hours": Column(words("axis.hour")),
        **{
            part: _mean_column(context, part)
            for part in figures.with_parts(context, SHOWN)
        },
    }
    figures.table(context, shown, columns, key="load")


def _mean_column(context: Context, name: str) -> Column:
    """Return the column of a metric, of which counts are means a day here."""
    if name not in MEANS:
        return metric_column(context, name)
    told = context.metrics[name].name(context.words)
    return Column(context.words("load.mean_a_day", metric=told), "ratio", name)


def by_hour(context: Context, load: pl.DataFrame) -> None:
    """Draw a mean day: messages of each hour, and buyers an agent has."""
    words = context.words
    hours = (
        load.group_by("hour_of_day")
        .agg(
            messages=(pl.col("messages") * pl.col("days")).sum() / pl.col("days").sum(),
            buyers=(pl.col("buyers") * pl.col("days")).sum() / pl.col("days").sum(),
            active_agents=(pl.col("active_agents") * pl.col("days")).sum()
            / pl.col("days").sum(),
        )
        .with_columns(
            buyers_per_active_agent=pl.when(pl.col("active_agents") > 0).then(
                pl.col("buyers") / pl.col("active_agents")
            ),
            hours=pl.col("hour_of_day").map_elements(
                hours_told, return_dtype=pl.String
            ),
        )
        .sort("hour_of_day")
    )
    labels = [f"{hour:02d}" for hour in hours["hour_of_day"]]
    left, right = st.columns(2, gap="large")
    for column, name in ((left, "messages"), (right, "buyers_per_active_agent")):
        metric = context.metrics[name]
        title = metric.name(words)
        if name == "messages":
            title = words("load.mean_a_day", metric=title)
        with column:
            st.subheader(title)
            chart = charts.columns(
                labels,
                {title: hours[name].to_list()},
                unit=metric.unit,
                title=title,
                words=words,
                parts=figures.parts_told(context, hours, name),
            )
            chart.update_xaxes(
                type="category", tickformat=None, title=words("axis.hour")
            )
            figures.chart(context, chart, f"hours-{name}", title, names=[name])
            columns = {
                "hours": Column(words("axis.hour")),
                **{
                    part: _mean_column(context, part)
                    for part in figures.with_parts(context, [name])
                },
            }
            figures.table_below(context, hours, columns, key=f"hours-{name}")


def by_day(context: Context) -> None:
    """Draw messages day by day, with sale seasons."""
    words = context.words
    days = context.ask("load_daily", as_of=context.as_of, mall_id=context.mall_id)
    title = context.metrics["messages"].name(words)
    st.subheader(words("load.daily"))
    ordinary = words("load.ordinary_day")
    seasons = list(dict.fromkeys(s for s in days["sale_season"].to_list() if s))
    series = {
        season or ordinary: [
            row["messages"] if row["sale_season"] == season else None
            for row in days.iter_rows(named=True)
        ]
        for season in [None, *seasons]
    }
    chart = charts.columns(
        days["service_date"].to_list(),
        series,
        unit="messages",
        title=title,
        words=words,
    )
    figures.chart(context, chart, "load-daily", words("load.daily"), names=["messages"])
    names = figures.with_parts(context, ["messages", "reply_rate_30s"])
    columns = {
        "service_date": Column(words("axis.day")),
        **{name: metric_column(context, name) for name in names},
        "sale_season": Column(words("column.sale_season")),
    }
    figures.table_below(context, days.reverse(), columns, key="load-daily")
