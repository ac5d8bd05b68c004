"""Publishing: whole, with constraints and comments, or not at all."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from conftest import settings_of

from kefu import pipeline, table_copy
from kefu import publish as publishing
from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.publish import Request
from kefu.run_record import RunRecord, new_run_id
from kefu.versions import Versions

CREATE = """
create schema marts;
create schema staging;
create table staging.secret as select 'buyer text' as content;
create table marts."Odd ""name" (
    id integer primary key,
    score double not null check (score between 0 and 5),
    "the day" date,
    kind varchar check (kind in ('a''b', 'c')),
    money decimal(18, 2)
);
insert into marts."Odd ""name" values
    (2, 3.3956, date '2026-03-01', 'a''b', 12.50),
    (1, 0.0, null, 'c', null);
comment on table marts."Odd ""name" is 'One row a thing; it''s 客服';
comment on column marts."Odd ""name"."the day" is 'The day''s date';
create table marts.empty_one (id integer not null);
"""
MART = 'marts."Odd ""name"'


def built(path: Path, sql: str = CREATE) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)
    return path


def request(database: Path, published: Path, **options: object) -> Request:
    record = options.pop("record", None) or RunRecord(new_run_id())
    return Request(database, published, record, **options)


def publish(database: Path, published: Path, **options: object) -> dict:
    return publishing.publish(request(database, published, **options))


def ask(path: Path, question: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(question).fetchall()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return built(tmp_path / "work.duckdb")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published" / "kefu.duckdb"


def test_rows_types_and_nothing_but_marts(database: Path, published: Path) -> None:
    publish(database, published)
    for question in (
        f"from {MART} order by id",
        f"describe {MART}",
        "from marts.empty_one",
    ):
        assert ask(published, question) == ask(database, question)
    tables = ask(published, "select schema_name, table_name from duckdb_tables()")
    marts = sorted(table for schema, table in tables if schema == "marts")
    assert marts == ['Odd "name', "empty_one"]
    assert {schema for schema, _ in tables} == {"marts", "meta"}


def test_constraints_and_comments_survive(database: Path, published: Path) -> None:
    publish(database, published)
    for question in (
        "select table_name, comment from duckdb_tables()"
        " where schema_name = 'marts' order by all",
        "select table_name, constraint_type, expression, constraint_column_names"
        " from duckdb_constraints() where schema_name = 'marts' order by all",
        "select table_name, column_name, comment, is_nullable from duckdb_columns()"
        " where schema_name = 'marts' order by all",
    ):
        assert ask(published, question) == ask(database, question)
    copy = published.with_name("copy.duckdb")
    copy.write_bytes(published.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        for broken in ("(3, 9, null, 'c', 0)", "(1, 1, null, 'c', 0)"):
            with pytest.raises(duckdb.ConstraintException):
                connection.execute(f"insert into {MART} values {broken}")


def test_older_clients_can_read_the_file(database: Path, published: Path) -> None:
    publish(database, published)
    ((tags,),) = ask(
        published,
        "select tags from duckdb_databases() where database_name = 'kefu'",
    )
    assert tags["storage_version"].startswith(table_copy.STORAGE_VERSION)


def in_a_process(code: str, *arguments: object) -> subprocess.Popen:
    """Start Python code that says `ready` and then waits for its input to end."""
    started = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb, sys\n{code}", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout.readline() == "ready\n"
    return started


HOLD_OPEN = """
reader = duckdb.connect(sys.argv[1], read_only=True)
print("ready", flush=True)
sys.stdin.read()
print(reader.execute(sys.argv[2]).fetchone()[0])
"""


def test_a_reader_keeps_the_old_file(database: Path, published: Path) -> None:
    publish(database, published)
    question = f"select max(score) from {MART}"
    reader = in_a_process(HOLD_OPEN, published, question)
    built(database, f"update {MART} set score = 5")
    publish(database, published)
    assert ask(published, question) == [(5.0,)]
    assert reader.communicate()[0] == "3.3956\n"


def test_the_file_is_never_written_nor_missing(
    database: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, published)
    before, replace, moments = published.read_bytes(), os.replace, []

    def watched(source: Path, target: Path) -> None:
        moments.append(published.read_bytes())
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    with published.open("rb") as held_open:
        built(database, f"update {MART} set score = 5")
        publish(database, published)
        assert held_open.read() == before
    after = published.read_bytes()
    assert after != before
    assert len(moments) > 1 and set(moments) <= {before, after}


# Opens the file again and again until its input ends. Each publication
# writes its number into both tables: two numbers in one answer are two moments.
KEEP_READING = """
import json, select, time
seen, slowest = [], 0.0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    began = time.monotonic()
    with duckdb.connect(sys.argv[1], read_only=True) as reader:
        numbers = reader.execute(
            "select min(n), max(n), count(*) from marts.many"
        ).fetchone() + reader.execute("select n from marts.one").fetchone()
    slowest = max(slowest, time.monotonic() - began)
    seen.append(numbers)
    time.sleep(0.02)
