"""Kept versions: which there are, which is current, the way back."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from test_publish import ask, built, left_behind, publish

from kefu import versions as keeping
from kefu.errors import KefuError
from kefu.publish import roll_back
from kefu.run_record import RunRecord, new_run_id
from kefu.versions import Versions

NUMBERED = "create schema if not exists marts; create or replace table marts.t as "


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published" / "kefu.duckdb"


@pytest.fixture
def publish_number(tmp_path: Path, published: Path) -> Callable[..., str]:
    """Publish a version that holds a number; return its run id."""

    def act(number: int, **options: object) -> str:
        database = built(tmp_path / "w.duckdb", f"{NUMBERED} select {number} as n")
        return publish(database, published, **options)["version"]

    return act


def current(published: Path) -> int:
    return ask(published, "select n from marts.t")[0][0]


def kept(published: Path) -> list[str]:
    whole, broken = Versions(published).read()
    assert broken == {}
    return [version.run_id for version in whole]


def test_the_last_versions_are_kept(
    published: Path, publish_number: Callable[..., str]
) -> None:
    ids = [publish_number(n, kept_versions=3) for n in range(5)]
    assert kept(published) == ids[:1:-1]
    assert sorted(path.name for path in (published.parent / "versions").iterdir()) == [
        *sorted(ids[2:]),
        "history.jsonl",
    ]
    newest = Versions(published).read()[0][0]
    assert newest.file.read_bytes() == published.read_bytes()
    assert newest.file.stat().st_ino != published.stat().st_ino
    assert newest.file.stat().st_mode & 0o222 == 0
    assert newest.publication["sequence"] == 5


def test_current_and_pinned_versions_are_never_removed(
    published: Path, publish_number: Callable[..., str]
) -> None:
    ids = [publish_number(n) for n in range(4)]
    Versions(published).pin(ids[1], "closing 2026-01")
    Versions(published).pin(ids[1], "closing 2026-01")
    roll_back(published, ids[0])
    assert Versions(published).prune(1, ids[0]) == [ids[2]]
    assert kept(published) == [ids[3], ids[1], ids[0]]
    assert current(published) == 0
    newest = publish_number(5, kept_versions=1)
    # What a rollback would return to stays too, whatever number is to be kept.
    assert kept(published) == [newest, ids[1], ids[0]]
    assert roll_back(published, None).run_id == ids[0]
    assert Versions(published).find(ids[1]).pins == ["closing 2026-01"]


def test_order_does_not_depend_on_the_clock(
    published: Path, publish_number: Callable[..., str]
) -> None:
    names = ("20300101T000000Z-aaaaaa", "20200101T000000Z-bbbbbb", "x")
    for number, run_id in enumerate(names):
        publish_number(number, record=RunRecord(run_id), kept_versions=2)
    assert kept(published) == ["x", "20200101T000000Z-bbbbbb"]
    assert roll_back(published, None).run_id == "20200101T000000Z-bbbbbb"
    assert current(published) == 1


def test_runs_of_one_moment_and_of_earlier_ones_are_versions_of_their_own(
    published: Path,
    publish_number: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock stands still, goes back, far ahead, and back again."""
    years = (2026, 2026, 2025, 2099, 2026)
    moment = dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return moment

    monkeypatch.setattr(dt, "datetime", Clock)
    ids = []
    for year in years:
        moment = moment.replace(year=year)
        ids.append(publish_number(len(ids), record=RunRecord(new_run_id())))
        assert current(published) == len(ids) - 1
    assert [int(name[:4]) for name in ids] == list(years)
    assert kept(published) == ids[::-1]
    for number, run_id in enumerate(ids):
        file = Versions(published).find(run_id).file
        assert ask(file, "select n from marts.t") == [(number,)]
    for number in (3, 2, 1, 0):
        roll_back(published, None)
        assert current(published) == number


def test_numbers_go_on_without_the_folder(
    published: Path, publish_number: Callable[..., str]
) -> None:
    for number in range(2):
        publish_number(number)
    keeping.remove(published.parent / "versions")
    publish_number(2)
    assert ask(published, "select sequence from meta.publication") == [(3,)]


