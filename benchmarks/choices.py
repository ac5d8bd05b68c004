"""What a full build costs by threads, memory limit and layout of the landings.

    python -m benchmarks.choices --messages 3000000

Builds the same rows again and again, each time with one thing changed, and
prints a table in Markdown; appends the figures to results/choices.json. A layout
changes the files of messages, orders and refunds, which are nearly all bytes.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import yaml

from benchmarks import dbt_times
from benchmarks.full_build import arguments_of
from benchmarks.lots import Lot
from benchmarks.measure import (
    BenchmarkError,
    keep,
    markdown,
    measured,
    surroundings,
)
from benchmarks.reading import ROOT
from kefu.sql import quote_path, quote_text

LARGE = ("messages", "orders", "refunds")
FILES_A_DAY = 24
PARQUET = "format parquet, compression zstd"


@dataclass(frozen=True)
class Choice:
    """One build: what is changed, and how."""

    about: str
    value: str
    layout: str = "as landed"
    models_at_once: int | None = None
    engine: Mapping[str, object] = field(default_factory=dict)


CHOICES = (
    Choice("as it comes", ""),
    Choice("models at once", "1", models_at_once=1),
    Choice("models at once", "4", models_at_once=4),
    Choice("threads of DuckDB", "1", engine={"threads": 1}),
    Choice("threads of DuckDB", "4", engine={"threads": 4}),
    Choice("memory limit", "1GB", engine={"memory_limit": "1GB"}),
    Choice("memory limit", "2GB", engine={"memory_limit": "2GB"}),
    Choice("memory limit", "8GB", engine={"memory_limit": "8GB"}),
    Choice("files", "24 a day", layout="24 a day"),
    Choice("files", "one for all days", layout="one for all days"),
    Choice("files", "CSV, one a day", layout="csv"),
    Choice("row groups", "10,000 rows", layout="row groups of 10000"),
    Choice("row groups", "1,000,000 rows", layout="row groups of 1000000"),
    Choice("compression", "none", layout="uncompressed"),
)


def copied(source: Path, target: Path, options: str, where: str = "") -> None:
    """Write the rows of a Parquet file into another file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(
        f"copy (select * exclude (file_row_number)"
        f" from read_parquet({quote_path(source)}, hive_partitioning = false,"
        f" file_row_number = true) {where})"
        f" to {quote_text(str(target))} ({options})"
    ).fetchall()


def split(source: Path, target: Path) -> None:
    """Write a file as 24 of about the same size."""
    for part in range(FILES_A_DAY):
        name = f"{source.stem}-{part:02d}.parquet"
        where = f"where file_row_number % {FILES_A_DAY} = {part}"
        copied(source, target.parent / name, PARQUET, where)


def as_csv(source: Path, target: Path) -> None:
    """Write a Parquet file as CSV."""
    copied(source, target.with_suffix(".csv"), "format csv, header")


def with_options(options: str) -> Callable[[Path, Path], None]:
    """Return what writes a file again with other options."""
    return lambda source, target: copied(source, target, options)


WRITERS: Mapping[str, Callable[[Path, Path], None]] = {
    "24 a day": split,
    "csv": as_csv,
    "row groups of 10000": with_options(f"{PARQUET}, row_group_size 10000"),
    "row groups of 1000000": with_options(f"{PARQUET}, row_group_size 1000000"),
    "uncompressed": with_options("format parquet, compression uncompressed"),
}


def lay_out(raw_root: Path, target: Path, layout: str) -> None:
    """Write the landings anew in a layout."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    files = sorted(raw_root.glob("*/load_date=*/*"))
    for file in files:
        place = target / file.relative_to(raw_root)
        is_large = file.parts[-3] in LARGE and file.suffix == ".parquet"
        if is_large and layout in WRITERS:
            WRITERS[layout](file, place)
        elif not is_large or layout != "one for all days":
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(file)
    if layout == "one for all days":
        for table in LARGE:
            join(sorted(raw_root.glob(f"{table}/load_date=*/*.parquet")), target, table)


def join(files: Sequence[Path], target: Path, table: str) -> None:
    """Write all days of a table as one landing of the last day.

    Files keyed in by hand hold texts only; they stay files of their own.
    """
    last = files[-1].parent.name
    place = target / table / last / "whole.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    typed = [file for file in files if "part-0000" in file.name]
    listed = ", ".join(quote_path(file) for file in typed)
    duckdb.execute(
        f"copy (select * from read_parquet([{listed}], hive_partitioning = false,"
        f" union_by_name = true)) to {quote_text(str(place))} ({PARQUET})"
    ).fetchall()
    for number, file in enumerate(sorted(set(files) - set(typed))):
        (place.parent / f"by-hand-{number:03d}.parquet").hardlink_to(file)


def profile(folder: Path, choice: Choice) -> Path:
    """Write the project's profile with a choice's settings; return its folder."""
    text = (ROOT / "profiles.example.yml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    for output in content["kefu"]["outputs"].values():
        output["threads"] = choice.models_at_once or output["threads"]
        output["config_options"] |= choice.engine
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    (folder / "profiles.yml").write_text(text, encoding="utf-8")
    return folder


def measure(lot: Lot, choice: Choice, memory_limit: str | None) -> dict[str, object]:
    """Build once; return what it took."""
    home = lot.home / "choices"
    raw_root = lot.raw_root
    if choice.layout != "as landed":
        raw_root = home / "raw"
        lay_out(lot.raw_root, raw_root, choice.layout)
    database = home / "build" / "kefu.duckdb"
    shutil.rmtree(database.parent, ignore_errors=True)
    environment = lot.environment(memory_limit) | {
        "KEFU_RAW_ROOT": str(raw_root),
        "KEFU_DATABASE": str(database),
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
    }
    profiles = ["--profiles-dir", str(profile(home / "profile", choice))]
    kefu = [sys.executable, "-m", "kefu.cli", "dbt"]
    measured([*kefu, "seed", "--full-refresh", *profiles], environment)
    usage = measured([*kefu, "run", "--full-refresh", *profiles], environment)
    spans = dbt_times.read_spans(home / "target")
    shares = dbt_times.divide(spans, lambda moment: 0.0)
    models = dbt_times.total(shares, shares.keys())
    return {
        "changed": choice.about,
        "to": choice.value,
        "models s": models.wall_seconds,
        "all s": usage.wall_seconds,
        "all CPU s": usage.cpu_seconds,
        "peak MB": int(usage.peak_megabytes),
        "database MB": database.stat().st_size // 1_000_000,
        "landed MB": sum(f.stat().st_size for f in raw_root.rglob("*.*")) // 1_000_000,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line asks; return the exit code."""
    parser = arguments_of(__doc__, 3_000_000)
    parser.prog = "benchmarks.choices"
    parser.add_argument("--only", nargs="+", help="what is changed, as 'files'")
    given = parser.parse_args(arguments)
    lot = Lot(given.messages, given.malls, given.days, given.seed)
    try:
        lot.make()
        rows = list(measure_all(lot, given))
    except BenchmarkError as error:
        print(f"benchmarks.choices: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(lot.home / "choices", ignore_errors=True)
    keep("choices", surroundings() | {"messages": lot.messages, "builds": rows})
    print(markdown(rows))
    return 0


def measure_all(lot: Lot, given: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Build once for each choice that is asked for."""
    for choice in CHOICES:
        if not given.only or choice.about in given.only:
            print(choice.about, choice.value, file=sys.stderr, flush=True)
            yield measure(lot, choice, given.memory_limit)


if __name__ == "__main__":
    sys.exit(main())
