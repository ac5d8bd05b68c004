"""Two at once, and input that does not hold still: nothing gets mixed."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from conftest import CONTRACT, Kefu, land, settings_of, text_row
from gated import Gate, content, eventually, expected, land_mall, make_gated

from kefu import landed_vars
from kefu.errors import KefuError
from kefu.raw_input import check_unchanged, read_input
from kefu.run_lock import folder_read, folder_replaced, held
from kefu.run_record import noted
from kefu.settings import DEMO_MARK, DEMO_UNFINISHED

# The audit reads what the build has read: its time is better spent elsewhere.
RUN = ("run", "--no-audit", "--publish-untested")


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Kefu:
    """A project whose build waits at a gate; a test leaves it published whole."""
    world = make_gated(tmp_path_factory.mktemp("gated"))
    done = world(*RUN)
    assert done.returncode == 0, done.stderr
    return world


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "gate")


def malls_in(world: Kefu) -> list[str]:
    """Return the published malls, once both marts agree on them."""
    found = content(world.published)
    assert found == expected(found[0])
    return found[0]


def one_line_of(stderr: str) -> str:
    (line,) = stderr.strip().splitlines()
    assert line.startswith("kefu: ")
    return line


def test_only_one_works_at_a_time(gated: Kefu, gate: Gate) -> None:
    """The second is told who works, or waits and then reads what is there then."""
    land_mall(gated, "with-the-first")
    first = gated.start(*RUN, TEST_GATE=str(gate.path))
    gate.wait()
    files = sorted(gated.raw_root.rglob("*"))
    for command in ("run", "publish"):
        refused = gated(command)
        told = one_line_of(refused.stderr)
        assert refused.returncode == 3
        assert "another run" in told and f"process {first.pid} on " in told
        assert " UTC) is working on " in told and str(gated.database) in told
        assert "add --wait" in told
    for call in (("query", "--working", "select 1"), ("dbt", "show", "--inline", "x")):
        refused = gated(*call)
        assert refused.returncode == 3 and refused.stdout == ""
        told = one_line_of(refused.stderr)
        assert f"is in use by another run (process {first.pid} on " in told
    refused = gated("check")
    assert "another run" in one_line_of(refused.stderr)
    assert "--wait" not in refused.stderr
    refused = gated("demo-data", "--malls", "1", "--days", "1", "--messages", "1")
    assert refused.returncode == 3
    assert "are in use by a run" in one_line_of(refused.stderr)
    assert sorted(gated.raw_root.rglob("*")) == files
    waiting = gated.start(*RUN, "--wait")
    eventually(lambda: f"(process {first.pid} on " in waiting.printed, "a word of it")
    assert waiting.printed.startswith("waiting for another run ")
    assert "reading" not in waiting.printed
    land_mall(gated, "while-the-second-waits")
    beside = gated.raw_root / landed_vars.FILE
    beside.write_text("resolve_order_buyers: true\n", encoding="utf-8")
    gate.open()
    assert first.done().returncode == 0
    assert "while-the-second-waits" not in malls_in(gated)
    assert waiting.done().returncode == 0
    assert {"with-the-first", "while-the-second-waits"} < set(malls_in(gated))
    # The vars beside the landings are of the same moment.
    beside.unlink()
    assert noted(gated.database).record.vars["resolve_order_buyers"] is True


def test_the_slower_run_does_not_take_the_place_of_a_newer_one(
    gated: Kefu, gate: Gate, tmp_path: Path
) -> None:
    """Two working databases, one published file; what landed in between stays."""
    slow = gated.start(*RUN, TEST_GATE=str(gate.path))
    gate.wait()
    land_mall(gated, "after-the-slow-one-began")
    own = {
        "KEFU_DATABASE": str(tmp_path / "work" / "kefu.duckdb"),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
    }
    done = gated(*RUN, **own)
    assert done.returncode == 0, done.stderr
    gate.open()
    done = slow.done()
    assert done.returncode == 5
    assert "is another version" in one_line_of(done.stderr)
    assert "after-the-slow-one-began" in malls_in(gated)
    assert gated("publish", "--untested").returncode == 5
    assert gated(*RUN).returncode == 0


def replace(path: Path) -> None:
    fresh = path.with_name(f".{path.name}")
    fresh.write_bytes(path.read_bytes().replace(b"m1", b"m2"))
    fresh.replace(path)


def test_input_that_changes_meanwhile(gated: Kefu, gate: Gate) -> None:
    """What was replaced or taken away stops the run, what was added waits."""
    before = malls_in(gated)
    first = land_mall(gated, "m1-first")

    run = gated.start(*RUN, TEST_GATE=str(gate.path))
    gate.wait()
    replace(first)
    gate.open()
    done = run.done()
    assert done.returncode == 3, done.stdout
    told = one_line_of(done.stderr)
    assert "input changed during the run: malls" in told
    assert "load_date=2026-03-02/m1-first.jsonl was replaced" in told
    assert malls_in(gated) == before
    assert gated("publish").returncode == 5

    run = gated.start(*RUN, TEST_GATE=str(gate.path))
    gate.wait()
    added = land_mall(gated, "added")
    gate.open()
    assert run.done().returncode == 0
    after = sorted([*before, "m2-first"])
    assert malls_in(gated) == after

    run = gated.start(*RUN, TEST_GATE=str(gate.path))
    gate.wait()
    added.unlink()
    gate.open()
    done = run.done()
    assert done.returncode == 3, done.stdout
    assert "added.jsonl was taken away" in one_line_of(done.stderr)
    assert malls_in(gated) == after


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def write_over(path: Path) -> None:
    """Change a file and hide it: size and time stay as they were."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(path.read_bytes().replace(b"m1", b"m2"))
    os.utime(path, ns=times)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def make_a_link(path: Path) -> None:
    moved = path.rename(path.with_name(f".{path.name}"))
    path.symlink_to(shutil.copy2(moved, path.with_name(f".copy-{path.name}")))


