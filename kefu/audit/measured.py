"""The audit's database while it is measured: what is there, and asking it."""

import datetime as dt
from dataclasses import dataclass, field

from kefu.audit.engine import AuditDatabase
from kefu.sql import quote_name

# How far back loads and days are compared.
HISTORY = 28
# Loads and days that are judged at most: those that came since the last
# publication, after a long pause the newest of them.
JUDGED = 14
ALL_MALLS = "(all)"


@dataclass(frozen=True)
class Removed:
    """How many keys of a source were taken out of a mall's landings by request."""

    source: str
    mall_id: str
    keys: int


@dataclass
class Measured:
    """The audit's database with its measures, and what could be measured."""

    database: AuditDatabase
    now: dt.datetime
    least_history: int
    removed: list[Removed] = field(default_factory=list)
    """What was taken out, with a record, since the published version was built."""
    tables: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Columns by (catalog.schema, table) of what is attached."""

    def has(self, schema: str, table: str, *columns: str) -> bool:
        """Tell whether a table with these columns is there."""
        return set(columns) <= self.tables.get((schema, table), set()) and (
            (schema, table) in self.tables
        )

    def run(self, sql: str, **values: object) -> list[tuple]:
        """Run one statement; $name stands for a value."""
        connection = self.database.connection
        used = {name: value for name, value in values.items() if f"${name}" in sql}
        return connection.execute(sql, used or None).fetchall()

    def has_measure(self, name: str) -> bool:
        """Tell whether the table audit.<name> was made."""
        return bool(
            self.run(
                "select 1 from duckdb_tables()"
                " where schema_name = 'audit' and table_name = $name",
                name=name,
            )
        )


def names(columns: list[str]) -> str:
    """Return column names as an SQL list."""
    return ", ".join(map(quote_name, columns))
