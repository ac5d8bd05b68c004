"""What a run continues, and what makes it begin anew: a small project, by dbt.

A name that is changed by hand in the working database stays there as long as the
table is continued, and is gone once it is built anew. What an increment reaches is
held by test_incremental.py.
"""

import datetime as dt
import os
import re
import shutil
from dataclasses import fields, replace
from pathlib import Path

import duckdb
import pytest
from conftest import CONTRACT, ROOT, Kefu, land, text_row

from kefu import fingerprint, ledger, pipeline
from kefu.errors import EXIT_INPUT
from kefu.known_headers import headers_file
from kefu.landing import Stamp, discover

BASE, VERSIONS = "base_pdd__malls", "base_pdd__malls_duplicates"
BY_HAND = "changed by hand"
DIM = f"""
select distinct mall_id
from {{{{ ref('{BASE}') }}}}
left join {{{{ ref('{VERSIONS}') }}}} using (mall_id)
"""
DIM_YAML = """
models:
  - name: dim_malls
    description: One row a mall, of the small project.
    columns:
      - name: mall_id
        description: The shop's own id.
        data_type: varchar
        data_tests:
          - unique
"""
QUICK = ("--no-audit", "--publish-untested")
CONTINUING = r"\n  continuing the last build: (\d+) of (\d+) landings to read or"
ANEW = r"\n  building anew {} of 2 growing tables from all \d+ landings{}\n"
OPTIONS = {field.name for field in fields(pipeline.RunOptions)}


@pytest.fixture
def small(mini: Kefu) -> Kefu:
    """The mini project with two incremental tables below its mart."""
    staging = mini.project / "models" / "staging" / "pdd"
    for name in (BASE, VERSIONS):
        shutil.copyfile(
            ROOT / "models" / "staging" / "pdd" / "malls" / f"{name}.sql",
            staging / f"{name}.sql",
        )
    marts = mini.project / "models" / "marts"
    (marts / "dim_malls.sql").write_text(DIM, encoding="utf-8")
    (marts / "dim_malls.yml").write_text(DIM_YAML, encoding="utf-8")
    later = text_row("malls", mall_id="m0") | {"_loaded_at": "2026-03-02 05:00:00"}
    land(mini.raw_root, "malls", [later], "part-1.parquet")
    assert re.search(ANEW.format(2, ""), run(mini))
    return mini


def change_by_hand(world: Kefu) -> None:
    with duckdb.connect(str(world.database)) as connection:
        for table in (BASE, VERSIONS):
            connection.execute(
                f"update staging.{table} set mall_name = '{BY_HAND}'"
                " where mall_id = 'm0'"
            )


def continued(world: Kefu) -> set[str]:
    """Return the tables that still hold what was changed by hand."""
    with duckdb.connect(str(world.database), read_only=True) as connection:
        return {
            table
            for table in (BASE, VERSIONS)
            if connection.execute(
                f"select 1 from staging.{table} where mall_name = '{BY_HAND}' limit 1"
            ).fetchone()
        }


