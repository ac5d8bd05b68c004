"""The platform's own figures beside ours: what differs, and why that is likely."""

from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl
import streamlit as st

from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context
from kefu.dashboard.figures import Cell, Column
from kefu.dashboard.text import texts

# The gravest first: what nobody can explain.
CAUSES = {
    "unexplained": "#D55E00",
    "roster": "#CC79A7",
    "older_export": "#0072B2",
    "late_data": "#E69F00",
    "definition": "#56B4E9",
    "equal": "#009E73",
}
SOURCES = ("report", "score_page")
PERIOD = ["source", "period_start", "period_end"]
Row = Mapping[str, Cell]


def draw(context: Context) -> None:
    """Draw the page."""
    words = context.words
    head = words("load.all")
    if context.mall_id:
        head = context.mall_as_text(context.mall_id)
    st.markdown(f"#### {head}")
    st.caption(words("official.how"))
    found = context.ask(
        "official_figures", as_of=context.as_of, mall_id=context.mall_id
    ).with_columns(
        # Ours of what never came is none.
        pl.when(~pl.col("metric").is_in(list(context.emptied)))
        .then(pl.col(name))
        .alias(name)
        for name in ("our_value", "difference", "our_numerator", "our_denominator")
    )
    if found.is_empty():
        figures.empty(words, "official.empty")
        return
    told = found.with_columns(
        figure=_each(found, lambda row: figure_name(context, row)),
        why=_each(found, lambda row: evidence(context, row)),
    )
    headline(context, told)
    causes(context, told)
    if context.mall_id:
        shop(context, told)
    else:
        malls(context, told)
    one_figure(context, told)


def _each(found: pl.DataFrame, make) -> pl.Series:
    return pl.Series(
        [make(row) for row in found.iter_rows(named=True)], dtype=pl.String
    )


def figure_name(context: Context, row: Row) -> str:
    """Return what a figure is called: the metric, and of what it is."""
    words = context.words
    name = figures.named(context.metrics[row["metric"]], words)
    item = row["item_name"]
    if item is None:
        return name
    modules = {zh: key for key, (zh, _) in texts().items() if key.startswith("module.")}
    if item in modules:
        item = words(modules[item])
    else:
        codes = {
            problem["name_zh"]: problem["problem_code"]
            for problem in context.ask("problems").iter_rows(named=True)
        }
        item = context.problem(codes.get(item)) or item
    return words.of(f"{name}：{item}", f"{name}: {item}")


def evidence(context: Context, row: Row) -> str:
    """Return all that speaks for a difference; nothing where there is none."""
    words = context.words
    if row["likely_cause"] == "equal":
        return ""
    found = []
    if row["account_status"] not in (None, "matched"):
        found.append(words(f"evidence.{row['account_status']}"))
    if not row["is_in_newest_export"]:
        found.append(words("evidence.not_newest"))
    if not row["is_our_value_final"]:
        found.append(words("evidence.ours_open"))
    if not row["is_official_value_final"]:
        day = row["exported_at"].date()
        found.append(words("evidence.theirs_open", day=day))
    if row["incomplete_days"]:
        found.append(words("evidence.incomplete", days=row["incomplete_days"]))
    if row["definition_differs"]:
        found.append(
            words.difference(row["official_column"], row["definition_differs"])
        )
    if row["off_shift_days"]:
        found.append(words("evidence.off_shift", days=row["off_shift_days"]))
    if row["rows_landed_later"]:
        found.append(words("evidence.landed_later", rows=row["rows_landed_later"]))
    return words("list.separator").join(found)


def headline(context: Context, found: pl.DataFrame) -> None:
    """Tell how many figures agree, and why the others likely do not."""
    words = context.words
    counts = Counter(found["likely_cause"])
    same = words("official.headline", figures=found.height, equal=counts["equal"])
    told = words("list.separator").join(
        words("official.cause_count", cause=words.cause(cause), figures=counts[cause])
        for cause in CAUSES
        if cause != "equal" and counts[cause]
    )
    others = words("official.others", told=told) if told else ""
    st.markdown(f"{same} {others}".strip())
    if lacking := found["our_value"].null_count():
        st.caption(words("official.none_of_ours", figures=lacking))