print(json.dumps([seen, slowest]))
"""


def test_readers_see_whole_files_of_one_moment(tmp_path: Path, published: Path) -> None:
    """A process reads again and again while six versions are published."""
    rows, publications = 20_000, 6
    database = tmp_path / "work.duckdb"
    fill = (
        "create schema if not exists marts;"
        "create or replace table marts.many as"
        " select {n} as n, hash(i) as h from range({rows}) as numbers (i);"
        "create or replace table marts.one as select {n} as n"
    )
    built(database, fill.format(n=0, rows=rows))
    publish(database, published)
    reader = in_a_process(KEEP_READING, published)
    for n in range(1, publications + 1):
        built(database, fill.format(n=n, rows=rows + n))
        publish(database, published, kept_versions=2)
    printed, _ = reader.communicate()
    assert reader.returncode == 0
    seen, slowest = json.loads(printed)
    assert len({one for _, _, _, one in seen}) > publications / 2
    for smallest, largest, count, one in seen:
        assert smallest == largest == one
        assert count == rows + one
    order = [one for _, _, _, one in seen]
    assert order == sorted(order)
    # Opening never waits for a publication: seconds would be a lock.
    assert slowest < 5


HOLD_FOR_WRITING = """
writer = duckdb.connect(sys.argv[1])
writer.execute("create table notes as select 'dear' as word")
print("ready", flush=True)
sys.stdin.read()
writer.close()
"""


def test_nothing_that_somebody_writes_is_lost(database: Path, published: Path) -> None:
    publish(database, published)
    published.chmod(0o644)
    writer = in_a_process(HOLD_FOR_WRITING, published)
    with pytest.raises(KefuError, match="somebody wrote|open for writing") as caught:
        publish(database, published)
    assert caught.value.exit_code == EXIT_PUBLISH
    writer.communicate()
    assert ask(published, "from notes") == [("dear",)]
    (version,) = Versions(published).read()[0]
    version.check(["kefu.duckdb"])
    publish(database, published)
    assert ask(published, f"select count(*) from {MART}") == [(2,)]


def test_a_writer_who_was_killed_is_noticed(database: Path, published: Path) -> None:
    publish(database, published)
    published.chmod(0o644)
    writer = in_a_process(HOLD_FOR_WRITING, published)
    writer.kill()
    writer.wait()
    log = published.with_name("kefu.duckdb.wal")
    assert log.exists()
    with pytest.raises(KefuError, match="kefu.duckdb.wal beside it"):
        publish(database, published)
    log.rename(log.with_suffix(".away"))
    publish(database, published)


def test_the_file_keeps_its_readers(database: Path, published: Path) -> None:
    publish(database, published)
    assert published.stat().st_mode & 0o222 == 0
    published.chmod(0o640)
    publish(database, published, with_parquet=True)
    newest = Versions(published).read()[0][0]
    files = [published, newest.file, *(newest.folder / "parquet").iterdir()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o440}


def test_a_link_keeps_pointing(database: Path, published: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.duckdb"
    publish(database, published)
    link.symlink_to(published)
    built(database, f"delete from {MART}")
    publish(database, link.resolve())
    assert link.is_symlink()
    assert ask(link, f"select count(*) from {MART}") == [(0,)]


FAILING = {
    "copying the marts": (table_copy, "_copy_rows"),
    "counting": (publishing, "row_counts"),
    "writing the schema meta": (publishing, "write_meta"),
    "keeping the version": (Versions, "keep"),
    "writing Parquet": (publishing, "write_parquet"),
    "adding copies": (Versions, "add"),
    "copying the file": (Versions, "_copy"),
}


@pytest.mark.parametrize("failing", FAILING)
def test_a_failure_leaves_the_last_file(
    database: Path, published: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    publish(database, published)
    before, versions = published.read_bytes(), Versions(published).read()

    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(*FAILING[failing], fail)
    built(database, f"delete from {MART}")
    copies = {"with_parquet": True, "with_restricted": True}
    with pytest.raises(KefuError, match="the disk is full") as caught:
        publish(database, published, **copies)
    assert caught.value.exit_code == EXIT_PUBLISH
    assert published.read_bytes() == before
    assert Versions(published).read() == versions
    assert left_behind(published) == []
    assert not Versions(published).parquet.is_symlink()
    assert not Versions(published).restricted.exists()


PLACES = ("kefu_restricted.duckdb", "parquet", "kefu.duckdb")


@pytest.mark.parametrize("placed", range(3))
def test_a_failure_between_two_parts_loses_none(
    database: Path, published: Path, monkeypatch: pytest.MonkeyPatch, placed: int
) -> None:
    """Three renames: whatever was put in place has its version behind it."""
    copies = {"with_parquet": True, "with_restricted": True}
    publish(database, published, **copies)
    built(database, f"delete from {MART}")
    replace, failing = os.replace, published.with_name(PLACES[placed])

    def fail(source: Path, target: Path) -> None:
        if target == failing:
            raise OSError("the disk is full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    record = RunRecord(new_run_id())
    with pytest.raises(KefuError, match="the disk is full") as caught:
        publish(database, published, record=record, **copies)
    monkeypatch.undo()
    assert ask(published, f"select count(*) from {MART}") == [(2,)]
    assert Versions(published).parquet.resolve().is_dir()
    assert left_behind(published) == []
    kept = [version.run_id for version in Versions(published).read()[0]]
    assert (record.run_id in kept) == (placed > 0)
    told = str(caught.value)
    assert ("as it was" in told) == (placed == 0)
    assert (f"kefu rollback {record.run_id}" in told) == (placed > 0)
    if placed:
        assert ", ".join(PLACES[:placed]) in told
        publishing.roll_back(published, record.run_id)
        for file in (published, Versions(published).restricted):
            assert ask(file, "select run_id from meta.publication") == [
                (record.run_id,)
            ]


ASK_FOR_SESSION = (
    "import json, os; print(json.dumps({'own': os.getsid(0) == os.getpid()}))"
)


def test_publishing_has_a_session_of_its_own(
    raw_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in a terminal goes to all processes of its session."""
    run = subprocess.run

    def ask_instead(_: list[str], **options: object) -> subprocess.CompletedProcess:
        return run([sys.executable, "-c", ASK_FOR_SESSION], **options)

    monkeypatch.setattr(pipeline.subprocess, "run", ask_instead)
    with (raw_root / "lock").open("w") as lock:
        figures = pipeline.publish_in_new_process(
            settings_of(raw_root), RunRecord("r"), lock.fileno()
        )
    assert figures == {"own": True}


