"""How a figure is written, told and taken along: tiles, definitions, tables."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import streamlit as st

from kefu.dashboard.context import Context, Metric
from kefu.dashboard.text import Words

NOTHING = "--"
ROW_PIXELS = 35
SHOWN_ROWS = 12
# From here on a time in seconds is told in minutes, in hours.
MINUTES_FROM, HOURS_FROM = 120, 7200
# Half of the last digit that is written.
SMALLEST = {"rate": 5e-5, "percentile": 5e-4, "points": 5e-3, "seconds": 0.05}
LOCAL_TIME = timedelta(hours=8)

Cell = str | int | float | Decimal | date | bool | None


def is_nothing(value: Cell) -> bool:
    """Return whether there is no value to show."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def written(value: Cell, unit: str, words: Words, *, signed: bool = False) -> str:
    """Return a figure as people read it, with its unit; `--` where there is none.

    `unit` is that of dim_metrics. A signed figure is a change: a change of a
    rate is told in percentage points.
    """
    if is_nothing(value):
        return NOTHING
    sign = "+" if signed else ""
    if isinstance(value, float) and abs(value) < SMALLEST.get(unit, 0):
        value = 0.0  # not -0.00
    match unit:
        case "rate" if signed:
            return words("unit.points_of_percent", value=f"{100 * value:+.2f}")
        case "rate":
            return f"{100 * value:.2f}%"
        case "percentile":
            return f"{100 * value:{sign}.1f}%"
        case "seconds":
            return _duration(value, sign, words)
        case "hours":
            return words("unit.hours", value=f"{value:{sign},.1f}")
        case "points":
            return f"{value:{sign}.2f}"
        case "yuan" | "yuan per buyer":
            mark = "-" if value < 0 else sign
            return f"{mark}¥{abs(value):,.2f}"
        case "ratio" | "units per buyer" | "buyers per agent":
            return f"{value:{sign},.2f}"
        case _:
            whole = float(value).is_integer()
            return f"{value:{sign},.{0 if whole else 2}f}"


def _duration(seconds: float, sign: str, words: Words) -> str:
    """Return a time as people say it: seconds, minutes, or hours."""
    if abs(seconds) < MINUTES_FROM:
        return words("unit.seconds", value=f"{seconds:{sign}.1f}")
    if abs(seconds) < HOURS_FROM:
        minutes, rest = divmod(round(abs(seconds)), 60)
        mark = "-" if seconds < 0 else sign
        return words("unit.minutes", minutes=f"{mark}{minutes}", seconds=rest)
    return words("unit.hours", value=f"{seconds / 3600:{sign},.1f}")


def parts_of(
    metric: Metric, row: Mapping[str, Cell], context: Context, *, of_agent: bool = False
) -> str:
    """Return what a figure was computed from, such as "12 / 340 orders".

    Empty for figures that have no parts.
    """
    words = context.words
    above, below = metric.parts(of_agent=of_agent)
    if below is None or is_nothing(row.get(below)):
        return ""
    total = context.metrics[below]
    told_total = f"{written(row[below], total.unit, words)} ({total.name(words)})"
    if above is None:
        return words("figure.mean_of", total=told_total)
    part = context.metrics[above]
    told_part = f"{written(row.get(above), part.unit, words)} ({part.name(words)})"
    if metric.kind == "complement_rate":
        return words("figure.complement", part=told_part, total=told_total)
    return words("figure.ratio", part=told_part, total=told_total)


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


def formula_of(metric: Metric, context: Context) -> str:
    """Return the formula of a metric in words; empty for one without parts."""
    words, metrics = context.words, context.metrics
    if metric.denominator is None:
        return ""
    below = metrics[metric.denominator].name(words)
    if metric.numerator is None:
        return words("figure.mean_over", total=below)
    above = metrics[metric.numerator].name(words)
    shapes = {
        "complement_rate": f"1 - {above} / {below}",
        "cohort_rate": f"min(1, {above} / {below})",
    }
    return shapes.get(metric.kind or "", f"{above} / {below}")


def named(metric: Metric, words: Words) -> str:
    """Return a metric's name, with the mark of an estimate where it is one."""
    mark = words("figure.estimate_mark") if metric.is_estimate else ""
    return metric.name(words) + mark


def definitions(context: Context, names: Sequence[str], key: str) -> None:
    """Draw a button that opens what the named metrics mean."""
    found = [context.metrics[name] for name in names if name in context.metrics]
    with st.popover(context.words("figure.definitions"), type="tertiary", key=key):
        st.markdown("\n\n---\n\n".join(define(metric, context) for metric in found))


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
            written(value, metric.unit, words),
            None if change is None else told,
            delta_color="off" if is_flat else colour,
            delta_arrow="off" if is_flat else "auto",
            delta_description=None if change is None else words("figure.in_7d"),
        )
        st.caption(parts_of(metric, row, context, of_agent=of_agent) or "\u00a0")
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
    """A column of a table: what it is called, and how its values are written."""

    label: str
    unit: str | None = None
    metric: str | None = None


def metric_column(context: Context, name: str, label: str | None = None) -> Column:
    """Return the column of a metric."""
    metric = context.metrics[name]
    return Column(label or named(metric, context.words), metric.unit, name)


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
    context: Context, frame: pl.DataFrame, columns: Mapping[str, Column], key: str
) -> None:
    """Draw a table with what its columns mean, and offer it as CSV and xlsx."""
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
    names = [column.metric for column in columns.values() if column.metric]
    with st.container(horizontal=True, key=f"below-{key}"):
        if names:
            definitions(context, names, key=f"define-table-{key}")
        download(words, shown, columns, key)


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
    words: Words, frame: pl.DataFrame, columns: Mapping[str, Column], key: str
) -> None:
    """Draw the buttons that take a table along."""
    kinds: dict[str, tuple[Callable, str]] = {
        "csv": (as_csv, "text/csv"),
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


def as_csv(frame: pl.DataFrame, columns: Mapping[str, Column], words: Words) -> bytes:
    """Return a table as CSV in UTF-8 with the mark by which Excel knows it.

    Text that a spreadsheet would take for a formula is given as text.
    """
    labelled = _labelled(frame, columns, words).with_columns(
        pl.when(pl.selectors.string().str.contains(r"^[=+\-@\t\r]"))
        .then("'" + pl.selectors.string())
        .otherwise(pl.selectors.string())
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


def clock(value: datetime | None, words: Words) -> str:
    """Return a time of UTC as the platform's local time, which is UTC+8."""
    if value is None:
        return NOTHING
    return words("figure.local_time", value=f"{value + LOCAL_TIME:%Y-%m-%d %H:%M}")
