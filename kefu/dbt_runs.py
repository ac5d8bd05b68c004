"""Running dbt: its arguments and environment, in this process or another."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from kefu.errors import KefuError
from kefu.run_lock import holder_of
from kefu.settings import Settings

# Of dbt's commands those that open the database.
OPENING = {"build", "clone", "compile", "docs", "retry", "run", "run-operation"}
OPENING |= {"seed", "show", "snapshot", "source", "test"}
PROFILES = "profiles.yml"
EXAMPLE = "profiles.example.yml"


def profiles_dir(root: Path) -> Path:
    """Return the folder of the profile that dbt is to use.

    The project's own profiles.yml if there is one, else a copy of the example
    under dbt's target folder: dbt insists on the file's name.
    """
    if (root / PROFILES).exists():
        return root
    folder = target_dir(root) / "profiles"
    example = root / EXAMPLE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(example, folder / PROFILES)
    except OSError as error:
        raise KefuError(
            f"dbt's profile cannot be put into {folder} ({error.strerror}): make"
            f" the folder writable, or copy {EXAMPLE} to {PROFILES} yourself"
        ) from error
    return folder


def target_dir(root: Path) -> Path:
    """Return the folder into which dbt writes what it compiled."""
    return root / (os.environ.get("DBT_TARGET_PATH") or "target")


def target_in_use(root: Path, given: str | None) -> str | None:
    """Return the target that dbt takes: the given one, DBT_TARGET or the profile's.

    None where the profile computes it, or cannot be read, which dbt then says.
    """
    if chosen := given or os.environ.get("DBT_TARGET"):
        return chosen
    own = root / PROFILES
    try:
        text = (own if own.exists() else root / EXAMPLE).read_text(encoding="utf-8")
        project = yaml.safe_load((root / "dbt_project.yml").read_text(encoding="utf-8"))
        target = yaml.safe_load(text)[project["profile"]].get("target", "default")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return None
    return None if "{{" in str(target) else str(target)


def log_file(root: Path) -> Path:
    """Return the file into which dbt writes its log."""
    return root / (os.environ.get("DBT_LOG_PATH") or "logs") / "dbt.log"


def environment(settings: Settings) -> dict[str, str]:
    """Return this process's environment with paths that hold in any folder."""
    variables = dict(os.environ)
    variables["KEFU_RAW_ROOT"] = str(settings.raw_root)
    variables["KEFU_DATABASE"] = str(settings.database)
    variables["KEFU_PUBLISHED"] = str(settings.published)
    if settings.raw_database:
        variables["KEFU_RAW_DATABASE"] = str(settings.raw_database)
    variables["DBT_PROFILES_DIR"] = str(profiles_dir(settings.root))
    return variables


def call(settings: Settings, arguments: list[str]) -> int:
    """Run dbt's own command line in the project; return its exit code.

    Raises KefuError while another process works on the database that it needs.
    """
    holder = holder_of(settings.database)
    if holder and OPENING.intersection(arguments):
        raise KefuError(
            f"{settings.database} is in use by {holder}: wait for its end; what is"
            " published can be asked meanwhile, by `kefu query`"
        )
    return subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments],
        cwd=settings.root,
        env=environment(settings),
        check=False,
    ).returncode
