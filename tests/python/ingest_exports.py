"""Rows of the raw contract written as the files that the platform gives."""

import csv
import datetime as dt
import io
import json
from pathlib import Path

import xlsxwriter

LOCAL = dt.timezone(dt.timedelta(hours=8))

STATES = {
    (None, "0", "0", "1"): "待支付",
    ("1", "1", "1", "1"): "待发货",
    ("2", "1", "1", "1"): "已发货，待签收",
    ("3", "1", "1", "1"): "已签收",
    ("1", "1", "1", "4"): "未发货，退款成功",
    ("2", "1", "1", "4"): "已发货，退款成功",
    (None, "2", "2", "1"): "已取消",
}
EXPORT_2026 = [
    "商品",
    "订单号",
    "订单状态",
    "商品总价(元)",
    "邮费(元)",
    "店铺优惠折扣(元)",
    "平台优惠折扣(元)",
    "多多支付立减金额(元)",
    "用户实付金额(元)",
    "商家实收金额(元)",
    "商品数量(件)",
    "发货时间",
    "确认收货时间",
    "商品id",
    "商品规格",
    "样式ID",
    "商家编码-规格维度",
    "商家编码-商品维度",
    "商家备注",
    "售后状态",
    "快递单号",
    "快递公司",
    "订单成交时间",
    "是否分期",
]
EXPORT_OLD = [
    "商品",
    "订单号",
    "订单状态",
    "是否审核中",
    "商品总价(元)",
    "邮费(元)",
    "店铺优惠折扣(元)",
    "平台优惠折扣(元)",
    "用户实付金额(元)",
    "商家实收金额(元)",
    "商品数量(件)",
    "支付时间",
    "拼单成功时间",
    "订单确认时间",
    "承诺发货时间",
    "发货时间",
    "确认收货时间",
    "商品ID\t",
    "商品规格",
    "商家编码-SKU维度",
    "商家编码-商品维度",
    "收货人",
    "手机",
    "省",
    "市",
    "区",
    "街道",
    "买家留言",
    "商家备注",
    "售后状态",
    "快递单号",
    "快递公司",
]
PERFORMANCE = [
    "序号",
    "客服账号",
    "客服服务分",
    "咨询人数",
    "询单人数",
    "最终成团人数",
    "询单转化率",
    "客服销售额",
    "去退销售额（元）",
    "需要人工回复的咨询人数",
    "人工接待人数",
    "3分钟未回复人数",
    "3分钟人工回复率(8-23点)",
    "30秒应答率(8-23点)",
    "平均人工响应时长",
    "评分≤3订单数",
    "纠纷退款数",
    "投诉数",
]
PERFORMANCE_MORE = [
    "询单流失人数",
    "评分数",
    "评分≤3率",
    "3分钟人工回复率(全天)",
    "30秒应答率(全天)",
    "客服可提升销售额",
]


def export_rows(rows: list[dict], headers: list[str]) -> list[list[str | None]]:
    """Write orders as the back end exports them: header and rows.

    Fields that the contract does not have hold a text that must not land.
    """
    return [headers, *([_exported(row, name) for name in headers] for row in rows)]


def _exported(row: dict, header: str) -> str | None:
    state = (row["order_status"], row["group_status"])
    state += (row["confirm_status"], row["refund_status"])
    known = {
        "订单号": f"{row['order_sn']}\t",
        "订单状态": STATES[state],
        "商品总价(元)": row["goods_amount"],
        "邮费(元)": row["postage"],
        "店铺优惠折扣(元)": row["discount_amount"],
        "平台优惠折扣(元)": "0.00",
        "多多支付立减金额(元)": "",
        "用户实付金额(元)": f"{row['pay_amount']}\t",
        "商品数量(件)": f"{row['goods_count']}\t",
        "发货时间": row["shipping_time"] or "",
        "确认收货时间": row["receive_time"] or "",
        "商品id": row["goods_id"],
        "商品ID\t": row["goods_id"],
        "订单成交时间": row["confirm_time"] or "",
        "拼单成功时间": row["confirm_time"] or "",
        "支付时间": row["pay_time"] or "",
        "是否审核中": {"0": "否", "1": "是", None: ""}[row["risk_control_status"]],
    }
    return known.get(header, f"秘密{header.strip()}")


