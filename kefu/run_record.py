"""What is known of a run: the manifest that goes with what it published.

The record is begun before the build, completed by tests and audit, kept beside
the working database and, at publication, written as manifest.json beside the
version and into the published file itself. It names no machine, no absolute
path and nothing of the secret behind buyer_key.
"""

import dataclasses
import datetime as dt
import hashlib
import json
import secrets
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import yaml

from kefu import __version__
from kefu.contract import CONTRACT_FILE
from kefu.files import write_json
from kefu.privacy_key import check_value
from kefu.raw_input import RawInput
from kefu.settings import Settings

NOT_RUN = "not run"
NOTHING = "nothing"
BUILDING, BROKEN, BUILT = "building", "broken", "built"
# What decides which figures come out of an input, beside the seeds.
RULES = ("dbt_project.yml", "audit.yml", "models", "macros", "tests", "kefu")
RULE_SUFFIXES = (".sql", ".yml", ".md", ".py")
# What of it computes figures: a change to a text or a test moves none.
FIGURES = ("models", "macros")
READING = ("contract.py", "landing.py", "ledger.py", "raw_input.py", "raw_views.py")
SECONDS_FOR_GIT = 10


@dataclass
class RunRecord:
    """One run, from what it read to what was found about it.

    Times are UTC, as 2026-03-02T01:00:00Z. `tests` and `audit` are the text
    "not run" where they did not run.
    """

    run_id: str
    started_at: str | None = None
    finished_at: str | None = None
    target: str | None = None
    is_full_refresh: bool = False
    versions: dict[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    git_is_clean: bool | None = None
    project_hash: str | None = None
    figures_hash: str | None = None
    """As project_hash, of what computes the figures only."""
    seeds_hash: str | None = None
    vars: dict[str, object] = field(default_factory=dict)
    input: dict = field(default_factory=dict)
    tests: dict | str = NOT_RUN
    audit: dict | str = NOT_RUN
    accepted: list[dict[str, str]] = field(default_factory=list)
    buyer_key_check: str | None = None
    follows: str | None = None
    """The run whose version was in place when this one began, or "nothing";
    None where nobody looked."""
    warnings: list[str] = field(default_factory=list)
    """What the run said that stopped nothing."""

    @property
    def is_tested(self) -> bool:
        """Whether data tests ran and none failed or was skipped."""
        return (
            isinstance(self.tests, dict)
            and self.tests["passed"] > 0
            and not (self.tests["failed"] or self.tests["skipped"])
        )

    @property
    def is_audited(self) -> bool:
        """Whether the audit ran and found nothing that blocks."""
        return isinstance(self.audit, dict) and bool(self.audit["passed"])

    @property
    def has_passed(self) -> bool:
        """Whether a publication needs no word by name."""
        return self.is_tested and self.is_audited

    def as_dict(self) -> dict:
        """Return the record as it stands in JSON."""
        return dataclasses.asdict(self) | {"is_untested": not self.has_passed}

    @classmethod
    def from_dict(cls, values: dict) -> "RunRecord":
        """Return the record of `as_dict`; keys of later releases are dropped."""
        known = {item.name for item in dataclasses.fields(cls)}
        return cls(**{name: values[name] for name in values if name in known})


def new_run_id() -> str:
    """Return an id that sorts by time and that no other run has."""
    return f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def now() -> str:
    """Return the present time as records hold it."""
    return as_recorded(dt.datetime.now(dt.UTC))


def as_recorded(moment: dt.datetime) -> str:
    """Return a time of UTC as records hold it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def begin(
    settings: Settings,
    raw: RawInput,
    *,
    target: str | None = None,
    variables: dict | None = None,
    is_full_refresh: bool = False,
    follows: str | None = None,
) -> RunRecord:
    """Return the record of a run that is about to build."""
    commit, is_clean = git_state(settings.root)
    return RunRecord(
        run_id=new_run_id(),
        started_at=now(),
        is_full_refresh=is_full_refresh,
        git_commit=commit,
        git_is_clean=is_clean,
        input=describe_input(settings, raw),
        follows=follows,
        **rules(settings, target, variables),
    )


def rules(settings: Settings, target: str | None, variables: dict | None) -> dict:
    """Return what, beside the input, decides the figures of a run."""
    return {
        "target": target,
        "versions": versions_in_use(),
        "project_hash": hash_of_files(settings.root, RULES, RULE_SUFFIXES),
        "figures_hash": hash_of_figures(settings.root),
        "seeds_hash": hash_of_files(settings.root, ("seeds",), (".csv",)),
        "vars": project_vars(settings.root) | (variables or {}),
        "buyer_key_check": check_value(settings.buyer_key),
    }


def of_unknown_build() -> RunRecord:
    """Return the record of a working database that no run of kefu built."""
    return RunRecord(run_id=new_run_id(), versions=versions_in_use())


def project_vars(root: Path) -> dict[str, object]:
    """Return the vars of dbt_project.yml and their values."""
    text = (root / "dbt_project.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text).get("vars") or {})


def versions_in_use() -> dict[str, str]:
    """Return the versions of what computes the figures."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    libraries = {
        name: metadata.version(name) for name in ("dbt-core", "dbt-duckdb", "duckdb")
    }
    return {"kefu": __version__, "python": python} | libraries


