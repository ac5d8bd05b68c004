"""The first page: how are we doing, what changed, what to do first."""

import polars as pl
import streamlit as st

from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context
from kefu.dashboard.figures import Column, incomplete_column, metric_column
from kefu.dashboard.text import as_text

TILES = (
    *("help_seeking_rate", "platform_help_rate"),
    *("reply_rate_3min", "avg_response_seconds"),
)
TIER_COLOURS = ("#D55E00", "#E69F00", "#56B4E9", "#0072B2", "#009E73", "#CC79A7")
FIRST = 5
CHANGED = 8


def draw(context: Context) -> None:
    """Draw the page."""
    words = context.words
    categories = context.ask("categories")["category_name"].to_list()
    category = st.selectbox(
        words("choose.category"),
        [None, *categories],
        format_func=lambda name: name or words("choose.all_categories"),
        key="category",
    )
    malls = context.ask("overview_malls", as_of=context.as_of, category=category)
    if malls.is_empty():
        figures.empty(words)
        return
    headline(context, malls)
    totals(context, category)
    left, right = st.columns([3, 2], gap="large")
    with left:
        to_do(context, malls)
    with right:
        changed_issues(context, category)
    changed(context, malls)
    trends(context, category)
    all_malls(context, malls)


def headline(context: Context, malls: pl.DataFrame) -> None:
    """Say in a sentence or two how the malls are doing."""
    words = context.words
    scored = malls.filter(pl.col("score_status") == "scored")
    counts = dict(scored["score_tier"].value_counts().iter_rows())
    tiers = context.ask("tiers")["tier"].to_list()
    told = words("list.separator").join(
        words("overview.in_tier", tier=words.tier(tier), malls=counts[tier])
        for tier in reversed(tiers)
        if tier in counts
    )
    lines = [
        words("overview.headline", malls=malls.height, scored=scored.height, told=told)
    ]
    moved = scored.filter(pl.col("change_7d").is_not_null())
    if moved.height:
        risen = moved.filter(pl.col("change_7d") >= 0.005).height
        fallen = moved.filter(pl.col("change_7d") <= -0.005).height
        ranks = {tier: rank for rank, tier in enumerate(tiers)}
        steps = [
            ranks[row["score_tier"]] - ranks[row["tier_before"]]
            for row in moved.iter_rows(named=True)
            if row["tier_before"] in ranks and row["score_tier"] in ranks
        ]
        lines.append(
            words(
                "overview.moved",
                risen=risen,
                fallen=fallen,
                up=sum(step > 0 for step in steps),
                down=sum(step < 0 for step in steps),
            )
        )
    st.markdown(f"#### {lines[0]}")
    for line in lines[1:]:
        st.markdown(line)
    flagged = malls.filter(pl.col("incomplete_days_30d") > 0).height
    if flagged:
        st.warning(words("overview.incomplete", malls=flagged))
    figures.definitions(
        context, ["experience_score", "change_7d"], "define-headline", ["tier"]
    )


def totals(context: Context, category: str | None) -> None:
    """Draw the figures of all malls together."""
    kind = "all" if category is None else "category"
    today, before = compared(context, kind, category)
    figures.tiles(context, TILES, today, before=before)


def compared(context: Context, kind: str, name: str | None) -> tuple[dict, dict]:
    """Return the figures of a set of malls on the day and seven days before."""
    rows = {
        row["as_of_date"]: row
        for row in context.ask(
            "totals",
            as_of=context.as_of,
            kind=kind,
            name=name,
            over_all_messages=over_all_messages(context),
        ).iter_rows(named=True)
    }
    return rows.get(context.as_of, {}), rows.get(min(rows), {}) if len(rows) > 1 else {}


def over_all_messages(context: Context) -> bool:
    """Return whether the run's mean response time counts unanswered messages."""
    return context.manifest.get("vars", {}).get("response_time_denominator") == "all"


def first_steps(context: Context, malls: pl.DataFrame) -> pl.DataFrame:
    """Return the malls to begin with: lowest tier, then the largest fall."""
    tiers = context.ask("tiers")
    highest = tiers["tier"][-1] if tiers.height else ""
    return (
        malls.filter(
            (pl.col("score_status") == "scored")
            & ((pl.col("score_tier") != highest) | (pl.col("change_7d") < 0))
        )
        .join(tiers, left_on="score_tier", right_on="tier", how="left")
        .sort(
            ["min_score", "change_7d", "experience_score", "mall_id"], nulls_last=True
        )
        .head(FIRST)
    )


