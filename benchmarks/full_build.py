"""A full build against the floor, on the same landings and in one go.

    python -m benchmarks.full_build --messages 1000000

Prints two tables in Markdown and appends the figures to results/full_build.json.
No time is printed unless both sides hold the same rows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import dbt_times
from benchmarks.compare import compare_tables
from benchmarks.dbt_times import (
    OTHER_SECTIONS,
    RESPONSE_PATH,
    RESPONSE_TABLES,
    Share,
    total,
)
from benchmarks.floor import TABLES
from benchmarks.lots import Lot
from benchmarks.measure import (
    BUYER_KEY,
    BenchmarkError,
    Usage,
    keep,
    markdown,
    measured,
    surroundings,
)

DEAREST = 12


def run_floor(lot: Lot, database: Path, memory_limit: str | None) -> Usage:
    """Run the floor script in a process of its own."""
    remove(database)
    database.parent.mkdir(parents=True, exist_ok=True)
    options = {"buyer_key": BUYER_KEY, "threads": os.cpu_count() or 1}
    if memory_limit:
        options["memory_limit"] = memory_limit
    command = [sys.executable, "-m", "benchmarks.floor", str(lot.raw_root)]
    command += [str(database), json.dumps(options)]
    return measured(command, lot.environment())


def run_build(lot: Lot, memory_limit: str | None) -> Usage:
    """Build every model from nothing: no test, no audit, nothing published."""
    shutil.rmtree(lot.home / "build", ignore_errors=True)
    command = [sys.executable, "-m", "kefu.cli", "run", "--full"]
    command += ["--no-tests", "--no-audit"]
    return measured(command, lot.environment(memory_limit))


def run_rest(lot: Lot, memory_limit: str | None) -> dict[str, Usage]:
    """Run the data tests, the audit and publishing, each by itself."""
    kefu = [sys.executable, "-m", "kefu.cli"]
    environment = lot.environment(memory_limit)
    tests = ["dbt", "test", "--quiet", "--exclude-resource-type", "unit_test"]
    return {
        "data tests": measured([*kefu, *tests], environment),
        "audit": measured([*kefu, "check"], environment),
        "publish": measured([*kefu, "publish", "--untested"], environment),
    }


def remove(database: Path) -> None:
    """Remove a database file and its log."""
    for file in (database, database.with_name(f"{database.name}.wal")):
        file.unlink(missing_ok=True)


def believe(first: Path, second: Path, tables: tuple[str, ...] = TABLES) -> dict:
    """Return how many rows and columns are the same in both.

    Raises BenchmarkError with an example if anything differs.
    """
    compared = compare_tables(first, second, tables)
    for each in compared:
        if not each.is_equal:
            raise BenchmarkError(
                f"{each.table}: {each.only_in_first:,} rows only in the build,"
                f" {each.only_in_second:,} only in the other:\n{each.example}"
            )
    return {
        each.table: {"rows": each.rows, "columns": each.columns} for each in compared
    }


def benchmark(lot: Lot, memory_limit: str | None, with_rest: bool) -> dict:
    """Measure both sides; return the result that is kept."""
    lot.make()
    floor_database = lot.home / "floor.duckdb"
    floor = run_floor(lot, floor_database, memory_limit)
    build = run_build(lot, memory_limit)
    target = lot.home / "target"
    shares = dbt_times.divide(dbt_times.read_spans(target), build.cpu_until)
    same = believe(lot.home / "build" / "kefu.duckdb", floor_database)
    rest = run_rest(lot, memory_limit) if with_rest else {}

    compared = dbt_times.ancestors(target, TABLES, OTHER_SECTIONS)
    response = dbt_times.ancestors(target, RESPONSE_PATH, OTHER_SECTIONS)
    response_tables = dbt_times.ancestors(target, RESPONSE_TABLES, OTHER_SECTIONS)
    groups = {
        "compared": total(shares, compared),
        "response": total(shares, response),
        "response_tables": total(shares, response_tables),
        "needed": total(shares, dbt_times.ancestors(target, TABLES)),
        "all": total(shares, shares.keys()),
    }
    dearest = sorted(shares.items(), key=lambda item: -item[1].wall_seconds)[:DEAREST]
    models = groups["compared"]
    return {
        **surroundings(),
        "messages": lot.messages,
        "malls": lot.malls,
        "days": lot.days,
        "seed": lot.seed,
        "memory_limit": memory_limit or "default",
        "floor": floor.figures() | {"stages": json.loads(floor.output)},
        "build": build.figures()
        | {name: rounded(share) for name, share in groups.items()}
        | {
            "dbt_overhead_seconds": round(
                build.wall_seconds - groups["all"].wall_seconds, 2
            ),
            "dearest": {name: rounded(share) for name, share in dearest},
        },
        "rest": {name: usage.figures() for name, usage in rest.items()},
        "ratio_wall": round(models.wall_seconds / floor.wall_seconds, 2),
        "ratio_cpu": round(models.cpu_seconds / floor.cpu_seconds, 2),
        "response_messages_per_second": round(
            lot.messages / groups["response"].wall_seconds
        ),
        "response_tables_messages_per_second": round(
            lot.messages / groups["response_tables"].wall_seconds
        ),
        "same_rows": same,
    }


def rounded(share: Share) -> dict[str, float]:
    """Return a share as it is kept."""
    return {
        "wall_seconds": round(share.wall_seconds, 2),
        "cpu_seconds": round(share.cpu_seconds, 2),
    }


def report(result: dict) -> str:
    """Return a result as Markdown."""
    floor, build = result["floor"], result["build"]

    def row(name: str, figures: dict, ratio: bool = False) -> dict[str, object]:
        wall, cpu = figures["wall_seconds"], figures["cpu_seconds"]
        return {
            "": name,
            "wall s": wall,
            "CPU s": cpu,
            "peak MB": int(figures["peak_megabytes"])
            if "peak_megabytes" in figures
            else "",
            "x floor (wall)": wall / floor["wall_seconds"] if ratio else "",
            "x floor (CPU)": cpu / floor["cpu_seconds"] if ratio else "",
        }

    rows = [
        row("floor script", floor, True),
        row("models of the same tables", build["compared"], True),
        row("models that these tables read", build["needed"]),
        row("all models", build["all"]),
        row("the whole process", build),
        *(row(name, figures) for name, figures in result["rest"].items()),
    ]
    stages = [
        {
            "floor, by stage": stage["name"],
            "wall s": stage["wall_seconds"],
            "CPU s": stage["cpu_seconds"],
        }
        for stage in floor["stages"]
    ]
    dearest = [
        {"dearest models": name, "wall s": f["wall_seconds"], "CPU s": f["cpu_seconds"]}
        for name, f in build["dearest"].items()
    ]
    count = sum(each["rows"] for each in result["same_rows"].values())
    told = (
        f"{result['messages']:,} messages, {result['malls']} malls,"
        f" {result['days']} days; {result['cores']} cores; {count:,} rows of"
        f" {len(result['same_rows'])} tables are the same on both sides.\n"
        f"dbt's start, parsing and bookkeeping: {build['dbt_overhead_seconds']:.1f} s."
        f" Response path: {result['response_messages_per_second']:,} messages a second"
        " of its models' wall time; with all that its published tables hold, figures on"
        f" orders among them, {result['response_tables_messages_per_second']:,}."
    )
    return "\n\n".join([told, markdown(rows), markdown(stages), markdown(dearest)])


def arguments_of(description: str, default: int) -> argparse.ArgumentParser:
    """Return a parser with the options that say what is invented."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--messages", type=int, default=default)
    parser.add_argument("--malls", type=int, default=60)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory-limit", help="for both sides, such as 6GB")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Measure, print, keep."""
    parser = arguments_of("A full build against the floor.", 1_000_000)
    parser.add_argument(
        "--rest", action="store_true", help="tests, audit and publishing too"
    )
    given = parser.parse_args(arguments)
    lot = Lot(given.messages, given.malls, given.days, given.seed)
    try:
        result = benchmark(lot, given.memory_limit, given.rest)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    print(report(result))
    keep("full_build", result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