def git_state(root: Path) -> tuple[str | None, bool | None]:
    """Return the commit of the project and whether nothing was changed since.

    (None, None) where the project is in no repository or git is not there.
    """

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS_FOR_GIT,
        ).stdout.strip()

    try:
        # A repository around the project that does not hold it is another's.
        git("ls-files", "--error-unmatch", "dbt_project.yml")
        return git("rev-parse", "HEAD"), not git("status", "--porcelain", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return None, None


def hash_of_files(root: Path, places: Iterable[str], suffixes: tuple[str, ...]) -> str:
    """Return one SHA-256 over the names and bytes of all files of a kind.

    `places` are files or folders under `root`; what is not there counts for
    nothing. Tests in Python have no part in a run.
    """
    found = set()
    for place in places:
        path = root / place
        files = path.rglob("*") if path.is_dir() else [path]
        found.update(
            file for file in files if file.suffix in suffixes and file.is_file()
        )
    total = hashlib.sha256()
    for name in sorted(file.relative_to(root).as_posix() for file in found):
        if name.startswith("tests/python/"):
            continue
        content = hashlib.sha256((root / name).read_bytes()).hexdigest()
        total.update(f"{content}  {name}\n".encode())
    return total.hexdigest()


def hash_of_figures(root: Path) -> str:
    """Return one SHA-256 over the rules that turn an input into figures.

    That is models and macros without their descriptions, the contract of the raw
    tables, and what reads them. Seeds have a hash of their own.
    """
    found = [
        hash_of_files(root, FIGURES, (".sql",)),
        hash_of_files(root, ("dbt_project.yml", str(CONTRACT_FILE)), (".yml",)),
        hash_of_files(Path(__file__).parent, READING, (".py",)),
    ]
    return hashlib.sha256("".join(found).encode()).hexdigest()


def describe_input(settings: Settings, raw: RawInput) -> dict:
    """Return what a run reads: its frozen files, or the attached database.

    `bytes` are sizes; `list_hash` is the SHA-256 of a line "<bytes>  <name>"
    for each file, sorted by name, and `stamps_hash` tells whether any was
    touched since.
    """
    if raw.landing is None:
        return {
            "kind": "database",
            "name": settings.raw_database.name,
            "bytes": raw.database[0].size,
            "stamps_hash": hash_of_stamps({settings.raw_database.name: raw.database}),
        }
    files = [
        {"name": file.name, "bytes": file.stamp.size} for file in raw.landing.files
    ]
    listed = "".join(f"{file['bytes']}  {file['name']}\n" for file in files)
    return {
        "kind": "folders",
        "files_read": len(files),
        "bytes": sum(file["bytes"] for file in files),
        "list_hash": hashlib.sha256(listed.encode()).hexdigest(),
        "stamps_hash": hash_of_stamps(
            {file.name: file.stamp for file in raw.landing.files}
        ),
        "files": files,
    }


def hash_of_stamps(stamps: dict[str, object]) -> str:
    """Return one SHA-256 over the names and stamps of files."""
    listed = "".join(f"{stamp}  {name}\n" for name, stamp in sorted(stamps.items()))
    return hashlib.sha256(listed.encode()).hexdigest()


def note_file(database: Path) -> Path:
    """Return where the record of a working database is kept."""
    return database.with_name(f"{database.name}.run.json")


def note(database: Path, state: str, record: RunRecord) -> None:
    """Keep the record beside the working database, as the file now is.

    `state` is BUILDING until dbt has ended, BROKEN if a model failed, so that
    tables of two runs stand side by side, else BUILT.
    """
    write_json(
        note_file(database),
        {"state": state, "stamp": _stamp(database), "record": record.as_dict()},
    )


@dataclass(frozen=True)
class Noted:
    """The record beside a working database and whether it still fits."""

    state: str
    record: RunRecord
    is_unchanged: bool


def noted(database: Path) -> Noted | None:
    """Return what is noted about the working database, or None."""
    try:
        read = json.loads(note_file(database).read_text(encoding="utf-8"))
        return Noted(
            state=read["state"],
            record=RunRecord.from_dict(read["record"]),
            is_unchanged=read["stamp"] == _stamp(database),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stamp(database: Path) -> str | None:
    if not database.exists():
        return None
    stat = database.stat()
    return f"{stat.st_size} bytes, changed at {stat.st_mtime_ns} ns"
