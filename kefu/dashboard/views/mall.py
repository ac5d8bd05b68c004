"""A mall: its score, what costs points, its problems, and the next tier."""

import math

import polars as pl
import streamlit as st

from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context
from kefu.dashboard.figures import Column, metric_column
from kefu.dashboard.text import as_text

KPIS = (
    *("help_seeking_rate", "platform_help_rate", "reply_rate_3min"),
    *("avg_response_seconds", "inquiry_conversion_rate", "sales_amount"),
    *("refund_rate", "complaint_rate"),
)
BARS = 10
DAILY = (
    *("reply_rate_3min", "reply_rate_30s", "avg_response_seconds"),
    *("effective_reply_rate", "consult_buyers", "inquiry_conversion_rate"),
    *("sales_amount", "complaint_buyers", "grouped_orders", "refunded_orders"),
)
OF_CONVERSION = {"inquiry_conversion_rate", "sales_amount"}
OF_RESPONSE = {
    *("reply_rate_3min", "reply_rate_30s", "avg_response_seconds"),
    "effective_reply_rate",
}


def draw(context: Context) -> None:
    """Draw the page."""
    words = context.words
    st.markdown(f"#### {context.mall_as_text(context.mall_id)}")
    asked = {"mall_id": context.mall_id, "as_of": context.as_of}
    scores = context.ask("mall_score", **asked)
    days = {row["as_of_date"]: row for row in rows_of(context, "mall_days")}
    today = scores.row(-1, named=True)
    kpis = days.get(context.as_of, {})
    if today["score_status"] is None and not kpis:
        figures.nothing_of_the_mall(context, "state.no_rows_on_day", "mall")
        return
    figures.incomplete(context, today if today["incomplete_days_30d"] else kpis)
    score(context, scores)
    costs(context)
    next_tier(context, today)
    issues(context)
    st.subheader(words("mall.kpis"))
    before = next((row for day, row in days.items() if day < context.as_of), {})
    figures.tiles(context, KPIS, kpis, before=before, key="kpi-")
    daily(context)
    benchmarks(context, kpis)


def rows_of(context: Context, name: str) -> list[dict]:
    """Return the rows of a query about the mall and the day."""
    return context.ask(name, mall_id=context.mall_id, as_of=context.as_of).to_dicts()


def score(context: Context, scores: pl.DataFrame) -> None:
    """Draw the score, its place among the peers, and its trend."""
    words = context.words
    today, before = scores.row(-1, named=True), scores.row(-8, named=True)
    left, right = st.columns([1, 2], gap="large")
    with left:
        figures.tile(context, "experience_score", today, before=before)
        if today["score_status"] == "insufficient_orders":
            least = context.manifest.get("vars", {}).get("score_min_orders")
            st.info(
                words(
                    "mall.too_few_orders",
                    orders=today["grouped_orders_30d"],
                    least=figures.NOTHING if least is None else least,
                )
            )
        elif today["score_status"] == "scored":
            peers = rows_of(context, "mall_peers")[0]["peers"]
            scope = words(
                f"mall.peers_{today['peer_scope']}",
                category=as_text(today["category_name"] or ""),
            )
            st.markdown(
                words(
                    "mall.standing",
                    tier=words.tier(today["score_tier"]),
                    rank=today["category_rank"],
                    peers=peers,
                    scope=scope,
                    percentile=figures.written(
                        today["category_percentile"], "percentile", words
                    ),
                )
            )
            figures.definitions(
                context, ["category_rank", "category_percentile"], key="define-standing"
            )
    with right:
        series = {words("mall.score"): scores["experience_score"].to_list()}
        if not charts.has_values(series):
            figures.empty(words)
            return
        tiers = context.ask("tiers").iter_rows(named=True)
        chart = charts.lines(
            scores["as_of_date"].to_list(),
            series,
            unit="points",
            title=words("axis.score"),
            words=words,
            levels={
                words.tier(row["tier"]): row["min_score"]
                for row in tiers
                if row["min_score"] > 0
            },
            open_days=[context.is_short(day) for day in scores["as_of_date"]],
            open_name="chart.not_30_days",
        )
        figures.chart(
            context,
            chart,
            "score",
            words("mall.score"),
            names=["experience_score"],
            meanings=["tier"],
        )


