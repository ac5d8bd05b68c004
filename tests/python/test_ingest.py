"""What `kefu ingest` lands: the same rows again, once, and nobody's name."""

import csv
import datetime as dt
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import click.testing
import duckdb
import ingest_exports as exports
import pytest
from conftest import CONTRACT, ROOT, land, raw_rows

from kefu import landed_vars
from kefu.cli import main
from kefu.ingest import mapping as mappings
from kefu.ingest import templates
from kefu.ingest.kinds import KINDS
from kefu.ingest.options import KINDS_TOLD
from kefu.ingest.orders import FIGURES_OF_PAID
from kefu.settings import DEMO_MARK

TEXT_ENCODINGS = ("utf-8", "utf-8-sig", "gbk", "gb18030")
MALL = "m1"
BOOK = {"_loaded_at", "_source_file", "load_date"}
# Nowhere but in fields that must not land.
SECRET = "秘密"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A raw root with the two needed tables, empty."""
    folder = tmp_path / "raw"
    for table in ("messages", "orders"):
        land(folder, table, [], name="empty.parquet", load_date="2026-01-01")
    return folder


@pytest.fixture(autouse=True)
def contract_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare each call the large YAML file that it reads the contract from."""
    for module in ("kefu.contract", "kefu.raw_input"):
        monkeypatch.setattr(f"{module}.read_contract", lambda _: CONTRACT)


def ingest(root: Path, *words: object, mall: str | None = MALL) -> click.testing.Result:
    """Call `kefu ingest`; a list of shops is of no shop unless one is named."""
    if mall == MALL and "malls" in words:
        mall = None
    environment = {"KEFU_RAW_ROOT": str(root), "KEFU_RAW_DATABASE": ""}
    called = ["ingest", *map(str, words)]
    if mall is not None:
        called += ["--mall-id", mall]
    return click.testing.CliRunner().invoke(main, called, env=environment)


def landed(root: Path, table: str) -> list[Path]:
    return sorted((root / table).glob("load_date=*/kefu-*.parquet"))


def official(root: Path, table: str) -> list[dict]:
    """Return the rows of a table as they lie in its only landed file."""
    (path,) = landed(root, table)
    answer = duckdb.sql(f"from read_parquet('{path}', hive_partitioning = false)")
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]
    assert tuple(rows[0]) == CONTRACT[table].columns
    return [{name: row[name] for name in row if name not in BOOK} for row in rows]


def stated(rows: list[dict], columns: list[str]) -> list[dict]:
    """Return the columns that a format carries, in an order of their own."""
    kept = [{name: row[name] for name in columns} for row in rows]
    return sorted(kept, key=lambda row: [str(value) for value in row.values()])


