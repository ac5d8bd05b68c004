"""A small project whose build can be stopped at a gate, to disturb it there.

Its marts are read from the same landings before and behind the gate, so that a
build which mixes two moments of its input shows it. The gate is a named pipe
in the place of a file: a query that reads it waits until somebody writes.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from conftest import Kefu, land, make_mini, text_row

GATE = """
select count(*) as opened
from read_csv(
    '{{ env_var("TEST_GATE", "/dev/null") }}',
    columns = {'word': 'varchar'},
    header = false,
    auto_detect = false
)
where (select count(*) from {{ ref('dim_malls') }}) >= 0
"""
BEHIND = """
select
    malls.mall_id,
    cast(numbers.range as integer) as position
from {{ source('pdd', 'malls') }} as malls
cross join range(500) as numbers
where (select opened from {{ ref('int_gate') }}) >= 0
"""
BEHIND_YAML = """
models:
  - name: fct_behind
    description: Many rows a mall, read after the gate.
    columns:
      - name: mall_id
        description: The shop's own id.
        data_type: varchar
        constraints:
          - type: not_null
      - name: position
        description: A number.
        data_type: integer
"""
ROWS_A_MALL = 500


def make_gated(home: Path) -> Kefu:
    """Put the project into a folder, with landings of three malls."""
    world = make_mini(home)
    models = world.project / "models"
    (models / "intermediate").mkdir()
    (models / "intermediate" / "int_gate.sql").write_text(GATE, encoding="utf-8")
    (models / "marts" / "fct_behind.sql").write_text(BEHIND, encoding="utf-8")
    (models / "marts" / "fct_behind.yml").write_text(BEHIND_YAML, encoding="utf-8")
    return world


def land_mall(world: Kefu, mall: str) -> Path:
    """Deliver one mall more, so that a run has something new to publish."""
    return land(
        world.raw_root, "malls", [text_row("malls", mall_id=mall)], f"{mall}.jsonl"
    )


def content(file: Path) -> tuple[list[str], list[tuple[str, int]]]:
    """Return the rows of both marts in a published file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        malls = connection.execute("select mall_id from marts.dim_malls order by all")
        before = [mall for (mall,) in malls.fetchall()]
        behind = connection.execute("from marts.fct_behind order by all").fetchall()
    return before, behind


def expected(malls: list[str]) -> tuple[list[str], list[tuple[str, int]]]:
    """Return what `content` is for a build that read these malls, and only them."""
    rows = [(mall, position) for mall in malls for position in range(ROWS_A_MALL)]
    return malls, rows


def eventually(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Wait until a condition holds, or fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.005)


class Gate:
    """A gate that a run reaches, waits at, and passes when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.way: int | None = None
        os.mkfifo(path)

    def wait(self) -> None:
        """Wait until a run has come to the gate."""
        eventually(self._is_reached, "a run at the gate")

    def _is_reached(self) -> bool:
        try:
            self.way = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads the pipe yet
            return False
        return True

    def open(self) -> None:
        """Let the run that waits go on."""
        os.write(self.way, b"open\n")
        os.close(self.way)
