"""What the tests of the examples share: a world with demo data, and stand-ins."""

import importlib.util
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
NEWEST = "select run_id from meta.publication"


@dataclass
class World:
    """Landings, databases and dbt's files in a folder of their own."""

    home: Path
    command: str

    @property
    def environment(self) -> dict[str, str]:
        """What the examples and `kefu` read."""
        return {
            "KEFU_PROJECT": str(ROOT),
            "KEFU_COMMAND": self.command,
            "KEFU_RAW_ROOT": str(self.home / "raw"),
            "KEFU_DATABASE": str(self.home / "working" / "kefu.duckdb"),
            "KEFU_PUBLISHED": str(self.home / "published" / "kefu.duckdb"),
            "DBT_TARGET_PATH": str(self.home / "target"),
            "DBT_LOG_PATH": str(self.home / "logs"),
        }

    def kefu(self, *words: str) -> str:
        """Call `kefu`; return what it prints."""
        return subprocess.run(
            [*shlex.split(self.command), *words],
            env=os.environ | self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def newest(self) -> str:
        """Return the id of the published run."""
        return self.kefu("query", "--csv", NEWEST).split()[-1]

    def land_off_folder(self) -> Path:
        """Land messages below the wrong day, which the audit does not let pass."""
        newest = max((self.home / "raw" / "messages").glob("load_date=*"))
        (part,) = newest.iterdir()
        wrong = newest.with_name("load_date=2026-01-01")
        wrong.mkdir()
        copy = wrong / part.name
        copy.write_bytes(part.read_bytes())
        return copy

    def load(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        """Import an example as it is under this world's settings."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[file.stem] = module
        spec.loader.exec_module(module)
        return module


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Demo data and dbt's manifest; nothing is built yet."""
    made = World(
        home=tmp_path_factory.mktemp("world"),
        command=os.environ.get("KEFU_COMMAND") or f"{ROOT}/.venv/bin/kefu",
    )
    made.kefu("demo-data", "--malls", "4", "--days", "30", "--messages", "3000")
    made.kefu("dbt", "parse")
    return made


@pytest.fixture
def stand_in(world: World, tmp_path: Path) -> World:
    """The same manifest, and in place of `kefu` a script that a test writes.

    For what the real one does not do on demand, such as ending with each of its
    exit codes: the script is `kefu` below the home.
    """
    (tmp_path / "target").symlink_to(world.home / "target")
    return World(home=tmp_path, command=f"sh {tmp_path}/kefu")
