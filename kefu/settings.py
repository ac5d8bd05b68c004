"""Where things lie: the environment variables of the warehouse and defaults."""

import os
from dataclasses import dataclass
from pathlib import Path

from kefu.errors import KefuError

DEMO_BUYER_KEY = "kefu-demo-key-not-for-production"
# Lies in a raw root that kefu demo-data wrote.
DEMO_MARK = ".kefu-demo"

DEFAULT_RAW_ROOT = "data/raw"
DEFAULT_DATABASE = "data/working/kefu.duckdb"
DEFAULT_PUBLISHED = "data/published/kefu.duckdb"

# DuckDB names the catalog after the file; a catalog and a schema of the same
# name make every two-part name ambiguous.
RESERVED_STEMS = frozenset(
    {
        "raw",
        "seeds",
        "staging",
        "intermediate",
        "marts",
        "main",
        "temp",
        "system",
        "kefu_landed",
    }
)


def project_root() -> Path:
    """Return the folder that holds dbt_project.yml.

    The package is installed in place, so that is the folder above it; for a
    copy installed elsewhere it is the current folder.
    """
    above = Path(__file__).resolve().parent.parent
    return above if (above / "dbt_project.yml").exists() else Path.cwd()


@dataclass(frozen=True)
class Settings:
    """The resolved settings of one process; every path is absolute."""

    root: Path
    raw_root: Path
    database: Path
    published: Path
    raw_database: Path | None
    buyer_key: str

    @property
    def uses_demo_key(self) -> bool:
        """Whether buyers are hashed with the key that everybody knows."""
        return self.buyer_key == DEMO_BUYER_KEY

    @classmethod
    def from_env(cls, root: Path | None = None) -> "Settings":
        """Read the KEFU_ variables; an empty one counts as not set.

        Relative paths are taken from the project root. Raises KefuError for
        a database name that would clash with a schema of the warehouse, and
        where two of the paths are the same file.
        """
        base = root or project_root()

        def path(name: str, default: str) -> Path:
            return (base / (os.environ.get(name) or default)).resolve()

        landed = os.environ.get("KEFU_RAW_DATABASE")
        settings = cls(
            root=base,
            raw_root=path("KEFU_RAW_ROOT", DEFAULT_RAW_ROOT),
            database=path("KEFU_DATABASE", DEFAULT_DATABASE),
            published=path("KEFU_PUBLISHED", DEFAULT_PUBLISHED),
            raw_database=(base / landed).resolve() if landed else None,
            buyer_key=os.environ.get("KEFU_BUYER_KEY") or DEMO_BUYER_KEY,
        )
        settings.check_names()
        return settings

    def check_names(self) -> None:
        """Raise KefuError where paths cannot work together."""
        stem = self.database.name.split(".")[0].lower()
        if stem in RESERVED_STEMS:
            raise KefuError(
                f"KEFU_DATABASE is named {self.database.name}, and {stem} is a"
                " name used inside the warehouse: choose another file name,"
                " such as kefu.duckdb"
            )
        if self.database == self.published:
            raise KefuError(
                "KEFU_DATABASE and KEFU_PUBLISHED are the same file"
                f" ({self.database}): give the published file its own path"
            )
        if self.raw_database in (self.database, self.published):
            raise KefuError(
                "KEFU_RAW_DATABASE names the working or the published file"
                f" ({self.raw_database}): it must be a database of its own"
            )
