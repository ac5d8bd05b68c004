"""Names and values that are SQL, shell or patterns stay names and values."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from compiled_project import compiled_project
from conftest import (
    CONTRACT,
    Kefu,
    land,
    make_mini,
    raw_rows,
    settings_of,
    text_row,
    write_landing,
)
from test_agreement import LOTS

from kefu.errors import KefuError
from kefu.raw_input import read_input
from kefu.sql import quote_name

DOOR = "executed-by-accident"
"""A file that each of the texts below would make if it were executed."""

HOSTILE = (
    "'); drop table marts.dim_malls; --",
    "\"; drop schema raw cascade; copy (select 1) to '" + DOOR + "'; --",
    f"' || (select count(*) from read_text('{DOOR}')) || '",
    f"x'; copy (select 1) to '{DOOR}'; select '",
    "line\nbreak\r\nand\ttab",
    "*", "?[a-z]{1,2}", "[!a]*", "%_%", "\\", "\\'", "''", '""',
    "{{ 7 * 7 }}", "{% raw %}", "{# c #}",
    f"$(touch {DOOR})", f"`touch {DOOR}`", "${HOME}", "../../etc/passwd",
    "客服'数据\"库", "\u202egnp.exe", "e\u0301", "😀; select 1",
    "getvariable('kefu_buyer_key')", "null", "true", "-- ", "/* */", "$1", "?",
)  # fmt: skip
FILE_NAMES = [text.replace("/", "∕") for text in HOSTILE]


@pytest.fixture(autouse=True)
def nothing_was_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Work in an empty folder; afterwards the door must still be shut."""
    monkeypatch.chdir(tmp_path)
    yield
    assert [path for path in tmp_path.rglob("*") if path.name == DOOR] == []


def malls(root: Path) -> set[str]:
    return {row["mall_id"] for row in raw_rows("malls", root)}


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".csv.gz", ".jsonl"])
def test_file_names(raw_root: Path, suffix: str) -> None:
    folder = raw_root / "malls" / "load_date=2026-03-02"
    for number, name in enumerate(FILE_NAMES):
        rows = [text_row("malls", mall_id=f"m{number}")]
        write_landing(
            folder / f"x{name}{suffix}",
            rows,
            ["mall_id", "category_name", "_loaded_at"],
        )
    assert malls(raw_root) == {f"m{number}" for number in range(len(FILE_NAMES))}


@pytest.mark.parametrize("name", ["x; drop table y", "a'b", 'a"b', "*", "客服"])
def test_folder_names(tmp_path: Path, name: str) -> None:
    root = tmp_path / name / "raw"
    land(root, "messages", [])
    land(root, "orders", [])
    land(root, "malls", [text_row("malls", mall_id="m")], f"{name}/part.csv")
    land(root, "malls", [text_row("malls", mall_id="n")], f"{name}/part.parquet")
    (root / f"malls{name}").mkdir()
    assert malls(root) == {"m", "n"}
    (warning,) = [
        line
        for line in read_input.__wrapped__(settings_of(root)).warnings
        if name in line
    ]
    assert "is no table of the contract" in warning


@pytest.mark.parametrize("name", ["2026-01-01'; drop", "2026-01-01\n", "*", "'1'"])
def test_load_date_folders(raw_root: Path, name: str) -> None:
    land(raw_root, "malls", [], load_date=name)
    with pytest.raises(KefuError, match="no date"):
        read_input.__wrapped__(settings_of(raw_root))


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_column_names(raw_root: Path, suffix: str) -> None:
    # What differs in case or blanks alone is one name.
    names = [name for name in HOSTILE if suffix != "csv" or "\n" not in name]
    columns = ["mall_id", "category_name", "_loaded_at", *names]
    row = text_row("malls", mall_id="m") | {name: name for name in HOSTILE}
    path = raw_root / "malls" / "load_date=2026-03-02" / f"odd.{suffix}"
    path.parent.mkdir(parents=True)
    if suffix == "parquet":
        with duckdb.connect() as connection:
            listed = ", ".join(f"? as {quote_name(name)}" for name in columns)
            connection.execute(
                f"create table landed as select {listed}",
                [row[name] for name in columns],
            )
            connection.table("landed").write_parquet(str(path))
    else:
        write_landing(path, [row], columns)
    (found,) = raw_rows("malls", raw_root)
    assert (found["mall_id"], found["mall_name"]) == ("m", None)
    assert list(found) == [*CONTRACT["malls"].columns, "load_date"]


