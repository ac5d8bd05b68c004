"""Killed, short of disk or memory, shut out: the last good version stays."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import duckdb
import pytest
from conftest import Kefu, land, text_row
from crashes import Command, Crashes, Kill, content, times_of
from gated import land_mall, make_gated

from kefu import diagnosis
from kefu.audit import data_docs
from kefu.closing.store import Closings
from kefu.errors import EXIT_BUILD
from kefu.raw_input import open_working_database
from kefu.versions import Versions, publication_in

UNAUDITED = ("run", "--no-audit", "--publish-untested")
# Once asked for, they go with every publication.
COPIES = ("--parquet", "--marts-restricted")


def test_killed_at_any_point(tmp_path: Path) -> None:
    """kill -9 in build, audit, publishing and rollback, at seeded random moments."""
    rng = random.Random(4)
    world = make_gated(tmp_path)
    crashes = Crashes(world, tmp_path / "states")
    times_of(world, *UNAUDITED, *COPIES)
    first = content(world.published)
    first_run = publication_in(world.published)["run_id"]
    crashes.remember("delivered", "work", "published")
    crashes.remember("built", "published")
    land_mall(world, "second")
    run_times = times_of(world, "run")
    second = content(world.published)
    assert first["dim_malls"][0] == 3 and second["dim_malls"][0] == 4
    crashes.allowed = [first, second]
    crashes.remember("built", "work")
    crashes.remember("published", "published")

    crashes.put_back("built")
    publishing = times_of(world, "publish")["published"]
    assert content(world.published) == second
    rolling_back = times_of(world, "rollback", first_run)[str(world.published)]
    assert content(world.published) == first

    again = (*UNAUDITED, "--wait")
    run = Command(UNAUDITED, "delivered", second, "published in", again)
    audited = Command(("run",), "delivered", second, "published in", ("run", "--wait"))
    publish = Command(
        ("publish",), "built", second, "published in", ("publish", "--wait")
    )
    rollback = Command(("rollback", first_run), "published", first, "is now")
    auditing = run_times["publishing"] - run_times["auditing"]
    kills = [
        *[Kill(run, "", run_times["auditing"])] * 5,
        *[Kill(audited, "auditing", auditing)] * 2,
        *[Kill(run, "publishing", publishing)] * 2,
        *[Kill(publish, "", publishing)] * 9,
        *[Kill(rollback, "", rolling_back)] * 4,
    ]
    crashes.kill_all(kills, rng)
    survived = sum(crashes.survived.values())
    print(f"{survived} of {len(kills)} kills survived: {crashes.survived}")
    assert survived == len(kills) >= 20


PUBLISHED_ALL_THE_SAME = ("run", "--no-tests", "--publish-untested")
UNTESTED = (*PUBLISHED_ALL_THE_SAME, "--no-audit")
CLOSE = ("close", "2026-10", "--by", "somebody", "--not-final", "--untested")


@pytest.mark.long
def test_the_whole_project_killed_at_any_point(tmp_path: Path) -> None:
    """As above, with all models, and killed while a period is closed, too."""
    rng = random.Random(40)
    world = Kefu(home=tmp_path)
    times_of(world, "demo-data", "--malls", "4", "--days", "8", "--messages", "800")
    crashes = Crashes(world, tmp_path / "states")
    times_of(world, *UNTESTED, *COPIES)
    first = content(world.published)
    first_run = publication_in(world.published)["run_id"]
    crashes.remember("delivered", "work", "published")
    crashes.remember("built", "published")
    loaded_at = "2026-10-31 12:00:00"
    late = text_row("malls", mall_id="late", category_name="x", _loaded_at=loaded_at)
    land(world.raw_root, "malls", [late], "late.jsonl", load_date="2026-10-31")
    run_times = times_of(world, *PUBLISHED_ALL_THE_SAME)
    second = content(world.published)
    assert second["dim_malls"][0] == first["dim_malls"][0] + 1
    assert len(second) > 20
    crashes.allowed = [first, second]
    crashes.remember("built", "work")
    crashes.remember("published", "published")

    crashes.put_back("built")
    publishing = times_of(world, "publish", "--untested")["published"]
    assert content(world.published) == second
    rolling_back = times_of(world, "rollback", first_run)[str(world.published)]
    assert content(world.published) == first
    crashes.put_back("published")
    closing = times_of(world, *CLOSE)["closed"]
    (closed,) = Closings(world.published).read()
    assert sum(table["rows"] for table in closed.tables.values()) > 0

    def is_closed(ended: CompletedProcess) -> bool:
        closings = Closings(world.published)
        (found,) = closings.read()
        assert found.tables == closed.tables and closings.altered(found) == []
        return ended.returncode == 0 or "was closed by somebody" in ended.stderr

    done = "published in"
    again = (*UNTESTED, "--wait")
    publish_again = ("publish", "--untested", "--wait")
    run = Command(UNTESTED, "delivered", second, done, again)
    audited = Command(
        PUBLISHED_ALL_THE_SAME,
        "delivered",
        second,
        done,
        (*PUBLISHED_ALL_THE_SAME, "--wait"),
    )
    run_published = Command(UNTESTED, "delivered", second, done, publish_again)
    publish = Command(("publish", "--untested"), "built", second, done, publish_again)
    rollback = Command(("rollback", first_run), "published", first, "is now")
    close = Command(
        CLOSE, "published", second, "closed 2026-10", has_ended_right=is_closed
    )
    auditing = run_times["publishing"] - run_times["auditing"]
    kills = [
        *[Kill(run, "", run_times["auditing"])] * 9,
        *[Kill(audited, "auditing", auditing)] * 2,
        *[Kill(run_published, "publishing", publishing / 2)] * 3,
        *[Kill(publish, "", publishing)] * 12,
        *[Kill(rollback, "", rolling_back)] * 7,
        *[Kill(close, "", closing)] * 7,
    ]
    crashes.kill_all(kills, rng)
    survived = sum(crashes.survived.values())
    print(f"{survived} of {len(kills)} kills survived: {crashes.survived}")
    assert survived == len(kills) >= 40


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Kefu:
    """A world with a publication; a test may break what is not published."""
    world = make_gated(tmp_path_factory.mktemp("published"))
    done = world(*UNAUDITED)
    assert done.returncode == 0, done.stderr
    return world


def one_line_of(stderr: str) -> str:
    (line,) = stderr.strip().splitlines()
    assert line.startswith("kefu: ")
    return line


LARGE = """
select
    mall_id,
    cast(position as integer) as position
