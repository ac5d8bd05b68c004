"""Response figures in Polars and pandas: what a user would do instead.

    python -m benchmarks.alternatives --messages 1000000 --pandas-messages 100000

Each computes mall_kpi_daily and agent_kpi_daily with the columns of section 2 of
the metric definitions (without max_concurrent_buyers) from the same landings, in a
process of its own: far less than a build or the floor, which is why only those of
their parts are set against it that these two tables need. Nothing is printed unless
every row and column is that of the floor.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Template

import duckdb

from benchmarks import dbt_times
from benchmarks.compare import compare_one
from benchmarks.dbt_times import OTHER_SECTIONS, total
from benchmarks.floor import STATEMENTS, substitutes
from benchmarks.full_build import arguments_of, rounded, run_build, run_floor
from benchmarks.lots import Lot
from benchmarks.measure import (
    BenchmarkError,
    keep,
    markdown,
    measured,
    surroundings,
)
from benchmarks.reading import connect, read_landing
from kefu.sql import quote_path

TABLES = ("mall_kpi_daily", "agent_kpi_daily")
# The stages of the floor without which there are no such two tables.
STAGES = (
    "files and seeds",
    "messages",
    "message repeats",
    "message versions",
    "rosters",
    "conversations",
    "buyer days",
    "daily",
)


def robot_periods(raw_root: Path) -> list[tuple]:
    """Return mall_id, cs_uid, first and last day of each roster robot's periods."""
    with connect() as connection:
        texts = substitutes(read_landing(raw_root), {})
        connection.execute(
            "create temp table mall_names as"
            f" select distinct mall_id as mall, mall_id from ({texts['agents']})"
        )
        connection.execute(
            "create temp table cs_names as"
            f" select distinct cs_uid as cs, cs_uid from ({texts['agents']})"
        )
        sql = (STATEMENTS / "13_rosters.sql").read_text(encoding="utf-8")
        statements = connection.extract_statements(Template(sql).substitute(texts))
        connection.execute(statements[0])
        return connection.execute("from robot_periods").fetchall()


def write_tables(engine: str, raw_root: Path, folder: Path) -> None:
    """Compute TABLES with one engine and write them as Parquet."""
    module = importlib.import_module(f"benchmarks.in_{engine}")
    for name, frame in module.tables(raw_root, robot_periods(raw_root)).items():
        write = getattr(frame, "write_parquet", None) or frame.to_parquet
        write(folder / f"{name}.parquet")


def believe(floor_database: Path, folder: Path) -> int:
    """Return the number of rows that are the floor's; BenchmarkError if not all."""
    rows = 0
    with duckdb.connect() as connection:
        connection.execute(f"attach {quote_path(floor_database)} as floor (read_only)")
        for table in TABLES:
            file = quote_path(folder / f"{table}.parquet")
            found = (
                f"(select * from {file} where service_date <="
                f" (select max(service_date) from floor.marts.{table}))"
            )
            each = compare_one(connection, table, f"floor.marts.{table}", found)
            if not each.is_equal:
                raise BenchmarkError(f"{table} of {folder.name}:\n{each.example}")
            rows += each.rows
    return rows


def benchmark(lot: Lot, engine: str, memory_limit: str | None) -> dict:
    """Measure one engine, the floor and a build on one lot."""
    lot.make()
    folder = lot.home / engine
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "benchmarks.alternatives", "--only", engine]
    command += [str(lot.raw_root), str(folder)]
    database = lot.home / "floor.duckdb"
    used = measured(command, lot.environment())
    floor = run_floor(lot, database, memory_limit)
    rows = believe(database, folder)
    build = run_build(lot, memory_limit)
    target = lot.home / "target"
    shares = dbt_times.divide(dbt_times.read_spans(target), build.cpu_until)
    models = total(shares, dbt_times.ancestors(target, TABLES, OTHER_SECTIONS))
    stages = dbt_times.stages_of(floor.output)
    parts = total(stages, STAGES)
    return {
        **surroundings(),
        "engine": engine,
        "messages": lot.messages,
        "rows": rows,
        "used": used.figures(),
        "floor": rounded(parts) | {"peak_megabytes": round(floor.peak_megabytes)},
        "models": rounded(models) | {"peak_megabytes": round(build.peak_megabytes)},
    }


def report(result: dict) -> str:
    """Return a result as Markdown."""
    floor = result["floor"]
    rows = [
        {
            f"{result['messages']:,} messages": name,
            "wall s": figures["wall_seconds"],
            "CPU s": figures["cpu_seconds"],
            "peak MB": figures["peak_megabytes"],
            "x floor (wall)": figures["wall_seconds"] / floor["wall_seconds"],
            "x floor (CPU)": figures["cpu_seconds"] / floor["cpu_seconds"],
        }
        for name, figures in (
            (result["engine"], result["used"]),
            ("floor, these stages", floor),
            ("models of these tables", result["models"]),
        )
    ]
    return markdown(rows)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, keep; or with --only compute, in the process measured."""
    if arguments[:1] == ["--only"]:
        engine, raw_root, folder = arguments[1:]
        write_tables(engine, Path(raw_root), Path(folder))
        return 0
    parser = arguments_of("Polars and pandas against floor and build.", 1_000_000)
    parser.add_argument("--pandas-messages", type=int, default=100_000)
    given = parser.parse_args(arguments)
    try:
        for engine, messages in (
            ("polars", given.messages),
            ("pandas", given.pandas_messages),
        ):
            lot = Lot(messages, given.malls, given.days, given.seed)
            result = benchmark(lot, engine, given.memory_limit)
            print(report(result), end="\n\n")
            keep("alternatives", result)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