def causes(context: Context, found: pl.DataFrame) -> None:
    """Draw how often each figure differs, and why that is likely."""
    words = context.words
    title = words("official.causes")
    st.subheader(title)
    kinds = found.with_columns(
        kind=pl.col("metric").map_elements(
            lambda name: figures.named(context.metrics[name], words),
            return_dtype=pl.String,
        )
    )
    counts = Counter(kinds.select("kind", "likely_cause").iter_rows())
    total = Counter(kinds["kind"])
    names = sorted(total, key=lambda name: (counts[name, "equal"] / total[name], name))
    there = [cause for cause in CAUSES if (found["likely_cause"] == cause).any()]
    chart = charts.rows(
        names,
        {words.cause(c): [counts[name, c] for name in names] for c in there},
        unit="figures",
        title=words("column.figures_compared"),
        words=words,
        colours={words.cause(cause): CAUSES[cause] for cause in there},
    )
    figures.chart(
        context,
        chart,
        "causes",
        title,
        names=sorted(set(found["metric"])),
        meanings=["compared", "cause"],
    )


def malls(context: Context, found: pl.DataFrame) -> None:
    """Draw the malls, that with most unexplained figures first."""
    words = context.words
    st.subheader(words("official.by_mall"))
    counted = (
        found.group_by("mall_id")
        .agg(
            pl.len().alias("figures"),
            pl.col("our_value").null_count().alias("without_ours"),
            *((pl.col("likely_cause") == cause).sum().alias(cause) for cause in CAUSES),
        )
        .sort(["unexplained", "roster", "mall_id"], descending=[True, True, False])
        .with_columns(
            mall=pl.col("mall_id").map_elements(context.mall, return_dtype=pl.String)
        )
    )
    columns = {
        "mall": Column(words("column.mall")),
        "figures": Column(
            words("column.figures_compared"), "figures", meaning="compared"
        ),
        **{
            cause: Column(words.cause(cause), "figures", meaning="cause")
            for cause in CAUSES
        },
        "without_ours": Column(
            words("column.without_ours"), "figures", meaning="without_ours"
        ),
    }
    figures.table(context, counted, columns, key="official-malls")


def period(context: Context, row: Row) -> str:
    """Return how a report or a page is told from the others."""
    words = context.words
    return words(
        "official.period",
        source=words(f"official.{row['source']}"),
        first=row["period_start"],
        last=row["period_end"],
    )


def shop(context: Context, found: pl.DataFrame) -> None:
    """Draw every figure of the shop as a whole in one report or page."""
    words = context.words
    totals = found.filter(pl.col("row_type") == "mall_total")
    if totals.is_empty():
        return
    st.subheader(words("official.shop"))
    periods = {
        period(context, row): row
        for row in totals.select(PERIOD)
        .unique()
        .sort(
            ["source", "period_end", "period_start"],
            descending=[False, True, True],
        )
        .iter_rows(named=True)
    }
    chosen = periods[
        st.selectbox(words("choose.period"), list(periods), key="official-period")
    ]
    rows = totals.filter(*(pl.col(name) == value for name, value in chosen.items()))
    compared(context, _gravest_first(rows), key="official-shop")


def _gravest_first(rows: pl.DataFrame) -> pl.DataFrame:
    order = {cause: place for place, cause in enumerate(CAUSES)}
    return rows.sort(
        pl.col("likely_cause").replace_strict(order, return_dtype=pl.Int8),
        "figure",
        "account",
        maintain_order=True,
    )