@pytest.mark.parametrize("ends", [("\n", "\r\n"), ("\r\n", "\n"), ("\n", "\n")])
def test_a_line_end_in_a_column_name_loses_no_row(
    raw_root: Path, ends: tuple[str, str]
) -> None:
    within, after = ends
    path = raw_root / "malls" / "load_date=2026-03-02" / "odd.csv"
    path.parent.mkdir(parents=True)
    header = f'mall_id,category_name,_loaded_at,"a{within}b"'
    path.write_bytes(f"{header}{after}m,c,2026-03-02,1{after}".encode())
    with pytest.raises(KefuError, match="a column name holds a line end"):
        raw_rows("malls", raw_root)


def test_a_backslash_below_a_pattern_is_refused(tmp_path: Path) -> None:
    # DuckDB can read neither as the other's neighbour: refused, not guessed.
    root = tmp_path / "raw *"
    land(root, "messages", [])
    land(root, "orders", [])
    land(root, "malls", [text_row("malls", mall_id="m")], "a\\b.csv")
    with pytest.raises(KefuError, match="cannot be read"):
        raw_rows("malls", root)


def test_tables_and_columns_of_an_attached_database(tmp_path: Path) -> None:
    landed = tmp_path / 'it\'s "landed"; drop.duckdb'
    with duckdb.connect(str(landed)) as connection:
        for table in ("messages", "orders", "malls"):
            columns = ", ".join(f'"{name}" varchar' for name in CONTRACT[table].columns)
            connection.execute(f"create table {table} ({columns})")
        for number, name in enumerate(HOSTILE):
            connection.execute(
                f"create table {quote_name(f'malls{name}')} (mall_id varchar)"
            )
            connection.execute(
                f"alter table malls add column {quote_name(name)} varchar"
            )
            connection.execute(
                "insert into malls (mall_id, _loaded_at) values (?, ?)",
                [name, f"2026-03-02 01:00:{number:02}"],
            )
    root = tmp_path / "none"
    root.mkdir()
    found = raw_rows("malls", root, landed)
    assert {row["mall_id"] for row in found} == set(HOSTILE)


VARIABLES = {
    'as_of_date: "2026-01-01\'; drop table raw.malls; --"': "as_of_date",
    "response_unit: \"message' or '1' = '1\"": "response_unit",
    'reply_horizon_hours: "24); drop table raw.malls; --"': "reply_horizon_hours",
    "score_min_peers: \"{{ env_var('KEFU_BUYER_KEY') }}\"": "score_min_peers",
    '"as_of_date\'; drop": 1': "no var here",
}


@pytest.mark.parametrize("variables", VARIABLES)
def test_vars(mini: Kefu, variables: str) -> None:
    done = mini("run", "--vars", variables)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert VARIABLES[variables] in line
    assert not mini.published.exists()


def test_the_whole_way_from_landing_to_published_file(tmp_path: Path) -> None:
    home = tmp_path / 'it\'s "home"; drop 客服 {{ 7 - 7 }}'
    home.mkdir()
    mini = make_mini(home)
    for number, name in enumerate(HOSTILE):
        rows = [text_row("malls", mall_id=name, mall_name=name)]
        land(mini.raw_root, "malls", rows, f"{number}{FILE_NAMES[number]}.csv")
    done = mini("run", "--no-audit", "--publish-untested")
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(mini.published), read_only=True) as connection:
        found = connection.execute("select mall_id from marts.dim_malls").fetchall()
    # A whitespace inside is a value; around it, it is trimmed.
    assert {mall for (mall,) in found} == {"m0", "m1", "m2", *HOSTILE}


