"""`kefu` from outside: what a run prints, publishes, refuses and leaves."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from conftest import CONTRACT, ROOT, Kefu, land, settings_of, text_row

from kefu.dbt_runs import target_in_use
from kefu.diagnosis import find_unreadable
from kefu.raw_input import read_input
from kefu.settings import DEMO_BUYER_KEY

KEY = "a secret of the tests"
EXPOSURE = """
exposures:
  - name: a_dashboard
    type: dashboard
    description: What reads the mart.
    owner: {name: operations}
    depends_on: [ref('dim_malls')]
"""


def delete_raw_root(world: Kefu) -> None:
    shutil.rmtree(world.raw_root)


def empty_raw_root(world: Kefu) -> None:
    shutil.rmtree(world.raw_root)
    world.raw_root.mkdir()


def lose_the_orders(world: Kefu) -> None:
    shutil.rmtree(world.raw_root / "orders")


def break_a_parquet_file(world: Kefu) -> None:
    path = world.raw_root / "refunds" / "load_date=2026-03-02" / "bad.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no Parquet")


def lose_a_column(world: Kefu) -> None:
    columns = [name for name in CONTRACT["messages"].columns if name != "ts"]
    land(world.raw_root, "messages", [], "short.parquet", columns=columns)


BAD_INPUT = {
    "a missing raw root": (delete_raw_root, ["raw root", "KEFU_RAW_ROOT"]),
    "an empty raw root": (empty_raw_root, ["messages", "no data file"]),
    "a missing file": (lose_the_orders, ["orders", "no data file"]),
    "an unreadable file": (
        break_a_parquet_file,
        ["refunds", "load_date=2026-03-02/bad.parquet", "deliver it again"],
    ),
    "a missing column": (
        lose_a_column,
        ["messages", "column ts", "short.parquet", "deliver it again"],
    ),
}


def assert_refused(
    world: Kefu, arguments: list[str], told: list[str], code: int, **environment: str
) -> None:
    """Run; expect one line on stderr, the code, and the last good file."""
    before = world.publish_something()
    done = world(*arguments, **environment)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == code, done.stdout + done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("kefu: ")
    for text in told:
        assert text in lines[0]
    assert world.published.read_bytes() == before
    assert [path.name for path in world.published.parent.glob("*.duckdb")] == [
        world.published.name
    ]


@pytest.mark.parametrize("kind", BAD_INPUT)
def test_bad_input_is_one_line(kefu: Kefu, kind: str) -> None:
    spoil, told = BAD_INPUT[kind]
    spoil(kefu)
    assert_refused(kefu, ["run"], told, 3)
    assert not kefu.database.exists()


BAD_SETTINGS = {
    "working folder under a file": (
        {"KEFU_DATABASE": "FILE/working/kefu.duckdb"},
        ["set KEFU_DATABASE"],
    ),
    "published folder under a file": (
        {"KEFU_PUBLISHED": "FILE/published/kefu.duckdb"},
        ["set KEFU_PUBLISHED"],
    ),
    "published file is a folder": (
        {"KEFU_PUBLISHED": "FOLDER"},
        ["KEFU_PUBLISHED", "which is a folder"],
    ),
    "working file is no database": (
        {"KEFU_DATABASE": "FILE"},
        ["cannot be opened", "KEFU_DATABASE"],
    ),
    "both are one file": (
        {"KEFU_DATABASE": "FILE", "KEFU_PUBLISHED": "FILE"},
        ["are the same file"],
    ),
    "named as a schema": (
        {"KEFU_DATABASE": "FOLDER/marts.duckdb"},
        ["choose another file name"],
    ),
    "no such raw database": (
        {"KEFU_RAW_DATABASE": "FOLDER/none.duckdb"},
        ["KEFU_RAW_DATABASE", "no file"],
    ),
    "working folder that nobody writes to": (
        {"KEFU_DATABASE": "READONLY/kefu.duckdb"},
        ["not writable", "set KEFU_DATABASE"],
    ),
    "published folder that nobody writes to": (
        {"KEFU_PUBLISHED": "READONLY/kefu.duckdb"},
        ["not writable", "set KEFU_PUBLISHED"],
    ),
    "raw database is the working one": (
        {"KEFU_RAW_DATABASE": "FILE", "KEFU_DATABASE": "FILE"},
        ["KEFU_RAW_DATABASE"],
    ),
}


def read_only(folder: Path) -> Path:
    """Return a folder in which this process can make no file.

    Permission bits do not bind the superuser, but a system's own folders do.
    """
    closed = folder / "closed"
    closed.mkdir(mode=0o500)
    for place in (closed, Path("/proc"), Path("/sys")):
        try:
            (place / "kefu-test").touch()
        except OSError:
            return place
        (place / "kefu-test").unlink()
    pytest.skip("every folder can be written to here")


@pytest.mark.parametrize("kind", BAD_SETTINGS)
def test_bad_setting_is_one_line(kefu: Kefu, tmp_path: Path, kind: str) -> None:
    file, folder = tmp_path / "a-file", tmp_path / "a-folder"
    file.write_text("no folder and no database\n" * 1000, encoding="utf-8")
    folder.mkdir()
    values, told = BAD_SETTINGS[kind]
    places = {"FILE": file, "FOLDER": folder}
    if "READONLY" in str(values):
        places["READONLY"] = read_only(tmp_path)
    chosen = dict(values)
    for mark, path in places.items():
        for name in values:
            chosen[name] = chosen[name].replace(mark, str(path))
    assert_refused(kefu, ["run"], told, 3, **chosen)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ("score_min_peers: 0", "score_min_peers is 0"),
        ("as_of_date: 2026-02-30", "day is out of range"),
        ("[1", "--vars cannot be read"),
        ("score_min_peers", "must be a YAML mapping"),
    ],
)
def test_impossible_variable_is_one_line(mini: Kefu, variables: str, told: str) -> None:
    assert_refused(mini, ["run", "--vars", variables], [told], 3)


def test_prod_refuses_the_demo_key(mini: Kefu) -> None:
    told = ["prod", "KEFU_BUYER_KEY"]
    assert_refused(mini, ["run", "--target", "prod"], told, 3)
    assert_refused(
        mini, ["run"], told, 3, KEFU_BUYER_KEY=DEMO_BUYER_KEY, DBT_TARGET="prod"
    )
    alone = mini("dbt", "--no-use-colors", "build", "--target", "prod")
    assert alone.returncode != 0
    assert "KEFU_BUYER_KEY" in alone.stdout
    done = mini("run", KEFU_BUYER_KEY=KEY, DBT_TARGET="prod")
    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(mini.published), read_only=True) as connection:
        (manifest,) = connection.execute(
            "select manifest from meta.publication"
        ).fetchone()
    assert json.loads(manifest)["target"] == "prod"


@pytest.mark.parametrize(
    ("given", "shell", "profile", "used"),
    [
        ("prod", "dev", "dev", "prod"),
        (None, "prod", "dev", "prod"),
        (None, "", "prod", "prod"),
        (None, "", "\"{{ env_var('X', 'dev') }}\"", None),
    ],
)
def test_the_target_that_is_used_is_recorded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: str | None,
    shell: str,
    profile: str,
    used: str | None,
) -> None:
    monkeypatch.setenv("DBT_TARGET", shell)
    (tmp_path / "dbt_project.yml").write_text("profile: kefu")
    (tmp_path / "profiles.example.yml").write_text(f"kefu: {{target: {profile}}}")
    assert target_in_use(tmp_path, given) == used
    (tmp_path / "profiles.yml").write_text("kefu: {target: own}")
    assert target_in_use(tmp_path, None) == (shell or "own")


def test_bad_input_is_clear_in_dbt_alone(mini: Kefu) -> None:
    lose_a_column(mini)
    done = mini("dbt", "--no-use-colors", "build")
    assert done.returncode != 0
    (line,) = [line for line in done.stdout.splitlines() if "required column" in line]
    assert "column ts" in line and "short.parquet" in line
    assert "Traceback" not in done.stdout + done.stderr


def test_failing_test_publishes_nothing(mini: Kefu) -> None:
    land(mini.raw_root, "malls", [text_row("malls", mall_id="m1")], "again.parquet")
    assert_refused(mini, ["run"], ["unique_dim_malls_mall_id", "1 result"], 4)
    assert_refused(mini, ["publish"], ["did not pass a run", "--untested"], 5)


def test_failing_model_publishes_nothing_and_the_next_run_goes_on(
    mini: Kefu,
) -> None:
    land(mini.raw_root, "malls", [text_row("malls", mall_id="")], "empty.parquet")
    assert_refused(mini, ["run"], ["model dim_malls failed", "CHECK"], 4)
    land(mini.raw_root, "malls", [text_row("malls", mall_id="m9")], "empty.parquet")
    assert mini("run").returncode == 0
    with duckdb.connect(str(mini.published), read_only=True) as connection:
        found = connection.execute("select mall_id from marts.dim_malls").fetchall()
    assert sorted(found) == [("m0",), ("m1",), ("m2",), ("m9",)]


def spoil_pages(path: Path, column: str) -> None:
    """Overwrite the values of one column of a Parquet file, not its footer."""
    with duckdb.connect() as connection:
        ((start, size),) = connection.execute(
            "select coalesce(dictionary_page_offset, data_page_offset),"
            " total_compressed_size from parquet_metadata(?) where path_in_schema = ?",
            [str(path), column],
        ).fetchall()
    content = bytearray(path.read_bytes())
    content[start + size // 2 : start + size] = b"\xff" * (size - size // 2)
    path.write_bytes(content)


def land_many(world: Kefu, table: str, name: str, column: str) -> Path:
    values = ", ".join(
        f'{"md5(i::varchar)" if other == column else "null::varchar"} as "{other}"'
        for other in CONTRACT[table].columns
    )
    path = world.raw_root / table / "load_date=2026-03-02" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"select {values} from range(3000) as numbers (i)").write_parquet(
        str(path)
    )
    return path


def test_a_file_that_breaks_in_the_middle_is_found(mini: Kefu) -> None:
    land_many(mini, "malls", "sound.parquet", "mall_id")
    path = land_many(mini, "malls", "spoiled.parquet", "mall_id")
    spoil_pages(path, "mall_id")
    told = ["malls", "malls/load_date=2026-03-02/spoiled.parquet", "column mall_id"]
    assert_refused(mini, ["run"], [*told, "cannot be unpacked", "deliver it again"], 3)
    path.unlink()
    assert mini("run").returncode == 0


@pytest.mark.parametrize("column", ["mall_name", "_loaded_at"])
def test_reading_each_file_alone(raw_root: Path, column: str) -> None:
    world = Kefu(home=raw_root.parent)
    chosen = settings_of(raw_root)
    for name in ("a.parquet", "b.parquet"):
        path = land_many(world, "malls", name, column)
    land(raw_root, "malls", [text_row("malls", mall_id="m")], "c.csv")
    land(raw_root, "malls", [text_row("malls", mall_id="m")], "d.jsonl")
    read_input(chosen)
    assert find_unreadable(chosen) is None
    spoil_pages(path, column)
    told = str(find_unreadable(chosen))
    assert told.startswith(
        f"malls: file malls/load_date=2026-03-02/b.parquet, column {column}, cannot"
    )
    path.unlink()
    assert "b.parquet" in str(find_unreadable(chosen))


def test_a_failing_model_quotes_no_landed_text(mini: Kefu) -> None:
    model = mini.project / "models" / "marts" / "dim_malls.sql"
    text = model.read_text(encoding="utf-8")
    number = "cast(coalesce(mall_name, '7') as integer)"
    model.write_text(
        text.replace("mall_id,", f"cast({number} as varchar) as mall_id,"),
        encoding="utf-8",
    )
    secret = "he said \"my 'secret'\nto INT32\""
    row = text_row("malls", mall_id="m", mall_name=secret)
    land(mini.raw_root, "malls", [row], "secret.parquet")
    before = mini.publish_something()
    done = mini("run")
    assert done.returncode == 4
    assert "model dim_malls failed: a value cannot be converted" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert mini.published.read_bytes() == before


CLASSIFIED = """
select
    'buyer' as sender,
    cast(null as varchar) as problem_code,
    content as buyer_text
