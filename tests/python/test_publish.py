"""Publishing: whole, with constraints and comments, or not at all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from kefu import publish as publishing
from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.publish import publish
from kefu.run_lock import held

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
    assert sorted(tables) == [("marts", 'Odd "name'), ("marts", "empty_one")]


def test_constraints_and_comments_survive(database: Path, published: Path) -> None:
    publish(database, published)
    for question in (
        "select table_name, comment from duckdb_tables() order by all",
        "select table_name, constraint_type, expression, constraint_column_names"
        " from duckdb_constraints() where schema_name = 'marts' order by all",
        "select table_name, column_name, comment, is_nullable from duckdb_columns()"
        " where schema_name = 'marts' order by all",
    ):
        expected = [row for row in ask(database, question) if row[0] != "secret"]
        assert ask(published, question) == expected
    with duckdb.connect(str(published)) as connection:
        for broken in ("(3, 9, null, 'c', 0)", "(1, 1, null, 'c', 0)"):
            with pytest.raises(duckdb.ConstraintException):
                connection.execute(f"insert into {MART} values {broken}")


def test_older_clients_can_read_the_file(database: Path, published: Path) -> None:
    publish(database, published)
    ((tags,),) = ask(
        published,
        "select tags from duckdb_databases() where database_name = 'kefu'",
    )
    assert tags["storage_version"].startswith(publishing.STORAGE_VERSION)


def test_a_reader_keeps_the_old_file(database: Path, published: Path) -> None:
    publish(database, published)
    with duckdb.connect(str(published), read_only=True) as reader:
        built(database, f"update {MART} set score = 5")
        publish(database, published)
        question = f"select max(score) from {MART}"
        assert reader.execute(question).fetchall() == [(3.3956,)]
        asked_anew = subprocess.run(
            [
                sys.executable,
                "-c",
                "import duckdb, sys; print(duckdb.connect(sys.argv[1],"
                " read_only=True).execute(sys.argv[2]).fetchone()[0])",
                str(published),
                question,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert asked_anew.stdout.strip() == "5.0"


def test_the_file_keeps_its_permissions(database: Path, published: Path) -> None:
    publish(database, published)
    published.chmod(0o640)
    publish(database, published)
    assert published.stat().st_mode & 0o777 == 0o640


def test_a_link_keeps_pointing(database: Path, published: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.duckdb"
    publish(database, published)
    link.symlink_to(published)
    built(database, f"delete from {MART}")
    publish(database, link.resolve())
    assert link.is_symlink()
    assert ask(link, f"select count(*) from {MART}") == [(0,)]


@pytest.mark.parametrize("failing", ["_copy_rows", "summary", "_sync"])
def test_a_failure_leaves_the_last_file(
    database: Path, published: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    publish(database, published)
    before = published.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(publishing, failing, fail)
    built(database, f"delete from {MART}")
    with pytest.raises(KefuError, match="the disk is full") as caught:
        publish(database, published)
    assert caught.value.exit_code == EXIT_PUBLISH
    assert published.read_bytes() == before
    assert left_behind(published) == []


def left_behind(published: Path) -> list[str]:
    return [
        path.name for path in published.parent.iterdir() if "publishing" in path.name
    ]


def test_rows_that_did_not_arrive_are_noticed(
    database: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(database, published)
    before = published.read_bytes()
    copy_rows = publishing._copy_rows

    class Forgetful:
        """A connection that copies the first row of a table only."""

        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self.connection = connection

        def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
            cut = " limit 1" if sql.startswith("insert") else ""
            return self.connection.execute(sql + cut)

    monkeypatch.setattr(
        publishing,
        "_copy_rows",
        lambda connection, table: copy_rows(Forgetful(connection), table),
    )
    with pytest.raises(KefuError, match="1 rows instead of 2"):
        publish(database, published)
    assert published.read_bytes() == before


def test_nothing_built(tmp_path: Path, published: Path) -> None:
    empty = built(tmp_path / "empty.duckdb", "create schema marts")
    with pytest.raises(KefuError, match="no table in the schema marts"):
        publish(empty, published)
    assert not published.exists()


def test_one_publisher_at_a_time(database: Path, published: Path) -> None:
    published.parent.mkdir()
    with (
        held(published, "publishing"),
        pytest.raises(KefuError, match="another publishing"),
    ):
        publish(database, published)


def test_a_killed_publisher_leaves_the_last_file(
    database: Path, published: Path
) -> None:
    publish(database, published)
    before = published.read_bytes()
    built(
        database,
        "create table marts.large as select i, hash(i) as h, i::varchar as t"
        " from range(8000000) as numbers (i)",
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "kefu.publish", str(database), str(published)],
        env=os.environ | {"PYTHONPATH": str(Path(publishing.__file__).parents[1])},
    )
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
    assert ask(published, "select count(*) from marts.large") == [(8_000_000,)]