from (
    select
        malls.mall_id,
        range as position,
        row_number() over (order by hash(range, malls.mall_id)) as place
    from {{{{ source('pdd', 'malls') }}}} as malls
    cross join range({rows}) as numbers
)
where place % {every} = 0
"""
SHORT_OF = {
    "room for the working database": (
        LARGE.format(rows=500_000, every=1),
        {"RLIMIT_FSIZE": 3_000_000},
        {},
        ["work/kefu.duckdb", "disk is full", "File too large", "another disk"],
    ),
    "room for temporary files": (
        LARGE.format(rows=1_500_000, every=1_000_000),
        {"RLIMIT_FSIZE": 3_000_000},
        {"KEFU_MEMORY_LIMIT": "60MB"},
        ["work/kefu.duckdb.tmp/", "disk is full", "File too large", "another disk"],
    ),
    "memory": (
        LARGE.format(rows=100_000, every=100_000),
        {},
        {"KEFU_MEMORY_LIMIT": "4MB"},
        ["out of memory", "raise KEFU_MEMORY_LIMIT (it is 4MB)"],
    ),
}


@pytest.mark.parametrize("kind", SHORT_OF)
def test_short_of(published: Kefu, kind: str) -> None:
    """One line, the way out, the last publication; with room again, all is well."""
    model, limits, environment, told = SHORT_OF[kind]
    path = published.project / "models" / "marts" / "fct_behind.sql"
    sound = path.read_text(encoding="utf-8")
    path.write_text(model, encoding="utf-8")
    before = published.published.read_bytes()
    done = published.start(*UNAUDITED, limits=limits, **environment).done()
    path.write_text(sound, encoding="utf-8")
    line = one_line_of(done.stderr)
    assert done.returncode == 4, done.stdout
    # A test beside the model may be the first to find no room.
    assert line.startswith(("kefu: model ", "kefu: test "))
    assert "nothing was published" in line
    for text in told:
        assert text in line
    assert published.published.read_bytes() == before
    assert published("publish", "--untested").returncode == 5


def test_no_room_for_what_dbt_writes(published: Kefu) -> None:
    before = published.published.read_bytes()
    shutil.rmtree(published.home / "target")
    done = published.start(*UNAUDITED, limits={"RLIMIT_FSIZE": 100_000}).done()
    assert done.returncode == 3
    line = one_line_of(done.stderr)
    assert "disk is full" in line and "File too large" in line
    assert published.published.read_bytes() == before


SPENT = {
    "disk": (
        'IO Error: Could not write file "work/kefu.duckdb": No space left on device',
        "disk is full",
    ),
    "memory": ("Out of Memory Error: failed to allocate data", "out of memory"),
}


@pytest.mark.parametrize("kind", SPENT)
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_what_ran_out_is_told_of_the_model_before_a_test(
    monkeypatch: pytest.MonkeyPatch, kind: str, order: slice
) -> None:
    """In whatever order dbt tells of both: a small test broke beside a large model."""
    message, told = SPENT[kind]
    failed = [
        SimpleNamespace(
            node=SimpleNamespace(resource_type=resource, name=name), message=message
        )
        for resource, name in (
            ("test", "not_null_dim_malls_mall_id"),
            ("model", "fct_buyer_messages"),
            ("test", "unique_dim_malls_mall_id"),
        )
    ]
    monkeypatch.setattr(diagnosis, "check_unchanged", lambda settings: None)
    error = diagnosis.from_outside(None, failed[order], None)
    assert str(error).startswith("model fct_buyer_messages failed: ")
    assert told in str(error) and error.exit_code == EXIT_BUILD
    # A test alone is named all the same.
    error = diagnosis.from_outside(None, failed[:1], None)
    assert str(error).startswith("test not_null_dim_malls_mall_id failed: ")


def test_no_room_for_the_published_file(published: Kefu) -> None:
    land_mall(published, "one-more")
    built = published("run", "--no-audit")
    assert built.returncode == 0, built.stderr
    before = published.published.read_bytes()
    # Less than the database, more than what is written before it.
    limits = {"RLIMIT_FSIZE": 200_000}
    done = published.start("publish", "--untested", limits=limits).done()
    assert done.returncode == 5
    line = one_line_of(done.stderr)
    assert "the file there is as it was" in line and "File too large" in line
    assert published.published.read_bytes() == before
    assert published("publish", "--untested").returncode == 0
    assert content(published.published)["dim_malls"][0] == 4


# The superuser heeds no permission bits, unless these rights are taken away.
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner")


def run_without_rights(world: Kefu, *arguments: str) -> subprocess.CompletedProcess:
    """Call `kefu` as a process that permission bits bind, whoever we are."""
    command = [sys.executable, "-m", "kefu.cli", *arguments]
    if os.geteuid() == 0:
        if not shutil.which(WITHOUT_RIGHTS[0]):
            pytest.skip("run by the superuser, who heeds no permission bits")
        command = [*WITHOUT_RIGHTS, *command]
    return subprocess.run(
        command, env=world.environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("folder", "call", "code", "told"),
    [
        ("published", ("run",), 3, "set KEFU_PUBLISHED"),
        ("work", ("run",), 3, "set KEFU_DATABASE"),
        ("published", ("publish", "--untested"), 5, "published"),
        ("published/versions", ("publish", "--untested"), 5, "versions"),
    ],
)
def test_no_permission(
    published: Kefu, folder: str, call: tuple[str, ...], code: int, told: str
) -> None:
    """One line, and the last version is there, whole and open to readers."""
    if "publish" in call:
        assert published("run", "--no-audit").returncode == 0
    before = published.published.read_bytes()
    versions = sorted((published.home / "published" / "versions").iterdir())
    closed = published.home / folder
    closed.chmod(0o555)
    try:
        done = run_without_rights(published, *call)
    finally:
        closed.chmod(0o755)
    line = one_line_of(done.stderr)
    assert done.returncode == code, line
    assert told in line and "Permission denied" in line
    assert published.published.read_bytes() == before
    assert sorted((published.home / "published" / "versions").iterdir()) == versions


def test_no_room_for_demo_data(kefu: Kefu) -> None:
    shutil.rmtree(kefu.raw_root)
    started = kefu.start("demo-data", limits={"RLIMIT_FSIZE": 20_000})
    done = started.done()
    assert done.returncode == 3, done.stderr
    assert "disk is full" in one_line_of(done.stderr)
    refused = kefu("run")
    assert "is unfinished: make it anew" in one_line_of(refused.stderr)


def test_the_published_folder_is_gone_when_publishing(
    published: Kefu, tmp_path: Path
) -> None:
    """A folder that takes no file: for once a file stands in its place."""
    folder = published.published.parent
    before = published.published.read_bytes()
    aside = folder.rename(tmp_path / "aside")
    folder.write_text("no folder", encoding="utf-8")
    done = published("publish", "--untested")
    assert done.returncode in (3, 5)
    assert "KEFU_PUBLISHED" in one_line_of(done.stderr)
    refused = published("run")
    assert refused.returncode == 3
    assert "KEFU_PUBLISHED" in one_line_of(refused.stderr)
    folder.unlink()
    aside.rename(folder)
    assert published.published.read_bytes() == before
    versions = folder / "versions"
    aside = versions.rename(tmp_path / "versions")
    versions.write_text("no folder", encoding="utf-8")
    done = published("publish", "--untested")
    assert done.returncode == 5, done.stderr
    one_line_of(done.stderr)
    assert published.published.read_bytes() == before
    versions.unlink()
    aside.rename(versions)
    assert published("publish", "--untested").returncode == 0


def test_a_bad_memory_limit_is_called_so(kefu: Kefu) -> None:
    for limit in ("lots", "0", "3"):
        done = kefu("run", KEFU_MEMORY_LIMIT=limit)
        assert done.returncode == 3
        line = one_line_of(done.stderr)
        assert f"KEFU_MEMORY_LIMIT, or memory_limit in the profile, is '{limit}'" in (
            line
        )
        assert "write it as in 3GB" in line
        assert not kefu.database.exists()


def test_a_day_after_the_data_is_said(published: Kefu) -> None:
    """as_of_date cannot lie beyond the data's end: a warning, in the manifest too."""
    model = published.project / "models" / "intermediate" / "int_as_of_end.sql"
    model.write_text("select date '2026-03-01' as as_of_end", encoding="utf-8")
    told = []
    for day in ("2026-03-01", "2026-03-02"):
        done = published(*UNAUDITED, "--vars", f"as_of_date: {day}")
        assert done.returncode == 0, done.stderr
        manifest = Versions(published.published).read()[0][0].manifest
        told.append([line for line in manifest["warnings"] if "as_of_date" in line])
        assert ("warning: as_of_date" in done.stdout) == bool(told[-1])
    model.unlink()
    assert told == [
        [],
        [
            "as_of_date is 2026-03-02, but the data end before: everything is computed"
            " as of 2026-03-01"
        ],
    ]


