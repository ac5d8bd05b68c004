"""How a figure is written, told and taken along: tiles, definitions, tables."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import plotly.graph_objects as go
import polars as pl
import streamlit as st

from kefu.dashboard import charts
from kefu.dashboard.context import Context, Metric
from kefu.dashboard.needs import OF_SCORE, needs, told_sources
from kefu.dashboard.text import Words, texts
from kefu.dashboard.wording import (
    NOTHING,
    Cell,
    as_markdown,
    formula_of,
    is_nothing,
    named,
    parts_of,
    written,
)

ROW_PIXELS = 35
SHOWN_ROWS = 12


def define(metric: Metric, context: Context) -> str:
    """Return the definition of a metric as Markdown, in the page's language."""
    words = context.words
    lines = [f"**{metric.name_zh} · {metric.name_en}** (`{metric.metric}`)"]
    if metric.is_estimate:
        lines.append(words("figure.is_estimate"))
    lines.append(words.definition(metric.metric, metric.definition))
    if formula := formula_of(metric, context):
        lines.append(words("figure.formula", formula=formula))
    lines.append(words(f"mark.{metric.source_mark}"))
    return "\n\n".join(lines)


def definitions(
    context: Context, names: Sequence[str], key: str, meanings: Sequence[str] = ()
) -> None:
    """Draw a button that opens what the named metrics mean.

    `meanings` are keys of the texts, of figures of the pages' own.
    """
    words = context.words
    told = [define(context.metrics[name], context) for name in dict.fromkeys(names)]
    told += [words(f"meaning.{meaning}") for meaning in dict.fromkeys(meanings)]
    with st.popover(words("figure.definitions"), type="tertiary", key=key):
        st.markdown("\n\n---\n\n".join(told))


def chart(
    context: Context,
    drawn: go.Figure,
    key: str,
    alt: str,
    *,
    names: Sequence[str] = (),
    meanings: Sequence[str] = (),
) -> None:
    """Draw a chart, and below it the button that opens what its figures mean."""
    charts.draw(drawn, key, alt)
    definitions(context, names, f"define-chart-{key}", meanings)


def tile(
    context: Context,
    name: str,
    row: Mapping[str, Cell],
    *,
    before: Mapping[str, Cell] | None = None,
    of_agent: bool = False,
    label: str | None = None,
    key: str = "",
) -> None:
    """Draw one figure: value, change against 7 days before, parts, definition."""
    words, metric = context.words, context.metrics[name]
    value = row.get(name)
    change, earlier = None, (before or {}).get(name)
    if not (is_nothing(value) or is_nothing(earlier)):
        change = value - earlier
    colour = {True: "normal", False: "inverse", None: "off"}[metric.is_higher_better]
    # Streamlit tells the direction by the sign of what is written.
    told = written(change, metric.unit, words, signed=True).replace("¥", "") or None
    is_flat = change is None or not any(digit in told for digit in "123456789")
    with st.container(border=True, height="stretch", key=f"tile-{key}{name}"):
        st.metric(
            label or named(metric, words),
            as_markdown(written(value, metric.unit, words)),
            None if change is None else told,
            delta_color="off" if is_flat else colour,
            delta_arrow="off" if is_flat else "auto",
            delta_description=None if change is None else words("figure.in_7d"),
        )
        below = parts_of(metric, row, context, of_agent=of_agent)
        if name in context.emptied:
            lacking = [source for source in context.lacking if name in needs()[source]]
            below = words("figure.never_came", sources=told_sources(lacking, words))
        st.caption(as_markdown(below or "\u00a0"))
        definitions(context, [name], key=f"define-{key}{name}")


def tiles(
    context: Context, names: Sequence[str], row: Mapping[str, Cell], **options: object
) -> None:
    """Draw figures side by side, four in a row."""
    for start in range(0, len(names), 4):
        some = names[start : start + 4]
        for column, name in zip(st.columns(4), some, strict=False):
            with column:
                tile(context, name, row, **options)


@dataclass(frozen=True)
class Column:
    """A column of a table: what it is called, and how its values are written.

    A figure is of a metric, or has a meaning among the texts of the pages.
    """

    label: str
    unit: str | None = None
    metric: str | None = None
    meaning: str | None = None


def metric_column(context: Context, name: str, label: str | None = None) -> Column:
    """Return the column of a metric."""
    metric = context.metrics[name]
    return Column(label or named(metric, context.words), metric.unit, name)