def costs(context: Context) -> None:
    """Draw what each module costs."""
    words = context.words
    st.subheader(words("mall.costs"))
    modules = context.ask("mall_modules", mall_id=context.mall_id, as_of=context.as_of)
    known = modules.filter(pl.col("module_score").is_not_null())
    if known.is_empty():
        figures.empty(words, "state.no_score")
        return
    st.caption(words("mall.costs_how"))
    costly = known.sort("lost_points", descending=True, maintain_order=True)
    chart = charts.rows(
        [words.module(module) for module in costly["module"]],
        {words("column.lost_points"): costly["lost_points"].to_list()},
        unit="points",
        title=words("column.lost_points"),
        words=words,
        labels=[f"-{points:.2f}" for points in costly["lost_points"]],
    )
    figures.chart(
        context,
        chart,
        "costs",
        words("mall.costs"),
        names=["module_score"],
        meanings=["lost_points", "weight"],
    )
    shown = costly.with_columns(
        name=pl.col("module").map_elements(words.module, return_dtype=pl.String)
    )
    rates = (
        *("help_seeking_rate", "help_orders_30d", "help_seeking_percentile"),
        *("platform_help_rate", "platform_help_orders_30d"),
        *("platform_help_percentile", "grouped_orders_30d"),
    )
    columns = {
        "name": Column(words("column.module")),
        "lost_points": Column(
            words("column.lost_points"), "points", meaning="lost_points"
        ),
        "module_score": metric_column(context, "module_score"),
        "change_7d": Column(
            context.metrics["change_7d"].name(words), "change of points", "change_7d"
        ),
        "weight_share": Column(words("column.weight"), "rate", meaning="weight"),
        **{name: metric_column(context, name) for name in rates},
    }
    figures.table(context, shown, columns, key="modules")


def next_tier(context: Context, today: dict) -> None:
    """Say what lifts the mall to its next tier."""
    words = context.words
    st.subheader(words("mall.next"))
    if today["score_status"] != "scored":
        figures.empty(words, "state.no_score")
        return
    ways = context.ask("next_tier", mall_id=context.mall_id, as_of=context.as_of)
    target = ways["score_target"][0] if ways.height else None
    if target is None:
        st.success(words("mall.highest_tier"))
        return
    tiers = context.ask("tiers")
    tier = tiers.filter(pl.col("min_score") == target)["tier"][0]
    # Rounded up, so that what is told is enough.
    gap = math.ceil(100 * round(ways["gap"][0], 10)) / 100
    st.markdown(
        words("mall.gap", tier=words.tier(tier), target=f"{target:g}", gap=f"{gap:.2f}")
    )
    reachable = ways.filter(pl.col("help_orders_to_avoid").is_not_null())
    if reachable.height:
        best = reachable.row(0, named=True)
        st.markdown(
            words(
                "mall.cheapest",
                module=words.module(best["module"]),
                orders=best["help_orders_to_avoid"],
                platform=best["platform_help_orders_to_avoid"],
                of=best["help_orders_30d"],
            )
        )
    else:
        st.markdown(words("mall.no_single_way"))
    st.caption(words("mall.next_how"))
    shown = ways.with_columns(
        name=pl.col("module").map_elements(words.module, return_dtype=pl.String)
    )
    columns = {
        "name": Column(words("column.module")),
        "lost_points": Column(
            words("column.lost_points"), "points", meaning="lost_points"
        ),
        "help_orders_30d": metric_column(context, "help_orders_30d"),
        "platform_help_orders_30d": metric_column(context, "platform_help_orders_30d"),
        "help_orders_to_avoid": Column(
            words("column.to_avoid"), "orders", meaning="to_avoid"
        ),
        "platform_help_orders_to_avoid": Column(
            words("column.platform_to_avoid"), "orders", meaning="to_avoid"
        ),
        "score_then": Column(words("column.score_then"), "points", meaning="then"),
        "best_score": Column(words("column.best_score"), "points", meaning="then"),
    }
    figures.table(context, shown, columns, key="next_tier")


def issues(context: Context) -> None:
    """Draw the problems that buyers sought help with."""
    words = context.words
    st.subheader(words("mall.issues"))
    found = context.ask("mall_issues", mall_id=context.mall_id, as_of=context.as_of)
    if found.is_empty():
        figures.no_issues(context)
        return
    shown = found.with_columns(
        problem=pl.col("problem_code").map_elements(
            context.problem, return_dtype=pl.String
        ),
        module=pl.col("module").map_elements(words.module, return_dtype=pl.String),
    )
    first = shown.head(BARS)
    platform = first["platform_help_orders_30d"].to_list()
    series = {
        words("chart.to_platform"): platform,
        words("chart.to_merchant"): [
            total - part
            for total, part in zip(first["help_orders_30d"], platform, strict=True)
        ],
    }
    chart = charts.rows(
        first["problem"].to_list(),
        series,
        unit="orders",
        title=context.metrics["help_orders_30d"].name(words),
        words=words,
        colours=dict(zip(series, ("#D55E00", "#56B4E9"), strict=True)),
    )
    figures.chart(
        context,
        chart,
        "issues",
        words("mall.issues"),
        names=["help_orders_30d", "platform_help_orders_30d"],
    )
    names = ("help_orders_30d", "mall_help_orders_30d", "help_order_share")
    columns = {
        "issue_rank": metric_column(context, "issue_rank"),
        "problem": Column(words("column.problem")),
        "module": Column(words("column.module")),
        **{name: metric_column(context, name) for name in names},
        "change_7d": Column(words("column.orders_change_7d"), "change", "change_7d"),
        "platform_help_orders_30d": metric_column(context, "platform_help_orders_30d"),
        "platform_share": metric_column(context, "platform_share"),
    }
    figures.table(context, shown, columns, key="issues")


