"""How figures are worded: values, parts, formulas, times; without any page."""

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from kefu.dashboard.context import Metric
from kefu.dashboard.text import Words

NOTHING = "--"
# From here on a time in seconds is told in minutes, in hours.
MINUTES_FROM, HOURS_FROM = 120, 7200
# Half of the last digit that is written.
SMALLEST = {"rate": 5e-5, "percentile": 5e-4, "points": 5e-3, "seconds": 0.05}
LOCAL_TIME = timedelta(hours=8)

Cell = str | int | float | Decimal | date | bool | None


class Worded(Protocol):
    """What wording needs to know: the language and the metrics by name."""

    words: Words
    metrics: dict[str, Metric]


def is_nothing(value: Cell) -> bool:
    """Return whether there is no value to show."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def as_markdown(text: str) -> str:
    """Return a text whose two hyphens stay two: Markdown makes one dash of them."""
    return text.replace(NOTHING, "-\N{WORD JOINER}-")


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
    metric: Metric,
    row: Mapping[str, Cell],
    context: Worded,
    *,
    of_agent: bool = False,
    with_names: bool = True,
) -> str:
    """Return what a figure was computed from, such as "12 ÷ 340", with their names.

    Empty for figures that have no parts.
    """
    words = context.words
    above, below = metric.parts(of_agent=of_agent)
    if below is None or is_nothing(row.get(below)):
        return ""

    def told(name: str) -> str:
        part = context.metrics[name]
        value = written(row.get(name), part.unit, words)
        return f"{value} ({part.name(words)})" if with_names else value

    told_total = told(below)
    if above is None:
        return words("figure.mean_of", total=told_total)
    told_part = told(above)
    if metric.kind == "complement_rate":
        return words("figure.complement", part=told_part, total=told_total)
    return words("figure.ratio", part=told_part, total=told_total)


def formula_of(metric: Metric, context: Worded) -> str:
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


def clock(value: datetime | None, words: Words) -> str:
    """Return a time of UTC as the platform's local time, which is UTC+8."""
    if value is None:
        return NOTHING
    return words("figure.local_time", value=f"{value + LOCAL_TIME:%Y-%m-%d %H:%M}")


def outcome(check: dict, accepted: set[str]) -> str:
    """Return what came of a check: a key below `check.` of the texts.

    `accepted` are the checks whose finding somebody let pass.
    """
    if check["success"]:
        return "passed"
    if check["success"] is None:
        return "not_judged"
    return "accepted" if check["name"] in accepted else check["severity"]