def incomplete_column(words: Words) -> Column:
    """Return the column that says on how many of the 30 days data are lacking."""
    return Column(words("column.incomplete_days"), "days", meaning="incomplete_days")


def with_parts(
    context: Context, names: Sequence[str], *, of_agent: bool = False
) -> list[str]:
    """Return metrics, each followed by those that it is computed from."""
    found = []
    for name in names:
        parts = context.metrics[name].parts(of_agent=of_agent)
        found += [name, *(part for part in parts if part)]
    return list(dict.fromkeys(found))


def parts_told(
    context: Context, frame: pl.DataFrame, name: str, *, of_agent: bool = False
) -> dict[str, list[str]]:
    """Return what each row's figure was computed from, by the metric's name.

    Empty where the metric has no parts.
    """
    metric = context.metrics[name]
    if metric.parts(of_agent=of_agent)[1] is None:
        return {}
    told = [
        parts_of(metric, row, context, of_agent=of_agent)
        for row in frame.iter_rows(named=True)
    ]
    return {metric.name(context.words): told}


# Of st.column_config.NumberColumn, and of a spreadsheet.
SCREEN_FORMATS = {
    "rate": "percent",
    "percentile": "percent",
    "points": "%.2f",
    "change of points": "%+.2f",
    "seconds": "%.1f",
    "hours": "%.1f",
    "yuan": "%.2f",
    "yuan per buyer": "%.2f",
    "ratio": "%.2f",
    "units per buyer": "%.2f",
    "buyers per agent": "%.2f",
}
SHEET_FORMATS = {
    "rate": "0.00%",
    "percentile": "0.0%",
    "points": "0.00",
    "change of points": "+0.00;-0.00;0.00",
    "seconds": "0.0",
    "hours": "0.0",
    "yuan": "#,##0.00",
    "yuan per buyer": "#,##0.00",
    "ratio": "0.00",
    "units per buyer": "0.00",
    "buyers per agent": "0.00",
}
UNITS_IN_LABEL = {"seconds", "hours", "yuan"}


def heading(column: Column, words: Words) -> str:
    """Return a column's label with its unit where figures do not show it."""
    if column.unit in UNITS_IN_LABEL:
        return f"{column.label} ({words.unit(column.unit)})"
    return column.label


def table(
    context: Context,
    frame: pl.DataFrame,
    columns: Mapping[str, Column],
    key: str,
    *,
    names: Sequence[str] = (),
) -> None:
    """Draw a table with what its columns mean, and offer it as CSV and xlsx.

    `names` are the metrics that its rows are of.
    """
    words = context.words
    if frame.is_empty():
        empty(words)
        return
    shown = frame.select(list(columns))
    config = {
        name: _screen_column(column, shown.schema[name], words)
        for name, column in columns.items()
    }
    st.dataframe(
        shown.with_columns(pl.selectors.decimal().cast(pl.Float64)),
        hide_index=True,
        column_config=config,
        height=ROW_PIXELS * (min(shown.height, SHOWN_ROWS) + 1) + 3,
        placeholder=NOTHING,
        key=f"table-{key}",
    )
    names = [*names, *(c.metric for c in columns.values() if c.metric)]
    meanings = [c.meaning for c in columns.values() if c.meaning]
    with st.container(horizontal=True, key=f"below-{key}"):
        if names or meanings:
            definitions(context, names, f"define-table-{key}", meanings)
        download(context, shown, columns, key)


def table_below(
    context: Context, frame: pl.DataFrame, columns: Mapping[str, Column], key: str
) -> None:
    """Draw what is to be opened below a chart: its figures as a table."""
    with st.expander(context.words("figure.as_table"), key=f"below-{key}-chart"):
        table(context, frame, columns, key)


def _screen_column(column: Column, kind: pl.DataType, words: Words) -> object:
    label = heading(column, words)
    if kind == pl.Date:
        return st.column_config.DateColumn(label, format="YYYY-MM-DD")
    if column.unit is None:
        return st.column_config.Column(label)
    return st.column_config.NumberColumn(
        label, format=SCREEN_FORMATS.get(column.unit, "localized")
    )