def test_what_a_killed_audit_left_is_removed(tmp_path: Path) -> None:
    """Pages half made, and the link to them that got no name."""
    fresh, left = tmp_path / ".data_docs-new", tmp_path / ".data_docs-left"
    for folder in (fresh, left):
        folder.mkdir()
    (tmp_path / ".data_docs-left.link").symlink_to(left.name)
    (tmp_path / ".data_docs-gone.link").symlink_to("nowhere")
    data_docs._put_in_place(fresh, tmp_path / "data_docs")
    assert {path.name for path in tmp_path.iterdir()} == {fresh.name, "data_docs"}


CHANGED_TABLE = """
create table t (a integer, b integer, check (least(a, b) >= 0));
insert into t values (1, 2);
alter table t add column c integer;
"""


def test_a_log_that_was_left_behind_is_brought_in(tmp_path: Path) -> None:
    """A killed build leaves one; DuckDB alone cannot always read it again."""
    path = tmp_path / "work" / "kefu.duckdb"
    path.parent.mkdir()
    killed = (
        "import duckdb, os, sys;"
        "opened = duckdb.connect(sys.argv[1]); opened.execute(sys.argv[2]);"
        "os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", killed, path, CHANGED_TABLE], check=False)
    assert path.with_name("kefu.duckdb.wal").exists()
    with pytest.raises(duckdb.Error, match="Failure while replaying WAL"):
        duckdb.connect(str(path))  # Once this works, bring_in_log may go.
    open_working_database(str(path))
    assert not path.with_name("kefu.duckdb.wal").exists()
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("from t").fetchall() == [(1, 2, None)]
