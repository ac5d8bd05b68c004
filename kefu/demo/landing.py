"""From records to raw files: load dates, late and repeated rows, formats.

Each table lands as `<out>/<table>/load_date=YYYY-MM-DD/part-0000.<format>`.
Everything here is a function of the records and the random generator, so the
same arguments give the same bytes.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import json
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kefu.demo.orders import NEVER
from kefu.demo.world import DAY, LOAD_TIME, MINUTE, UTC_OFFSET, World

UNSET_TIME = "0000-00-00 00:00:00"
TEXT = pa.string()


@dataclasses.dataclass
class Landed:
    """Which record lands when; arrays of shape (landed rows,), in file order.

    is_changed marks rows whose content differs from the same record's other
    rows. bounds has shape (days + 1,): the rows of load day d are
    bounds[d]:bounds[d + 1].
    """

    record: np.ndarray
    day: np.ndarray
    is_changed: np.ndarray
    bounds: np.ndarray

    def __len__(self) -> int:
        return len(self.record)


@dataclasses.dataclass(frozen=True)
class Shares:
    """How much of a table lands late, again, changed or out of order."""

    late: float = 0.012
    same_load: float = 0.002
    later_load: float = 0.003
    changed: float = 0.003
    shuffled: float = 0.02

    @property
    def repeated(self) -> float:
        """Rows landed beyond the first of their record, as a share."""
        return self.same_load + self.later_load + self.changed


def schedule(
    rng: np.random.Generator,
    world: World,
    at: np.ndarray,
    shares: Shares,
) -> Landed:
    """Give each record (with the local ms at which it came about) its loads.

    Day d is loaded in the night after it; a late record up to six loads
    later, but never after the last one.
    """
    size = len(at)
    last = world.days - 1
    day = np.clip(world.day_index(at), 0, last)
    late = rng.random(size) < shares.late
    day = np.minimum(np.where(late, day + rng.integers(1, 7, size), day), last)

    records, days, changed, positions = [np.arange(size)], [day], [], [at]
    changed.append(np.zeros(size, dtype=bool))
    for share, is_later, is_changed in (
        (shares.same_load, False, False),
        (shares.later_load, True, False),
        (shares.changed, True, True),
    ):
        again = np.flatnonzero(rng.random(size) < share)
        if size and not len(again) and share:
            again = rng.integers(0, size, 1)
        wait = rng.integers(1, 5, len(again)) if is_later else 0
        records.append(again)
        days.append(np.minimum(day[again] + wait, last))
        changed.append(np.full(len(again), is_changed))
        positions.append(at[again])
    record, day = np.concatenate(records), np.concatenate(days)
    position = np.concatenate(positions)
    jumbled = rng.random(len(record)) < shares.shuffled
    noise = rng.integers(-DAY, DAY, len(record))
    position = np.where(jumbled, position + noise, position)
    ranked = np.lexsort((record, position, day))
    return Landed(
        record=record[ranked],
        day=day[ranked],
        is_changed=np.concatenate(changed)[ranked],
        bounds=np.searchsorted(day[ranked], np.arange(world.days + 1)),
    )


def loaded_at(world: World, landed_day: np.ndarray, record: np.ndarray) -> np.ndarray:
    """UTC microseconds at which rows were loaded, shape as given.

    A load takes ten minutes; a record has the same moment in each load, so
    that repeats within one load are equal to the last letter.
    """
    within = record * 2_654_435_761 % (10 * MINUTE)
    local = world.start + (landed_day + 1) * DAY + LOAD_TIME + within
    return (local - UTC_OFFSET) * 1_000


def stamps(microseconds: np.ndarray, zoned: bool = False) -> pa.Array:
    """UTC microseconds as a Parquet timestamp, with or without its zone."""
    return pa.array(microseconds).cast(pa.timestamp("us", "UTC" if zoned else None))


def pick(values: pa.Array, index: np.ndarray) -> pa.Array:
    """values[index], null where the index is negative."""
    return values.take(pa.array(index, mask=index < 0))


def local_text(at: np.ndarray, unset: int | None = None) -> pa.Array:
    """Local ms as `YYYY-MM-DD HH:MM:SS`, null at the value `unset`."""
    missing = None if unset is None else at == unset
    seconds = pa.array(np.where(at == NEVER, 0, at) // 1_000, mask=missing)
    return seconds.cast(pa.timestamp("s")).cast(TEXT)


def unix(at: np.ndarray, in_ms: bool, missing: np.ndarray | None = None) -> pa.Array:
    """Local ms as Unix time (UTC) in seconds or milliseconds."""
    return pa.array((at - UTC_OFFSET) // (1 if in_ms else 1_000), mask=missing)


def money(cents: np.ndarray) -> pa.Array:
    """Cents as text with two digits."""
    whole = pa.array(cents // 100).cast(TEXT)
    part = pc.utf8_lpad(pa.array(cents % 100).cast(TEXT), 2, "0")
    return pc.binary_join_element_wise(whole, part, ".")


def padded(values: pa.Array, record: np.ndarray, every: int) -> pa.Array:
    """Put a tab before and spaces behind every so-manieth identifier."""
    mask = record % every == 3
    if not mask.any():
        return values
    wide = pc.binary_join_element_wise("\t", values, "  ", "")
    return pc.if_else(pa.array(mask), wide, values)


def buyer_uid(buyer: np.ndarray) -> pa.Array:
    """The platform's number of a buyer, as text."""
    return pa.array(1_200_003_000_007 + buyer * 7_919).cast(TEXT)