def test_values_and_seeds_in_the_real_models(raw_root: Path) -> None:
    at, later = "1772413200", "1772413230"
    chats, orders, agents = [], [], []
    for number, text in enumerate(HOSTILE):
        ids = {"mall_id": text.strip(), "buyer_uid": f"{text}b", "order_sn": f"{text}o"}
        for role, moment, more in (
            ("user", at, {"content": text, "problem_code": text}),
            ("mall_cs", later, {"cs_uid": text, "template_name": text}),
        ):
            message = {"msg_id": f"{text}{role}", "from_role": role, "ts": moment}
            chats.append(text_row("messages", **ids, **message, **more))
        orders.append(
            text_row(
                "orders",
                **ids,
                created_time="2026-03-02 09:10:00",
                pay_time="2026-03-02 09:10:00",
                confirm_time="2026-03-02 09:10:00",
                group_status="1",
                confirm_status="1",
                goods_count="1",
                pay_amount=f"{number}",
            )
        )
        agents.append(
            text_row("agents", mall_id=text.strip(), cs_uid=text, cs_name=text)
        )
    end = text_row("messages", mall_id="m", msg_id="end", buyer_uid="b")
    end |= {"from_role": "user", "ts": at, "_loaded_at": "2026-03-03 16:00:00"}
    land(raw_root, "messages", [*chats, end])
    land(raw_root, "orders", orders)
    land(raw_root, "agents", agents)
    project = compiled_project(**LOTS["defaults"][1])
    with project.connect(settings_of(raw_root)) as connection:
        relations = """
            select table_name from duckdb_tables()
            union all
            select view_name from duckdb_views() where not internal
            order by all
        """
        names = {
            (seed.relation, column.split()[0])
            for seed in project.seeds.values()
            for column in seed.columns
            if column.split()[0].strip('"')
            in ("name_zh", "name_en", "reason", "season", "definition", "shift_name")
        }
        assert len(names) >= 6
        for relation, column in sorted(names):
            connection.execute(
                f"update {relation} set {column} = ? || {column}", [HOSTILE[0]]
            )
        project.build(connection)
        built = connection.execute(relations).fetchall()
        assert {f"stg_pdd__{table}" for table in CONTRACT} <= {
            name for (name,) in built
        }
        found = connection.execute(
            "select mall_id, cs_name from marts.dim_agents"
        ).fetchall()
        assert {text.strip() for text in HOSTILE} <= {mall for mall, _ in found}
        assert {text.strip() for text in HOSTILE} <= {name for _, name in found}
        answered = connection.execute(
            "select count(*), sum(answered_messages) from marts.agent_kpi_daily"
            " where cs_uid is not null"
        ).fetchall()
        assert answered == [(len(HOSTILE), len(HOSTILE))]
        codes = connection.execute(
            "select problem_code from marts.fct_help_requests where channel ="
            " 'merchant_chat'"
        ).fetchall()
        assert {code for (code,) in codes} == {text.strip() for text in HOSTILE}
        problems = connection.execute(
            "select count(*) filter (starts_with(name_zh, ?)) from marts.dim_problems",
            [HOSTILE[0]],
        ).fetchall()
        assert problems[0][0] >= 20


COMMANDS = (
    ["close", "2026-10'; drop table marts.x; --"],
    ["restatements", "2026-10' or '1' = '1"],
    ["rollback", "../../x'; drop"],
    ["retract", "malls'; drop", "--where", "mall_id=m", "--reason", "x"],
    ["retract", "malls", "--where", "mall_id' or '1=1", "--reason", "x"],
)


@pytest.mark.parametrize("arguments", COMMANDS)
def test_arguments_are_refused(kefu: Kefu, arguments: list[str]) -> None:
    kefu.publish_something()
    done = kefu(*arguments)
    assert done.returncode not in (0, 1), done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("kefu:")]
    with duckdb.connect(str(kefu.published), read_only=True) as connection:
        assert connection.execute("from marts.last_good").fetchall() == [(1,)]


@pytest.mark.parametrize("text", ["m' or '1' = '1", "%", "*", "m'); drop table x; --"])
def test_ids_that_are_looked_for_are_texts(kefu: Kefu, text: str) -> None:
    rows = [text_row("malls", mall_id="m"), text_row("malls", mall_id=f"x{text}")]
    land(kefu.raw_root, "malls", rows)
    nothing = kefu("retract", "malls", "--where", f"mall_id={text}", "--reason", text)
    assert nothing.stdout.startswith("0 rows")
    done = kefu("retract", "malls", "--where", f"mall_id=x{text}", "--reason", text)
    assert done.stdout.startswith("1 rows"), done.stderr
    assert malls(kefu.raw_root) == {"m"}
    buyer = kefu("forget", "--mall-id", text, "--buyer-uid", text, "--dry-run")
    assert "no landed row at all is of the mall" in buyer.stderr
    land(kefu.raw_root, "malls", [text_row("malls", mall_id=text)])
    buyer = kefu("forget", "--mall-id", text, "--buyer-uid", text, "--dry-run")
    assert "no landed row is the buyer's" in buyer.stdout
