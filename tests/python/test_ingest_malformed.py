"""Files that are not as they should be: each gets one clear line.

SECRET stands where a person's data would: no message may repeat it.
"""

import codecs
import gzip
import json
from pathlib import Path

import ingest_exports as exports
import pytest
from test_ingest import (
    PERIOD,
    SECRET,
    contract_read_once,
    ingest,
    landed,
    official,
    root,
)

from kefu.ingest.kinds import KINDS

__all__ = ["contract_read_once", "root"]

HEADER = "订单号,订单状态,用户实付金额(元),支付时间,商品数量(件),收货人"
GOOD = f"260607-1,已签收,1.00,2026-06-07 10:00:00,1,{SECRET}"
AGAIN = ": export it again"


def order_csv(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def lines(*values: object) -> bytes:
    return "\n".join(json.dumps(value) for value in values).encode()


def xlsx(tmp_path: Path, rows: list, sheets: tuple[str, ...] = ("Sheet0",)) -> bytes:
    return exports.write_xlsx(tmp_path / "made.xlsx", rows, sheets).read_bytes()


TABS = HEADER.replace(",", "\t").encode()
ERROR = {"error_response": {"error_msg": SECRET, "error_code": 10019}}
ORDER_ERROR = "it is an error of the platform, no answer: ask it again"
ANSWER = {
    "order_sn": "260607-1",
    "created_time": "2026-06-07 10:00:00",
    "confirm_time": "",
    "updated_at": "",
    "group_status": 1,
    "confirm_status": 1,
    "pay_amount": "1.00",
    "item_list": [{"goods_id": 1, "goods_count": 1}],
    "receiver_name": SECRET,
}
REFUND = {
    "id": 1,
    "order_sn": "260607-1",
    "after_sales_status": 10,
    "created_time": "1772400000",
    "updated_time": "1772400000",
    "refund_amount": "1.00",
    "remark": SECRET,
}
MESSAGE = {
    "msg_id": "1",
    "ts": 1_772_400_000,
    "from": {"role": "user", "uid": "b1"},
    "to": {"role": "mall_cs", "uid": "m1"},
    "content": SECRET,
}
REPORT = "客服账号,咨询人数,询单转化率,平均人工响应时长,序号"

WHOLE_FILE = {
    # name: (kind, file name, content, what is said of the file)
    "empty": ("order-export", "o.csv", b"", f"it is empty (0 bytes){AGAIN}"),
    "no header of ours": (
        "order-export",
        "o.csv",
        order_csv(header=f"{SECRET},13800138000"),
        "its first line has no header of the kind order-export: see whether the kind"
        " is right, and whether the first line holds the headers",
    ),
    "no header line": (
        "order-export",
        "o.csv",
        order_csv(header=GOOD),
        "its first line has no header of the kind order-export: see whether the kind"
        " is right, and whether the first line holds the headers",
    ),
    "blank first line": (
        "order-export",
        "o.csv",
        b"\n" + order_csv(GOOD),
        "its first line has no header of the kind order-export: see whether the kind"
        " is right, and whether the first line holds the headers",
    ),
    "a column is missing": (
        "order-export",
        "o.csv",
        order_csv(header="订单号,状态,收货人"),
        "it has no column 订单状态, which order-export needs; not understood: 状态:"
        " export it again with all columns, or add the new name to mapping.yml",
    ),
    "two columns are missing": (
        "performance",
        "p.csv",
        order_csv(header="序号"),
        "it has no column 客服账号, 咨询人数, which performance needs: export it again"
        " with all columns, or add the new name to mapping.yml",
    ),
    "two headers for one column": (
        "order-export",
        "o.csv",
        order_csv(header="订单号,订单状态,订单编号"),
        "the headers 订单号 and 订单编号 are both order_sn: take one of the two columns"
        " out of the file",
    ),
    "a header twice": (
        "order-export",
        "o.csv",
        order_csv(header="订单号,订单状态,订单状态 "),
        "the headers 订单状态 and 订单状态 are both order_state: take one of the two"
        " columns out of the file",
    ),
    "UTF-16": (
        "order-export",
        "o.csv",
        codecs.BOM_UTF16_LE + order_csv(GOOD).decode().encode("utf-16-le"),
        "it is UTF-16 text: save it as UTF-8 (CSV UTF-8)",
    ),
    "gzip": (
        "order-export",
        "o.csv",
        gzip.compress(order_csv(GOOD)),
        "it is packed with gzip: unpack it first",
    ),
    "a zip called CSV": (
        "order-export",
        "o.csv",
        b"PK\x03\x04" + b"\0" * 50,
        "it is a zip archive or a spreadsheet, whatever its name says: unpack it, or"
        " name it .xlsx",
    ),
    "bytes of zero": (
        "order-export",
        "o.csv",
        order_csv(GOOD) + b"\0\0",
        f"it holds bytes of zero and is no text{AGAIN}",
    ),
    "no known encoding": (
        "order-export",
        "o.csv",
        order_csv(GOOD) + b"\xff\xff\xff",
        "it is neither UTF-8 nor GBK/GB18030 text: save it as UTF-8 (CSV UTF-8)",
    ),
    "cut within a character": (
        "order-export",
        "o.csv",
        order_csv(GOOD)[:-2],
        "it is neither UTF-8 nor GBK/GB18030 text: save it as UTF-8 (CSV UTF-8)",
    ),
    "tabs": (
        "order-export",
        "o.csv",
        TABS,
        "its columns are separated by tabs: save it with commas, or as xlsx",
    ),
    "semicolons": (
        "order-export",
        "o.csv",
        TABS.replace(b"\t", b";"),
        "its columns are separated by semicolons: save it with commas, or as xlsx",
    ),
    "full-width commas": (
        "order-export",
        "o.csv",
        TABS.decode().replace("\t", "，").encode(),
        "its columns are separated by full-width commas: save it with commas, or as"
        " xlsx",
    ),
    "open quote": (
        "order-export",
        "o.csv",
        order_csv(GOOD, '"' + GOOD, GOOD),
        f"a quote in the row that begins in line 3 is never closed{AGAIN}",
    ),
    "open quote in the header": (
        "order-export",
        "o.csv",
        b'"' + order_csv(GOOD),
        f"its header line has a quote in a wrong place{AGAIN}",
    ),
    "text called xlsx": (
        "order-export",
        "o.xlsx",
        order_csv(GOOD),
        f"it is no spreadsheet that can be read{AGAIN}",
    ),
    "a broken xlsx": (
        "order-export",
        "o.xlsx",
        b"PK\x03\x04 and no more",
        f"it is no spreadsheet that can be read{AGAIN}",
    ),
    "a spreadsheet as chat": (
        "chat",
        "c.xlsx",
        b"PK\x03\x04 and no more",
        "it is a spreadsheet, and chat is read as JSON",
    ),
    "JSON that ends early": (
        "order-api",
        "o.json",
        b'{"order_list_get_response":\n {"order_list": [',
        "it is neither JSON nor JSON lines (line 2, column 18): see whether the kind is"
        " right, or save it again as it was received",
    ),
    "JSON without a record": (
        "order-api",
        "o.json",
        b"42",
        "it is JSON, but holds no record: save the whole answer",
    ),
    "JSON of blank lines": (
        "chat",
        "c.jsonl",
        b"\n\n",
        f"it holds nothing{AGAIN}",
    ),
    "JSON with NaN": (
        "order-api",
        "o.json",
        b'{"order_sn": NaN}',
        "it is no JSON that can be read: save it again",
    ),
    "an error of the platform": ("order-api", "o.json", lines(ERROR), ORDER_ERROR),
    "answers of another kind": (
        "order-api",
        "o.json",
        lines({"refund_increment_get_response": {"refund_list": [REFUND]}}),
        "it holds no record of the kind order-api, neither order_sn nor"
        " order_list_get_response.order_list: see whether the kind is right",
    ),
    "types numbered as in the detail": (
        "refund-list",
        "r.json",
        lines([REFUND | {"after_sales_type": 2}, REFUND | {"after_sales_type": 1}]),
        "after_sales_type 1 is in it, which the list's numbers (2 refund only, 3 return"
        " and refund ...) do not have: if its answers number as the detail does (1"
        " refund only), say --type-numbering detail",
    ),
    "a report without a total": (
        "performance",
        "p.csv",
        f"{REPORT}\n小王,3,,,1\n小李,5,,,2\n".encode(),
        "its first row of data is not the shop's total (an agent has more 咨询人数):"
        " export the report again, unsorted and unfiltered",
    ),
    "a report of nothing": (
        "performance",
        "p.csv",
        REPORT.encode(),
        f"it has no row below its header{AGAIN}",
    ),
    "two reports in one": (
        "performance",
        "p.csv",
        f"{REPORT}\n总计,9,,,\n小李,5,,,2\n总计,9,,,\n".encode(),
        "it has more than one total or average: ingest one report a file",
    ),
    "broken YAML": (
        "score",
        "s.yml",
        b"- date: 2026-11-20\n  modules: {a: [\n",
        "it cannot be read as YAML (line 3): see `kefu ingest --template score`",
    ),
    "a day without a date": (
        "score",
        "s.yml",
        b"- experience_score: 3\n",
        "an entry has no date: see `kefu ingest --template score`",
    ),
    "a problem without a name": (
        "score",
        "s.json",
        lines({"date": "2026-11-20", "problems": [{"share": "1%"}]}),
        "a problem has no name: see `kefu ingest --template score`",
    ),
    "a problem with more": (
        "score",
        "s.json",
        lines({"date": "2026-11-20", "problems": [{"name": "a", "rank": 1}]}),
        "a problem has more than name, help_orders and share",
    ),
    "a value too deep": (
        "score",
        "s.json",
        lines({"date": "2026-11-20", "experience_score": [3]}),
        "an entry is nested deeper than the template",
    ),
}

SHEETS = {
    "an empty sheet": ([], ("Sheet0",), f"its sheet is empty{AGAIN}"),
    "several sheets": (
        [["订单号", "订单状态"]],
        ("一月", "二月"),
        "it has 2 sheets and none is called Sheet0: keep one sheet",
    ),
    "a title above the header": (
        [["订单明细"], ["订单号", "订单状态"]],
        ("Sheet0",),
        "its first line has no header of the kind order-export: see whether the kind"
        " is right, and whether the first line holds the headers",
    ),
}


def words_of(kind: str) -> tuple[str, ...]:
    more = {"performance": PERIOD, "refund-detail": ("--amounts", "fen")}
    return more.get(kind, ())


def check_whole(root: Path, kind: str, path: Path, said: str) -> None:
    done = ingest(root, kind, path, *words_of(kind))
    assert done.exit_code == 3
    first, last = done.stderr.splitlines()
    assert first == f"kefu: {path.name}: {said}"
    assert last == f"kefu: {path.name} could not be ingested"
    assert SECRET not in done.stdout + done.stderr
    assert landed(root, KINDS[kind].table) == []
    assert not list(root.rglob(".kefu-ingest*"))


@pytest.mark.parametrize("name", list(WHOLE_FILE))
def test_files_that_cannot_be_ingested(root: Path, tmp_path: Path, name: str) -> None:
    kind, file, content, said = WHOLE_FILE[name]
    path = tmp_path / file
    path.write_bytes(content)
    check_whole(root, kind, path, said)


@pytest.mark.parametrize("name", list(SHEETS))
def test_sheets_that_cannot_be_ingested(root: Path, tmp_path: Path, name: str) -> None:
    rows, sheets, said = SHEETS[name]
    path = exports.write_xlsx(tmp_path / "o.xlsx", rows, sheets)
    check_whole(root, "order-export", path, said)


def test_a_spreadsheet_cut_short(root: Path, tmp_path: Path) -> None:
    whole = xlsx(tmp_path, [["订单号", "订单状态"], ["260607-1", "已签收"]])
    path = tmp_path / "o.xlsx"
    path.write_bytes(whole[: len(whole) // 2])
    check_whole(
        root, "order-export", path, f"it is no spreadsheet that can be read{AGAIN}"
    )


def test_a_row_without_end(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kefu.ingest.files.CSV_BLOCK_BYTES", 1 << 20)
    path = tmp_path / "o.csv"
    path.write_bytes(order_csv(GOOD, f'"{SECRET * 400_000}"{GOOD}'))
    said = "a row is larger than 1 MiB, as after a quote that is never closed"
    check_whole(root, "order-export", path, said + AGAIN)


def test_no_file_and_a_folder(root: Path, tmp_path: Path) -> None:
    for path, cause in (
        (tmp_path / "none.csv", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        said = (
            f"it cannot be read ({cause}): see whether path and permissions are right"
        )
        check_whole(root, "order-export", path, said)


def order_row(**values: str) -> tuple[str, str, bytes]:
    """Return an export with one good row and one with other values."""
    names = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    other = names | {"订单号": "260607-2"} | values
    return "order-export", "o.csv", order_csv(GOOD, ",".join(other.values()))


def json_row(kind: str, good: dict, **values: object) -> tuple[str, str, bytes]:
    """Return JSON lines of one good record and one with other values."""
    key = "msg_id" if "msg_id" in good else "order_sn"
    other = good | {key: f"{good[key]}2"} | values
    kept = {name: value for name, value in other.items() if value is not ...}
    return kind, "r.jsonl", lines(good, kept)


def roster_row(kind: str, *cells: str) -> tuple[str, str, bytes]:
    """Return a filled-in form with one good row and one other."""
    headers = {
        "malls": "店铺ID,店铺类型,主营类目,开店日期",
        "agents": "客服ID,岗位,是否机器人,生效日期,失效日期",
        "shifts": "客服ID,班次,上班时间,下班时间",
        "score": "日期,项目,名称,数值",
    }
    good = {
        "malls": "1,旗舰店,女装,2026-11-01",
        "agents": "c1,售前,否,2026-11-01,",
        "shifts": "c1,早班,2026-11-20 08:00:00,2026-11-20 16:00:00",
        "score": "2026-11-20,体验分,,3.4",
    }
    rows = [headers[kind], good[kind], ",".join(cells)]
    return kind, "f.csv", "\n".join(rows).encode()


def report_row(*cells: str) -> tuple[str, str, bytes]:
    """Return a performance report of a total and one agent."""
    text = f"{REPORT}\n总计,9,50%,9秒,\n{','.join(cells)}\n"
    return "performance", "p.csv", text.encode()


BUYER, SHOP = MESSAGE["from"], MESSAGE["to"]
DETAIL = REFUND | {
    "created_time": 1_772_400_000_000,
    "updated_time": 1_772_400_000_000,
    "refund_amount": 100,
}
ROUNDED = (
    "was rounded by a spreadsheet program: export the file again, and do not save it"
    " there"
)
ABOVE = (
    "is above 100%: expected is a text such as 97.78%, or in a sheet a number between 0"
    " and 1"
)
UNLISTED = "has a value that mapping.yml does not list"

ONE_ROW = {
    # name: (kind, file name, content of a good and a bad row; what is said of it)
    "no number": (order_row(订单号=" \t"), "订单号 is empty"),
    "a rounded number": (order_row(订单号="2.60607E+20"), f"订单号 {ROUNDED}"),
    "an unknown state": (order_row(订单状态=SECRET), f"订单状态 {UNLISTED}"),
    "no state": (order_row(订单状态="--"), "订单状态 is empty"),
    "no amount": (
        order_row(**{"用户实付金额(元)": SECRET}),
        "用户实付金额(元) is no amount",
    ),
    "half an amount": (
        order_row(**{"用户实付金额(元)": ".5"}),
        "用户实付金额(元) is no amount",
    ),
    "a comma out of place": (
        order_row(**{"用户实付金额(元)": '"1,23"'}),
        "用户实付金额(元) is no amount",
    ),
    "less than nothing": (
        order_row(**{"用户实付金额(元)": "-0.01"}),
        "用户实付金额(元) is negative",
    ),
    "no time": (
        order_row(支付时间="2026-02-30 00:00:00"),
        "支付时间 is no time such as 2026-11-20 08:30:00",
    ),
    "a fraction of goods": (
        order_row(**{"商品数量(件)": "1.5"}),
        "商品数量(件) is no whole number",
    ),
    "too few fields": (
        ("order-export", "o.csv", order_csv(GOOD, "260607-2,已签收")),
        "it has 2 fields, not 6",
    ),
    "too many fields": (
        ("order-export", "o.csv", order_csv(GOOD, f"{GOOD},{SECRET}")),
        "it has 7 fields, not 6",
    ),
    "a line that is no JSON": (
        ("chat", "c.jsonl", lines(MESSAGE) + f"\n{{{SECRET}\n".encode()),
        "the line is no JSON object",
    ),
    "a first line that is no JSON": (
        ("chat", "c.jsonl", f"{SECRET}\n".encode() + lines(MESSAGE)),
        "the line is no JSON object",
    ),
    "a line that is an error": (
        ("order-api", "o.jsonl", lines(ANSWER, ERROR)),
        ORDER_ERROR,
    ),
    "a record that is none": (
        ("order-api", "o.json", lines({"order_list": [ANSWER, SECRET]})),
        "it is no JSON object",
    ),
    "an order without items": (
        json_row("order-api", ANSWER, item_list=None),
        "item_list is no list of items",
    ),
    "an order without a status": (
        json_row("order-api", ANSWER, group_status=...),
        "it has no field group_status",
    ),
    "an order of no time": (
        json_row("order-api", ANSWER, created_time=""),
        "created_time is empty",
    ),
    "an order in Unix time": (
        json_row("order-api", ANSWER, created_time=1_772_400_000),
        "created_time is no time such as 2026-11-20 08:30:00",
    ),
    "items of no count": (
        json_row("order-api", ANSWER, item_list=[{"goods_id": 1}]),
        "goods_count of an item is no whole number",
    ),
    "a status in words": (
        json_row("order-api", ANSWER, group_status="已成团"),
        "group_status is no whole number",
    ),
    "an amount in an object": (
        json_row("order-api", ANSWER, pay_amount={"yuan": 1}),
        "pay_amount is neither text nor number",
    ),
    "list in milliseconds": (
        json_row("refund-list", REFUND, updated_time="1772400000000"),
        "updated_time is in milliseconds, as in answers of the kind refund-detail",
    ),
    "detail in seconds": (
        json_row("refund-detail", DETAIL, updated_time=1_772_400_000),
        "updated_time is in seconds, as in answers of the kind refund-list",
    ),
    "detail in yuan": (
        json_row("refund-detail", DETAIL, refund_amount=1.5),
        "refund_amount is no whole number of fen: if it is in yuan, say --amounts yuan",
    ),
    "an unknown type": (
        json_row("refund-detail", DETAIL, after_sales_type=6),
        f"after_sales_type {UNLISTED}",
    ),
    "two reasons": (
        json_row("refund-list", REFUND, after_sale_reason="a", after_sales_reason="b"),
        "after_sale_reason and after_sales_reason differ, and both are"
        " after_sale_reason",
    ),
    "a refund without an id": (
        json_row("refund-list", REFUND, id=None),
        "id is empty",
    ),
    "a refund of no time": (
        json_row("refund-list", REFUND, created_time="0"),
        "created_time is empty",
    ),
    "a sender that is text": (
        json_row("chat", MESSAGE, **{"from": SECRET}),
        "from is no object with role and uid",
    ),
    "a role nobody knows": (
        json_row("chat", MESSAGE, **{"from": {"role": SECRET, "uid": "1"}}),
        "from.role is none of user, mall_cs, system",
    ),
    "no buyer on either side": (
        json_row("chat", MESSAGE, **{"from": SHOP}),
        "not one of from and to is the buyer (role user)",
    ),
    "buyers on both sides": (
        json_row("chat", MESSAGE, to=BUYER),
        "not one of from and to is the buyer (role user)",
    ),
    "a buyer without uid": (
        json_row("chat", MESSAGE, **{"from": {"role": "user"}}),
        "uid of the buyer is empty",
    ),
    "another shop's message": (
        json_row("chat", MESSAGE, **{"from": SHOP | {"mall_id": 2}, "to": BUYER}),
        "from.mall_id is another shop than --mall-id says",
    ),
    "a message of no time": (json_row("chat", MESSAGE, ts=...), "it has no field ts"),
    "a message in local time": (
        json_row("chat", MESSAGE, ts="2026-11-20 08:00:00"),
        "ts is no Unix time",
    ),
    "a shop without a number": (
        roster_row("malls", "", "旗舰店", "女装", ""),
        "店铺ID is empty",
    ),
    "a shop's number rounded": (
        roster_row("malls", "1.2E+17", "", "女装", ""),
        f"店铺ID {ROUNDED}",
    ),
    "a shop of no category": (
        roster_row("malls", "2", "旗舰店", "-", ""),
        "主营类目 is empty",
    ),
    "a shop of no known type": (
        roster_row("malls", "2", "7", "女装", ""),
        f"店铺类型 {UNLISTED}",
    ),
    "a shop opened on no date": (
        roster_row("malls", "2", "", "女装", "去年"),
        "开店日期 is no date such as 2026-11-20",
    ),
    "an unknown role": (
        roster_row("agents", "c2", "店长", "", "", ""),
        f"岗位 {UNLISTED}",
    ),
    "no date": (
        roster_row("agents", "c2", "", "", "下周一", ""),
        "生效日期 is no date such as 2026-11-20",
    ),
    "an end before the start": (
        roster_row("agents", "c2", "", "", "2026-11-02", "2026-11-01"),
        "失效日期 lies before 生效日期",
    ),
    "a clock without a day": (
        roster_row("shifts", "c1", "晚班", "16:00", "2026-11-21 00:00:00"),
        "上班时间 is no time such as 2026-11-20 08:30:00",
    ),
    "a shift that ends as it begins": (
        roster_row("shifts", "c2", "晚班", "2026-11-21 00:00", "2026-11-21 00:00"),
        "下班时间 is not after 上班时间",
    ),
    "a shift without a name": (
        roster_row("shifts", "c2", "", "2026-11-20 00:00", "2026-11-21 00:00"),
        "班次 is empty",
    ),
    "an unknown measure": (
        roster_row("score", "2026-11-20", "好评率", "", "3"),
        f"项目 {UNLISTED}",
    ),
    "a score above five": (
        roster_row("score", "2026-11-20", "模块得分", "服务态度", "5.1"),
        "模块得分 lies outside 0 to 5",
    ),
    "a rate without its sign": (
        roster_row("score", "2026-11-20", "平台求助率", "", "0.12"),
        "近30天平台求助率 is no rate such as 0.12%",
    ),
    "half an order": (
        roster_row("score", "2026-11-20", "热点问题求助订单数", "破损", "1.5"),
        "热点问题求助订单数 is no whole number",
    ),
    "a nameless problem": (
        roster_row("score", "2026-11-20", "热点问题占比", "", "1%"),
        "热点问题占比 has no name",
    ),
    "a name of the whole shop": (
        roster_row("score", "2026-11-20", "体验分", "整体", "3.5"),
        "体验分 takes no name: leave it empty",
    ),
    "an unknown module": (
        roster_row("score", "2026-11-20", "模块得分", "售前服务", "3"),
        "the module is none of 服务态度、基础服务、商品服务、发货服务、物流服务",
    ),
    "a value without a day": (
        roster_row("score", "", "同行排名", "", "0.3"),
        "日期 is empty",
    ),
    "no number at all": (
        roster_row("score", "2026-11-20", "同行排名", "", SECRET),
        "数值 is no number",
    ),
    "a conversion without its sign": (
        report_row("小王", "5", "0.5", "9秒", "1"),
        "询单转化率 is no rate such as 97.78%",
    ),
    "a rate above all": (
        report_row("小王", "5", "100.01%", "9秒", "1"),
        f"询单转化率 {ABOVE}",
    ),
    "a rate of many digits": (
        report_row("小王", "5", f"{'9' * 400}%", "9秒", "1"),
        f"询单转化率 {ABOVE}",
    ),
    "a duration without its unit": (
        report_row("小王", "5", "50%", "9", "1"),
        "平均人工响应时长 is no duration such as 9秒 or 0.37 分钟",
    ),
    "an agent without an account": (
        report_row("", "5", "50%", "9秒", "1"),
        "客服账号 is empty",
    ),
}


@pytest.mark.parametrize("name", list(ONE_ROW))
def test_rows_that_cannot_be_mapped(root: Path, tmp_path: Path, name: str) -> None:
    (kind, file, content), said = ONE_ROW[name]
    path = tmp_path / file
    path.write_bytes(content)
    done = ingest(root, kind, path, *words_of(kind))
    assert done.exit_code == 0, done.stdout + done.stderr
    shown = [line.strip() for line in done.stdout.splitlines()]
    (refused,) = [line for line in shown if line.startswith("row ")]
    assert refused.split(": ", 1)[1] == said
    (told,) = [line for line in shown if line.startswith("landed ")]
    assert told.startswith("landed 1 rows, 1 could not be mapped: ")
    assert SECRET not in done.stdout + done.stderr
    assert len(landed(root, KINDS[kind].table)) == 1


def test_a_sheet_with_rates_that_are_no_shares(root: Path, tmp_path: Path) -> None:
    """A number is a share, as a cell shown as a percentage holds it."""
    headers = REPORT.split(",")
    rates = (0.9778, 1, 0, 97.78, 1.01, 100, -0.5)
    agents = [[f"小{place}", 1, rate, "9秒", ""] for place, rate in enumerate(rates)]
    rows = [headers, ["总计", 9, 0.5, "9秒", ""], *agents]
    path = tmp_path / "p.xlsx"
    path.write_bytes(xlsx(tmp_path, rows))
    done = ingest(root, "performance", path, *words_of("performance"))
    assert done.exit_code == 0, done.stdout + done.stderr
    assert f"  row 6-8: 询单转化率 {ABOVE}\n" in done.stdout
    assert "  row 9: 询单转化率 is no rate such as 97.78%\n" in done.stdout
    found = official(root, "official_agent_kpi")
    assert [row["inquiry_conversion_rate"] for row in found] == [
        "0.5",
        "0.9778",
        "1",
        "0",
    ]


@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        ("malls", "1,,家居,", "the same shop stands twice in the file"),
        ("agents", "c1,售后,,2026/11/1,", "the same account and start stand twice"),
        ("shifts", "c1,中班,2026-11-20 08:00,2026-11-20 09:00", "the same account and"),
        ("score", "2026/11/20,消费者服务体验分,,3.5", "it stands twice in the file"),
    ],
)
def test_a_form_that_says_two_things(
    root: Path, tmp_path: Path, kind: str, row: str, said: str
) -> None:
    _, file, content = roster_row(kind, *row.split(","))
    path = tmp_path / file
    path.write_bytes(content)
    done = ingest(root, kind, path)
    assert done.exit_code == 3
    assert f"row 2-3: {said}" in done.stdout
    assert "f.csv: not one of its rows could be mapped" in done.stderr
    assert landed(root, KINDS[kind].table) == []