def to_do(context: Context, malls: pl.DataFrame) -> None:
    """Say with which malls to begin, and with what there."""
    words = context.words
    st.subheader(words("overview.first"))
    st.caption(words("overview.first_how"))
    first = first_steps(context, malls)
    if first.is_empty():
        st.success(words("overview.nothing_first"))
        return
    for number, row in enumerate(first.iter_rows(named=True), start=1):
        lines = [
            words(
                "overview.step",
                number=number,
                mall=context.mall_as_text(row["mall_id"]),
                score=figures.written(row["experience_score"], "points", words),
                tier=words.tier(row["score_tier"]),
                change=figures.written(row["change_7d"], "points", words, signed=True),
            ),
            words("overview.step_module", module=words.module(row["costliest_module"])),
        ]
        if row["problem_code"]:
            lines[1] += words(
                "overview.step_problem",
                problem=as_text(context.problem(row["problem_code"])),
                orders=row["problem_orders"],
                change=f"{row['problem_change']:+d}",
            )
        with st.container(border=True, key=f"step-{number}"):
            st.markdown("  \n".join(lines))
            link_to_mall(context, row["mall_id"], number)
    figures.definitions(
        context,
        ["experience_score", "change_7d", "help_orders_30d"],
        "define-steps",
        ["tier", "lost_points"],
    )


def link_to_mall(context: Context, mall_id: str, number: int) -> None:
    """Draw what leads to the page of a mall."""
    chosen = st.button(
        context.words("overview.look"), type="tertiary", key=f"look-{number}"
    )
    page = st.session_state.get("mall_page")
    if chosen and page:
        st.session_state.mall_id = mall_id
        st.switch_page(page)


def changed_issues(context: Context, category: str | None) -> None:
    """Draw the problems that grew most in seven days, over the malls."""
    words = context.words
    st.subheader(words("overview.issues"))
    st.caption(words("overview.issues_how"))
    issues = context.ask("overview_issues", as_of=context.as_of, category=category)
    shown = (
        issues.sort(
            ["change_7d", "help_orders_30d", "problem_code"],
            descending=[True, True, False],
        )
        .head(CHANGED)
        .with_columns(
            problem=pl.col("problem_code").map_elements(
                context.problem, return_dtype=pl.String
            )
        )
    )
    figures.table(
        context,
        shown,
        {
            "problem": Column(words("column.problem")),
            "change_7d": Column(
                words("column.orders_change_7d"), "change", "change_7d"
            ),
            "help_orders_30d": metric_column(context, "help_orders_30d"),
        },
        key="issues_changed",
    )


def changed(context: Context, malls: pl.DataFrame) -> None:
    """Draw the malls whose score moved most in seven days."""
    words = context.words
    st.subheader(words("overview.changed"))
    moved = (
        malls.filter(pl.col("change_7d").is_not_null())
        .sort([pl.col("change_7d").abs(), "mall_id"], descending=[True, False])
        .head(2 * CHANGED)
        .sort(["change_7d", "mall_id"])
    )
    figures.table(
        context, for_people(context, moved), columns_of(context), key="malls_changed"
    )


def trends(context: Context, category: str | None) -> None:
    """Draw how help rates and tiers went."""
    words = context.words
    left, right = st.columns(2, gap="large")
    trend = context.ask("overview_trend", as_of=context.as_of, category=category)
    with left:
        st.subheader(words("overview.help_trend"))
        help_trend(context, trend)
    with right:
        st.subheader(words("overview.tier_trend"))
        days, series, colours = tier_series(context, category)
        chart = charts.columns(
            days,
            series,
            unit="malls",
            title=words("axis.malls"),
            words=words,
            colours=colours,
        )
        st.caption(words("overview.tier_note"))
        figures.chart(
            context,
            chart,
            "tier_trend",
            words("overview.tier_trend"),
            names=["experience_score"],
            meanings=["tier"],
        )
        counted = pl.DataFrame(
            {"day": days, **series}, schema_overrides={"day": pl.Date}
        )
        figures.table_below(
            context,
            counted.reverse(),
            {
                "day": Column(words("axis.day")),
                **{tier: Column(tier, "malls", meaning="tier") for tier in series},
            },
            key="tier_trend",
        )