def check_book(rows: list[dict], path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    for row in rows:
        assert row["_source_file"] == path.name
        loaded = dt.datetime.fromisoformat(row["_loaded_at"])
        assert dt.timedelta(0) <= now - loaded < dt.timedelta(minutes=5)
        assert row["load_date"] == loaded.date()


# The rows that go round.


def orders(count: int = 40) -> list[dict]:
    """Invent orders in every state that the export can state."""
    chance = random.Random(1)
    states = list(exports.STATES)
    rows = []
    for number in range(count):
        order, group, confirm, refund = states[number % len(states)]
        moment = dt.datetime(2026, 5, 1 + number % 28, chance.randrange(24), 5, 9)
        is_grouped = group == "1"
        rows.append(
            dict.fromkeys(CONTRACT["orders"].columns)
            | {
                "mall_id": MALL,
                "order_sn": f"{moment:%y%m%d}-{10**14 + number}",
                "created_time": f"{moment}",
                "pay_time": f"{moment}" if is_grouped else None,
                "confirm_time": f"{moment + dt.timedelta(hours=1)}"
                if is_grouped
                else None,
                "shipping_time": f"{moment + dt.timedelta(days=1)}"
                if order in ("2", "3")
                else None,
                "receive_time": f"{moment + dt.timedelta(days=3)}"
                if order == "3"
                else None,
                "updated_at": f"{moment + dt.timedelta(days=4)}",
                "order_status": order,
                "group_status": group,
                "confirm_status": confirm,
                "refund_status": refund,
                "after_sales_status": chance.choice([None, "0", "10"]),
                "risk_control_status": chance.choice(["0", "1"]),
                "is_lucky_flag": chance.choice([None, "1", "2"]),
                "goods_id": str(chance.randrange(10**8, 10**13)),
                "goods_count": str(chance.randrange(1, 9)),
                "goods_amount": f"{chance.randrange(99_999) / 100:.2f}",
                "discount_amount": f"{chance.randrange(999) / 100:.2f}",
                "postage": "0.00",
                "pay_amount": f"{chance.randrange(99_999) / 100:.2f}",
            }
        )
    return rows


def refunds(in_ms: bool) -> list[dict]:
    chance = random.Random(2)
    rows = []
    for number in range(30):
        created = (1_772_400_000 + number * 777) * (1_000 if in_ms else 1)
        rows.append(
            dict.fromkeys(CONTRACT["refunds"].columns)
            | {
                "mall_id": MALL,
                "id": str(30_000_000_000 + number),
                "order_sn": f"260501-{10**14 + number}",
                "after_sales_type": chance.choice([None, "1", "2", "3", "4", "5"]),
                "after_sales_status": chance.choice(["2", "6", "10", "11", "16"]),
                "after_sale_reason": chance.choice([None, "质量问题", "不想要了"]),
                "created_time": str(created),
                "updated_time": str(created + 60),
                "refund_amount": f"{chance.choice([0, 5, 50, 1_234]) / 100:.2f}",
                "dispute_refund_status": chance.choice(["0", "1"]),
                "join_or_not": chance.choice(["0", "1"]) if in_ms else None,
            }
        )
    return rows


def messages() -> list[dict]:
    chance = random.Random(3)
    rows = []
    for number in range(60):
        role = chance.choice(["user", "mall_cs", "mall_cs", "system"])
        is_shop = role == "mall_cs"
        template = chance.choice([None, "mall_robot_text_msg", "mall_answer_with_text"])
        rows.append(
            dict.fromkeys(CONTRACT["messages"].columns)
            | {
                "mall_id": MALL,
                "msg_id": str(1_760_000_000_000 + number),
                "buyer_uid": str(chance.randrange(10**9, 10**13)),
                "from_role": role,
                "cs_uid": f"cs_{number % 3}" if is_shop and not template else None,
                "type": chance.choice([None, "0", "1", "31", "1002"]),
                "template_name": template if is_shop else None,
                "content": chance.choice(
                    [None, " 有货吗? \t", '他说"快"\n换行', "𠮷😀", "-", ""]
                ),
                "ts": str(1_772_400_000_000 + number),
                "need_reply": chance.choice([None, "true", "false"]),
                "order_sn": chance.choice([None, "260501-1"]),
            }
        )
    return rows


EXPORT_COLUMNS = [
    "mall_id",
    "order_sn",
    "buyer_uid",
    "confirm_time",
    "shipping_time",
    "receive_time",
    "updated_at",
    "order_status",
    "group_status",
    "confirm_status",
    "refund_status",
    "goods_id",
    "goods_count",
    "goods_amount",
    "discount_amount",
    "postage",
    "pay_amount",
]


@pytest.mark.parametrize("form", [*TEXT_ENCODINGS, "xlsx"])
@pytest.mark.parametrize("is_old", [False, True], ids=["2026", "older"])
def test_order_export_round_trip(
    root: Path, tmp_path: Path, form: str, is_old: bool
) -> None:
    headers = exports.EXPORT_OLD if is_old else exports.EXPORT_2026
    rows = [row | {"updated_at": None} for row in orders()]
    written = exports.export_rows(rows, headers)
    if form == "xlsx":
        path = exports.write_xlsx(tmp_path / "订单.xlsx", written)
    else:
        path = exports.write_csv(tmp_path / "订单.csv", written, form)
    done = ingest(root, "order-export", path)
    assert done.exit_code == 0, done.stdout + done.stderr
    assert "not understood" not in done.stdout
    columns = list(EXPORT_COLUMNS)
    if is_old:
        columns += ["pay_time", "risk_control_status", "created_time"]
        for row in rows:
            if row["pay_time"] is None:
                midnight = dt.datetime.strptime(row["order_sn"][:6], "%y%m%d")
                row["created_time"] = f"{midnight}"
    found = raw_rows("orders", root)
    assert stated(found, columns) == stated(rows, columns)
    check_book(found, path)


def test_created_time_falls_back_as_far_as_the_order_number(
    root: Path, tmp_path: Path
) -> None:
    headers = ["订单号", "订单状态", "支付时间", "订单成交时间"]
    path = exports.write_csv(
        tmp_path / "o.csv",
        [
            headers,
            ["260607-1", "已签收", "2026-06-07 10:00:00", "2026-06-07 11:00:00"],
            ["260607-2", "已签收", "", "2026/6/7 9:05"],
            ["260607-3", "待支付", "0000-00-00 00:00:00", ""],
            ["269907-4", "待支付", "", ""],
            ["x", "待支付", "", ""],
        ],
    )
    done = ingest(root, "order-export", path)
    found = {row["order_sn"]: row["created_time"] for row in raw_rows("orders", root)}
    assert found == {
        "260607-1": "2026-06-07 10:00:00",
        "260607-2": "2026-06-07 09:05:00",
        "260607-3": "2026-06-07 00:00:00",
    }
    assert "row 5-6: it has neither 支付时间 nor 订单成交时间, and 订单号 does not" in (
        done.stdout
    )


def test_orders_without_a_pay_time(root: Path, tmp_path: Path) -> None:
    headers = ["订单号", "订单状态", "订单成交时间"]
    rows = [["260607-1", "已签收", "2026-06-07 11:00:00"], ["260607-2", "待支付", ""]]
    path = exports.write_csv(tmp_path / "o.csv", [headers, *rows])
    done = ingest(root, "order-export", path)
    told = done.stdout[
        done.stdout.index("without a pay time no order counts as paid") :
    ]
    assert ", ".join(FIGURES_OF_PAID) in told and "--paid-when-grouped" in told
    assert {row["pay_time"] for row in raw_rows("orders", root)} == {None}
    for file in landed(root, "orders"):
        file.unlink()
    done = ingest(root, "order-export", path, "--paid-when-grouped")
    assert "the time of the deal is taken for it" in done.stdout
    found = {row["order_sn"]: row["pay_time"] for row in raw_rows("orders", root)}
    assert found == {"260607-1": "2026-06-07 11:00:00", "260607-2": None}
    headers[2:] = ["订单成交时间", "支付时间"]
    rows = [[*rows[0], "2026-06-07 10:00:00"]]
    exports.write_csv(path, [headers, *rows])
    done = ingest(root, "order-export", path, "--paid-when-grouped")
    assert "without a pay time" not in done.stdout
    assert "2026-06-07 10:00:00" in {r["pay_time"] for r in raw_rows("orders", root)}


def test_figures_without_a_pay_time_are_those_of_the_registry() -> None:
    """Named as they are published, and with every rate or mean made of them."""
    with (ROOT / "seeds" / "metrics.csv").open(encoding="utf-8") as file:
        metrics = {row["metric"]: row for row in csv.DictReader(file)}
    assert set(FIGURES_OF_PAID) <= set(metrics)
    sides = ("numerator", "denominator", "agent_numerator", "agent_denominator")
    made = {
        metric
        for metric, row in metrics.items()
        if {row[side] for side in sides} & set(FIGURES_OF_PAID)
    }
    assert made <= set(FIGURES_OF_PAID)
    page = (ROOT / "docs" / "ingest.md").read_text(encoding="utf-8")
    assert all(f"`{figure}`" in page for figure in FIGURES_OF_PAID)


@pytest.mark.parametrize("is_rounded", [False, True])
def test_numbers_of_a_spreadsheet(root: Path, tmp_path: Path, is_rounded: bool) -> None:
    """Beyond 15 digits a spreadsheet has rounded them: that is no identifier."""
    number = 123_456_789_012_345_678 if is_rounded else 123_456_789_012_345
    rows = [["订单号", "订单状态", "商品id"], ["260607-1", "已签收", number]]
    path = exports.write_xlsx(tmp_path / "o.xlsx", rows)
    done = ingest(root, "order-export", path)
    if is_rounded:
        assert done.exit_code == 3 and "商品id was rounded by a" in done.stdout
    else:
        (found,) = raw_rows("orders", root)
        assert found["goods_id"] == str(number)


@pytest.mark.parametrize("form", ["list", "detail", "lines", "gb18030"])
def test_order_answers_round_trip(root: Path, tmp_path: Path, form: str) -> None:
    rows = orders()
    answers = [exports.order_answer(row) for row in rows]
    path = tmp_path / "orders.json"
    details = [{"order_info_get_response": {"order_info": one}} for one in answers]
    pages = [
        {"order_list_get_response": {"total_count": 40, "order_list": answers[:25]}},
        {"order_list_get_response": {"total_count": 40, "order_list": answers[25:]}},
    ]
    if form == "list":
        exports.write_json(path, pages)
    elif form == "detail":
        exports.write_lines(path, details)
    elif form == "lines":
        exports.write_lines(path, answers)
    else:
        exports.write_lines(path, pages, form)
    done = ingest(root, "order-api", path)
    assert done.exit_code == 0, done.stdout + done.stderr
    columns = [name for name in CONTRACT["orders"].columns if name not in BOOK]
    found = raw_rows("orders", root)
    assert stated(found, columns) == stated(rows, columns)
    check_book(found, path)


@pytest.mark.parametrize("numbering", ["list", "detail"])
def test_refund_lists_round_trip(root: Path, tmp_path: Path, numbering: str) -> None:
    rows = refunds(in_ms=False)
    answers = [exports.refund_answer(row, is_detail=False) for row in rows]
    if numbering == "detail":
        for answer in answers:
            answer["after_sales_type"] = (answer["after_sales_type"] or 1) - 1 or None
    wrapped = {"refund_increment_get_response": {"refund_list": answers}}
    path = exports.write_json(tmp_path / "r.json", wrapped)
    done = ingest(root, "refund-list", path, "--type-numbering", numbering)
    assert done.exit_code == 0, done.stdout + done.stderr
    columns = [name for name in CONTRACT["refunds"].columns if name not in BOOK]
    found = raw_rows("refunds", root)
    assert stated(found, columns) == stated(rows, columns)
    check_book(found, path)


@pytest.mark.parametrize("amounts", ["fen", "yuan"])
def test_refund_details_round_trip(root: Path, tmp_path: Path, amounts: str) -> None:
    rows = refunds(in_ms=True)
    answers = [exports.refund_answer(row, True, amounts) for row in rows]
    path = exports.write_lines(
        tmp_path / "r.jsonl",
        [{"refund_information_get_response": answer} for answer in answers],
    )
    done = ingest(root, "refund-detail", path, "--amounts", amounts)
    assert done.exit_code == 0, done.stdout + done.stderr
    # The detail's one time of application is the last.
    expected = [row | {"recreated_at": row["created_time"]} for row in rows]
    columns = [name for name in CONTRACT["refunds"].columns if name not in BOOK]
    assert stated(raw_rows("refunds", root), columns) == stated(expected, columns)


def test_the_unit_of_amounts_is_asked_for(root: Path, tmp_path: Path) -> None:
    path = exports.write_lines(tmp_path / "r.jsonl", [{}])
    done = ingest(root, "refund-detail", path)
    assert done.exit_code == 2
    assert "give --amounts fen or --amounts yuan" in done.stderr


@pytest.mark.parametrize("form", ["lines", "pushed", "history", "gb18030"])
def test_chat_round_trip(root: Path, tmp_path: Path, form: str) -> None:
    rows = messages()
    sent = [exports.payload(row) for row in rows]
    path = tmp_path / "chat.jsonl"
    if form == "pushed":
        exports.write_lines(path, [{"response": "push", "message": m} for m in sent])
    elif form == "history":
        exports.write_json(path, {"result": {"messages": sent}})
    else:
        exports.write_lines(path, sent, "utf-8" if form == "lines" else form)
    done = ingest(root, "chat", path)
    assert done.exit_code == 0, done.stdout + done.stderr
    columns = [name for name in CONTRACT["messages"].columns if name not in BOOK]
    found = raw_rows("messages", root)
    assert stated(found, columns) == stated(rows, columns)
    check_book(found, path)


@pytest.mark.parametrize("empty", [..., None, "", " ", "-"])
def test_another_field_stands_in_for_an_empty_one(
    root: Path, tmp_path: Path, empty: object
) -> None:
    def without(record: dict, name: str) -> dict:
        rest = {key: value for key, value in record.items() if key != name}
        return rest if empty is ... else rest | {name: empty}

    message = exports.payload(messages()[0])
    time = message["ts"]
    twice = [
        without(message, "ts") | {"time": time},
        message | {"msg_id": "2", "time": 1},
    ]
    path = exports.write_lines(tmp_path / "c.jsonl", twice)
    done = ingest(root, "chat", path)
    assert "landed 2 rows, 0 could not be mapped" in done.stdout
    assert [row["ts"] for row in official(root, "messages")] == [str(time)] * 2

    refund = refunds(in_ms=True)[0]
    answer = without(exports.refund_answer(refund, True, "fen"), "created_time")
    path = exports.write_lines(tmp_path / "r.jsonl", [answer])
    done = ingest(root, "refund-detail", path, "--amounts", "fen")
    assert "landed 1 rows, 0 could not be mapped" in done.stdout
    (row,) = official(root, "refunds")
    assert row["created_time"] == row["recreated_at"] == refund["created_time"]


def test_what_a_card_holds_is_not_its_text(root: Path, tmp_path: Path) -> None:
    (row,) = [row for row in messages() if row["from_role"] == "user"][:1]
    card = exports.payload(row) | {
        "content": {"address": SECRET},
        "time": 5,
        "orders": [{"order_sn": "260501-1"}, {"orderSn": "260501-2"}],
    }
    path = exports.write_lines(tmp_path / "c.jsonl", [card])
    assert ingest(root, "chat", path).exit_code == 0
    (found,) = raw_rows("messages", root)
    assert (found["content"], found["order_sn"]) == (None, None)
    assert found["ts"] == row["ts"]


ROSTERS = {
    "malls": [
        ["店铺ID", "店铺名称", "店铺类型", "主营类目", "开店日期"],
        ["1234567", "晨光旗舰店", "旗舰店", "女装", "2024-05-06"],
        ["1234568", "", "个人", "女装", "2024/5/6"],
        ["m-9", "小店", "6", "家居", ""],
    ],
    "agents": [
        ["客服ID", "客服名称", "岗位", "是否机器人", "生效日期", "失效日期"],
        ["cs_1", "小王", "售前", "否", "2026-11-01", ""],
        ["cs_2", "小李", "售后", "", "2026/11/1", "2026-11-30"],
        ["cs_3", "阿机", "全部", "是", "", ""],
    ],
    "shifts": [
        ["客服ID", "客服名称", "班次", "上班时间", "下班时间"],
        ["cs_1", "小王", "早班", "2026-11-20 08:00:00", "2026-11-20 16:00:00"],
        ["cs_2", "小李", "晚班", "2026/11/20 16:00", "2026-11-21 00:00:00"],
    ],
}
ROSTER_ROWS = {
    "malls": [
        ("1234567", "晨光旗舰店", "3", "女装", "2024-05-06"),
        ("1234568", None, "1", "女装", "2024-05-06"),
        ("m-9", "小店", "6", "家居", None),
    ],
    "agents": [
        (MALL, "cs_1", "小王", "pre_sales", "false", "2026-11-01", None),
        (MALL, "cs_2", "小李", "after_sales", None, "2026-11-01", "2026-11-30"),
        (MALL, "cs_3", "阿机", "both", "true", None, None),
    ],
    "shifts": [
        (MALL, "cs_1", "早班", "2026-11-20 08:00:00", "2026-11-20 16:00:00"),
        (MALL, "cs_2", "晚班", "2026-11-20 16:00:00", "2026-11-21 00:00:00"),
    ],
}


@pytest.mark.parametrize("form", [*TEXT_ENCODINGS, "xlsx", "xlsx with dates"])
@pytest.mark.parametrize("kind", list(ROSTERS))
def test_rosters_land(root: Path, tmp_path: Path, kind: str, form: str) -> None:
    rows = [list(row) for row in ROSTERS[kind]]
    if form == "xlsx with dates":
        # As a person leaves them who types dates into a spreadsheet.
        rows = [rows[0], *([_typed(value) for value in row] for row in rows[1:])]
    if form.startswith("xlsx"):
        path = tmp_path / "班表.xlsx"
        with exports.xlsxwriter.Workbook(
            str(path), {"default_date_format": "yyyy-mm-dd hh:mm:ss"}
        ) as book:
            sheet = book.add_worksheet("Sheet1")
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    else:
        path = exports.write_csv(tmp_path / "班表.csv", rows, form)
    done = ingest(root, kind, path)
    assert done.exit_code == 0, done.stdout + done.stderr
    found = raw_rows(KINDS[kind].table, root)
    check_book(found, path)
    values = [tuple(row[name] for name in row if name not in BOOK) for row in found]
    assert sorted(values, key=str) == sorted(ROSTER_ROWS[kind], key=str)


def test_a_list_of_shops_in_english_lands_once(root: Path, tmp_path: Path) -> None:
    headers = ["mall_id", "mall_name", "merchant_type", "category_name", "opened_on"]
    path = exports.write_csv(tmp_path / "m.csv", [headers, *ROSTERS["malls"][1:]])
    shown = ingest(root, "malls", path, "--dry-run")
    assert "category_name -> category_name" in shown.stdout
    assert "would land 3 rows" in shown.stdout and landed(root, "malls") == []
    assert "landed 3 rows" in ingest(root, "malls", path).stdout
    moved = path.rename(tmp_path / "other.csv")
    assert "landed before, nothing new" in ingest(root, "malls", moved).stdout
    (file,) = landed(root, "malls")
    assert file.name.startswith("kefu-malls-")


def test_a_list_of_shops_is_cut_to_the_shop_that_is_named(
    root: Path, tmp_path: Path
) -> None:
    path = exports.write_csv(tmp_path / "m.csv", ROSTERS["malls"])
    done = ingest(root, "malls", path, mall="1234568")
    assert done.exit_code == 0, done.stderr
    assert "row 2, 4: 店铺ID is another shop than --mall-id says" in done.stdout
    (found,) = raw_rows("malls", root)
    assert found["mall_id"] == "1234568"


def test_numbers_of_shops_as_a_spreadsheet_has_them(root: Path, tmp_path: Path) -> None:
    rows = [ROSTERS["malls"][0], [1234567, "晨光", 3, "女装", ""]]
    path = exports.write_xlsx(tmp_path / "m.xlsx", rows)
    done = ingest(root, "malls", path)
    assert done.exit_code == 0, done.stdout + done.stderr
    (found,) = raw_rows("malls", root)
    assert (found["mall_id"], found["merchant_type"]) == ("1234567", "3")


def _typed(text: str) -> object:
    for form in ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
        try:
            return dt.datetime.strptime(text, form)
        except ValueError:
            continue
    return text


def performance_report() -> list[list]:
    headers = exports.PERFORMANCE + exports.PERFORMANCE_MORE
    total = "- 总计 3.52 814 438 162 36.99% 11715.63 10,001.50 723 800 0 100.00% 97.78%"
    average = "- 平均值 3.5 407 219 81 36.99% 5857.82 -- 361 400 0 100.00% 97.78%"
    agent = "1 店铺:小王 3.60 500 300 100 33.33% 8000 7000.1 450 490 1 99.80% 98.10%"
    other = "2 店铺:小李 -- 314 138 62 57.00% 3715.63 -- 273 310 0 100.00% 0.00%"
    rest = {
        total: ["9秒", "2", "1", "0", "276", "20", "10.00%", "99%", "90.5%", "1.00"],
        average: ["0.15 分钟", "1", "0", "0", "", "", "", "", "", ""],
        agent: ["0.37 分钟", "2", "1", "0", "", "", "", "", "", ""],
        other: ["1分9秒", "0", "0", "0", "", "", "", "", "", ""],
    }
    return [headers, *([*line.split(" "), *more] for line, more in rest.items())]


PERIOD = ("--from", "2026-11-01", "--to", "2026-11-07")


@pytest.mark.parametrize("form", [*TEXT_ENCODINGS, "xlsx", "xlsx with numbers"])
def test_performance_report_lands(root: Path, tmp_path: Path, form: str) -> None:
    rows = performance_report()
    if form == "xlsx with numbers":
        rows = [rows[0], *([_number(value) for value in row] for row in rows[1:])]
    if form.startswith("xlsx"):
        path = exports.write_xlsx(tmp_path / "客服绩效.xlsx", rows)
    else:
        path = exports.write_csv(tmp_path / "p.csv", rows, form)
    done = ingest(root, "performance", path, *PERIOD)
    assert done.exit_code == 0, done.stdout + done.stderr
    assert "not understood" not in done.stdout
    total, average, agent, other = official(root, "official_agent_kpi")
    assert total == {
        "mall_id": MALL,
        "period_start": "2026-11-01",
        "period_end": "2026-11-07",
        "row_type": "mall_total",
        "cs_account": None,
        "service_score": "3.52",
        "consult_buyers": "814",
        "inquiry_buyers": "438",
        "inquiry_lost_buyers": "276",
        "final_group_buyers": "162",
        "need_human_buyers": "723",
        "received_buyers": "800",
        "late_buyers_3min": "0",
        "rating_count": "20",
        "low_rating_count": "2",
        "dispute_refund_count": "1",
        "complaint_count": "0",
        "sales_amount": "11715.63",
        "net_sales_amount": "10001.5" if form == "xlsx with numbers" else "10001.50",
        "improvable_sales_amount": "1" if form == "xlsx with numbers" else "1.00",
        "inquiry_conversion_rate": "0.3699",
        "reply_rate_3min": "1",
        "reply_rate_3min_all_day": "0.99",
        "reply_rate_30s": "0.9778",
        "reply_rate_30s_all_day": "0.905",
        "low_rating_rate": "0.1",
        "avg_response_seconds": "9",
        "avg_response_printed": "9秒",
    }
    assert (average["row_type"], average["cs_account"]) == ("mall_average", None)
    assert (agent["row_type"], agent["cs_account"]) == ("agent", "店铺:小王")
    assert (agent["avg_response_seconds"], agent["avg_response_printed"]) == (
        "22.2",
        "0.37 分钟",
    )
    assert (other["avg_response_seconds"], other["reply_rate_30s"]) == ("69", "0")
    assert (other["service_score"], other["net_sales_amount"]) == (None, None)
    assert other["inquiry_conversion_rate"] == "0.57"


def test_the_average_is_known_by_its_missing_number(root: Path, tmp_path: Path) -> None:
    rows = performance_report()
    rows[1][:2], rows[2][:2] = ["", "某店"], ["", "某店2"]
    path = exports.write_csv(tmp_path / "p.csv", rows)
    assert ingest(root, "performance", path, *PERIOD).exit_code == 0
    found = official(root, "official_agent_kpi")
    assert [(row["row_type"], row["cs_account"]) for row in found] == [
        ("mall_total", None),
        ("mall_average", None),
        ("agent", "店铺:小王"),
        ("agent", "店铺:小李"),
    ]


def _number(text: str) -> object:
    plain = text.replace(",", "")
    try:
        if plain.endswith("%"):
            return round(float(plain[:-1]) / 100, 6)
        return float(plain)
    except ValueError:
        return text


SCORES = [
    ("2026-11-20", "experience_score", None, "3.3956"),
    ("2026-11-20", "peer_rank", None, "0.3208"),
    ("2026-11-20", "change_7d", None, "-0.0123"),
    ("2026-11-20", "platform_help_rate", None, "0.0012"),
    ("2026-11-20", "module_score", "服务态度", "3.5"),
    ("2026-11-20", "module_score", "物流服务", "0"),
    ("2026-11-20", "problem_help_orders", "商品破损", "12"),
    ("2026-11-20", "problem_share", "商品破损", "0.234"),
]


@pytest.mark.parametrize("form", [*TEXT_ENCODINGS, "xlsx", "yml", "json"])
def test_score_values_land(root: Path, tmp_path: Path, form: str) -> None:
    table = [
        ["日期", "项目", "名称", "数值"],
        ["2026-11-20", "体验分", "", "3.3956"],
        ["2026-11-20", "同行排名", "", "32.08%"],
        ["2026-11-20", "较7天前变化", "", "-0.0123"],
        ["", "模块得分", "发货服务", ""],
        ["2026/11/20", "近30天平台求助率", "", "0.12%"],
        ["2026-11-20", "模块得分", "服务态度", "3.5"],
        ["2026-11-20", "模块得分", "物流服务", "0"],
        ["2026-11-20", "热点问题求助订单数", "商品破损", "12"],
        ["2026-11-20", "热点问题占比", "商品破损", "23.4%"],
    ]
    day = {
        "date": "2026-11-20",
        "experience_score": 3.3956,
        "peer_rank": 0.3208,
        "change_7d": -0.0123,
        "platform_help_rate": "0.12%",
        "modules": {"服务态度": 3.5, "物流服务": 0},
        "problems": [{"name": "商品破损", "help_orders": 12, "share": "23.4%"}],
    }
    path = tmp_path / f"score.{form if form in ('xlsx', 'yml', 'json') else 'csv'}"
    if form == "xlsx":
        exports.write_xlsx(path, table)
    elif form == "yml":
        text = json.dumps([day], ensure_ascii=False).replace(
            '"2026-11-20"', "2026-11-20"
        )
        path.write_text(text, encoding="utf-8")
    elif form == "json":
        exports.write_json(path, day)
    else:
        exports.write_csv(path, table, form)
    done = ingest(root, "score", path)
    assert done.exit_code == 0, done.stdout + done.stderr
    found = official(root, "official_experience_score")
    values = [tuple(row.values()) for row in found]
    assert sorted(values, key=str) == sorted(((MALL, *row) for row in SCORES), key=str)


# Once, whole, and only what may.


def test_the_same_file_lands_once(root: Path, tmp_path: Path) -> None:
    written = exports.export_rows(orders(), exports.EXPORT_2026)
    path = exports.write_csv(tmp_path / "o.csv", written)
    renamed = tmp_path / "copy.csv"
    renamed.write_bytes(path.read_bytes())
    assert "landed 40 rows" in ingest(root, "order-export", path, path).stdout
    again = ingest(root, "order-export", renamed)
    assert again.exit_code == 0
    assert "copy.csv: landed before, nothing new" in again.stdout
    assert len(landed(root, "orders")) == 1

    # Other rows: another shop's, another content, or asked for.
    ingest(root, "order-export", path, mall="m2")
    assert len(landed(root, "orders")) == 2
    exports.write_csv(path, written[:-1])
    ingest(root, "order-export", path)
    assert len(landed(root, "orders")) == 3
    ingest(root, "order-export", path, "--again")
    ingest(root, "order-export", path, "--again")
    assert len(landed(root, "orders")) == 5
    assert len(raw_rows("orders", root)) == 40 + 40 + 3 * 39


def test_content_that_landed_for_another_shop_is_told(
    root: Path, tmp_path: Path
) -> None:
    written = exports.export_rows(orders(), exports.EXPORT_2026)
    path = exports.write_csv(tmp_path / "o.csv", written)
    assert "warning" not in ingest(root, "order-export", path, mall="111").stdout
    (first,) = landed(root, "orders")
    place = first.relative_to(root).as_posix()
    told = [
        "  warning: the same content has landed for the shop 111; if that was wrong,"
        " take it back:",
        f"    kefu retract orders --file {place} --reason TEXT",
    ]
    # Whatever its name, and whether it lands or only would.
    renamed = tmp_path / "copy.csv"
    renamed.write_bytes(path.read_bytes())
    for options in (("--dry-run",), ()):
        done = ingest(root, "order-export", renamed, *options, mall="222")
        assert done.exit_code == 0
        assert done.stdout.splitlines()[1:3] == told
    assert len(landed(root, "orders")) == 2
    # Not of the shop itself, nor of other content, nor of what is no Parquet.
    first.write_bytes(b"torn")
    done = ingest(root, "order-export", path, "--again", mall="222")
    assert "landed 40 rows" in done.stdout and "warning" not in done.stdout
    exports.write_csv(path, written[:-1])
    assert "warning" not in ingest(root, "order-export", path, mall="333").stdout


def test_a_report_that_landed_for_other_days_is_told(
    root: Path, tmp_path: Path
) -> None:
    report = [["序号", "客服账号", "咨询人数"], ["", "全店", "9"]]
    path = exports.write_csv(tmp_path / "p.csv", report)
    days = ("--from", "2026-11-01", "--to", "2026-11-07")
    other = ("--from", "2026-11-08", "--to", "2026-11-14")
    first = ingest(root, "performance", path, *days, mall="111")
    assert "landed 1 rows" in first.stdout and "warning" not in first.stdout
    (file,) = landed(root, "official_agent_kpi")
    place = file.relative_to(root).as_posix()
    done = ingest(root, "performance", path, *other, mall="111")
    assert done.exit_code == 0
    assert (
        "  warning: the same content has landed for the shop 111, 2026-11-01 to"
        " 2026-11-07; if that was wrong, take it back:\n"
        f"    kefu retract official_agent_kpi --file {place} --reason TEXT\n"
    ) in done.stdout
    assert "landed before, nothing new" in (
        ingest(root, "performance", path, *days, mall="111").stdout
    )


def test_a_shop_that_is_no_number_is_told(root: Path, tmp_path: Path) -> None:
    written = exports.export_rows(orders(), exports.EXPORT_2026)
    path = exports.write_csv(tmp_path / "o.csv", written)
    done = ingest(root, "order-export", path, mall="星河旗舰店")
    assert done.exit_code == 0
    first, *_ = done.stdout.splitlines()
    assert first.startswith("warning: --mall-id 星河旗舰店 is no number")
    assert "is no number" not in ingest(root, "order-export", path, mall="123").stdout


def test_a_unit_that_was_wrong_can_be_mended(root: Path, tmp_path: Path) -> None:
    answers = [exports.refund_answer(row, True, "fen") for row in refunds(in_ms=True)]
    path = exports.write_lines(tmp_path / "r.jsonl", answers)
    ingest(root, "refund-detail", path, "--amounts", "yuan")
    ingest(root, "refund-detail", path, "--amounts", "fen")
    assert len(landed(root, "refunds")) == 2


def test_a_list_does_not_outdate_the_detail_of_the_same_version(
    root: Path, tmp_path: Path
) -> None:
    seconds = 1_772_400_000
    details = [row | {"join_or_not": "1"} for row in refunds(in_ms=True)[:3]]
    lists = [row | {"updated_time": str(seconds)} for row in refunds(False)[:4]]
    for row, more in zip(details, (0, 1, 0), strict=True):
        row["updated_time"] = str(seconds * 1_000 + more)
    lists[2]["updated_time"] = str(seconds + 1)
    answers = [exports.refund_answer(row, True, "fen") for row in details]
    first = exports.write_lines(tmp_path / "detail.jsonl", answers)
    answers = [exports.refund_answer(row, False) for row in lists]
    second = exports.write_lines(tmp_path / "list.jsonl", answers)
    fen = ("--amounts", "fen")
    assert "landed 3 rows" in ingest(root, "refund-detail", first, *fen).stdout

    shown = ingest(root, "refund-list", second, "--dry-run")
    assert "already landed with more, by refund-detail: 1" in shown.stdout
    assert "would land 3 rows, 0 could not be mapped" in shown.stdout
    done = ingest(root, "refund-list", second)
    assert "already landed with more, by refund-detail: 1" in done.stdout
    assert "landed 3 rows, 0 could not be mapped" in done.stdout
    found = [row for row in raw_rows("refunds", root) if row["join_or_not"] is None]
    assert {row["id"] for row in found} == {row["id"] for row in lists[1:]}
    assert "landed before" in ingest(root, "refund-list", second).stdout
    again = ingest(root, "refund-list", second, "--again")
    assert "landed 3 rows" in again.stdout
    # Another shop's request of the same number is another request.
    other = ingest(root, "refund-list", second, mall="m2")
    assert "already landed" not in other.stdout and "landed 4 rows" in other.stdout


def test_a_list_of_which_everything_is_known_is_done(
    root: Path, tmp_path: Path
) -> None:
    (row,) = refunds(in_ms=True)[:1]
    row["updated_time"] = "1772400000000"
    answers = [exports.refund_answer(row, True, "fen")]
    path = exports.write_lines(tmp_path / "detail.jsonl", answers)
    ingest(root, "refund-detail", path, "--amounts", "fen")
    (row,) = refunds(in_ms=False)[:1]
    row["updated_time"] = "1772400000"
    answers = [exports.refund_answer(row, False)]
    # And one that cannot be mapped.
    answers.append(answers[0] | {"id": None})
    path = exports.write_lines(tmp_path / "list.jsonl", answers)
    done = ingest(root, "refund-list", path)
    assert done.exit_code == 0, done.stderr
    assert "by refund-detail: 1" in done.stdout and "landed 0 rows, 1" in done.stdout
    assert len(raw_rows("refunds", root)) == 1


def test_details_that_are_broken_are_named(root: Path, tmp_path: Path) -> None:
    answers = [exports.refund_answer(row, False) for row in refunds(in_ms=False)]
    path = exports.write_lines(tmp_path / "list.jsonl", answers)
    broken = root / "refunds/load_date=2026-11-01/kefu-refund-detail-0.parquet"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"PAR1")
    done = ingest(root, "refund-list", path)
    assert done.exit_code == 3
    assert "the refund details that landed before cannot be read" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert landed(root, "refunds") == [broken]