def daily(context: Context) -> None:
    """Draw one figure of the mall day by day."""
    asked = {"mall_id": context.mall_id, "as_of": context.as_of}
    daily_figure(context, context.ask("mall_daily", **asked), DAILY, key="mall-daily")


def daily_figure(
    context: Context, days: pl.DataFrame, names: tuple[str, ...], key: str
) -> None:
    """Draw the choice of a figure and its days; those not final yet as rings."""
    words = context.words
    name = st.selectbox(
        words("choose.metric"),
        names,
        format_func=lambda name: context.metrics[name].name(words),
        key=f"metric-{key}",
    )
    metric, of_agent = context.metrics[name], context.cs_uid is not None
    series = {metric.name(words): days[name].cast(pl.Float64).to_list()}
    if not charts.has_values(series):
        figures.empty(words)
        return
    final = None
    if name in OF_CONVERSION:
        final = days["is_conversion_final"]
    elif name in OF_RESPONSE:
        final = days["is_response_final"]
    chart = charts.lines(
        days["service_date"].to_list(),
        series,
        unit=metric.unit,
        title=metric.name(words),
        words=words,
        open_days=None if final is None else [value is False for value in final],
        parts=figures.parts_told(context, days, name, of_agent=of_agent),
    )
    figures.chart(context, chart, key, metric.name(words), names=[name])
    shown = days.filter(pl.col(name).is_not_null()).sort(
        "service_date", descending=True
    )
    columns = {
        "service_date": Column(words("axis.day")),
        **{
            part: metric_column(context, part)
            for part in figures.with_parts(context, [name], of_agent=of_agent)
        },
    }
    figures.table_below(context, shown, columns, key=f"{key}-days")


def benchmarks(context: Context, kpis: dict) -> None:
    """Draw the mall's figures beside those of its category."""
    words = context.words
    st.subheader(words("mall.benchmarks"))
    found = context.ask(
        "mall_benchmarks", mall_id=context.mall_id, as_of=context.as_of
    ).filter(~pl.col("metric").is_in(list(context.emptied)))
    if found.is_empty():
        figures.empty(words)
        return
    st.caption(words("mall.benchmarks_how"))

    def told(column: str) -> pl.Expr:
        return pl.struct("metric", column).map_elements(
            lambda row: figures.written(
                row[column], context.metrics[row["metric"]].unit, words
            ),
            return_dtype=pl.String,
        )

    shown = found.with_columns(
        name=pl.col("metric").map_elements(
            lambda name: figures.named(context.metrics[name], words),
            return_dtype=pl.String,
        ),
        value=told("metric_value"),
        mean=told("category_mean"),
        top=told("category_top10_mean"),
        goal=told("target"),
        parts=pl.col("metric").map_elements(
            lambda name: figures.parts_of(context.metrics[name], kpis, context),
            return_dtype=pl.String,
        ),
        status=pl.col("target_status").map_elements(
            lambda status: words(f"status.{status}"), return_dtype=pl.String
        ),
    )
    columns = {
        "name": Column(words("column.metric")),
        "value": Column(words("column.value"), meaning="benchmark"),
        "parts": Column(words("column.own_parts")),
        "category_percentile": metric_column(
            # A standing among known figures: no estimate here.
            context,
            "category_percentile",
            context.metrics["category_percentile"].name(words),
        ),
        "mean": Column(
            context.metrics["category_mean"].name(words), metric="category_mean"
        ),
        "top": Column(
            context.metrics["category_top10_mean"].name(words),
            metric="category_top10_mean",
        ),
        "malls": Column(words("column.malls_compared"), "malls", meaning="benchmark"),
        "goal": Column(words("column.target"), meaning="target"),
        "status": Column(words("column.target_status"), meaning="target"),
    }
    names = found["metric"].sort().to_list()
    figures.table(context, shown, columns, key="benchmarks", names=names)
