"""What docs/ingest.md says a format carries, file by file and encoding by encoding.

Rows of the raw contract are written as the platform writes them and ingested; the
columns that come back equal must be those of the page's table, no more, no fewer.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import ingest_exports as exports
import pytest
from conftest import CONTRACT, ROOT, raw_rows
from test_ingest import (
    BOOK,
    MALL,
    PERIOD,
    ROSTERS,
    SECRET,
    TEXT_ENCODINGS,
    contract_read_once,
    ingest,
    messages,
    orders,
    performance_report,
    refunds,
    root,
)

__all__ = ["contract_read_once", "root"]

PAGE = (ROOT / "docs" / "ingest.md").read_text("utf-8")
# GBK has no sign for the emoji of chats; GB18030 has.
JSON_ENCODINGS = ("utf-8", "utf-8-sig", "gb18030")
KEYS = {
    "orders": "order_sn",
    "refunds": "id",
    "messages": "msg_id",
    "malls": "mall_id",
    "agents": "cs_uid",
    "agent_shifts": "cs_uid",
}


def carried() -> dict[str, set[str]]:
    """Return the columns of each file that the page's table lists."""
    table = PAGE.split("## What a format carries")[1]
    lists: dict[str, set[str]] = {}
    before: set[str] = set()
    for file, told in re.findall(r"^\| (`.*?) \| (.*?) \|$", table, re.MULTILINE):
        words = set(re.findall(r"[a-z_]+", told)) - {
            *["all", "but", "the", "same", "and"]
        }
        kind = file.replace("`", "")
        all_of_it = set(CONTRACT[FILES[kind][0]].columns) - BOOK
        if told.startswith("all"):
            words = all_of_it - words
        elif told.startswith("the same and "):
            words |= before
        assert words <= all_of_it, kind
        lists[kind] = before = words
    return lists


def spreadsheet(headers: list[str]) -> Callable[[list[dict]], list[list]]:
    return lambda rows: exports.export_rows(rows, headers)


def malls() -> list[dict]:
    return [
        {
            "mall_id": f"100000{number}",
            "mall_name": (None, "晨光旗舰店", "小店")[number % 3],
            "merchant_type": (None, *"123456")[number],
            "category_name": ("女装", "家居")[number % 2],
            "opened_on": (f"2024-05-0{number + 1}", None)[number % 2],
        }
        for number in range(7)
    ]


def malls_sheet(rows: list[dict]) -> list[list]:
    types = ("", "个人", "企业店", "旗舰店", "专卖店", "专营店", "普通店")
    return [
        ROSTERS["malls"][0],
        *(
            [
                *(row["mall_id"], row["mall_name"]),
                *(types[int(row["merchant_type"] or 0)], row["category_name"]),
                row["opened_on"],
            ]
            for row in rows
        ),
    ]


def agents() -> list[dict]:
    return [
        {
            "mall_id": MALL,
            "cs_uid": f"cs_{number}",
            "cs_name": f"小{'王李机'[number]}",
            "agent_role": ("pre_sales", "after_sales", "both")[number],
            "is_robot": ("false", None, "true")[number],
            "valid_from": ("2026-11-01", "2026-10-01", None)[number],
            "valid_to": (None, "2026-11-30", None)[number],
        }
        for number in range(3)
    ]


def agents_sheet(rows: list[dict]) -> list[list]:
    roles = {"pre_sales": "售前", "after_sales": "售后", "both": "全部"}
    robots = {"true": "是", "false": "否", None: ""}
    return [
        ROSTERS["agents"][0],
        *(
            [
                *(row["cs_uid"], row["cs_name"], roles[row["agent_role"]]),
                *(robots[row["is_robot"]], row["valid_from"], row["valid_to"]),
            ]
            for row in rows
        ),
    ]


def shifts() -> list[dict]:
    return [
        {
            "mall_id": MALL,
            "cs_uid": f"cs_{number}",
            "shift_name": ("早班", "晚班", "机动")[number],
            "start_at": f"2026-11-2{number} 08:00:00",
            "end_at": f"2026-11-2{number + 1} 00:30:00",
        }
        for number in range(3)
    ]


def shifts_sheet(rows: list[dict]) -> list[list]:
    return [
        ROSTERS["shifts"][0],
        *(
            [row["cs_uid"], "小王", row["shift_name"], row["start_at"], row["end_at"]]
            for row in rows
        ),
    ]


def details() -> list[dict]:
    # The detail's one time of application is the last.
    return [row | {"recreated_at": row["created_time"]} for row in refunds(True)]