KILLED = """
import os, signal, sys
from kefu.ingest import land
from kefu.cli import main

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

rename = os.replace
if sys.argv[1] in ("before", "before the vars"):
    last = ".parquet" if sys.argv[1] == "before" else ".yml"
    os.replace = lambda a, b: die() if str(b).endswith(last) else rename(a, b)
else:
    whole = land._put
    land._put = lambda *paths: (whole(*paths), die())
main(sys.argv[2:])
"""


@pytest.mark.parametrize("when", ["before the vars", "before", "after"])
def test_killed_around_the_rename(root: Path, tmp_path: Path, when: str) -> None:
    written = exports.export_rows(orders(), exports.EXPORT_2026)
    path = exports.write_csv(tmp_path / "o.csv", written)
    words = ["ingest", "order-export", str(path), "--mall-id", MALL]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, when, *words],
        env={"KEFU_RAW_ROOT": str(root), "PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    is_in, turned_on = when == "after", {"resolve_order_buyers": True}
    assert len(landed(root, "orders")) == is_in
    left = list(root.glob("orders/*/.kefu-ingest-*"))
    assert len(left) == (not is_in)
    assert len(raw_rows("orders", root)) == (40 if is_in else 0)
    # Orders never lie there without what has runs look for their buyers.
    found = landed_vars.read_vars(root)
    assert found == ({} if when == "before the vars" else turned_on)

    other = exports.write_csv(tmp_path / "other.csv", written[:2])
    done = ingest(root, "order-export", other)
    assert done.exit_code == 0, done.stderr
    assert not list(root.glob("orders/*/.kefu-ingest-*"))
    assert not list(root.glob(".kefu-vars*.tmp"))
    assert landed_vars.read_vars(root) == turned_on
    ingest(root, "order-export", path)
    assert len(landed(root, "orders")) == 2
    assert len(raw_rows("orders", root)) == 40 + 1


def test_what_cannot_be_written_leaves_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = exports.export_rows(orders(), exports.EXPORT_2026)
    path = exports.write_csv(tmp_path / "o.csv", written)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "x.parquet")

    monkeypatch.setattr("kefu.ingest.land.os.replace", full)
    done = ingest(root, "order-export", path)
    assert done.exit_code == 3
    assert done.stderr.count("\n") == 1 and "its disk is full" in done.stderr
    assert [file.name for file in root.rglob("*kefu*")] == []