def test_what_was_published_since_the_run_began_stays(
    database: Path, published: Path
) -> None:
    """Two working databases, one published file: the later one wins, not the last."""

    def run(run_id: str, follows: str) -> str:
        record = RunRecord(run_id, follows=follows)
        return publish(database, published, record=record)["version"]

    run("first", "nothing")
    run("later", "first")
    for follows in ("first", "nothing"):
        with pytest.raises(KefuError, match=r"is another version \(later\)") as caught:
            run("older", follows)
        assert caught.value.exit_code == EXIT_PUBLISH
        assert "use `kefu run`" in str(caught.value)
    # Once more what is there already, or with the file itself out of order.
    run("later", "first")
    published.chmod(0o644)
    published.write_bytes(published.read_bytes()[:8192])
    with pytest.raises(KefuError, match=r"is another version \(later\)"):
        run("older", "first")
    run("last", "later")
    publishing.roll_back(published, "first")
    with pytest.raises(KefuError, match=r"is another version \(first\)"):
        run("next", "last")
    kept = [version.run_id for version in Versions(published).read()[0]]
    assert kept == ["last", "later", "first"]


def left_behind(published: Path) -> list[str]:
    return [
        path.name
        for path in published.parent.rglob("*")
        if "publishing" in path.name or "removing" in path.name
    ]