def test_rollback_follows_what_was_published(
    published: Path, publish_number: Callable[..., str]
) -> None:
    ids = [publish_number(0, with_restricted=True, with_parquet=True)]
    ids += [publish_number(n) for n in (1, 2)]
    assert roll_back(published, None).run_id == ids[1]
    # Not to 2, from which somebody went back, though it is the newest before 3.
    ids.append(publish_number(3))
    assert current(published) == 3
    roll_back(published, None)
    assert current(published) == 1
    roll_back(published, None)
    assert current(published) == 0
    assert current(Versions(published).restricted) == 0
    with duckdb.connect() as connection:
        path = str(published.parent / "parquet" / "t.parquet")
        assert connection.read_parquet(path).fetchall() == [(0,)]
    with pytest.raises(KefuError, match="no version before the current one"):
        roll_back(published, None)
    assert roll_back(published, ids[2]).run_id == ids[2]
    assert current(published) == 2
    assert left_behind(published) == []
    told = [
        (event["event"], event["run_id"], event["replaced"])
        for event in Versions(published).history()
    ]
    assert told[2:5] == [
        ("published", ids[2], ids[1]),
        ("rolled back", ids[1], ids[2]),
        ("published", ids[3], ids[1]),
    ]


def test_rollback_goes_past_a_damaged_file(
    published: Path, publish_number: Callable[..., str]
) -> None:
    first = publish_number(0)
    published.chmod(0o644)
    published.write_bytes(published.read_bytes()[:8192])
    publish_number(1)
    assert roll_back(published, None).run_id == first
    assert current(published) == 0


def test_rollback_gives_copies_that_a_version_had_not(
    published: Path, publish_number: Callable[..., str]
) -> None:
    first = publish_number(0)
    publish_number(1, with_restricted=True, with_parquet=True)
    roll_back(published, first)
    assert current(Versions(published).restricted) == 0
    with duckdb.connect() as connection:
        path = str(published.parent / "parquet" / "t.parquet")
        assert connection.read_parquet(path).fetchall() == [(0,)]
    version = Versions(published).find(first)
    version.check(["kefu.duckdb", "kefu_restricted.duckdb", "parquet"])


