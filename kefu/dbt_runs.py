"""Running dbt: its arguments and environment, in this process or another."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from kefu.errors import KefuError
from kefu.settings import Settings

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
    """Run dbt's own command line in the project; return its exit code."""
    return subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments],
        cwd=settings.root,
        env=environment(settings),
        check=False,
    ).returncode
