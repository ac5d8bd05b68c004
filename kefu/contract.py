"""The raw contract as the dbt sources state it: tables, columns, required."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from kefu.errors import KefuError

CONTRACT_FILE = Path("models/staging/pdd/_pdd__sources.yml")
SOURCE_NAME = "pdd"

# The one in C, if PyYAML was built with it, takes a tenth of the time.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# A warehouse without these two has nothing to measure.
NEEDED_TABLES = ("messages", "orders")

LOADED_AT = "_loaded_at"
SOURCE_FILE = "_source_file"
LOAD_DATE = "load_date"
LANDING_ID = "landing_id"
BOOK_COLUMNS = (LOADED_AT, SOURCE_FILE, LOAD_DATE, LANDING_ID)


@dataclass(frozen=True)
class Table:
    """One raw table: its columns in the order of the contract."""

    name: str
    columns: tuple[str, ...]
    required: frozenset[str]
    native: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The types of columns that need not pass through text, by column."""

    @property
    def is_official(self) -> bool:
        """Tell whether it holds the platform's own figures, which nobody must land."""
        return self.name.startswith("official_")


def read_contract(root: Path) -> dict[str, Table]:
    """Read the raw tables from the dbt source file under `root`.

    The dbt file is the only place where columns and their order are written,
    so that documentation and check cannot part. Each table ends in
    _loaded_at and _source_file; load_date comes from the folder and is not
    among the columns. Raises KefuError if the file cannot be used.
    """
    path = root / CONTRACT_FILE
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), LOADER)
        source = next(
            entry for entry in document["sources"] if entry["name"] == SOURCE_NAME
        )
        tables = [_table(entry) for entry in source["tables"]]
    except (OSError, yaml.YAMLError, StopIteration, KeyError, TypeError) as error:
        raise KefuError(
            f"{CONTRACT_FILE} cannot be read as the raw contract"
            f" ({type(error).__name__}: {error}): restore the file"
        ) from error
    return {table.name: table for table in tables}


def _table(entry: dict) -> Table:
    columns = [
        column["name"]
        for column in entry["columns"]
        if column["name"] not in BOOK_COLUMNS
    ]
    metas = {column["name"]: _meta(column) for column in entry["columns"]}
    required = {
        name
        for name, meta in metas.items()
        if meta.get("required") is True and name != LOAD_DATE
    }
    return Table(
        name=entry["name"],
        columns=(*columns, LOADED_AT, SOURCE_FILE),
        required=frozenset(required | {LOADED_AT}),
        native={
            name: meta["native"] for name, meta in metas.items() if "native" in meta
        },
    )


def _meta(column: dict) -> dict:
    return (column.get("config") or {}).get("meta") or column.get("meta") or {}
