"""Killed, short of disk or memory, shut out: the last good version stays."""

import random
import shutil
from pathlib import Path

import pytest
from conftest import Kefu
from crashes import Command, Crashes, Kill, content, times_of
from gated import land_mall, make_gated

from kefu.versions import publication_in

UNAUDITED = ("run", "--no-audit", "--publish-untested")


def test_killed_at_any_point(tmp_path: Path) -> None:
    """kill -9 in build, audit, publishing and rollback, at seeded random moments."""
    rng = random.Random(4)
    world = make_gated(tmp_path)
    crashes = Crashes(world, tmp_path / "states")
    times_of(world, *UNAUDITED)
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
    audited = Command(("run",), "delivered", second, "published in", again)
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
    assert line.startswith("kefu: model ")
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
