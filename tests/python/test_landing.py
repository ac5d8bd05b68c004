"""Landing files of every format, and what a run must refuse to start on."""

import datetime as dt
import gzip
import json
from pathlib import Path

import duckdb
import pytest
from conftest import (
    CONTRACT,
    land,
    raw_rows,
    settings_of,
    text_row,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kefu.contract import NEEDED_TABLES
from kefu.errors import KefuError
from kefu.raw_input import read_input

FORMATS = (
    "part.csv",
    "part.csv.gz",
    "part.jsonl",
    "part.jsonl.gz",
    "part.ndjson",
    "part.json",
    "part.json.gz",
)
TRICKY = (
    '他说"快点发货",好吗?',
    "第一行\n第二行\r\n第三行",
    "  \t190228-355530178612389\t ",
    "'; drop table messages; --",
    "NULL",
    "null",
    "\\N",
    "007",
    "1e3",
    '{"a": 1}',
    "[1]",
    "😀",
    ",",
    '"',
)


def tricky_rows() -> list[dict]:
    return [
        text_row(
            "messages",
            mall_id="m1",
            msg_id=str(number),
            buyer_uid="b1",
            from_role="user",
            content=text,
            ts="1772400000",
            _source_file=f"{number}.json",
        )
        for number, text in enumerate(TRICKY)
    ]


def by_id(rows: list[dict]) -> list[dict]:
    return sorted(rows, key=lambda row: (str(row["load_date"]), int(row["msg_id"])))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_texts(raw_root: Path, name: str) -> None:
    expected = [row | {"load_date": dt.date(2026, 3, 2)} for row in tricky_rows()]
    land(raw_root, "messages", tricky_rows(), name)
    assert by_id(raw_rows("messages", raw_root)) == expected


def test_columns_and_types_of_every_view(raw_root: Path) -> None:
    raw = read_input.__wrapped__(settings_of(raw_root))
    assert list(raw.queries) == list(CONTRACT)
    with duckdb.connect() as connection:
        for name, query in raw.queries.items():
            shape = connection.execute(f"describe {query}").fetchall()
            texts = [(column, "VARCHAR") for column in CONTRACT[name].columns]
            found = [(row[0], row[1]) for row in shape]
            assert found == [*texts, ("load_date", "DATE")]


def test_formats_of_one_table_may_be_mixed(raw_root: Path) -> None:
    rows = tricky_rows()
    names = ("a.parquet", "b.csv", "c.jsonl", "d.csv.gz")
    for day, name in enumerate(names, start=3):
        land(raw_root, "messages", rows, name, load_date=f"2026-03-{day:02}")
    expected = [
        row | {"load_date": dt.date(2026, 3, day)}
        for day in range(3, 3 + len(names))
        for row in rows
    ]
    assert by_id(raw_rows("messages", raw_root)) == expected


@pytest.mark.parametrize("name", ["b.parquet", "b.csv", "b.jsonl"])
def test_order_extra_and_missing_columns(raw_root: Path, name: str) -> None:
    required = [
        column
        for column in CONTRACT["messages"].columns
        if column in CONTRACT["messages"].required
    ]
    row = text_row("messages", mall_id="m", msg_id="1", ts="5") | {"extra": "x"}
    land(raw_root, "messages", [row], name, columns=["extra", *reversed(required)])
    (found,) = raw_rows("messages", raw_root)
    assert "extra" not in found
    assert (found["mall_id"], found["msg_id"], found["ts"]) == ("m", "1", "5")
    assert found["content"] is None and found["_source_file"] is None


@pytest.mark.parametrize("name", ["b.parquet", "b.csv", "b.jsonl"])
def test_header_names_are_trimmed(raw_root: Path, name: str) -> None:
    columns = [f" {column}\t" for column in CONTRACT["messages"].columns]
    row = {f" {key}\t": value for key, value in tricky_rows()[0].items()}
    land(raw_root, "messages", [row], name, columns=columns)
    (found,) = raw_rows("messages", raw_root)
    assert found["content"] == TRICKY[0]


def test_byte_order_mark_before_a_csv_header(raw_root: Path) -> None:
    path = land(raw_root, "messages", tricky_rows(), "part.csv")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [row["mall_id"] for row in raw_rows("messages", raw_root)] == ["m1"] * len(
        TRICKY
    )


def test_json_keys_may_be_absent_from_single_rows(raw_root: Path) -> None:
    whole = text_row("messages", mall_id="m", msg_id="2", content="later")
    path = land(raw_root, "messages", [], "part.jsonl")
    path.write_text(
        '{"mall_id": "m", "msg_id": 1}\n' + json.dumps(whole) + "\n",
        encoding="utf-8",
    )
    found = by_id(raw_rows("messages", raw_root))
    assert [row["content"] for row in found] == [None, "later"]
    assert [row["_loaded_at"] for row in found] == [None, whole["_loaded_at"]]


TYPED = {
    "cast(1514476631 as bigint)": "1514476631",
    "cast(1514476631000 as double)": "1514476631000",
    "cast(0 as double)": "0",
    "cast(-3 as float)": "-3",
    "cast(64.8 as float)": "64.8",
    "cast(0.1 as double)": "0.1",
    "cast('nan' as double)": "nan",
    "cast(1e300 as double)": "1e+300",
    "cast(12.50 as decimal(18, 2))": "12.50",
    "cast(12 as decimal(18, 2))": "12",
    "cast(7 as decimal(9, 0))": "7",
    "true": "true",
    "false": "false",
    "date '2026-02-28'": "2026-02-28",
    "timestamp '2026-02-28 23:59:59'": "2026-02-28 23:59:59",
    "timestamp '2026-02-28 23:59:59.120'": "2026-02-28 23:59:59.12",
    "cast('2026-02-28 23:59:59.123456789' as timestamp_ns)": (
        "2026-02-28 23:59:59.123456"
    ),
    "cast('2026-02-28 23:59:59.123' as timestamp_ms)": "2026-02-28 23:59:59.123",
    "timestamptz '2026-03-01 07:30:00+08'": "2026-02-28 23:30:00+00",
    "cast(null as integer)": None,
    "'客服'": "客服",
    "encode('客服')": "客服",
    "cast('merchant' as enum ('merchant', 'buyer'))": "merchant",
}


@pytest.mark.parametrize("expression", TYPED)
@pytest.mark.parametrize("place", ["parquet", "database"])
def test_typed_values_are_written_out_alike(
    raw_root: Path, tmp_path: Path, expression: str, place: str
) -> None:
    values = ", ".join(
        f'{expression if column == "content" else "null"} as "{column}"'
        for column in CONTRACT["messages"].columns
    )
    if place == "parquet":
        path = raw_root / "messages" / "load_date=2026-03-02" / "typed.parquet"
        duckdb.sql(f"select {values}").write_parquet(str(path))
        (found,) = raw_rows("messages", raw_root)
    else:
        path = tmp_path / "landed.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"create table messages as select {values}")
            connection.execute("create table orders as " + null_row("orders"))
        (found,) = raw_rows("messages", raw_root, path)
    assert found["content"] == TYPED[expression]


def null_row(table: str) -> str:
    nulls = ", ".join(f'null as "{column}"' for column in CONTRACT[table].columns)
    return f"select {nulls} where false"


def test_attached_tables_give_the_same_texts(raw_root: Path, tmp_path: Path) -> None:
    land(raw_root, "messages", tricky_rows())
    path = tmp_path / "landed.duckdb"
    with duckdb.connect(str(path)) as connection:
        source = raw_root / "messages" / "*" / "*.parquet"
        connection.execute(
            f"create table messages as from read_parquet('{source}',"
            " hive_partitioning = false)"
        )
        connection.execute("create table orders as " + null_row("orders"))
    landed = by_id(raw_rows("messages", raw_root))
    attached = by_id(raw_rows("messages", raw_root, path))
    assert attached == [row | {"load_date": None} for row in landed]
    assert raw_rows("refunds", raw_root, path) == []


@pytest.mark.parametrize(
    "name",
    ["it's.parquet", "a b.parquet", "客服.parquet", "p[1].parquet", "a?.csv", "{1}.csv"]
    + ["50%.jsonl", "a=b.jsonl", "*.csv"],
)
def test_file_names_are_taken_literally(tmp_path: Path, name: str) -> None:
    root = tmp_path / "it's [a] 根 *"
    for table in NEEDED_TABLES:
        land(root, table, [])
    land(root, "messages", [text_row("messages", msg_id="1")], name)
    # What the name would also match were it a pattern.
    land(root, "messages", [text_row("messages", msg_id="2")], "p1" + name[-8:])
    found = [row["msg_id"] for row in raw_rows("messages", root)]
    assert sorted(found) == ["1", "2"]


def test_folders_below_a_load_date(raw_root: Path) -> None:
    for name in ("hour=01/a.parquet", "b.parquet", "mall_id=9/c.parquet"):
        land(raw_root, "messages", [text_row("messages", mall_id="m")], name)
    found = raw_rows("messages", raw_root)
    assert [row["mall_id"] for row in found] == ["m"] * 3


def test_every_row_gets_the_load_date_of_its_folder(raw_root: Path) -> None:
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=day) for day in range(40)]
    for day in days:
        row = text_row("messages", msg_id=day.isoformat())
        for name in ("z.parquet", "a.csv", "m.jsonl"):
            land(raw_root, "messages", [row], name, load_date=day.isoformat())
    found = raw_rows("messages", raw_root)
    assert len(found) == 3 * len(days)
    assert all(row["msg_id"] == row["load_date"].isoformat() for row in found)