def run(world: Kefu, *options: str) -> str:
    ended = world("run", *QUICK, *options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def told_touched(world: Kefu, *options: str) -> tuple[int, int]:
    """Run, and return how many landings of malls are to read, and how many gone.

    As the screen has it. The small project never reads those of other tables.
    """
    files, _ = discover(world.raw_root, CONTRACT)
    unread = sum(file.table != "malls" for file in files)
    touched, landings = re.search(CONTINUING, run(world, *options)).groups()
    return int(touched) - unread, int(landings) - len(files)


def land_more(world: Kefu, mall_id: str = "m9", load_date: str = "2026-03-03") -> Path:
    """Land a mall; its row says that it was loaded years ago."""
    row = text_row("malls", mall_id=mall_id) | {"_loaded_at": "2020-01-01 01:00:00"}
    return land(world.raw_root, "malls", [row], load_date=load_date)


def malls(world: Kefu) -> list[str]:
    with duckdb.connect(str(world.published), read_only=True) as connection:
        found = connection.execute("select mall_id from marts.dim_malls order by all")
        return [mall for (mall,) in found.fetchall()]


def test_landings_are_added_read_anew_and_taken_away(small: Kefu) -> None:
    """Whatever the load date: what counts is what was not read yet."""
    change_by_hand(small)
    file = land_more(small, load_date="2020-01-01")
    assert told_touched(small) == (1, 0)
    assert malls(small) == ["m0", "m1", "m2", "m9"]
    assert continued(small) == {BASE, VERSIONS}

    land_more(small, "m8", load_date="2020-01-01")
    assert told_touched(small) == (1, 0)
    assert malls(small) == ["m0", "m1", "m2", "m8"]
    assert continued(small) == {BASE, VERSIONS}

    file.unlink()
    assert told_touched(small) == (1, 1)
    assert malls(small) == ["m0", "m1", "m2"]
    assert continued(small) == {BASE, VERSIONS}


def test_a_span_of_load_dates_is_read_again(small: Kefu) -> None:
    land_more(small)
    run(small)
    change_by_hand(small)
    span = ("--from", "2026-03-03", "--to", "2026-03-03")
    assert told_touched(small, *span) == (1, 0)
    assert continued(small) == {BASE, VERSIONS}
    run(small, "--from", "2026-03-01", "--to", "2026-03-02")
    assert continued(small) == set()
    refused = small("run", "--from", "2027-03-01", "--to", "2027-03-02")
    assert refused.returncode == 3
    told = refused.stderr.strip()
    assert "no landing has a load date from 2027-03-01 to 2027-03-02" in told
    assert "\n" not in told


def test_a_full_run_begins_anew(small: Kefu) -> None:
    change_by_hand(small)
    checked = Stamp.of(headers_file(small.database))
    assert re.search(ANEW.format(2, ": a full .* asked for"), run(small, "--full"))
    assert continued(small) == set()
    # Written again, since every file was checked again.
    assert Stamp.of(headers_file(small.database)) not in (checked, None)


def test_another_key_begins_anew(small: Kefu) -> None:
    change_by_hand(small)
    done = small("run", *QUICK, KEFU_BUYER_KEY="another secret of the tests")
    assert re.search(ANEW.format(2, ": KEFU_BUYER_KEY changed"), done.stdout)
    assert continued(small) == set()


def test_another_var_begins_anew_and_so_does_its_return(small: Kefu) -> None:
    change_by_hand(small)
    told = run(small, "--vars", "score_min_peers: 4")
    assert re.search(ANEW.format(2, ": code, seeds, vars .* changed"), told)
    assert continued(small) == set()
    change_by_hand(small)
    run(small)
    assert continued(small) == set()


def change_a_macro(world: Kefu) -> None:
    path = world.project / "macros" / "keys_match.sql"
    path.write_text(path.read_text() + "\n{# another version #}\n")


def test_other_code_begins_anew(small: Kefu) -> None:
    change_by_hand(small)
    change_a_macro(small)
    run(small)
    assert continued(small) == set()


CODE_FILES = ("models/a/b.sql", "macros/c.sql", "seeds/d.csv", "seeds/d.yml")
CONTRACT_FILE = "models/staging/pdd/_pdd__sources.yml"


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder of which code_digest is asked anew each time."""
    monkeypatch.setattr(fingerprint, "code_digest", fingerprint.code_digest.__wrapped__)
    for name in (*CODE_FILES, CONTRACT_FILE):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\nsecond line\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", [*CODE_FILES, CONTRACT_FILE])
def test_what_was_built_is_other_code_after_a_change(code: Path, name: str) -> None:
    before = fingerprint.code_digest(code)
    (code / name).write_text("another\n", encoding="utf-8")
    assert fingerprint.code_digest(code) != before


def test_what_was_built_is_other_code_under_another_name(code: Path) -> None:
    before = fingerprint.code_digest(code)
    (code / CODE_FILES[0]).rename(code / "models" / "a" / "c.sql")
    assert fingerprint.code_digest(code) != before


def test_reading_code_and_engine_count_but_texts_and_line_ends_do_not(
    code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint.code_digest(code)
    (code / "models" / "a" / "b.yml").write_text("a description", encoding="utf-8")
    (code / CODE_FILES[0]).write_bytes(f"{CODE_FILES[0]}\r\nsecond line\r\n".encode())
    assert fingerprint.code_digest(code) == before

    with monkeypatch.context() as patch:
        patch.setattr(fingerprint.duckdb, "__version__", "9.9.9")
        assert fingerprint.code_digest(code) != before
    with monkeypatch.context() as patch:
        patch.setattr(fingerprint, "READING", fingerprint.READING[1:])
        assert fingerprint.code_digest(code) != before


def test_what_reads_a_rebuilt_table_is_built_by_the_next_complete_run(
    small: Kefu,
) -> None:
    """Be it rebuilt for other code or by name."""
    change_by_hand(small)
    change_a_macro(small)
    for how in ([], ["--full-refresh"]):
        partly = small("dbt", "--quiet", "build", "--select", BASE, *how)
        assert partly.returncode == 0, partly.stdout + partly.stderr
        assert continued(small) == {VERSIONS}
        assert re.search(ANEW.format(1, ""), run(small))
        assert continued(small) == set()
        change_by_hand(small)


def versions_of(world: Kefu, mall_id: str) -> int:
    """Return how many rows of a mall are among the versions of a key."""
    with duckdb.connect(str(world.database), read_only=True) as connection:
        found = connection.execute(
            f"select count(*) from staging.{VERSIONS} where mall_id = ?", [mall_id]
        )
        return found.fetchone()[0]


def test_changes_are_kept_until_every_model_has_answered(small: Kefu) -> None:
    """By the next run, after a build of a part and after one that failed."""
    change_by_hand(small)
    land_more(small, "m1")
    partly = small("dbt", "--quiet", "build", "--select", BASE)
    assert partly.returncode == 0, partly.stdout + partly.stderr
    assert versions_of(small, "m1") == 0

    rename = f"alter table staging.{VERSIONS} rename column {{}} to {{}}"
    with duckdb.connect(str(small.database)) as connection:
        connection.execute(rename.format("mall_name", "other_name"))
    land_more(small, "m2", load_date="2026-03-04")
    failed = small("run", *QUICK)
    assert failed.returncode != 0
    assert malls(small) == ["m0", "m1", "m2"]
    with duckdb.connect(str(small.database)) as connection:
        connection.execute(rename.format("other_name", "mall_name"))

    run(small)
    assert (versions_of(small, "m1"), versions_of(small, "m2")) == (2, 2)
    assert continued(small) == {BASE, VERSIONS}


def test_changes_are_kept_by_the_names_of_their_columns(small: Kefu) -> None:
    """dbt reads a model's config in no fixed order, another one each time."""
    with duckdb.connect(str(small.database)) as connection:
        columns = connection.execute(
            "select column_name || ' ' || data_type from duckdb_columns()"
            f" where schema_name = 'changes' and table_name = '{BASE}'"
            " order by column_index desc"
        ).fetchall()
        assert len(columns) > 1
        listed = ", ".join(column for (column,) in columns)
        connection.execute(f"create or replace table changes.{BASE} ({listed})")
    change_by_hand(small)
    land_more(small)
    run(small)
    assert malls(small) == ["m0", "m1", "m2", "m9"]
    assert continued(small) == {BASE, VERSIONS}


def test_a_build_of_fewer_rows_is_refused(small: Kefu) -> None:
    """It would take rows out of tables that later builds continue."""
    change_by_hand(small)
    sample = ("--sample", "3 days")
    for command in (("build", "--empty"), ("build", *sample), ("run", *sample)):
        refused = small("dbt", "--no-use-colors", *command)
        told = refused.stdout + refused.stderr
        assert refused.returncode != 0
        assert command[1] in told
        assert "KEFU_DATABASE" in told
    assert continued(small) == {BASE, VERSIONS}


def test_nothing_new_ends_before_a_build(
    mini: Kefu, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mini("run").returncode == 0
    before = mini.published.stat().st_ino
    again = mini("run")
    assert again.returncode == 0
    assert again.stdout.startswith("nothing new since run ")
    assert mini.published.stat().st_ino == before

    for name, value in mini.environment.items():
        monkeypatch.setenv(name, value)
    settings = replace(pipeline.Settings.from_env(), root=mini.project)
    options = pipeline.RunOptions()

    def stands(variables: dict | None = None, **changed: object) -> bool:
        """Whether a run of other options, settings or vars would end at once."""
        own = {name: changed.pop(name) for name in list(changed) if name in OPTIONS}
        return bool(
            pipeline.nothing_new(
                replace(settings, **changed),
                replace(options, **own),
                variables or {},
            )
        )

    assert stands()
    assert not stands({"score_min_peers": 4})
    assert not stands(full_refresh=True)
    assert not stands(read_again=ledger.Span(None, None))
    assert not stands(accepted={"malls_kept": "moved"})
    assert not stands(target="prod")
    assert not stands(with_parquet=True)
    assert not stands(with_restricted=True)
    assert not stands(buyer_key="another secret")

    known = pipeline.noted(mini.database)
    for other in (
        None,
        replace(known, state=pipeline.BROKEN),
        replace(known, is_unchanged=False),
        replace(known, record=replace(known.record, audit=None)),
        replace(known, record=replace(known.record, run_id="another")),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(pipeline, "noted", lambda database, found=other: found)
            assert not stands(), other
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "waiting", lambda published, period: ["2026-02"])
        assert not stands()
    away = mini.published.rename(mini.home / "away.duckdb")
    assert not stands()
    away.rename(mini.published)
    assert stands()
    land_more(mini)
    assert not stands()


# --- the ledger ---


def read_of(root: Path) -> dict[str, ledger.Entry]:
    """Return the ledger of a database that has read all that is landed."""
    return {entry.landing: entry for entry in entries(root, {})}


def entries(root: Path, known: dict[str, ledger.Entry]) -> list[ledger.Entry]:
    files, _ = discover(root, CONTRACT)
    return ledger.entries_of_files(files, known)


def compared(
    root: Path, known: dict[str, ledger.Entry], again: ledger.Span | None = None
) -> tuple[list[str], int]:
    """Return the names of unread landings, and of how many the rows go."""
    found = ledger.compare(entries(root, known), known, again)
    assert len(found.unread) == len(found.unread_ids)
    return sorted(found.unread), len(found.touched)


def test_a_landing_is_unread_if_its_content_is_another(raw_root: Path) -> None:
    folder = "load_date=2026-03-02"
    file = land(raw_root, "malls", [text_row("malls", mall_id="m0")], "part-0.csv")
    name = f"malls/{folder}/part-0.csv"
    known = read_of(raw_root)
    assert compared(raw_root, known) == ([], 0)

    stamp = file.stat()
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 10**9))
    assert compared(raw_root, known) == ([], 0)

    content = file.read_bytes()
    file.write_bytes(content.replace(b"m0", b"m1"))
    assert compared(raw_root, known) == ([name], 1)
    file.write_bytes(content)
    assert compared(raw_root, known) == ([], 0)

    file.rename(file.with_name("moved.csv"))
    assert compared(raw_root, known) == ([f"malls/{folder}/moved.csv"], 2)
    file.with_name("moved.csv").unlink()
    assert compared(raw_root, known) == ([], 1)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (2, 3, [2, 3]),
        (3, None, [3, 4]),
        (None, 2, [1, 2]),
        (5, None, []),
    ],
)
def test_a_span_holds_load_dates_and_may_be_open(
    raw_root: Path, first: int | None, last: int | None, days: list[int]
) -> None:
    for day in (1, 3, 4):
        land(raw_root, "malls", [], load_date=f"2026-03-0{day}")
    span = ledger.Span(*(day and dt.date(2026, 3, day) for day in (first, last)))
    known = read_of(raw_root)
    unread, touched = compared(raw_root, known, span)
    # Of the 2nd there are the two tables that raw_root holds.
    assert sorted({int(name.split("/")[1][-1]) for name in unread}) == days
    assert touched == len(unread)