CHANGES: dict[str, Callable[[Path], None]] = {
    "grown": grow,
    "written over": write_over,
    "cut": cut,
    "replaced": replace,
    "copied and linked": make_a_link,
    "taken away": Path.unlink,
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_file_is_noticed(raw_root: Path, change: str) -> None:
    land(raw_root, "malls", [text_row("malls", mall_id="m2")], "other.jsonl")
    path = land(raw_root, "malls", [text_row("malls", mall_id="m1")], "a.jsonl")
    chosen = settings_of(raw_root)
    read_input(chosen)
    path.read_bytes()
    check_unchanged(chosen)
    # The clock of a file system ticks in some milliseconds.
    time.sleep(0.02)
    CHANGES[change](path)
    with pytest.raises(KefuError, match=r"input changed .* malls/.*/a\.jsonl was"):
        check_unchanged(chosen)


def test_a_change_of_the_attached_database_is_noticed(
    raw_root: Path, tmp_path: Path
) -> None:
    path = tmp_path / "landed.duckdb"
    with duckdb.connect(str(path)) as connection:
        for table in ("messages", "orders"):
            columns = ", ".join(f'"{name}" text' for name in CONTRACT[table].columns)
            connection.execute(f"create table {table} ({columns}, extra text)")
    chosen = settings_of(raw_root, path)
    assert 'messages: column "extra" is not in the contract: ignored' in (
        read_input(chosen).warnings
    )
    check_unchanged(chosen)
    with duckdb.connect(str(path)) as connection:
        connection.execute("insert into orders (order_sn) values ('1')")
    with pytest.raises(KefuError, match="landed.duckdb was written or replaced"):
        check_unchanged(chosen)
    # What was committed last may be in the log beside it only.
    chosen = dataclasses.replace(chosen, buyer_key="another, for another read")
    read_input(chosen)
    check_unchanged(chosen)
    path.with_name(f"{path.name}.wal").write_bytes(b"committed")
    with pytest.raises(KefuError, match="landed.duckdb was written or replaced"):
        check_unchanged(chosen)


@pytest.mark.parametrize(
    ("number", "cause"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")]
)
def test_asked_to_stop(
    gated: Kefu, gate: Gate, number: signal.Signals, cause: str
) -> None:
    """One line, the exit code that shells know, and nothing in the way."""
    before = malls_in(gated)
    land_mall(gated, f"before-{number.name}")
    run = gated.start(*RUN, TEST_GATE=str(gate.path))
    gate.wait()
    run.kill(number)
    gate.open()
    done = run.done(60)
    assert done.returncode == 128 + number
    assert f"stopped by {cause}:" in one_line_of(done.stderr)
    assert malls_in(gated) == before
    # Its tables may be of two runs.
    assert gated("publish", "--untested").returncode == 5
    assert gated("published").returncode == 0


CLOSED = """
import duckdb
from dbt.adapters.duckdb.environments.local import LocalEnvironment

def cancel(connection):
    connection.handle.cursor().interrupt()
    raise duckdb.ConnectionException("Connection already closed!")

LocalEnvironment.cancel = staticmethod(cancel)
from kefu.cli import main
main()
"""


def test_asked_to_stop_while_a_query_ends(gated: Kefu, gate: Gate) -> None:
    """Its connection may be closed by the time that it is to be interrupted."""
    run = subprocess.Popen(
        [sys.executable, "-c", CLOSED, *RUN, "--full"],
        cwd=gated.home,
        env=gated.environment | {"TEST_GATE": str(gate.path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        gate.wait()
        run.send_signal(signal.SIGTERM)
        gate.open()
        _, told = run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == 128 + signal.SIGTERM
    assert "stopped by SIGTERM:" in one_line_of(told)


def test_asking_twice_does_not_wait(gated: Kefu, gate: Gate) -> None:
    before = malls_in(gated)
    run = gated.start(*RUN, TEST_GATE=str(gate.path))
    gate.wait()
    run.kill(signal.SIGTERM)
    time.sleep(0.2)
    # The build waits at the gate still, and would for ever.
    assert not run.has_ended()
    run.kill(signal.SIGTERM)
    assert run.done(10).returncode == 128 + signal.SIGTERM
    assert malls_in(gated) == before
    with duckdb.connect(str(gated.database)):
        pass


def test_demo_data_and_runs_keep_out_of_each_others_way(kefu: Kefu) -> None:
    with folder_replaced(kefu.raw_root):
        refused = kefu("run")
        assert refused.returncode == 3
        assert "are being rewritten" in one_line_of(refused.stderr)
    with folder_read(kefu.raw_root), folder_read(kefu.raw_root):
        refused = kefu("demo-data", "--out", str(kefu.raw_root))
        assert refused.returncode == 3
        assert "are in use by a run" in one_line_of(refused.stderr)
    assert not (kefu.raw_root / DEMO_MARK).exists()


def test_killed_demo_data_are_no_input(kefu: Kefu) -> None:
    small = ("demo-data", "--malls", "3", "--days", "3", "--messages", "300")
    shutil.rmtree(kefu.raw_root)
    making = kefu.start(*small)
    eventually((kefu.raw_root / "messages").exists, "the first table")
    making.kill()
    assert making.done().returncode == -signal.SIGKILL
    assert (kefu.raw_root / DEMO_UNFINISHED).exists()
    refused = kefu("run")
    assert refused.returncode == 3
    assert "is unfinished: make it anew" in one_line_of(refused.stderr)
    assert kefu(*small).returncode == 0
    assert not (kefu.raw_root / DEMO_UNFINISHED).exists()
    # What was landed beside them since is nobody's to delete.
    landed = kefu.raw_root / "orders" / "load_date=2026-11-01" / "ours.csv"
    landed.parent.mkdir()
    landed.write_text("mall_id\n", encoding="utf-8")
    refused = kefu(*small)
    assert refused.returncode == 3
    assert "as orders/load_date=2026-11-01/ours.csv: move" in one_line_of(
        refused.stderr
    )
    assert landed.exists()
    landed.unlink()
    assert kefu(*small).returncode == 0


def test_what_a_lock_file_says_decides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kefu.duckdb"
    lock_file = tmp_path / ".kefu.duckdb.lock"
    for left in (
        b'{"purpose": "run", "process": 1, "machine": "m", "since": "long ago"}\n',
        b"\xff\xfe no text",
        b"[]",
        b"",
    ):
        lock_file.write_bytes(left)
        with held(path, "run"):
            assert str(os.getpid()) in lock_file.read_text(encoding="utf-8")
            with pytest.raises(KefuError, match=r"another run \(process \d+ on "):
                held(path, "run").__enter__()
            lock_file.write_bytes(left)
            with pytest.raises(KefuError, match="another "):
                held(path, "run").__enter__()
        assert lock_file.read_bytes() == b""


def test_a_lock_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(KefuError, match="nowhere is not writable"):
        held(tmp_path / "nowhere" / "kefu.duckdb", "run").__enter__()
    (tmp_path / ".kefu.duckdb.lock").mkdir()
    with pytest.raises(KefuError, match="is not writable"):
        held(tmp_path / "kefu.duckdb", "run").__enter__()