# Of each file of the page: the table, the rows, and how they are written.
FILES: dict[str, tuple] = {
    "order-export": ("orders", orders, spreadsheet(exports.EXPORT_2026)),
    "order-export, older headers": (
        *("orders", orders, spreadsheet(exports.EXPORT_OLD)),
    ),
    "order-api": (
        *("orders", orders),
        lambda rows: [exports.order_answer(row) for row in rows],
    ),
    "refund-list": (
        *("refunds", lambda: refunds(False)),
        lambda rows: [exports.refund_answer(row, False) for row in rows],
    ),
    "refund-detail": (
        *("refunds", details),
        lambda rows: [exports.refund_answer(row, True, "fen") for row in rows],
    ),
    "chat": ("messages", messages, lambda rows: list(map(exports.payload, rows))),
    "malls": ("malls", malls, malls_sheet),
    "agents": ("agents", agents, agents_sheet),
    "shifts": ("agent_shifts", shifts, shifts_sheet),
}
JSON_FILES = ("order-api", "refund-list", "refund-detail", "chat")
CASES = [
    (file, form)
    for file in FILES
    for form in (JSON_ENCODINGS if file in JSON_FILES else (*TEXT_ENCODINGS, "xlsx"))
]


def test_the_page_lists_each_file() -> None:
    assert list(carried()) == list(FILES)


@pytest.mark.parametrize(("file", "form"), CASES)
def test_what_a_format_carries(
    root: Path, tmp_path: Path, file: str, form: str
) -> None:
    table, make, written = FILES[file]
    rows = make()
    if file in JSON_FILES:
        path = exports.write_lines(tmp_path / "f.jsonl", written(rows), form)
    elif form == "xlsx":
        path = exports.write_xlsx(tmp_path / "f.xlsx", written(rows))
    else:
        path = exports.write_csv(tmp_path / "f.csv", written(rows), form)
    kind = file.split(",", maxsplit=1)[0]
    amounts = ("--amounts", "fen") if kind == "refund-detail" else ()
    done = ingest(root, kind, path, *amounts)
    assert done.exit_code == 0, done.stdout + done.stderr
    key = KEYS[table]
    found = {row[key]: row for row in raw_rows(table, root)}
    assert set(found) == {row[key] for row in rows}
    columns = set(CONTRACT[table].columns) - BOOK
    came_back = {
        column
        for column in columns
        if any(row[column] is not None for row in rows)
        and all(row[column] == found[row[key]][column] for row in rows)
    }
    assert came_back == carried()[file]
    for column in columns - came_back - {"created_time"}:
        # What is not carried is left empty, not made up.
        assert {row[column] for row in found.values()} == {None}, column


def test_of_the_other_kinds_nothing_personal_lands(root: Path, tmp_path: Path) -> None:
    """As test_nothing_personal_lands of test_ingest, for report, score and rosters."""
    report = performance_report()
    scores = [
        ["日期", "项目", "名称", "数值"],
        ["2026-11-20", "体验分", "", "3.3956"],
        ["2026-11-20", "模块得分", "服务态度", "3.5"],
    ]
    sheets = {
        "performance": (report, PERIOD),
        "score": (scores, ()),
        "malls": (ROSTERS["malls"], ()),
        "agents": (ROSTERS["agents"], ()),
        "shifts": (ROSTERS["shifts"], ()),
    }
    for kind, (sheet, more) in sheets.items():
        rows = [[*sheet[0], "手机", "备注", "没见过的列"]]
        rows += [[*row, f"{SECRET}1", f"{SECRET}2", f"{SECRET}3"] for row in sheet[1:]]
        for path in (
            exports.write_csv(tmp_path / f"{kind}.csv", rows, "gb18030"),
            exports.write_xlsx(tmp_path / f"{kind}.xlsx", rows),
        ):
            done = ingest(root, kind, path, *more)
            assert done.exit_code == 0, done.stdout + done.stderr
            assert SECRET not in done.stdout + done.stderr
    day = {"date": "2026-11-20", "experience_score": 3.3956, "remark": SECRET}
    path = exports.write_json(tmp_path / "score.json", day)
    done = ingest(root, "score", path)
    assert SECRET not in done.stdout + done.stderr

    files = [file for file in root.rglob("*") if file.is_file()]
    landed = [file for file in files if file.name.startswith("kefu-")]
    assert len(landed) >= 10
    for file in files:
        content = file.read_bytes()
        for encoding in ("utf-8", "gb18030", "utf-16-le"):
            assert SECRET.encode(encoding) not in content, file
    for file in landed:
        # Pages are compressed: what they hold is seen by reading them.
        values = duckdb.sql(f"from read_parquet('{file}') t select t::varchar")
        told = duckdb.sql(f"from parquet_kv_metadata('{file}')")
        assert SECRET not in json.dumps(
            [values.fetchall(), told.fetchall()], default=str, ensure_ascii=False
        )