def test_a_column_named_as_the_readers_own(raw_root: Path) -> None:
    for day in ("2026-03-03", "2026-03-04"):
        row = text_row("messages", msg_id=day) | {"file_index": "7"}
        columns = [*CONTRACT["messages"].columns, "file_index"]
        land(raw_root, "messages", [row], load_date=day, columns=columns)
    found = raw_rows("messages", raw_root)
    assert sorted(row["load_date"].isoformat() for row in found) == sorted(
        row["msg_id"] for row in found
    )


def test_hidden_and_unfinished_files_are_left_alone(raw_root: Path) -> None:
    folder = raw_root / "messages" / "load_date=2026-03-02"
    for name in ("_SUCCESS", ".a.parquet.crc", "b.parquet.tmp", "_c.parquet"):
        (folder / name).write_text("no data", encoding="utf-8")
    (folder / "_temporary").mkdir()
    (folder / "_temporary" / "d.parquet").write_text("no data", encoding="utf-8")
    assert raw_rows("messages", raw_root) == []


def test_what_is_not_understood_is_said(raw_root: Path) -> None:
    (raw_root / "mesages").mkdir()
    (raw_root / "orders" / "load_date=2026-03-02" / "x.xlsx").write_bytes(b"no data")
    warnings = read_input.__wrapped__(settings_of(raw_root)).warnings
    assert any("mesages" in warning for warning in warnings)
    assert any("x.xlsx" in warning for warning in warnings)
    assert any(warning.startswith("refunds: no data file") for warning in warnings)


