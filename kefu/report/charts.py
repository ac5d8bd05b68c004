"""Charts as inline SVG: what a mail or a chat shows without scripts."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from markupsafe import Markup

WIDTH, HEIGHT = 460, 210
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 26
# Told apart by colour and by dashes, for those who see no difference in colour.
LINES = (("#0072B2", ""), ("#D55E00", "6 3"), ("#009E73", "2 3"))
DATES = 5

Value = float | int | None


def ticks(highest: float, *, whole: bool = False) -> list[float]:
    """Return round values from 0 to the first at or above the highest."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(
        size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * 0.999
    )
    if whole:
        step = max(1.0, math.ceil(step))
    return [number * step for number in range(math.ceil(highest / step * 0.999) + 1)]


def lines(
    days: Sequence[date],
    series: Sequence[Sequence[Value]],
    write: Callable[[float], str],
    name: Markup | str,
    bases: Sequence[Sequence[str]],
    *,
    short_until: date | None = None,
) -> Markup:
    """Return values by day as lines; a day without a value is a gap.

    `bases` are what each was computed from, told with it under the pointer.

    Days up to `short_until`, whose 30 days begin before the data, are shaded.
    """
    known = [value for values in series for value in values if value is not None]
    if not days or not known:
        return Markup("")
    frame = _Frame(len(days), max(ticks(max(known))))
    parts = [frame.axes(days, ticks(max(known)), write)]
    if short_until is not None and short_until >= days[0]:
        last = sum(day <= short_until for day in days) - 1
        width = frame.x(last) - frame.x(0)
        parts.append(
            Markup(
                '<rect class="short" x="{}" y="{}" width="{:.1f}" height="{}"/>'
            ).format(LEFT, TOP, width, HEIGHT - TOP - BOTTOM)
        )
    for values, basis, (colour, dash) in zip(series, bases, LINES, strict=False):
        for run in _runs(values):
            path = " ".join(
                f"{frame.x(at):.1f},{frame.y(value):.1f}" for at, value in run
            )
            parts.append(
                Markup(
                    '<polyline points="{}" stroke="{}" stroke-dasharray="{}"/>'
                ).format(path, colour, dash)
            )
            parts.extend(
                Markup(
                    '<circle cx="{:.1f}" cy="{:.1f}" r="{}" fill="{}">'
                    "<title>{}  {}  {}</title></circle>"
                ).format(
                    frame.x(at),
                    frame.y(value),
                    2.5 if at == len(days) - 1 or len(run) == 1 else 1,
                    colour,
                    days[at],
                    write(value),
                    basis[at],
                )
                for at, value in run
            )
    return _drawn(parts, name)


def columns(
    days: Sequence[date],
    series: Mapping[str, Sequence[int]],
    colours: Sequence[str],
    name: Markup | str,
) -> Markup:
    """Return counts by day, one upon the other; the mapping's keys name them."""
    totals = [sum(values[at] for values in series.values()) for at in range(len(days))]
    if not days or not max(totals, default=0):
        return Markup("")
    marks = ticks(max(totals), whole=True)
    frame = _Frame(len(days), max(marks), is_columns=True)
    parts = [frame.axes(days, marks, lambda value: f"{value:,.0f}")]
    for at, day in enumerate(days):
        floor = 0
        for (told, values), colour in zip(series.items(), colours, strict=True):
            if values[at]:
                top, bottom = frame.y(floor + values[at]), frame.y(floor)
                parts.append(
                    Markup(
                        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'
                        ' fill="{}"><title>{}  {}: {}</title></rect>'
                    ).format(
                        frame.x(at) - frame.step * 0.42,
                        top,
                        frame.step * 0.84,
                        bottom - top,
                        colour,
                        day,
                        told,
                        values[at],
                    )
                )
                floor += values[at]
    return _drawn(parts, name)


def bar(share: float, colour: str = "#0072B2") -> Markup:
    """Return a bar as long as a share of 0 to 1."""
    width = 100 * min(1.0, max(0.0, share))
    return Markup(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none"'
        ' aria-hidden="true"><rect width="{:.1f}" height="10" fill="{}"/></svg>'
    ).format(width, colour)


class _Frame:
    """Where values lie in a chart."""

    def __init__(self, days: int, highest: float, *, is_columns: bool = False) -> None:
        self.highest = highest
        inner = WIDTH - LEFT - RIGHT
        self.step = inner / days if is_columns else inner / max(1, days - 1)
        self.start = LEFT + (self.step / 2 if is_columns else 0)

    def x(self, at: int) -> float:
        return self.start + at * self.step

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.highest * (HEIGHT - TOP - BOTTOM)

    def axes(
        self, days: Sequence[date], marks: Sequence[float], write: Callable
    ) -> Markup:
        parts = [
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(
                LEFT,
                WIDTH - RIGHT,
                self.y(mark),
                self.y(mark),
                LEFT - 5,
                self.y(mark) + 3.5,
                write(mark),
            )
            for mark in marks
        ]
        last = len(days) - 1
        chosen = sorted({round(last * part / (DATES - 1)) for part in range(DATES)})
        for at in chosen:
            ends = {0: "start", last: "end"}
            parts.append(
                Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(
                    self.x(at),
                    HEIGHT - 8,
                    ends.get(at, "middle") if last else "middle",
                    f"{days[at]:%m-%d}",
                )
            )
        return Markup("").join(parts)


def _runs(values: Sequence[Value]) -> list[list[tuple[int, float]]]:
    """Return the stretches of days without a gap, as (position, value)."""
    runs: list[list[tuple[int, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((at, value))
    return [run for run in runs if run]


def _drawn(parts: Sequence[Markup], name: Markup | str) -> Markup:
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, HEIGHT, name, Markup("").join(parts))