def test_a_file_that_changes_meanwhile(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = exports.export_rows(orders(), exports.EXPORT_2026)
    path = exports.write_csv(tmp_path / "o.csv", written)
    from kefu.ingest import run  # noqa: PLC0415

    def grow(source: object) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")
        checked(source)

    checked = run.check_unchanged
    monkeypatch.setattr(run, "check_unchanged", grow)
    done = ingest(root, "order-export", path)
    assert done.exit_code == 3
    assert "o.csv: it changed while it was read: wait until it is" in done.stderr
    assert landed(root, "orders") == []


def test_nothing_personal_lands(root: Path, tmp_path: Path) -> None:
    """A text that no allowed field has is in none of the landed bytes."""
    extra = ["收货人姓名", "买家手机号", "没见过的列", ""]
    for name, headers in (
        ("new", [*exports.EXPORT_2026, *extra]),
        ("old", [*exports.EXPORT_OLD, *extra]),
    ):
        rows = exports.export_rows(orders(), headers)
        exports.write_csv(tmp_path / f"{name}.csv", rows, "gb18030")
        exports.write_xlsx(tmp_path / f"{name}.xlsx", rows)
        for suffix in ("csv", "xlsx"):
            done = ingest(root, "order-export", tmp_path / f"{name}.{suffix}")
            assert "personal, not read: " in done.stdout
            assert "收货人姓名, 买家手机号" in done.stdout
            assert "not understood, not read: 没见过的列" in done.stdout
            assert "columns without a header, not read: 1" in done.stdout
            assert SECRET not in done.stdout + done.stderr
    answers = [exports.order_answer(row) for row in orders()]
    lists = [exports.refund_answer(row, False) for row in refunds(False)]
    details = [exports.refund_answer(row, True) for row in refunds(True)]
    sent = [exports.payload(row) for row in messages()]
    for kind, values, more in (
        ("order-api", answers, ()),
        ("refund-list", lists, ()),
        ("refund-detail", details, ("--amounts", "yuan")),
        ("chat", sent, ()),
    ):
        path = exports.write_lines(tmp_path / f"{kind}.jsonl", values)
        assert SECRET in path.read_text(encoding="utf-8")
        done = ingest(root, kind, path, *more)
        assert done.exit_code == 0, done.stderr
        assert SECRET not in done.stdout + done.stderr
    roster = [[*row, SECRET] for row in ROSTERS["agents"]]
    roster[0][-1] = "手机"
    assert ingest(
        root, "agents", exports.write_csv(tmp_path / "a.csv", roster)
    ).stdout.count("personal, not read: 手机")

    files = [file for file in root.rglob("*") if file.is_file()]
    assert len([file for file in files if file.suffix == ".parquet"]) == 2 + 4 + 5
    for file in files:
        content = file.read_bytes()
        for encoding in ("utf-8", "gb18030", "utf-16-le"):
            assert SECRET.encode(encoding) not in content, file
    for file in files:
        if file.suffix == ".parquet":
            read = f"from read_parquet('{file}') t select t::varchar"
            values = duckdb.sql(read).fetchall()
            assert SECRET not in str(values)
            more = duckdb.sql(f"from parquet_kv_metadata('{file}')").fetchall()
            assert SECRET not in str(more)


def test_what_could_not_be_mapped_is_shown_row_by_row(
    root: Path, tmp_path: Path
) -> None:
    rows = exports.export_rows(orders(9), exports.EXPORT_2026)
    state, amount = rows[0].index("订单状态"), rows[0].index("用户实付金额(元)")
    for number in (3, 4, 7):
        rows[number - 1][state] = SECRET
    rows[8][amount] = SECRET
    rows[4] = rows[4][:5]
    path = exports.write_csv(tmp_path / "o.csv", rows)
    text = path.read_bytes().split(b"\r\n")
    # A quoted line end and a blank line: rows are counted as a spreadsheet does.
    text[1] = text[1].replace("秘密商品".encode(), '"秘密\n商品"'.encode(), 1)
    path.write_bytes(b"\r\n".join([*text[:-1], b"", b""]))
    listed = tmp_path / "refused.csv"
    done = ingest(root, "order-export", path, "--refused", listed)
    assert done.exit_code == 0
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "row 3-4, 7: 订单状态 has a value that mapping.yml does not list" in lines
    assert "row 5: it has 5 fields, not 24" in lines
    assert "row 9: 用户实付金额(元) is no amount" in lines
    assert "rows with nothing to read, passed over: 1" in lines
    assert lines[-2].startswith("landed 4 rows, 5 could not be mapped: orders/")
    assert "resolve_order_buyers" in lines[-1]
    assert SECRET not in done.stdout
    assert len(raw_rows("orders", root)) == 4
    told = listed.read_text(encoding="utf-8-sig").splitlines()
    assert sorted(line.split(",")[1] for line in told) == [
        "3",
        "4",
        "5",
        "7",
        "9",
        "row",
    ]


def test_row_numbers_hold_over_many_blocks(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of a wrong width are met blocks ahead of the rows around them."""
    monkeypatch.setattr("kefu.ingest.files.CSV_BLOCK_BYTES", 4_096)
    chance = random.Random(4)
    lines, wrong, unknown = ["订单号,订单状态,用户实付金额"], [], []
    for number in range(2, 5_000):
        draw = chance.random()
        if draw < 0.02:
            wrong.append(number)
            lines.append("1,2")
        elif draw < 0.04:
            unknown.append(number)
            lines.append(f"260501-{number},谜,1.00")
        else:
            lines.append(f'260501-{number},已签收,"1.00\n"')
    path = tmp_path / "o.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    listed = tmp_path / "refused.csv"
    ingest(root, "order-export", path, "--refused", listed)
    told = [line.split(",") for line in listed.read_text("utf-8-sig").splitlines()[1:]]
    assert [int(row) for _, row, *why in told if "fields" in why[0]] == wrong
    assert [int(row) for _, row, *why in told if "fields" not in why[0]] == unknown
    assert len(raw_rows("orders", root)) == 4_998 - len(wrong) - len(unknown)


def test_a_dry_run_shows_the_mapping_and_lands_nothing(
    root: Path, tmp_path: Path
) -> None:
    before = sorted(root.rglob("*"))
    rows = exports.export_rows(orders(), exports.EXPORT_OLD)
    path = exports.write_csv(tmp_path / "o.csv", rows)
    done = ingest(root, "order-export", path, "--dry-run")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "商品ID -> goods_id" in lines
    assert "拼单成功时间 -> confirm_time" in lines
    assert (
        "personal, not read: 收货人, 手机, 省, 市, 区, 街道, 买家留言, 商家备注"
        in lines
    )
    assert any(line.startswith("not needed: 商品, ") for line in lines)
    assert "not in the file, so empty: 多多支付立减金额(元)" in lines
    assert lines[-1] == "would land 40 rows, 0 could not be mapped"
    made = set(root.rglob("*")) - set(before)
    assert {file.name for file in made} <= {".ingest.lock"}


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
@pytest.mark.parametrize("form", ["CSV", "xlsx", "JSON", "YAML"])
def test_a_file_without_rows_lands_nothing(
    root: Path, tmp_path: Path, form: str, options: tuple[str, ...]
) -> None:
    header = [exports.EXPORT_2026]
    kind, path = {
        "CSV": lambda: ("order-export", exports.write_csv(tmp_path / "o.csv", header)),
        "xlsx": lambda: (
            "order-export",
            exports.write_xlsx(tmp_path / "o.xlsx", header),
        ),
        "JSON": lambda: ("order-api", exports.write_json(tmp_path / "o.json", [])),
        "YAML": lambda: ("score", tmp_path / "score.yml"),
    }[form]()
    if form == "YAML":
        templates.write_template("score", path)
    done = ingest(root, kind, path, *options)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "  no rows: the file has nothing to land"
    assert list(root.glob("*/*/kefu-*")) == list(root.glob("*/*/.kefu-ingest-*")) == []
    assert not (root / landed_vars.FILE).exists()


def test_one_bad_file_does_not_hold_up_the_others(root: Path, tmp_path: Path) -> None:
    rows = exports.export_rows(orders(), exports.EXPORT_2026)
    good = exports.write_csv(tmp_path / "good.csv", rows)
    done = ingest(root, "order-export", tmp_path / "none.csv", good)
    assert done.exit_code == 3
    assert len(landed(root, "orders")) == 1


@pytest.mark.parametrize(
    ("bad", "good", "said"),
    [
        (1, 0, "x0.csv could not be ingested"),
        (2, 0, "none of the 2 files could be ingested (x0.csv, x1.csv)"),
        (
            1,
            1,
            "1 of 2 files could not be ingested (x0.csv); the other one is done",
        ),
        (
            2,
            2,
            "2 of 4 files could not be ingested (x0.csv, x1.csv); the others are done",
        ),
    ],
)
def test_how_many_files_failed_is_said_in_fitting_words(
    root: Path, tmp_path: Path, bad: int, good: int, said: str
) -> None:
    rows = exports.export_rows(orders(), exports.EXPORT_2026)
    files = [tmp_path / f"x{number}.csv" for number in range(bad)]
    files += [
        exports.write_csv(tmp_path / f"o{number}.csv", rows[: number + 2])
        for number in range(good)
    ]
    done = ingest(root, "order-export", *files)
    assert done.exit_code == 3
    assert done.stderr.splitlines()[-1] == f"kefu: {said}"


def test_demo_data_does_not_mix_with_a_real_shop(root: Path, tmp_path: Path) -> None:
    (root / DEMO_MARK).touch()
    path = exports.write_csv(tmp_path / "o.csv", [exports.EXPORT_2026])
    done = ingest(root, "order-export", path)
    assert done.exit_code == 2 and "holds demo data" in done.stderr
    assert landed(root, "orders") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what kind of files and which"),
        (("orders", "x.csv"), "orders is no kind of file: it is one of order-export"),
        (("chat",), "name at least one file"),
        (("performance", "x.csv"), "give --from and --to"),
        (("performance", "x.csv", *PERIOD[:3], "2026-10-01"), "--to lies before"),
        (("chat", "x", "--from", "2026-11-01"), "--from and --to are for performance"),
        (("chat", "x", "--amounts", "fen"), "--amounts is for refund-detail"),
        (("chat", "x", "--type-numbering", "detail"), "--type-numbering is for"),
        (("chat", "x", "--paid-when-grouped"), "--paid-when-grouped is for"),
        (("--template", "chat"), "there is no template for chat"),
        (("--template", "agents", "a", "b"), "--template takes one file"),
        (("--template", "agents", "a.pdf"), "end the name in .xlsx, .csv"),
    ],
)
def test_calls_that_cannot_be_meant(root: Path, words: tuple, said: str) -> None:
    done = ingest(root, *words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_the_shop_is_asked_for(root: Path) -> None:
    done = ingest(root, "chat", "x.jsonl", mall=" ")
    assert done.exit_code == 2 and "--mall-id is missing" in done.stderr


# The mapping and the templates.


def test_every_header_ever_seen_is_known() -> None:
    mapping = mappings.read_mapping()
    for kind, headers in (
        ("order-export", exports.EXPORT_2026),
        ("order-export", exports.EXPORT_OLD),
        ("performance", exports.PERFORMANCE + exports.PERFORMANCE_MORE),
    ):
        found = mappings.match_headers(mapping[kind], headers)
        assert found.unknown == [] and found.unnamed == 0


def test_headers_are_compared_without_width_space_and_case() -> None:
    mapping = mappings.read_mapping()["order-export"]
    headers = ["\ufeff订单号", " 订单 状态\t", "商品总价（元）", "商品ID\t"]
    found = mappings.match_headers(mapping, headers)
    assert found.positions == {
        "order_sn": 0,
        "order_state": 1,
        "goods_amount": 2,
        "goods_id": 3,
    }


def test_a_header_that_only_stands_in() -> None:
    mapping = mappings.read_mapping()["order-export"]
    needed = ["订单号", "订单状态"]
    both = mappings.match_headers(mapping, [*needed, "订单确认时间", "拼单成功时间"])
    assert both.sources["confirm_time"] == "拼单成功时间"
    assert both.ignored == ["订单确认时间"]
    alone = mappings.match_headers(mapping, [*needed, "订单确认时间"])
    assert alone.sources["confirm_time"] == "订单确认时间"


def test_every_kind_is_told_and_mapped() -> None:
    mapping = mappings.read_mapping()
    assert set(KINDS) == set(KINDS_TOLD) == set(mapping)


MAPPING = """
empty: []
agents:
  columns:
    cs_uid: {headers: [客服ID], required: true}
    cs_name: {headers: [%s]}
    valid_from: {headers: [生效日期], instead: [%s]}
    valid_to: {headers: [失效日期], instead: [截止]}
  ignored: []
  personal: [手机]
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            MAPPING % ("客服 id", "起"),
            "in agents the header 客服id stands for both cs_uid and cs_name",
        ),
        (
            MAPPING % ("客服手机", "起"),
            "in agents the header 客服手机 of cs_name is personal",
        ),
        (
            MAPPING % ("名", "手机"),
            "in agents the header 手机 of valid_from is personal",
        ),
        (
            MAPPING % ("名", "截止"),
            "in agents the header 截止 stands for both valid_from and valid_to",
        ),
        (
            MAPPING % ("名", "失效日期"),
            "in agents the header 失效日期 stands for both valid_to and valid_from",
        ),
        (
            MAPPING.replace("  columns:", "  records: [a]\n  columns:")
            % ("名", "截止"),
            "in agents the header 截止 stands for both valid_from and valid_to",
        ),
        ("agents: {columns: {a: 1}}", "the part agents is not as the head"),
        ("agents: {columns: [", "mapping.yml cannot be read as YAML"),
        ("5", "mapping.yml holds no mapping"),
    ],
)
def test_a_mapping_that_is_wrong_is_refused(text: str, said: str) -> None:
    with pytest.raises(mappings.KefuError, match=said):
        mappings.parse_mapping(text)


