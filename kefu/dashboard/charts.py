"""The charts: axes with units, colours that everybody can tell apart.

Bars begin at zero, and a day without a figure is a gap, not a line across it.
"""

import html
from collections.abc import Mapping, Sequence
from datetime import date

import plotly.graph_objects as go
import streamlit as st

from kefu.dashboard.text import Words

# Okabe and Ito's palette, without its yellow, which is pale on white.
COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"),
    "#000000",
)
GREY = "#767676"
# From few to many, each step darker, also in print.
SCALE = "Blues"
FONT = "'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans', sans-serif"
HEIGHT = 320
CONFIG = {"displayModeBar": False, "scrollZoom": False}
# How the values of an axis are written, by the unit of dim_metrics.
TICKS = {"rate": ".0%", "percentile": ".0%"}
HOVERS = {
    "rate": ".2%",
    "percentile": ".1%",
    "points": ".2f",
    "yuan": ",.2f",
    "seconds": ",.1f",
    "hours": ",.1f",
    "ratio": ".2f",
    "buyers per agent": ".2f",
    "units per buyer": ".2f",
    "yuan per buyer": ",.2f",
}
# Of three and more series; two are told apart in grey print too.
DASHES = ("solid", "dash", "dot", "dashdot")
# Axes that begin at zero; a score has its whole range, times begin at zero too.
RANGES = {"points": [0, 5.05]}

Number = float | int | None
# What each figure of a series was computed from, told under the pointer.
Parts = Mapping[str, Sequence[str]]


def titled(name: str, unit: str, words: Words) -> str:
    """Return the title of an axis, with its unit where the name does not say it."""
    told = words.unit(unit)
    is_said = set(told.lower().split()) <= set(name.lower().split())
    return name if is_said else f"{name} ({told})"


def _layout(
    x: str, y: str, unit: str, *, height: int = HEIGHT, with_legend: bool = True
) -> go.Figure:
    chart = go.Figure()
    chart.update_layout(
        template="plotly_white",
        font={"family": FONT, "size": 13, "color": "#262730"},
        height=height,
        margin={"l": 10, "r": 24, "t": 10, "b": 10},
        colorway=COLOURS,
        hovermode="x unified",
        legend={
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "traceorder": "normal",
        },
        showlegend=with_legend,
        xaxis={"title": {"text": x}, "automargin": True},
        yaxis={
            "title": {"text": y},
            "automargin": True,
            "tickformat": TICKS.get(unit),
            "rangemode": "tozero",
            "range": RANGES.get(unit),
        },
    )
    return chart


def _dates(chart: go.Figure) -> None:
    # Digits alone, so that no month is named in another language.
    chart.update_xaxes(tickformat="%m-%d", hoverformat="%Y-%m-%d", type="date")


def draw(chart: go.Figure, key: str, alt: str) -> None:
    """Draw a chart; `alt` is what a screen reader says of it."""
    if legend := (chart.layout.meta or {}).get("legend"):
        st.html(legend_of(legend), width="stretch")
    st.plotly_chart(chart, key=f"chart-{key}", theme=None, config=CONFIG, alt=alt)


def legend_of(series: Mapping[str, str]) -> str:
    """Return names with their colours as HTML, on as many lines as they need.

    Plotly's own has the room between the axes alone, which on a phone is less
    than one name: it lay over the bars.
    """
    entries = "".join(
        f'<span style="white-space: nowrap"><span style="color: {colour}">■</span>'
        f" {html.escape(name)}</span>"
        for name, colour in series.items()
    )
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 0 1rem; font-size: 0.85rem">'
        f"{entries}</div>"
    )


def _hover(value: str, name: str, parts: Parts | None) -> dict[str, object]:
    """Return what a trace tells under the pointer: the value, then its parts."""
    if not (parts and name in parts):
        return {"hovertemplate": value}
    return {
        "hovertemplate": f"{value}<br>%{{customdata}}",
        "customdata": parts[name],
    }


def has_values(series: Mapping[str, Sequence[Number]]) -> bool:
    """Return whether there is anything to draw."""
    return any(value is not None for values in series.values() for value in values)


