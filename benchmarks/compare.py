"""Whether two databases hold the same rows in the tables of the benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.floor import TABLES
from kefu.sql import quote_name, quote_path

# A build has rows for days of other sections too, such as that of an order: what
# is compared of these tables are the days, or 30 days, with a message.
WITH_MESSAGES = (
    "agent_kpi_daily",
    "agent_kpi_shift_daily",
    "agent_kpi_30d",
    "mall_kpi_daily",
    "mall_kpi_30d",
)
# The engine interpolates between two neighbours with one rounding or with two, as
# the processor has it, and the floor with two: nine digits after the point are
# compared of these, and of all other columns every bit.
INTERPOLATED = ("median_response_seconds", "p90_response_seconds")


@dataclass(frozen=True)
class Compared:
    """One table: how many rows and columns were compared, how many differ."""

    table: str
    columns: int
    rows: int
    only_in_first: int
    only_in_second: int
    example: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether both sides have the same rows, each as often."""
        return not self.only_in_first and not self.only_in_second


def compare_tables(
    first: Path, second: Path, tables: tuple[str, ...] = TABLES
) -> list[Compared]:
    """Compare tables of the schema marts, every column that `second` has.

    Both are database files that no process has open for writing. Raises
    duckdb.Error if a table or a column is missing in the first.
    """
    with duckdb.connect() as connection:
        for name, path in (("first_side", first), ("second_side", second)):
            connection.execute(f"attach {quote_path(path)} as {name} (read_only)")
        return [
            compare_one(
                connection,
                table,
                f"first_side.marts.{quote_name(table)}",
                f"second_side.marts.{quote_name(table)}",
            )
            for table in tables
        ]


def compare_one(
    connection: duckdb.DuckDBPyConnection, table: str, first: str, second: str
) -> Compared:
    """Compare two relations of one connection on the columns of the second.

    Types may differ where values cannot (an integer's width).
    """
    described = connection.execute(f"describe from {second}").fetchall()
    columns = ", ".join(
        f"round({name}, 9) as {name}" if name in INTERPOLATED else quote_name(name)
        for name in sorted(row[0] for row in described)
    )
    with_messages = (
        " where buyer_messages + agent_messages > 0" if table in WITH_MESSAGES else ""
    )
    queries = [
        f"select {columns} from {side}{with_messages}" for side in (first, second)
    ]
    ((rows,),) = connection.execute(f"select count(*) from ({queries[1]})").fetchall()
    parted = []
    for left, right in (queries, queries[::-1]):
        query = f"({left} except all {right})"
        ((count,),) = connection.execute(f"select count(*) from {query}").fetchall()
        parted.append((count, query))
    example = ""
    for count, query in parted:
        if count:
            found = connection.execute(f"select * from {query} order by all limit 1")
            names = [item[0] for item in found.description]
            pairs = zip(names, found.fetchall()[0], strict=True)
            example += str(dict(pairs)) + "\n"
    return Compared(table, len(described), rows, parted[0][0], parted[1][0], example)