def write_csv(path: Path, rows: list[list], encoding: str = "utf-8") -> Path:
    """Write rows as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def write_xlsx(
    path: Path, rows: list[list], sheets: tuple[str, ...] = ("Sheet0",)
) -> Path:
    """Write rows as texts into the first sheet of a spreadsheet."""
    with xlsxwriter.Workbook(str(path)) as book:
        for number, name in enumerate(sheets):
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows if number == 0 else []):
                for column, value in enumerate(row):
                    if value is not None:
                        sheet.write(place, column, value)
    return path


def write_json(path: Path, value: object, encoding: str = "utf-8") -> Path:
    """Write one JSON document."""
    path.write_bytes(json.dumps(value, ensure_ascii=False, indent=1).encode(encoding))
    return path


def write_lines(path: Path, values: list, encoding: str = "utf-8") -> Path:
    """Write JSON lines."""
    lines = [json.dumps(value, ensure_ascii=False) + "\n" for value in values]
    path.write_bytes("".join(lines).encode(encoding))
    return path


def order_answer(row: dict) -> dict:
    """Write an order as the Open Platform answers it."""
    kept = {
        name: row[name] or ""
        for name in [
            "order_sn",
            "created_time",
            "pay_time",
            "confirm_time",
            "shipping_time",
            "receive_time",
            "updated_at",
            "goods_amount",
            "discount_amount",
            "postage",
            "pay_amount",
        ]
    }
    codes = {
        name: None if row[name] is None else int(row[name])
        for name in [
            "order_status",
            "group_status",
            "confirm_status",
            "refund_status",
            "after_sales_status",
            "risk_control_status",
            "is_lucky_flag",
        ]
    }
    item = {"goods_id": int(row["goods_id"]), "goods_count": int(row["goods_count"])}
    people = {
        name: f"秘密{name}"
        for name in [
            "receiver_name",
            "receiver_phone",
            "receiver_address",
            "address",
            "province",
            "city",
            "town",
            "buyer_memo",
            "remark",
        ]
    }
    return kept | codes | people | {"item_list": [item | {"goods_name": "秘密名"}]}


def refund_answer(row: dict, is_detail: bool, amounts: str = "yuan") -> dict:
    """Write a refund as the list or the detail answers it."""
    kinds = {"1": 2, "2": 3, "3": 4, "4": 5, "5": 6}
    kind = row["after_sales_type"]
    fen = int(row["refund_amount"].replace(".", ""))
    answer = {
        "id": int(row["id"]),
        "order_sn": row["order_sn"],
        "after_sales_status": int(row["after_sales_status"]),
        "dispute_refund_status": int(row["dispute_refund_status"]),
        "updated_time": row["updated_time"],
        "goods_name": "秘密名",
        "order_amount": "99.00",
    }
    if not is_detail:
        return answer | {
            "after_sales_type": kind and kinds[kind],
            "after_sale_reason": row["after_sale_reason"],
            "created_time": row["created_time"],
            "refund_amount": row["refund_amount"],
        }
    return answer | {
        "after_sales_type": kind and int(kind),
        "after_sales_reason": row["after_sale_reason"],
        "recreated_at": int(row["created_time"]),
        "refund_amount": fen if amounts == "fen" else row["refund_amount"],
        "join_or_not": row["join_or_not"],
        "remark": "秘密remark",
        "exchange_shipping_detail": {"merchant_exchange_detail_phone": "秘密phone"},
    }


def payload(row: dict) -> dict:
    """Write a message as the chat's payload has it."""
    buyer = {"role": "user", "uid": row["buyer_uid"], "nickname": "秘密nick"}
    shop = {"role": "mall_cs", "uid": row["mall_id"], "csid": "秘密csid"}
    shop["mall_id"] = row["mall_id"]
    if row["from_role"] == "mall_cs" and row["cs_uid"]:
        shop["cs_uid"] = row["cs_uid"]
    if row["from_role"] == "system":
        shop = {"role": "system", "uid": "0"}
    sides = (buyer, shop) if row["from_role"] == "user" else (shop, buyer)
    message = {
        "msg_id": row["msg_id"],
        "type": None if row["type"] is None else int(row["type"]),
        "content": row["content"],
        "ts": int(row["ts"]),
        "nickname": "秘密nickname",
        "from": sides[0],
        "to": sides[1],
        "status": "unread",
        "info": {"address": "秘密address"},
    }
    if row["template_name"]:
        message["template_name"] = row["template_name"]
    if row["need_reply"]:
        message["need_reply"] = row["need_reply"] == "true"
    if row["order_sn"]:
        message["orders"] = [{"order_sn": row["order_sn"], "goods_name": "秘密名"}]
    return message