from {{ source('pdd', 'messages') }}
"""


def test_a_bad_keyword_pattern_is_named(mini: Kefu) -> None:
    helped = mini.project / "models" / "intermediate" / "help"
    helped.mkdir(parents=True)
    model = "int_problem_texts.sql"
    shutil.copyfile(ROOT / "models/intermediate/help" / model, helped / model)
    (helped / "int_messages_classified.sql").write_text(CLASSIFIED, encoding="utf-8")
    (helped / "base_pdd__messages.sql").write_text("select 1 as one", encoding="utf-8")
    seeds = mini.project / "seeds"
    seeds.mkdir()
    # There is no message at all, and still the pattern is tried.
    (seeds / "problem_keywords.csv").write_text(
        "priority,pattern,problem_code\n1,坏了,damaged\n2,破(,damaged\n",
        encoding="utf-8",
    )
    assert_refused(mini, ["run"], ["int_problem_texts failed", "破("], 4)


def test_progress_ends_at_its_total(mini: Kefu) -> None:
    """Whatever there is in the project that has nothing to do."""
    (mini.project / "models" / "exposures.yml").write_text(EXPOSURE, encoding="utf-8")
    ends = re.findall(r"  (\d+) of (\d+) done", mini("run").stdout)
    assert ends and ends[-1][0] == ends[-1][1]


def test_publish_alone_takes_what_passed(mini: Kefu) -> None:
    assert mini("publish").returncode == 5
    assert mini("run").returncode == 0
    mini.published.unlink()
    assert mini("publish").returncode == 0
    assert mini.published.exists()


def test_untested_is_published_only_by_name(mini: Kefu) -> None:
    land(mini.raw_root, "malls", [text_row("malls", mall_id="m1")], "again.parquet")
    assert mini("run", "--publish-untested").returncode == 2
    # What is there twice would be found by the audit too.
    by_name = ["run", "--no-tests", "--no-audit"]
    assert mini(*by_name).returncode == 0
    assert mini("publish").returncode == 5
    assert not mini.published.exists()
    assert mini("publish", "--untested").returncode == 0
    mini.published.unlink()
    assert mini(*by_name, "--publish-untested").returncode == 0
    assert mini.published.exists()


def test_a_project_without_a_data_test_publishes_nothing(mini: Kefu) -> None:
    described = mini.project / "models" / "marts" / "dim_malls.yml"
    text = described.read_text(encoding="utf-8")
    without = text.replace("        data_tests:\n          - unique\n", "")
    assert without != text
    described.write_text(without, encoding="utf-8")
    assert_refused(mini, ["run"], ["not one data test ran"], 4)


def test_working_database_open_elsewhere(mini: Kefu) -> None:
    mini.database.parent.mkdir(parents=True)
    with duckdb.connect(str(mini.database)):
        assert_refused(mini, ["run"], ["close what has it open"], 3)


def test_the_key_is_used_and_written_nowhere(mini: Kefu) -> None:
    hashes = set()
    for key in (KEY, f"another {KEY}"):
        assert mini("run", KEFU_BUYER_KEY=key).returncode == 0
        with duckdb.connect(str(mini.published), read_only=True) as connection:
            hashes.add(
                connection.execute(
                    "select min(hashed_key) from marts.dim_malls"
                ).fetchone()
            )
    assert len(hashes) == 2
    written = [path for path in mini.home.rglob("*") if path.is_file()]
    assert {"manifest.json", "dbt.log"} <= {path.name for path in written}
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []


def test_a_profile_of_ones_own_must_build_the_same_file(mini: Kefu) -> None:
    profile = (mini.project / "profiles.example.yml").read_text(encoding="utf-8")
    elsewhere = mini.home / "elsewhere.duckdb"
    own = profile.replace(
        "\"{{ env_var('KEFU_DATABASE', 'data/working/kefu.duckdb') }}\"", str(elsewhere)
    )
    assert own != profile
    (mini.project / "profiles.yml").write_text(own, encoding="utf-8")
    assert_refused(mini, ["run"], ["another database than KEFU_DATABASE"], 4)


def test_version_and_query(mini: Kefu) -> None:
    assert mini("--version").stdout.startswith("kefu, version ")
    mini.publish_something()
    answer = mini("query", "select run + 41 as the_answer from marts.last_good")
    assert answer.returncode == 0 and "42" in answer.stdout
    wrong = mini("query", "select nothing from marts.nowhere")
    assert wrong.returncode != 0 and len(wrong.stderr.splitlines()) == 1
    assert mini("query", "delete from marts.last_good").returncode != 0
    table = mini("query", "--csv", "select run, 'a,b' as text from marts.last_good")
    assert table.stdout == 'run,text\n1,"a,b"\n'
    assert "last_good" in mini("query", "show tables").stdout
    for columns, told in (
        (7, None),
        (8, "1 column of 8 is hidden: --csv prints all"),
        (9, "2 columns of 9 are hidden: --csv prints all"),
    ):
        listed = [
            f"{number} as quite_a_long_name_{number}" for number in range(columns)
        ]
        shown = mini("query", f"select {', '.join(listed)}").stdout
        named = sum(f"long_name_{number}" in shown for number in range(columns))
        assert named == (columns if told is None else 7)
        assert ("hidden" in shown) is bool(told)
        assert told is None or shown.splitlines()[-1] == told
    # A text of the answer that looks like it is not taken for it.
    assert "hidden" not in mini("query", "select '9 columns (3 shown)' as a").stdout
    for options in ((), ("--csv",)):
        nothing = mini("query", *options, "")
        assert nothing.returncode == 2
        assert nothing.stderr.startswith("kefu: the question asks for nothing")
    near = mini("query", "from last_goood")
    (told,) = near.stderr.splitlines()
    assert "last_good" in told and 'kefu query "show tables"' in told
    assert "LINE 1" not in told
    nothing_yet = mini("query", "--working", "select 1")
    assert nothing_yet.returncode != 0
    assert "build it with `kefu run`" in nothing_yet.stderr


def test_misspelt_column_is_said(mini: Kefu) -> None:
    columns = [
        "contents" if name == "content" else name
        for name in CONTRACT["messages"].columns
    ]
    land(mini.raw_root, "messages", [], "odd.parquet", columns=columns)
    assert 'column "contents" is not in the contract' in mini("run").stdout


def test_misspelt_variable_is_refused(kefu: Kefu) -> None:
    arguments = ["run", "--vars", "{response_units: round}"]
    assert_refused(kefu, arguments, ["response_units", "response_unit?"], 3)


@pytest.mark.parametrize("kind", ["text", "database"])
def test_a_file_of_others_is_never_replaced(kefu: Kefu, kind: str) -> None:
    kefu.published.parent.mkdir(parents=True, exist_ok=True)
    if kind == "text":
        kefu.published.write_text("a letter that nobody wants to lose")
    else:
        with duckdb.connect(str(kefu.published)) as connection:
            connection.execute("create table mine as select 1 as dear")
    before = kefu.published.read_bytes()
    done = kefu("run")
    assert done.returncode == 3
    assert "no database that kefu published" in done.stderr
    assert kefu.published.read_bytes() == before


def test_demo_key_over_data_of_ones_own_is_said(mini: Kefu) -> None:
    done = mini("run")
    assert done.returncode == 0, done.stderr
    assert "hashed with the demo's key" in done.stdout


def test_demo_data_never_replaces_other_files(kefu: Kefu) -> None:
    before = sorted(kefu.raw_root.rglob("*"))
    done = kefu("demo-data", "--malls", "3", "--days", "3", "--messages", "100")
    assert done.returncode == 3 and "no demo data" in done.stderr
    assert sorted(kefu.raw_root.rglob("*")) == before


def test_the_demo_run_says_what_it_did(demo: tuple[Kefu, str]) -> None:
    world, printed = demo
    for name in ("malls", "agents", "days", "rows in", "rows rejected"):
        (line,) = [
            line for line in printed.splitlines() if line.startswith(f"  {name} ")
        ]
        assert int(line.split()[-1].replace(",", "")) > 0, line
    assert str(world.published) in printed
    assert "newest score day" in printed and "as-of end" in printed


def test_the_demo_publishes_every_mart_whole(demo: tuple[Kefu, str]) -> None:
    world, _ = demo
    with duckdb.connect() as connection:
        connection.execute(f"attach '{world.database}' as built (read_only)")
        connection.execute(f"attach '{world.published}' as given (read_only)")
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts'"
            " and database_name = 'built'"
        ).fetchall()
        assert names
        for (name,) in names:
            built, given = f"built.marts.{name}", f"given.marts.{name}"
            for one, other in ((built, given), (given, built)):
                difference = f"from {one} except all from {other}"
                assert connection.execute(difference).fetchall() == [], name


def test_every_built_column_is_described(demo: tuple[Kefu, str]) -> None:
    world, _ = demo
    manifest = json.loads((world.home / "target" / "manifest.json").read_bytes())
    described = {
        (node["schema"], node["name"], column.lower())
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
        for column in node["columns"]
    }
    with duckdb.connect(str(world.database), read_only=True) as connection:
        built = connection.execute(
            """
            select schema_name, table_name, lower(column_name)
            from duckdb_columns()
            where schema_name in ('staging', 'intermediate', 'marts', 'seeds')
                and database_name = current_database()
            """
        ).fetchall()
    assert set(built) - described == set()


def test_marts_hold_no_buyer_uid_and_no_text(
    ask: Callable[[str], list[tuple]],
) -> None:
    names = ask("select column_name from duckdb_columns() where schema_name = 'marts'")
    assert {"buyer_uid", "content", "buyer_text"} & {name for (name,) in names} == set()
