"""Where things lie: the environment variables of the warehouse and defaults."""

import os
from dataclasses import dataclass
from pathlib import Path

from kefu.errors import KefuError

DEMO_BUYER_KEY = "kefu-demo-key-not-for-production"
# Lies in a raw root that kefu demo-data wrote.
DEMO_MARK = ".kefu-demo"
# Lies there too until all of it is written.
DEMO_UNFINISHED = ".kefu-demo-unfinished"

DEFAULT_RAW_ROOT = "data/raw"
DEFAULT_DATABASE = "data/working/kefu.duckdb"
DEFAULT_PUBLISHED = "data/published/kefu.duckdb"
DEFAULT_KEPT_VERSIONS = 7

# DuckDB names the catalog after the file; a catalog and a schema of the same
# name make every two-part name ambiguous.
RESERVED_STEMS = frozenset(
    {
        "raw",
        "seeds",
        "staging",
        "intermediate",
        "marts",
        "meta",
        "closed",
        "ledger",
        "state",
        "changes",
        "main",
        "temp",
        "system",
        "kefu_landed",
    }
)

SWITCHES = {
    "": False,
    "0": False,
    "false": False,
    "no": False,
    "1": True,
    "true": True,
    "yes": True,
}


def project_root() -> Path:
    """Return the folder that holds dbt_project.yml.

    The package is installed in place, so that is the folder above it; for a
    copy installed elsewhere it is the current folder.
    """
    above = Path(__file__).resolve().parent.parent
    return above if (above / "dbt_project.yml").exists() else Path.cwd()


def _number(name: str, default: int) -> int:
    """Return an environment variable that counts something, 1 or more."""
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise KefuError(f"{name} is {text!r}: set it to a number, 1 or more")
    return int(text)


def _is_on(name: str) -> bool:
    """Return an environment variable that turns something on."""
    text = (os.environ.get(name) or "").lower()
    if text not in SWITCHES:
        raise KefuError(f"{name} is {text!r}: set it to 1 or to 0")
    return SWITCHES[text]


@dataclass(frozen=True)
class Settings:
    """The resolved settings of one process; every path is absolute."""

    root: Path
    raw_root: Path
    database: Path
    published: Path
    raw_database: Path | None
    buyer_key: str
    kept_versions: int = DEFAULT_KEPT_VERSIONS
    with_parquet: bool = False
    with_restricted: bool = False

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
            kept_versions=_number("KEFU_KEEP_VERSIONS", DEFAULT_KEPT_VERSIONS),
            with_parquet=_is_on("KEFU_PARQUET"),
            with_restricted=_is_on("KEFU_MARTS_RESTRICTED"),
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