def test_rows_that_did_not_arrive_are_noticed(
    database: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, published)
    before = published.read_bytes()
    copy_rows = table_copy._copy_rows

    class Forgetful:
        """A connection that copies the first row of a table only."""

        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self.connection = connection

        def execute(self, sql: str, *values: object) -> duckdb.DuckDBPyConnection:
            cut = " limit 1" if sql.startswith("insert") else ""
            return self.connection.execute(sql + cut, *values)

    monkeypatch.setattr(
        table_copy,
        "_copy_rows",
        lambda connection, *table: copy_rows(Forgetful(connection), *table),
    )
    with pytest.raises(KefuError, match="1 rows instead of 2"):
        publish(database, published)
    assert published.read_bytes() == before


def test_nothing_built(tmp_path: Path, published: Path) -> None:
    empty = built(tmp_path / "empty.duckdb", "create schema marts")
    with pytest.raises(KefuError, match="no table in the schema marts"):
        publish(empty, published)
    assert not published.exists()


def started_publisher(database: Path, published: Path) -> subprocess.Popen:
    child = subprocess.Popen(
        [sys.executable, "-m", "kefu.publish"],
        env=os.environ | {"PYTHONPATH": str(Path(publishing.__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    child.stdin.write(request(database, published).as_json())
    child.stdin.close()
    return child


def test_publishers_take_turns(database: Path, published: Path) -> None:
    publishers = [started_publisher(database, published) for _ in range(3)]
    assert [publisher.wait() for publisher in publishers] == [0, 0, 0]
    versions = Versions(published).read()[0]
    assert [item.publication["sequence"] for item in versions] == [3, 2, 1]
    for newer, older in zip(versions, versions[1:], strict=False):
        assert newer.publication["replaces"] == older.run_id


def test_a_killed_publisher_leaves_the_last_file(
    database: Path, published: Path
) -> None:
    publish(database, published)
    before = published.read_bytes()
    built(
        database,
        "create table marts.large as select i, hash(i) as h, i::varchar as t"
        " from range(2000000) as numbers (i)",
    )
    child = started_publisher(database, published)
    deadline = time.monotonic() + 60
    while not left_behind(published) and time.monotonic() < deadline:
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert published.read_bytes() == before
    assert left_behind(published)
    publish(database, published)
    assert left_behind(published) == []
    assert ask(published, "select count(*) from marts.large") == [(2_000_000,)]


def test_the_file_says_which_version_it_is(database: Path, published: Path) -> None:
    record = RunRecord(
        new_run_id(),
        started_at="2026-03-02T01:00:00Z",
        input={"files_read": 2, "list_hash": "abc", "files": [{"name": "a-file"}]},
        tests={"passed": 3, "warned": 0, "failed": 0, "skipped": 0},
        audit={"passed": True, "checks": [{"name": "volume", "keys": ["a-key"]}]},
    )
    publish(database, published, record=record)
    (row,) = ask(
        published,
        "select run_id, sequence, replaces, started_at::varchar, is_tested, is_audited,"
        " is_restricted, files_read, manifest from meta.publication",
    )
    assert row[:-1] == (
        *(record.run_id, 1, None, "2026-03-02 01:00:00", True, True, False, 2),
    )
    told = json.loads(row[-1])
    assert told["audit"]["checks"] == [{"name": "volume"}]
    assert "a-file" not in row[-1] and "a-key" not in row[-1]
    (version,) = Versions(published).read()[0]
    assert version.record == record
    counts = {'Odd "name': 2, "empty_one": 0}
    assert version.publication["row_counts"] == counts
    assert dict(ask(published, "from meta.row_counts")) == counts
    publish(database, published)
    told = "select sequence, replaces, is_tested from meta.publication"
    assert ask(published, told) == [(2, record.run_id, False)]


NAMED = """
create table marts.people (
    cs_uid varchar not null, cs_name varchar, "CS_Name 2" integer
);
insert into marts.people select 'a' || i, '客服' || i, i from range(3) as n (i);
comment on column marts.people.cs_name is 'What the agent is called.';
"""


def test_the_restricted_file_has_all_but_names(database: Path, published: Path) -> None:
    built(database, NAMED)
    publish(database, published, with_restricted=True)
    restricted = published.with_name("kefu_restricted.duckdb")
    assert ask(restricted, "from marts.people order by all") == [
        ("a0", None, 0),
        ("a1", None, 1),
        ("a2", None, 2),
    ]
    for question in (f"from {MART} order by id", f"describe {MART}"):
        assert ask(restricted, question) == ask(published, question)
    same = "select run_id, sequence from meta.publication"
    assert ask(restricted, same) == ask(published, same)
    assert ask(restricted, "select is_restricted from meta.publication") == [(True,)]
    assert ask(
        restricted,
        "select comment from duckdb_columns() where column_name = 'cs_name'",
    ) == [("What the agent is called. Left out of this file.",)]
    # Whether asked for or not, it does not fall behind.
    publish(database, published)
    assert ask(restricted, same) == ask(published, same)
    # Nor does one that cannot be read stay as it is.
    restricted.chmod(0o644)
    restricted.write_bytes(restricted.read_bytes()[:8192])
    publish(database, published)
    assert ask(restricted, same) == ask(published, same)


def test_a_restricted_file_of_others_is_not_touched(
    database: Path, published: Path
) -> None:
    publish(database, published)
    before = published.read_bytes()
    mine = built(
        published.with_name("kefu_restricted.duckdb"), "create table my (i int)"
    )
    content = mine.read_bytes()
    with pytest.raises(KefuError, match="no database that kefu published"):
        publish(database, published, with_restricted=True)
    assert (published.read_bytes(), mine.read_bytes()) == (before, content)
    publish(database, published)
    assert mine.read_bytes() == content


def test_parquet_files_follow(database: Path, published: Path) -> None:
    publish(database, published, with_parquet=True)
    folder = published.parent / "parquet"
    for number, score in enumerate((3.3956, 4.0)):
        if number:
            built(database, f"update {MART} set score = 4 where id = 2")
            publish(database, published)
        assert sorted(path.name for path in folder.iterdir()) == [
            'Odd "name.parquet',
            "empty_one.parquet",
        ]
        with duckdb.connect() as connection:
            path = str(folder / 'Odd "name.parquet')
            assert connection.read_parquet(path).fetchall() == ask(
                published, f"from {MART}"
            )
            assert connection.execute(
                "select max(score) from read_parquet(?)", [path]
            ).fetchone() == (score,)
            assert connection.execute(
                "select decode(value) from parquet_kv_metadata(?)"
                " where decode(key) = 'kefu_run_id'",
                [path],
            ).fetchall() == ask(published, "select run_id from meta.publication")
            assert connection.execute(
                "select distinct compression from parquet_metadata(?)", [path]
            ).fetchall() == [("ZSTD",)]


def test_a_parquet_folder_of_others_is_not_touched(
    database: Path, published: Path
) -> None:
    publish(database, published)
    before = published.read_bytes()
    mine = published.parent / "parquet" / "mine.parquet"
    mine.parent.mkdir()
    mine.write_text("dear")
    with pytest.raises(KefuError, match="no link that kefu made"):
        publish(database, published, with_parquet=True)
    assert (published.read_bytes(), mine.read_text()) == (before, "dear")
    publish(database, published)


def test_a_table_cannot_leave_its_folder(database: Path, published: Path) -> None:
    built(database, 'create table marts."../escape" as select 1 as one')
    with pytest.raises(KefuError, match="is no file name"):
        publish(database, published, with_parquet=True)
    assert not published.exists()
    assert list(published.parent.rglob("escape*")) == []
