"""Invented landings to measure on, kept in the cache until somebody deletes them.

The inventor of landings holds its whole world in memory, so a large lot is put
together from parts, each with shops of its own: the same shops in number and size
as in a lot of one part, only more of them.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.measure import BUYER_KEY, CACHE, measured
from benchmarks.reading import ROOT
from kefu.settings import DEMO_MARK, DEMO_UNFINISHED
from kefu.sql import quote_path, quote_text

# About 3 GB of memory while they are invented.
MESSAGES_A_PART = 10_000_000
# Numbers that every part counts from the same start.
COUNTED = {
    "messages": "msg_id",
    "refunds": "id",
    "complaints": "complaint_id",
    "ratings": "rating_id",
    "quality_reviews": "review_id",
}


@dataclass(frozen=True)
class Lot:
    """Invented landings of one size."""

    messages: int
    malls: int
    days: int
    seed: int

    @property
    def home(self) -> Path:
        """The folder of this lot's landings and databases."""
        name = f"{self.messages}-{self.malls}-{self.days}-{self.seed}"
        return CACHE / name

    @property
    def raw_root(self) -> Path:
        """The folder of the landings."""
        return self.home / "raw"

    def parts(self) -> Iterator[Lot]:
        """The lots that this one is put together from; itself, if it is small."""
        count = -(-self.messages // MESSAGES_A_PART)
        if count < 2:
            yield self
            return
        for number in range(count):
            yield Lot(
                messages=share(self.messages, number, count),
                malls=share(self.malls, number, count),
                days=self.days,
                seed=self.seed * 1_000 + number,
            )

    def make(self) -> None:
        """Invent the landings, unless they are there."""
        is_there = (self.raw_root / DEMO_MARK).exists()
        if is_there and not (self.raw_root / DEMO_UNFINISHED).exists():
            return
        parts = list(self.parts())
        if len(parts) < 2:
            self.invent(self.raw_root)
            return
        shutil.rmtree(self.raw_root, ignore_errors=True)
        self.raw_root.mkdir(parents=True)
        for mark in (DEMO_MARK, DEMO_UNFINISHED):
            (self.raw_root / mark).touch()
        piece = self.home / "part"
        for number, part in enumerate(parts):
            print(f"part {number + 1} of {len(parts)}", file=sys.stderr, flush=True)
            shutil.rmtree(piece, ignore_errors=True)
            part.invent(piece)
            add_part(piece, self.raw_root, number)
        shutil.rmtree(piece)
        (self.raw_root / DEMO_UNFINISHED).unlink()

    def invent(self, folder: Path) -> None:
        """Invent the landings of this size in a folder."""
        sizes = [("messages", self.messages), ("malls", self.malls)]
        sizes += [("days", self.days), ("seed", self.seed)]
        options = [text for name, size in sizes for text in (f"--{name}", str(size))]
        command = [sys.executable, "-m", "kefu.cli", "demo-data", *options]
        measured([*command, "--out", str(folder)], self.environment())

    def environment(self, memory_limit: str | None = None) -> dict[str, str]:
        """Return the environment of a process that works on this lot."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KEFU_", "DBT_"))
        }
        limit = {"KEFU_MEMORY_LIMIT": memory_limit} if memory_limit else {}
        return (
            inherited
            | limit
            | {
                "PYTHONPATH": str(ROOT),
                "KEFU_RAW_ROOT": str(self.raw_root),
                "KEFU_DATABASE": str(self.home / "build" / "kefu.duckdb"),
                "KEFU_PUBLISHED": str(self.home / "published" / "kefu.duckdb"),
                "KEFU_BUYER_KEY": BUYER_KEY,
                "DBT_TARGET_PATH": str(self.home / "target"),
                "DBT_LOG_PATH": str(self.home / "logs"),
            }
        )


def share(whole: int, number: int, count: int) -> int:
    """Return one of `count` shares of a whole number, equal to one."""
    return whole * (number + 1) // count - whole * number // count


def add_part(part: Path, lot: Path, number: int) -> None:
    """Move the files of a part into the lot, its counted numbers made its own."""
    for file in sorted(part.glob("*/load_date=*/*")):
        table = file.parent.parent.name
        target = lot / table / file.parent.name / f"{number:02d}-{file.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        key = COUNTED.get(table)
        if key is None:
            file.rename(target)
        elif file.suffix == ".jsonl":
            told = f'"{key}": "'
            text = file.read_text(encoding="utf-8")
            target.write_text(
                text.replace(told, f"{told}{number:02d}"), encoding="utf-8"
            )
        else:
            duckdb.execute(
                f"copy (select * replace ('{number:02d}' || {key} as {key})"
                f" from read_parquet({quote_path(file)}, hive_partitioning = false))"
                f" to {quote_text(str(target))} (format parquet, compression zstd)"
            ).fetchall()