def test_the_list_of_files_is_frozen(raw_root: Path) -> None:
    chosen = settings_of(raw_root)
    before = read_input(chosen)
    land(raw_root, "messages", tricky_rows(), "late.parquet")
    assert read_input(chosen) is before
    assert "late.parquet" not in before.queries["messages"]


def refusal(raw_root: Path, raw_database: Path | None = None) -> str:
    with pytest.raises(KefuError) as caught:
        read_input.__wrapped__(settings_of(raw_root, raw_database))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_raw_root(tmp_path: Path) -> None:
    assert "KEFU_RAW_ROOT" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize("table", NEEDED_TABLES)
def test_needed_table_without_a_file(raw_root: Path, table: str) -> None:
    (raw_root / table / "load_date=2026-03-02" / "part-0.parquet").unlink()
    assert refusal(raw_root).startswith(f"{table}: no data file")


@pytest.mark.parametrize(
    "folder",
    ["", "load_date=2026-02-30", "load_date=20260302", "load_date=", "date=2026-03-02"]
    + ["load_date=2026-03-02/load_date=2026-03-03"],
)
def test_file_without_a_proper_load_date(raw_root: Path, folder: str) -> None:
    path = raw_root / "ratings" / folder / "a.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    told = refusal(raw_root)
    assert path.relative_to(raw_root).as_posix() in told
    assert "load_date=YYYY-MM-DD" in told