def test_a_field_of_a_record_may_also_stand_in_for_another() -> None:
    text = MAPPING.replace("  columns:", "  records: [a]\n  columns:")
    mapping = mappings.parse_mapping(text % ("名", "失效日期"))["agents"]
    assert mapping.columns["valid_from"].instead == ("失效日期",)


@pytest.mark.parametrize("kind", list(templates.TEMPLATES))
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_templates_can_be_ingested(
    root: Path, tmp_path: Path, kind: str, suffix: str
) -> None:
    path = tmp_path / f"form{suffix}"
    assert ingest(root, "--template", kind, path).exit_code == 0
    done = ingest(root, kind, path, "--dry-run")
    assert done.exit_code == 0, done.stdout + done.stderr
    assert "not understood" not in done.stdout
    assert "not in the file" not in done.stdout
    assert "no rows: the file has nothing to land" in done.stdout
    if kind == "malls":
        assert "warning" not in done.stdout, "no shop is asked for"
    again = ingest(root, "--template", kind, path)
    assert again.exit_code == 2 and "is there already" in again.stderr


def test_template_on_the_screen_and_in_yaml(root: Path, tmp_path: Path) -> None:
    done = ingest(root, "--template", "agents")
    assert done.stdout == "客服ID,客服名称,岗位,是否机器人,生效日期,失效日期\n"
    path = tmp_path / "score.yml"
    ingest(root, "--template", "score", path)
    form = path.read_text(encoding="utf-8")
    done = ingest(root, "score", path, "--dry-run")
    assert "no rows: the file has nothing to land" in done.stdout
    day = form.replace("- date:", "- date: 2026-11-20")
    day = day.replace("platform_help_rate:\n", "platform_help_rate: {rate}\n")
    numbers = re.sub(
        r"^( +(?!modules|problems)[^-#: ]+):$", r"\1: 0.5", day, flags=re.MULTILINE
    )
    problem = "name: 商品破损, help_orders: 12, share: 2%"
    filled = numbers.replace("name: , help_orders: , share: ", problem)
    filled = filled.replace("{rate}", "0.5%")
    path.write_text(filled, encoding="utf-8")
    done = ingest(root, "score", path)
    assert "landed 11 rows, 0 could not be mapped" in done.stdout
    partly = day.replace("{rate}", "").replace("peer_rank:\n", "peer_rank: 0.5\n")
    path.write_text(partly, encoding="utf-8")
    done = ingest(root, "score", path)
    assert "landed 1 rows, 0 could not be mapped" in done.stdout
