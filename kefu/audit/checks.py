"""What a check of the audit is: a name, a measure, and what must not be found."""

from dataclasses import dataclass
from string import Template


@dataclass(frozen=True)
class RowsCheck:
    """A check that no row of a table offends.

    `offending` is the query that returns the keys of offending rows, the worst
    first: {batch} is the table, $name a threshold of audit.yml. It becomes an
    UnexpectedRowsExpectation of Great Expectations.
    """

    name: str
    suite: str
    table: str
    """schema.table of the audit database."""
    meaning: str
    """What holds where the check passes."""
    offending: str
    thresholds: tuple[str, ...] = ()
    needs: str = "no rows to judge"
    """Why it is not judged where the table is not there or has no rows."""

    def query(self, thresholds: dict[str, float]) -> str:
        """Return the query with the thresholds filled in."""
        return Template(self.offending).substitute(thresholds)


@dataclass(frozen=True)
class RangesCheck:
    """A check that columns of marts lie in a range.

    Each column becomes an ExpectColumnValuesToBeBetween of its own, so that
    Data Docs show them one by one. An empty value lies in every range.
    """

    name: str
    suite: str
    meaning: str
    keys: dict[str, tuple[str, ...]]
    """The tables that are looked at, and the keys that are told of a row."""
    ranges: dict[str, tuple[float, float]]
    """The least and the largest value of each column, where a table has it."""
    thresholds: tuple[str, ...] = ()


Check = RowsCheck | RangesCheck