def test_a_day_of_an_attached_table_is_unread_if_its_rows_are_others() -> None:
    """Their order does not count."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table malls as select 1::bigint as landing_id, name,"
            " '2026-03-01 05:00:00' as _loaded_at"
            " from unnest(['a', 'b', 'b']) as names (name)"
        )

        def found() -> list[ledger.Entry]:
            return ledger.entries_of_views(connection, {"malls": "from malls"})

        def unread() -> list[str]:
            return sorted(ledger.compare(found(), known).unread)

        known = {entry.landing: entry for entry in found()}
        day = "malls/_loaded_at=2026-03-01"
        assert list(known) == [day]
        connection.execute("create or replace table malls as from malls order by all")
        assert unread() == []
        connection.execute("update malls set name = 'c' where name = 'a'")
        assert unread() == [day]
        connection.execute("update malls set name = 'a' where name = 'c'")
        assert unread() == []
        connection.execute("insert into malls from malls limit 1")
        assert unread() == [day]
        connection.execute("delete from malls")
        gone = ledger.compare(found(), known)
        assert (gone.unread, gone.touched) == (frozenset(), (("malls", 1),))


def test_rows_from_the_future_end_a_run_unless_accepted(small: Kefu) -> None:
    before = small.published.read_bytes()
    row = text_row("malls", mall_id="m9") | {"_loaded_at": "9999-12-31 00:00:00"}
    file = land(small.raw_root, "malls", [row], load_date="2026-03-03")

    refused = small("run", *QUICK)

    assert refused.returncode == EXIT_INPUT, refused.stdout + refused.stderr
    (line,) = refused.stderr.strip().splitlines()
    assert line.startswith(f"kefu: malls/load_date=2026-03-03/{file.name} holds rows")
    assert "9999-12-31 00:00:00, more than a day after the clock" in line
    assert line.endswith("--accept loaded_in_future --reason TEXT")
    assert small.published.read_bytes() == before
    with duckdb.connect(str(small.database), read_only=True) as connection:
        stored = f"select count(*) from staging.{BASE} where mall_id = 'm9'"
        assert connection.execute(stored).fetchone() == (0,)

    checks = ("loaded_in_future", "loaded_off_folder")
    words = [word for name in checks for word in ("--accept", name, "--reason", "so")]
    accepted = small("run", *words)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert malls(small) == ["m0", "m1", "m2", "m9"]
