"""Rows on their way: where each came from, and why some could not be mapped.

Every value travels as text, beside the number of its row, until the rules of
its kind have judged it. A reason never quotes a value: it names the column.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from kefu.errors import KefuError

ROW = "_row"
"""Number of the row in its file: of a sheet as a spreadsheet program shows it
(the header is row 1), of JSON lines the line, of one JSON document the record."""


class FileError(KefuError):
    """A file that cannot be ingested at all; the message does not name it."""


class RowError(Exception):
    """A row that cannot be mapped; the text says why, without a value."""


@dataclass(frozen=True)
class Rule:
    """How one landed column comes out of the fields of a row.

    faults: pairs of a condition and what it says about the row.
    """

    column: str
    value: pl.Expr
    faults: tuple[tuple[pl.Expr, str], ...] = ()


@dataclass
class Refused:
    """The rows that could not be mapped, by reason."""

    rows: dict[str, list[int]] = field(default_factory=dict)
    blank: list[int] = field(default_factory=list)
    """Rows that hold nothing that is read: passed over, and not counted."""

    def __len__(self) -> int:
        return sum(len(numbers) for numbers in self.rows.values())

    def add(self, row: int, reason: str) -> None:
        """Note one row."""
        self.rows.setdefault(reason, []).append(row)

    def add_all(self, rows: pl.DataFrame) -> None:
        """Note the rows of a frame with the columns ROW and reason."""
        for reason, numbers in (
            rows.group_by("reason", maintain_order=True).agg(ROW).rows()
        ):
            self.rows.setdefault(reason, []).extend(numbers)


def apply(rules: Iterable[Rule], rows: pl.DataFrame, refused: Refused) -> pl.DataFrame:
    """Return the columns of the rules for the rows without a fault.

    The others go to `refused`, each with the first fault in the rules' order.
    """
    rules = list(rules)
    faults = [
        pl.when(condition).then(pl.lit(said))
        for rule in rules
        for condition, said in rule.faults
    ]
    reason = pl.coalesce(faults) if faults else pl.lit(None, pl.String)
    # Lazily, so that what value and fault share is computed once.
    judged = (
        rows.lazy()
        .select(
            ROW,
            reason.alias("reason"),
            *(rule.value.alias(rule.column) for rule in rules),
        )
        .collect()
    )
    bad = judged.filter(pl.col("reason").is_not_null())
    if len(bad):
        refused.add_all(bad.select(ROW, "reason"))
        judged = judged.filter(pl.col("reason").is_null())
    return judged.drop(ROW, "reason")


def spans(numbers: Iterable[int]) -> list[str]:
    """Return row numbers as `3` and `5-9`, ascending."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [f"{low}" if low == high else f"{low}-{high}" for low, high in found]