def download(
    context: Context, frame: pl.DataFrame, columns: Mapping[str, Column], key: str
) -> None:
    """Draw the buttons that take a table along."""
    words = context.words
    names = frozenset(metric.name(words) for metric in context.metrics.values())
    kinds: dict[str, tuple[Callable, str]] = {
        "csv": (partial(as_csv, names=names), "text/csv"),
        "xlsx": (
            as_xlsx,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
    }
    for kind, (make, mime) in kinds.items():
        st.download_button(
            words(f"figure.download_{kind}"),
            # Made when asked for: most tables are never taken along.
            data=lambda make=make: make(frame, columns, words),
            file_name=f"kefu_{key}.{kind}",
            mime=mime,
            type="tertiary",
            on_click="ignore",
            key=f"{kind}-{key}",
        )


def _labelled(
    frame: pl.DataFrame, columns: Mapping[str, Column], words: Words
) -> pl.DataFrame:
    return frame.select(
        pl.col(name).alias(heading(column, words)) for name, column in columns.items()
    )


# With what a spreadsheet begins a formula; those for Chinese type as well.
FORMULA = r"^[=+\-@＝＋－＠\t\r\n]"


@cache
def _ours_pattern(names: frozenset[str]) -> str:
    """Return the pattern of what wording writes, in both languages.

    A figure alone, or the parts of one: "-- (Buyers) ÷ 3 (Orders)". Only `names`,
    those of the metrics, may stand in brackets.
    """
    number = r"[0-9][0-9,]*(\.[0-9]+)?"
    # Of "{minutes} min {seconds} s" what follows the first number.
    units = {
        number.join(map(re.escape, re.split(r"{\w+}", text)[1:]))
        for key, pair in texts().items()
        if key.startswith("unit.")
        for text in pair
    }
    unit = f"(%|{'|'.join(sorted(units))})?"
    signed = f"({NOTHING}|[+-]¥?{number}{unit})"
    if not names:
        return f"^{signed}$"
    name = rf" \(({'|'.join(map(re.escape, sorted(names)))})\)"
    below = f" ÷ ({NOTHING}|-?¥?{number}{unit}){name}"
    return f"^{signed}({name}({below})?)?$"


def as_csv(
    frame: pl.DataFrame,
    columns: Mapping[str, Column],
    words: Words,
    names: frozenset[str] = frozenset(),
) -> bytes:
    """Return a table as CSV in UTF-8 with the mark by which Excel knows it.

    Text that a spreadsheet would take for a formula is given as text; a figure
    that we wrote with its sign and unit is none, nor are its parts, which bear
    `names` of metrics.
    """
    text = pl.selectors.string()
    ours = text.str.contains(_ours_pattern(names))
    labelled = _labelled(frame, columns, words).with_columns(
        pl.when(text.str.contains(FORMULA) & ~ours)
        .then("'" + text)
        .otherwise(text)
        .name.keep()
    )
    return labelled.write_csv(include_bom=True).encode("utf-8")


def as_xlsx(frame: pl.DataFrame, columns: Mapping[str, Column], words: Words) -> bytes:
    """Return a table as a spreadsheet; text is text, also if it begins with =."""
    formats = {
        heading(column, words): SHEET_FORMATS[column.unit]
        for column in columns.values()
        if column.unit in SHEET_FORMATS
    }
    file = io.BytesIO()
    import xlsxwriter  # noqa: PLC0415

    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options | {"in_memory": True}) as book:
        _labelled(frame, columns, words).write_excel(
            book, column_formats=formats, autofit=True, freeze_panes=(1, 0)
        )
    return file.getvalue()


def empty(words: Words, key: str = "state.empty") -> None:
    """Say that there is nothing to show, and why."""
    st.info(words(key))


def no_issues(context: Context) -> None:
    """Say that nobody sought help, as far as what came can tell."""
    words = context.words
    lacking = [source for source in context.lacking if source in OF_SCORE]
    if lacking:
        told = told_sources(lacking, words)
        st.info(words("state.no_issues_came", sources=told))
    else:
        empty(words, "state.no_issues")


def nothing_of_the_mall(context: Context, key: str, of: str) -> None:
    """Say that a mall has nothing in these 30 days, and when it last had.

    `of` is the column of last_days: what is to be shown.
    """
    day = context.ask("last_days", mall_id=context.mall_id)[of].item()
    if day is None or day >= context.as_of:
        empty(context.words, key)
    else:
        last = context.words("state.last_day", day=day)
        st.info(f"{context.words(key)} {last}")


def incomplete(context: Context, row: Mapping[str, Cell]) -> None:
    """Say so where the 30 days of a figure lack data."""
    days = row.get("incomplete_days_30d")
    if days:
        st.warning(context.words("state.incomplete", days=days))