HEADER = ",".join(CONTRACT["messages"].columns)
UNREADABLE = {
    "a.parquet": b"not parquet at all",
    "cut.parquet": b"PAR1 cut off",
    "b.csv": b"",
    "quote.csv": b'HEADER\n"never closed,1\n',
    "quote-below.csv": b"HEADER\n" + b"," * 15 + b'\n"never closed\n' + b"," * 15,
    "ragged.csv": b"HEADER\nonly one field\n",
    "gbk.csv": b"HEADER\n" + ("客服," * 15).encode("gbk") + b"\n",
    "c.csv.gz": b"not gzip",
    "cut.csv.gz": gzip.compress(HEADER.encode() + b"\n" + b"," * 9_000)[:-20],
    "d.jsonl": b'{"mall_id": "m"\n',
    "e.json.gz": b"not gzip",
    "bom.jsonl": b"\xef\xbb\xbf" + b'{"mall_id": "m"}\n{"mall_id": "m"}\n',
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_file(raw_root: Path, name: str) -> None:
    path = raw_root / "messages" / "load_date=2026-03-02" / name
    path.write_bytes(UNREADABLE[name].replace(b"HEADER", HEADER.encode()))
    land(raw_root, "messages", tricky_rows(), "good" + "".join(path.suffixes))
    told = refusal(raw_root)
    assert told.startswith(f"messages: file messages/load_date=2026-03-02/{name}")
    assert str(raw_root) not in told.replace(str(path), "")


REQUIRED = [
    (table.name, column, "b.csv")
    for table in CONTRACT.values()
    for column in sorted(table.required)
]


@pytest.mark.parametrize(
    ("table", "column", "name"),
    [*REQUIRED, ("messages", "ts", "a.parquet"), ("malls", "mall_id", "c.jsonl")],
)
def test_missing_required_column(
    raw_root: Path, table: str, column: str, name: str
) -> None:
    columns = [other for other in CONTRACT[table].columns if other != column]
    land(raw_root, table, [text_row(table)], name, "2026-03-03", columns)
    told = refusal(raw_root)
    assert told.startswith(f"{table}: required column {column} is missing in")
    assert f"{table}/load_date=2026-03-03/{name}" in told


def test_column_twice_in_a_csv_header(raw_root: Path) -> None:
    path = land(raw_root, "messages", [], "part.csv")
    path.write_text("ts , ts\n1,2\n", encoding="utf-8")
    assert "ts stands twice" in refusal(raw_root)


def test_attached_database_refusals(raw_root: Path, tmp_path: Path) -> None:
    assert "which is no file" in refusal(raw_root, tmp_path / "nowhere.duckdb")
    text = tmp_path / "text.duckdb"
    text.write_text("no database", encoding="utf-8")
    assert "cannot be opened" in refusal(raw_root, text)
    path = tmp_path / "landed.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table orders as " + null_row("orders"))
    assert refusal(raw_root, path).startswith("messages: there is no such table")
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table messages as " + null_row("messages"))
        connection.execute("alter table messages drop column ts")
    told = refusal(raw_root, path)
    assert told.startswith("messages: required column ts is missing in table messages")


# CSV cannot tell an empty text from none, so the texts have a first character.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=st.lists(TEXTS, min_size=1, max_size=12))
def test_any_text_survives_csv_and_json(raw_root: Path, texts: list[str]) -> None:
    rows = [
        text_row("messages", msg_id=str(number), content=text)
        for number, text in enumerate(texts)
    ]
    for name in ("any.csv", "any.jsonl"):
        path = land(raw_root, "messages", rows, name)
        found = [row["content"] for row in by_id(raw_rows("messages", raw_root))]
        path.unlink()
        assert found == texts, name