def help_trend(context: Context, trend: pl.DataFrame) -> None:
    """Draw the help rates day by day, with a table of them."""
    words = context.words
    names = ("help_seeking_rate", "platform_help_rate")
    series = {
        context.metrics[name].name(words): trend[name].to_list() for name in names
    }
    if not charts.has_values(series):
        figures.empty(words)
        return
    chart = charts.lines(
        trend["as_of_date"].to_list(),
        series,
        unit="rate",
        title=words("axis.rate_30d"),
        words=words,
        open_days=[context.is_short(day) for day in trend["as_of_date"]],
        open_name="chart.not_30_days",
        parts={
            told: parts
            for name in names
            for told, parts in figures.parts_told(context, trend, name).items()
        },
    )
    title = words("overview.help_trend")
    figures.chart(context, chart, "help_trend", title, names=names)
    figures.table_below(
        context,
        trend.filter(pl.col("grouped_orders_30d").is_not_null()).reverse(),
        {
            "as_of_date": Column(words("axis.day")),
            **{
                name: metric_column(context, name)
                for name in figures.with_parts(context, names)
            },
        },
        key="help_trend",
    )


def tier_series(
    context: Context, category: str | None
) -> tuple[list, dict[str, list], dict[str, str]]:
    """Return days, malls by tier, and the tiers' colours."""
    words = context.words
    rows = context.ask("overview_tiers", as_of=context.as_of, category=category)
    days = sorted(set(rows["as_of_date"].to_list()))
    counts = {
        (row["as_of_date"], row["tier"]): row["malls"]
        for row in rows.iter_rows(named=True)
    }
    tiers = context.ask("tiers")["tier"].to_list()
    series = {
        words.tier(tier): [counts.get((day, tier), 0) for day in days] for tier in tiers
    }
    colours = dict(zip(series, TIER_COLOURS, strict=False))
    without = words.tier("insufficient_orders")
    series[without] = [counts.get((day, "insufficient_orders"), 0) for day in days]
    return days, series, colours | {without: "#BBBBBB"}


def all_malls(context: Context, malls: pl.DataFrame) -> None:
    """Draw all malls, the lowest score first."""
    words = context.words
    st.subheader(words("overview.all"))
    columns = columns_of(context) | {
        "category_name": Column(words("column.category")),
        "category_rank": metric_column(context, "category_rank"),
        "category_percentile": metric_column(context, "category_percentile"),
        "peers": Column(words("column.peers"), "malls", meaning="peers"),
        "help_seeking_rate": metric_column(context, "help_seeking_rate"),
        "help_orders_30d": metric_column(context, "help_orders_30d"),
        "platform_help_rate": metric_column(context, "platform_help_rate"),
        "platform_help_orders_30d": metric_column(context, "platform_help_orders_30d"),
        "grouped_orders_30d": metric_column(context, "grouped_orders_30d"),
        "reply_rate_3min": metric_column(context, "reply_rate_3min"),
        "late_buyers_3min": metric_column(context, "late_buyers_3min"),
        "assessed_consult_buyers": metric_column(context, "assessed_consult_buyers"),
        "incomplete_days_30d": incomplete_column(words),
    }
    figures.table(context, for_people(context, malls), columns, key="malls")


def columns_of(context: Context) -> dict[str, Column]:
    """Return the columns that every table of malls begins with."""
    words = context.words
    return {
        "mall": Column(words("column.mall")),
        "experience_score": metric_column(context, "experience_score"),
        "change_7d": Column(
            context.metrics["change_7d"].name(words), "change of points", "change_7d"
        ),
        "tier": Column(words("column.tier")),
        "tier_was": Column(words("column.tier_before")),
        "module": Column(words("column.costliest_module")),
        "problem": Column(words("column.top_problem")),
        "problem_orders": Column(
            words("column.problem_orders"), "orders", "help_orders_30d"
        ),
        "problem_change": Column(
            words("column.orders_change_7d"), "change", "change_7d"
        ),
    }


def for_people(context: Context, malls: pl.DataFrame) -> pl.DataFrame:
    """Add the names of what the rows hold codes of."""
    words = context.words

    def named(column: str, name: object) -> pl.Expr:
        return pl.col(column).map_elements(name, return_dtype=pl.String)

    return malls.with_columns(
        mall=named("mall_id", context.mall),
        tier=pl.coalesce("score_tier", "score_status").map_elements(
            words.tier, return_dtype=pl.String
        ),
        tier_was=named("tier_before", words.tier),
        module=named("costliest_module", words.module),
        problem=named("problem_code", context.problem),
    )