def flip_a_byte(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def write(text: str) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        if path.exists():
            path.chmod(0o644)
        path.write_text(text, encoding="utf-8")

    return act


def without_files(path: Path) -> None:
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["publication"]["files"]
    write(json.dumps(manifest))(path)


DAMAGE = {
    "a byte flipped": ("kefu.duckdb", flip_a_byte, "kefu.duckdb is not what was"),
    "an empty file": ("kefu.duckdb", write(""), "kefu.duckdb is not what was"),
    "no file": ("kefu.duckdb", Path.unlink, "kefu.duckdb is not what was"),
    "no manifest": ("manifest.json", Path.unlink, "it has no manifest.json"),
    "half a manifest": ("manifest.json", write('{"run_id": "a'), "cannot be read"),
    "another manifest": ("manifest.json", write("[]"), "cannot be read"),
    "a manifest of others": ("manifest.json", without_files, "cannot be read"),
}


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A published folder with two versions, and the id of the first."""
    folder = tmp_path_factory.mktemp("two")
    database = built(folder / "w.duckdb", f"{NUMBERED} select 1 as n")
    ids = [
        publish(database, folder / "published" / "kefu.duckdb")["version"]
        for _ in range(2)
    ]
    return folder / "published", ids[0]


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_version_is_one_line(
    two_versions: tuple[Path, str], published: Path, kind: str
) -> None:
    name, spoil, told = DAMAGE[kind]
    folder, damaged = two_versions
    shutil.copytree(folder, published.parent)
    before = published.read_bytes()
    spoil(published.parent / "versions" / damaged / name)
    for run_id in (None, damaged):
        with pytest.raises(KefuError, match=told) as caught:
            roll_back(published, run_id)
        assert "damaged" in str(caught.value) and damaged in str(caught.value)
    assert published.read_bytes() == before
    assert left_behind(published) == []


def test_a_damaged_version_is_in_nobodys_way(
    published: Path, publish_number: Callable[..., str]
) -> None:
    damaged = publish_number(0)
    (published.parent / "versions" / damaged / "manifest.json").unlink()
    publish_number(1, kept_versions=1)
    assert current(published) == 1
    assert list(Versions(published).read()[1]) == [damaged]


def test_no_such_version(two_versions: tuple[Path, str]) -> None:
    folder, run_id = two_versions
    for name in ("none-such", f"../versions/{run_id}", ".", "/", run_id[:-1]):
        with pytest.raises(KefuError, match="there is no version"):
            roll_back(folder / "kefu.duckdb", name)


def test_nothing_published_yet(tmp_path: Path, published: Path) -> None:
    with pytest.raises(KefuError, match="nothing was published yet"):
        roll_back(published, None)
    published.parent.mkdir()
    with pytest.raises(KefuError, match="nothing is published as"):
        roll_back(published, None)
    with duckdb.connect(str(published)) as connection:
        connection.execute("create schema marts")
    with pytest.raises(KefuError, match="does not say which version it is"):
        roll_back(published, None)


def test_a_spoilt_published_file_can_be_given_back(
    published: Path, publish_number: Callable[..., str]
) -> None:
    run_id = publish_number(7)
    flip_a_byte(published)
    roll_back(published, run_id)
    assert published.read_bytes() == Versions(published).find(run_id).file.read_bytes()
    published.unlink()
    roll_back(published, run_id)
    assert current(published) == 7
    # It was current all the time, so nothing was left.
    assert [event["event"] for event in Versions(published).history()] == ["published"]


def test_the_same_run_is_one_version(
    published: Path, publish_number: Callable[..., str]
) -> None:
    record = RunRecord(new_run_id())
    publish_number(0)
    publish_number(1, record=record)
    before = Versions(published).find(record.run_id).file.stat()
    publish_number(1, record=record)
    assert len(kept(published)) == 2
    assert Versions(published).find(record.run_id).file.stat() == before
    # Its damaged copy makes room for a whole one.
    flip_a_byte(Versions(published).find(record.run_id).file)
    publish_number(1, record=record)
    assert len(kept(published)) == 2
    Versions(published).find(record.run_id).check(["kefu.duckdb"])
    assert current(published) == 1


def test_what_a_version_is_kept_for_is_not_forgotten(
    published: Path, publish_number: Callable[..., str]
) -> None:
    """Neither when its damaged file is made anew, nor when nobody can read it."""
    record = RunRecord(new_run_id())
    publish_number(0, record=record)
    Versions(published).pin(record.run_id, "closing 2026-01")
    flip_a_byte(Versions(published).find(record.run_id).file)
    publish_number(0, record=record)
    assert Versions(published).find(record.run_id).pins == ["closing 2026-01"]
    newer = publish_number(1)
    publish_number(2)
    write("no JSON")(published.parent / "versions" / newer / "pins.json")
    assert Versions(published).prune(1, "another") == []
    (told,) = Versions(published).find(newer).pins
    assert "cannot be read" in told


def test_a_failed_rollback_leaves_the_last_file(
    published: Path,
    publish_number: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(2):
        publish_number(number)
    before = published.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(keeping.shutil, "copyfile", fail)
    with pytest.raises(KefuError, match="the disk is full"):
        roll_back(published, None)
    assert published.read_bytes() == before
    assert left_behind(published) == []


def test_one_warehouse_a_folder(
    published: Path, publish_number: Callable[..., str], tmp_path: Path
) -> None:
    publish_number(0)
    other = published.with_name("other.duckdb")
    with pytest.raises(KefuError, match="a folder of its own"):
        publish(tmp_path / "w.duckdb", other)
    assert not other.exists()


def test_what_cannot_be_removed_is_no_failure(
    tmp_path: Path,
    published: Path,
    publish_number: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish_number(0)

    def fail(*_: object) -> None:
        raise OSError("busy")

    monkeypatch.setattr(Versions, "prune", fail)
    database = built(tmp_path / "w.duckdb", f"{NUMBERED} select 1 as n")
    assert "busy" in publish(database, published)["warning"]
    assert current(published) == 1