def compared(context: Context, rows: pl.DataFrame, key: str) -> None:
    """Draw figures of several units as they are read, theirs and ours."""
    words = context.words

    def told(column: str, *, signed: bool = False) -> pl.Series:
        return _each(
            rows,
            lambda row: figures.written(row[column], row["unit"], words, signed=signed),
        )

    shown = rows.with_columns(
        official=told("official_value"),
        ours=told("our_value"),
        gap=told("difference", signed=True),
        cause=pl.col("likely_cause").map_elements(words.cause, return_dtype=pl.String),
        parts=_each(rows, lambda row: parts(context, row)),
    )
    columns = {
        "figure": Column(words("column.metric")),
        "official": Column(words("column.official"), meaning="official"),
        "ours": Column(words("column.ours"), meaning="official"),
        "gap": Column(words("column.gap"), meaning="official"),
        "cause": Column(words("column.likely_cause"), meaning="cause"),
        "why": Column(words("column.evidence")),
        "parts": Column(words("column.parts")),
    }
    names = sorted(set(rows["metric"]))
    figures.table(context, shown, columns, key=key, names=names)


def parts(context: Context, row: Row) -> str:
    """Return what our figure was made of."""
    metric, of_agent = context.metrics[row["metric"]], row["row_type"] == "agent"
    above, below = metric.parts(of_agent=of_agent)
    known = {above: row["our_numerator"], below: row["our_denominator"]}
    known.pop(None, None)
    return figures.parts_of(metric, known, context, of_agent=of_agent)


def one_figure(context: Context, found: pl.DataFrame) -> None:
    """Draw one figure: of all malls, or of the agents' accounts of one."""
    words = context.words
    kind = "agent" if context.mall_id else "mall_total"
    rows = found.filter(pl.col("row_type") == kind)
    if rows.is_empty():
        return
    st.subheader(
        words("official.accounts" if context.mall_id else "official.one_figure")
    )
    name = st.selectbox(
        words("choose.metric"), _by_name(rows), key=f"official-figure-{kind}"
    )
    chosen = _gravest_first(rows.filter(pl.col("figure") == name))
    unit, metric = chosen["unit"][0], chosen["metric"][0]
    shown = chosen.with_columns(
        # In points of percent where it is of a rate.
        gap=_each(
            chosen,
            lambda row: figures.written(row["difference"], unit, words, signed=True),
        ),
        mall=pl.col("mall_id").map_elements(context.mall, return_dtype=pl.String),
        of=_each(chosen, lambda row: period(context, row)),
        status=pl.col("account_status").map_elements(
            lambda status: words(f"account.{status}"), return_dtype=pl.String
        ),
        cause=pl.col("likely_cause").map_elements(words.cause, return_dtype=pl.String),
        parts=_each(chosen, lambda row: parts(context, row)),
    )
    who = {"mall": Column(words("column.mall"))}
    if context.mall_id:
        who = {
            "account": Column(words("column.account")),
            "status": Column(words("column.account_status")),
            "cs_uid": Column(words("column.cs_uid")),
        }
    columns = {
        **who,
        "official_value": Column(words("column.official"), unit, meaning="official"),
        "our_value": Column(words("column.ours"), unit, metric),
        "gap": Column(words("column.gap"), meaning="official"),
        "cause": Column(words("column.likely_cause"), meaning="cause"),
        "why": Column(words("column.evidence")),
        "parts": Column(words("column.parts")),
        "of": Column(words("column.period")),
        "exported_at": Column(words("column.exported")),
    }
    figures.table(context, shown, columns, key="official-figure")


def _by_name(rows: pl.DataFrame) -> Sequence[str]:
    """The figures in which most rows differ first, the report's before the page's."""
    differing = Counter(rows.filter(pl.col("likely_cause") != "equal")["figure"])
    of_page = set(rows.filter(pl.col("source") == "score_page")["figure"])
    return sorted(
        set(rows["figure"]),
        key=lambda name: (name in of_page, -differing[name], name),
    )