def lines(
    days: Sequence[date],
    series: Mapping[str, Sequence[Number]],
    *,
    unit: str,
    title: str,
    words: Words,
    levels: Mapping[str, float] | None = None,
    open_days: Sequence[bool] | None = None,
    open_name: str = "chart.not_final",
    parts: Parts | None = None,
) -> go.Figure:
    """Return lines over days.

    `levels` are thresholds, drawn as lines across; `open_days` marks days whose
    figures are not what they will be, drawn as rings, `open_name` says why.
    """
    chart = _layout(words("axis.day"), titled(title, unit, words), unit)
    has_open = open_days is not None and any(open_days)
    chart.update_layout(showlegend=len(series) > 1 or has_open)
    for number, (name, values) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        chart.add_scatter(
            x=days,
            y=values,
            name=name,
            mode="lines+markers",
            connectgaps=False,
            line={"width": 2, "color": colour, "dash": DASHES[number % len(DASHES)]},
            marker={"size": 5, "color": colour},
            **_hover(f"%{{y:{HOVERS.get(unit, ',')}}}", name, parts),
        )
    for number, values in enumerate(series.values() if has_open else ()):
        chart.add_scatter(
            x=days,
            y=[v if o else None for v, o in zip(values, open_days, strict=True)],
            name=words(open_name),
            mode="markers",
            marker={"size": 8, "color": "white", "line": {"width": 2, "color": GREY}},
            hoverinfo="skip",
            showlegend=number == 0,
        )
    for name, level in (levels or {}).items():
        chart.add_hline(
            y=level,
            line={"width": 1, "dash": "dot", "color": GREY},
            annotation={"text": name, "font": {"color": GREY, "size": 12}},
            annotation_position="top left",
        )
    _dates(chart)
    return chart


def columns(
    days: Sequence[date],
    series: Mapping[str, Sequence[Number]],
    *,
    unit: str,
    title: str,
    words: Words,
    colours: Mapping[str, str] | None = None,
    parts: Parts | None = None,
) -> go.Figure:
    """Return columns over days, one series on top of the other."""
    chart = _layout(words("axis.day"), titled(title, unit, words), unit)
    chart.update_layout(barmode="stack", bargap=0.15, showlegend=len(series) > 1)
    for number, (name, values) in enumerate(series.items()):
        colour = (colours or {}).get(name) or COLOURS[number % len(COLOURS)]
        chart.add_bar(
            x=days,
            y=values,
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            **_hover(f"%{{y:{HOVERS.get(unit, ',')}}}", name, parts),
        )
    _dates(chart)
    return chart


def rows(
    names: Sequence[str],
    series: Mapping[str, Sequence[Number]],
    *,
    unit: str,
    title: str,
    words: Words,
    colours: Mapping[str, str] | None = None,
    most: float | None = None,
    labels: Sequence[str] | None = None,
    parts: Parts | None = None,
) -> go.Figure:
    """Return lying bars, the first name on top; series are stacked.

    `labels` are written at the ends of the bars of a single series.
    """
    coloured = {
        name: (colours or {}).get(name) or COLOURS[number % len(COLOURS)]
        for number, name in enumerate(series)
    }
    height = 70 + 30 * len(names)
    chart = _layout(titled(title, unit, words), "", unit, height=height)
    chart.update_layout(
        barmode="stack",
        bargap=0.3,
        hovermode="closest",
        showlegend=False,
        meta={"legend": coloured if len(series) > 1 else {}},
        xaxis={
            "tickformat": TICKS.get(unit),
            "rangemode": "tozero",
            "range": [0, most] if most else None,
        },
        yaxis={
            "autorange": "reversed",
            "tickformat": None,
            "range": None,
            "type": "category",
            "ticksuffix": " ",
        },
    )
    for name, values in series.items():
        chart.add_bar(
            x=values,
            y=list(names),
            orientation="h",
            name=name,
            marker={"color": coloured[name], "line": {"width": 0}},
            text=labels,
            textposition="auto" if labels else "none",
            insidetextanchor="end",
            **_hover(f"%{{y}}: %{{x:{HOVERS.get(unit, ',')}}}", name, parts),
        )
        # The series is named only where there are several.
        chart.data[
            -1
        ].hovertemplate += f"<extra>{name if len(series) > 1 else ''}</extra>"
    return chart


def heat(
    values: Sequence[Sequence[Number]],
    *,
    across: Sequence[str],
    down: Sequence[str],
    x: str,
    y: str,
    unit: str,
    title: str,
    words: Words,
    parts: Sequence[Sequence[str]] | None = None,
) -> go.Figure:
    """Return a field of coloured cells; a cell without a figure stays empty."""
    chart = _layout(x, y, unit, height=90 + 34 * len(down), with_legend=False)
    chart.update_layout(
        hovermode="closest",
        yaxis={
            "autorange": "reversed",
            "type": "category",
            "tickformat": None,
            "range": None,
        },
        xaxis={"type": "category", "dtick": 1},
    )
    chart.add_heatmap(
        z=values,
        x=list(across),
        y=list(down),
        colorscale=SCALE,
        zmin=0,
        zmax=1 if unit == "rate" else None,
        xgap=1,
        ygap=1,
        hoverongaps=False,
        colorbar={
            "title": {"text": titled(title, unit, words), "side": "right"},
            "tickformat": TICKS.get(unit),
            "thickness": 14,
        },
        **_hover(
            f"%{{y}} %{{x}}: %{{z:{HOVERS.get(unit, ',.1f')}}}",
            title,
            {title: parts} if parts else None,
        ),
    )
    chart.data[-1].hovertemplate += "<extra></extra>"
    return chart