def flags(value: np.ndarray) -> pa.Array:
    """-1, 0, 1 as null, false, true."""
    return pa.array(value == 1, mask=value < 0)


class Files:
    """Writes the files and counts the rows of each table."""

    def __init__(self, out_dir: pathlib.Path, world: World) -> None:
        self.out_dir = out_dir
        self.world = world
        self.counts: dict[str, int] = {}

    def load_date(self, day: int) -> dt.date:
        """The UTC date of the load that follows day `day`."""
        return self.world.first_day + dt.timedelta(days=int(day))

    def _path(self, table: str, day: int, name: str) -> pathlib.Path:
        folder = self.out_dir / table / f"load_date={self.load_date(day)}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def source_file(self, table: str, day: int) -> str:
        """What `_source_file` says of the rows of a load."""
        return f"pdd_{table}_{self.load_date(day):%Y%m%d}.csv"

    def parquet(self, table: str, day: int, columns: dict[str, pa.Array]) -> None:
        """Write one load of a table as Parquet."""
        self._parquet(table, day, "part-0000.parquet", pa.table(columns))

    def _parquet(self, table: str, day: int, name: str, rows: pa.Table) -> None:
        pq.write_table(rows, self._path(table, day, name), compression="zstd")
        self.counts[table] = self.counts.get(table, 0) + rows.num_rows

    def typed_by_hand(
        self, table: str, day: int, rows: list[dict], zoned: bool = False
    ) -> None:
        """Write rows that somebody keyed in: Parquet, every column text.

        Only `_loaded_at` is a timestamp, given as UTC microseconds or None.
        """
        columns = {}
        for name in rows[0]:
            values = [row[name] for row in rows]
            if name == "_loaded_at":
                zone = "UTC" if zoned else None
                columns[name] = pa.array(values, pa.int64()).cast(
                    pa.timestamp("us", zone)
                )
            else:
                columns[name] = pa.array(values, type=TEXT)
        self._parquet(table, day, "part-0001.parquet", pa.table(columns))

    def csv(self, table: str, day: int, rows: list[dict]) -> None:
        """Write one load as CSV: UTF-8, header, null as nothing."""
        path = self._path(table, day, "part-0000.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        self.counts[table] = self.counts.get(table, 0) + len(rows)

    def json_lines(self, table: str, day: int, rows: list[dict]) -> None:
        """Write one load as JSON lines."""
        path = self._path(table, day, "part-0000.jsonl")
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.counts[table] = self.counts.get(table, 0) + len(rows)


def utc_text(microseconds: int | None) -> str | None:
    """UTC microseconds as text with milliseconds."""
    if microseconds is None:
        return None
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=int(microseconds))
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"
