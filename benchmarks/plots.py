"""Plots of what was measured, for docs/performance.md.

    python -m benchmarks.plots

Takes the newest result of each size from results/*.json and writes SVG files
into docs/images. Lines differ in dashes and marks as well as in colour.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import altair as alt

from benchmarks.measure import RESULTS
from benchmarks.reading import ROOT

# Okabe and Ito's colours, which colour-blind readers tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000")
WIDTH, HEIGHT = 520, 280
Point = Mapping[str, object]


def newest(name: str, keys: Sequence[str]) -> list[dict]:
    """Return the newest results of a benchmark, one for each value of some keys."""
    file = RESULTS / f"{name}.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return list({tuple(each.get(key) for key in keys): each for each in kept}.values())


def full_builds(results: Iterable[Mapping]) -> list[Point]:
    """Return seconds by size and side; a size without a floor has no such point."""
    points = []
    for result in results:
        build = result["build"]
        sides = {
            "floor script": result.get("floor"),
            "models of the same tables": build["compared"],
            "whole process": build,
        }
        points += [
            {
                "size": result["messages"] / 1_000_000,
                "seconds": figures["wall_seconds"],
                "what": side,
            }
            for side, figures in sides.items()
            if figures
        ]
    return points


def increments(results: Iterable[Mapping]) -> list[Point]:
    """Return seconds by length of history and stage of a run."""
    points = []
    for result in results:
        for days, runs in result.items():
            if not days.isdecimal():
                continue
            increment = runs["increment"]
            stages = {
                "full build, models": runs["full"]["model_seconds"],
                "increment, models": increment["model_seconds"],
                "increment, data tests": increment["data_test_seconds"],
                "increment, audit": increment["auditing_seconds"],
                "increment, publishing": increment["publishing_seconds"],
                "nothing new": runs["nothing new"]["wall_seconds"],
            }
            points += [
                {"size": int(days), "seconds": seconds, "what": stage}
                for stage, seconds in stages.items()
            ]
    return points


def chart(points: Sequence[Point], size: str, *, logarithmic: bool) -> alt.Chart:
    """Return seconds over a size, one line for each thing measured."""
    order = list(dict.fromkeys(str(point["what"]) for point in points))
    scale = alt.Scale(type="log") if logarithmic else alt.Scale(zero=True)
    sizes = sorted({float(str(point["size"])) for point in points})
    colours = alt.Scale(domain=order, range=list(COLOURS[: len(order)]))
    # Of one domain, so that the legends are drawn as one.
    same = alt.Scale(domain=order)
    return (
        alt.Chart(alt.InlineData(values=list(points)))
        .mark_line(point=True)
        .encode(
            x=alt.X("size:Q", title=size, scale=scale, axis=alt.Axis(values=sizes)),
            y=alt.Y("seconds:Q", title="seconds of wall time", scale=scale),
            color=alt.Color("what:N", scale=colours, title=None),
            strokeDash=alt.StrokeDash("what:N", scale=same, title=None),
            shape=alt.Shape("what:N", scale=same, title=None),
        )
        .properties(width=WIDTH, height=HEIGHT)
        .configure(background="#ffffff", font="sans-serif")
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the plots; return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.plots", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    out = parser.parse_args(arguments).out
    plots = {
        "full_build": (
            full_builds(newest("full_build", ["messages"])),
            "millions of messages",
            True,
        ),
        "increments": (
            increments(newest("increments", ["messages_a_day"])[-1:]),
            "days of history",
            False,
        ),
    }
    for name, (points, size, logarithmic) in plots.items():
        if not points:
            print(f"no result of {name} is kept: run it first", file=sys.stderr)
            continue
        file = out / f"benchmark_{name}.svg"
        chart(points, size, logarithmic=logarithmic).save(file)
        print(f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
