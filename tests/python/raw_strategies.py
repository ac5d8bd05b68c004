"""Landings for property tests: any rows the raw contract allows, and worse.

`lots()` draws a lot: rows as dicts of texts, each table's sound at heart and a
few of them with values that the contract does not know. A dict holds only what
is set, so that a shrunk failure reads like a case by hand; `#load_date` is the
folder's date. `layouts()` draws how a lot is landed: which rows share a file, in
which order and which format. `write` lands it.

Times are drawn as a day, a clock and a delay, each from a short list of limits,
so that ties and boundaries are no rarity.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow
import pyarrow.parquet
from conftest import CONTRACT
from hypothesis import strategies as st

Row = dict[str, str]
Lot = dict[str, list[Row]]

LOAD_DATE = "#load_date"
EPOCH = dt.datetime(1970, 1, 1)
LOCAL = dt.timedelta(hours=8)
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000

# --- moments, in milliseconds of the local clock ---

# A lot's first day: the platform's own first, a leap day that is followed by a
# year's end, exempt dates, a day like any other.
FIRST_DAYS = ("2026-02-27", "2015-09-01", "2024-02-08", "2024-12-30")
DAYS = (0, 0, 0, 0, 1, 1, 2, 3, 14, 15, 16, 29, 30, 31)
TEN_YEARS = 3653
CLOCKS = [12 * HOUR, 9 * HOUR, 8 * HOUR, 8 * HOUR - 1, 23 * HOUR, 23 * HOUR - 1] + [
    0,
    1,
    DAY - 1,
    16 * HOUR,
    22 * HOUR + 30 * MINUTE,
]
DELAYS = (
    [0, 0, 1, SECOND, 30 * SECOND, 30 * SECOND + 1, 180 * SECOND, 180 * SECOND + 1]
    + [300 * SECOND, 300 * SECOND + 1, 10 * MINUTE, HOUR, HOUR + 1, 18 * HOUR]
    + [24 * HOUR, 24 * HOUR + 1, 72 * HOUR, 15 * DAY]
)


def day_of(text: str) -> int:
    """Return the milliseconds of a day's local midnight."""
    return (dt.date.fromisoformat(text) - EPOCH.date()).days * DAY


def clock_text(moment: int) -> str:
    """Return a local time as text, with a fraction only where there is one."""
    text = str(EPOCH + dt.timedelta(milliseconds=moment))
    return text.rstrip("0") if "." in text else text


@st.composite
def moments(draw: st.DrawFn, spans: tuple[int, ...]) -> int:
    """Draw a moment whose day lies one of the spans (in days) after the first."""
    first, *rest = spans
    start = first + draw(st.sampled_from([0, *rest, 0])) * DAY
    day = draw(st.sampled_from(DAYS))
    clock = draw(st.sampled_from(CLOCKS))
    return start + day * DAY + clock + draw(st.sampled_from(DELAYS))


def unix(moment: int) -> str:
    """Return a local moment as Unix time, in seconds if it has whole ones."""
    utc = moment - 8 * HOUR
    return str(utc // SECOND if utc % SECOND == 0 else utc)


# --- values that are not as the contract has them ---

BAD_TIMES = (
    ["", " ", "0000-00-00 00:00:00", "0000-00-00", "2026-02-30 10:00:00"]
    + ["2026-03-01 24:00:00", "2026-03-01T10:00:00", "2026-03-01 10:00:00+08:00"]
    + ["-1", "0", "1.7e9", "1700000000.0", "99999999999", "100000000000"]
    + ["99999999999999999999999", "253402271999999", "253402272000000", "soon"]
    + ["１７７２４０００００", "2015-08-31 23:59:59.999", "2015-09-01 00:00:00"]
    + ["9999-12-31 23:59:59", "0001-01-01 00:00:00"]
)
BAD_DATES = [
    "",
    "0000-00-00",
    "2026-02-30",
    "2026-3-1",
    "2026-03-01 12:00:00",
    "20260301",
] + ["2026-03-01T00:00:00", "0001-01-01", "9999-12-31", "10000-01-01", "never"]
# A run refuses it, and all that is landed with it.
FUTURE_LOAD = "9999-12-31 23:59:59.999999"
BAD_LOADS = (
    ["", "0000-00-00 00:00:00", "now", "2026-02-30 00:00:00", "1772413200000"]
    + ["2026-03-02T01:00:00Z", "2026-03-02 09:00:00 +0800", "2026-03-02 01:00:00.5-1"]
    + ["0001-01-01 00:00:00", FUTURE_LOAD, "-1"]
)
BAD_NUMBERS = [
    "",
    " 2\t",
    "2.0",
    "1.5",
    "1e3",
    "-1",
    "+1",
    "-0",
    "0x1",
    "２",
    "2147483647",
] + ["2147483648", "-2147483648", "9" * 30, "NaN", "inf", "true", "1,000", "null"]
BAD_AMOUNTS = (
    ["", "0", "-0.00", "-0.001", "-0.01", "0.005", ".5", "5.", "1e2", "1e400"]
    + ["-1e400", "999999999999.99", "999999999999.995", "1000000000000", "NaN", "inf"]
    + ["￥5", "1,234.5", "free", "12345678901234567890.12"]
)
BAD_FLAGS = ["", "TRUE", "f", "Yes", "no", "1", "0", "y", "on", "2", "1.0", "是"]
BAD_ROLES = ["", "USER", " user\t", "buyer", "user\x00", "user\u3000"]
BAD_CHANNELS = ["", "Complaint", "phone", "complaint "]
BAD_LIABILITIES = ["", "Merchant", "seller", "none "]
BAD_SCORES = ["", "0", "1", "5", "6", "4.5", "5.0", "-1", "five"]
BAD_ITEMS = ["", "1", "10", "0.99", "10.01", "7.3", "n/a", "NaN", "1e309", "-0"]
BAD_IDS = [
    "",
    " ",
    "\t",
    "\x00",
    "m1\x00",
    "\u3000",
    "m1\u00a0",
    "客服😀",
    "\U0010ffff",
    "NULL",
] + [
    "'; drop table messages; --",
    '"',
    "1e5",
    "00",
    "é",
    "e\u0301",
    "a\x1fb",
    "m" * 3000,
]

# --- texts ---

PHRASES = (
    [
        "你好",
        "怎么还不发货",
        "收到的商品是坏的",
        "什么时候发货",
        "我要投诉",
        "退款",
        "客服态度太差",
    ]
    + [
        "物流一直不动",
        "😀",
        "👨‍👩‍👧‍👦",
        "\U0002a6d6\U0010ffff",
        "a\x00b",
        "\x01\x1f\x7f",
        "\ufeff",
    ]
    + [
        "",
        " ",
        "\r",
        "\n",
        '"',
        "'",
        ",",
        "\\",
        "\\N",
        "NULL",
        "{}",
        "[1]",
        "1.0",
        "=1+1",
    ]
)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TEXTS = st.one_of(st.sampled_from(PHRASES), ANY_TEXT)
# What a text of a megabyte may be made of, in one byte and in four.
UNITS = ("x", "坏", "😀", '"', "\n", "\r\n", "怎么还不发货", "\\", "\x00", ",", "\x01")


def huge_text(unit: str) -> str:
    """Return a text of about a million bytes."""
    return unit * ((1 << 20) // len(unit.encode()))


# --- members: few, so that rows meet ---

MALLS = ["m1", "m1", "m2", " m1\t", "m3"]
BUYERS = ["b1", "b1", "b2", "b1 ", "买家😀"]
AGENTS = ["a1", "a1", "a2", "\ta1", "bot"]
ORDERS = ["190228-355530178612389", "o2", "o3", " o2", "o4"]
CHANNELS = ["platform_online_cs", "platform_hotline", "complaint"]
PROBLEMS = [None, None, None, "not_shipped_in_time", "no_such_code"]

Values = dict[str, st.SearchStrategy]


def maybe(*values: str | None) -> st.SearchStrategy:
    """Draw one of the values or none, none as often as all of them."""
    return st.sampled_from([None] * len(values) + list(values))


def message_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of a message's columns."""
    return {
        "mall_id": st.sampled_from(MALLS),
        "msg_id": st.integers(1, 40).map(str),
        "buyer_uid": st.sampled_from(BUYERS),
        "from_role": st.sampled_from(["user", "user", "mall_cs", "mall_cs", "system"]),
        "cs_uid": st.sampled_from([None, *AGENTS]),
        "assigned_cs_uid": maybe("a1", "a2", "bot"),
        "type": maybe("0", "1", "14", "24", "31", "64", "1002"),
        "template_name": maybe("mall_robot_text_msg", "mall_answer_with_text"),
        "content": st.one_of(st.none(), TEXTS),
        "ts": times.map(unix),
        "need_reply": maybe("true", "false"),
        "is_spam": maybe("false", "false", "true"),
        "order_sn": maybe(*ORDERS),
        "problem_code": st.sampled_from(PROBLEMS),
    }


def order_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of an order's columns."""
    unset = st.sampled_from([None, "", "0000-00-00 00:00:00"])
    local = times.map(clock_text)
    later = st.one_of(local, unset)
    return {
        "mall_id": st.sampled_from(MALLS),
        "order_sn": st.sampled_from(ORDERS),
        "buyer_uid": st.sampled_from([*BUYERS, None]),
        "created_time": st.one_of(local, times.map(unix)),
        "pay_time": later,
        "confirm_time": later,
        "shipping_time": later,
        "receive_time": later,
        "updated_at": later,
        "order_status": maybe("1", "2", "3"),
        "group_status": st.sampled_from(["1", "1", "1", "0", "2", None]),
        "confirm_status": st.sampled_from(["1", "1", "1", "0", "2"]),
        "refund_status": maybe("1", "4"),
        "after_sales_status": maybe("0", "10"),
        "risk_control_status": st.sampled_from([None, "0", "0", "1"]),
        "is_lucky_flag": st.sampled_from([None, "1", "1", "2"]),
        "goods_id": maybe("g1", "7"),
        "goods_count": st.sampled_from([None, "0", "1", "2", "2.0"]),
        "goods_amount": maybe("10.00"),
        "discount_amount": maybe("0.5"),
        "postage": maybe("0"),
        "pay_amount": st.sampled_from(["10.00", "0.01", "99.9", "0", "5", None]),
    }


def refund_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of a refund's columns."""
    at = times.map(unix)
    later = st.one_of(st.none(), at)
    states = ["0", *(str(state) for state in range(2, 14)), "10", "10", None]
    return {
        "mall_id": st.sampled_from(MALLS),
        "id": st.integers(1, 6).map("r{}".format),
        "order_sn": st.sampled_from([*ORDERS, None]),
        "buyer_uid": st.sampled_from([None, *BUYERS]),
        "after_sales_type": maybe("1", "2", "3"),
        "after_sales_status": st.sampled_from(states),
        "after_sale_reason": maybe("质量问题", "七天无理由", "no such reason"),
        "problem_code": st.sampled_from(PROBLEMS),
        "created_time": at,
        "recreated_at": later,
        "updated_time": later,
        "refund_success_time": later,
        "refund_amount": st.sampled_from(["5", "10.00", "0", None]),
        "dispute_refund_status": maybe("0", "1"),
        "join_or_not": maybe("0", "1"),
        "liability": maybe("merchant", "merchant", "buyer", "platform", "none"),
        "sign_time": later,
    }


def complaint_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of a complaint's columns."""
    return {
        "complaint_id": st.integers(1, 6).map("c{}".format),
        "mall_id": st.sampled_from(MALLS),
        "buyer_uid": st.sampled_from(BUYERS),
        "order_sn": st.sampled_from([None, *ORDERS]),
        "cs_uid": st.sampled_from([None, *AGENTS]),
        "channel": st.sampled_from(CHANNELS),
        "problem_code": st.sampled_from(PROBLEMS),
        "created_time": times.map(unix),
        "is_valid": maybe("true", "false"),
        "liability": maybe("merchant", "merchant", "buyer"),
    }


def mall_values(_: st.SearchStrategy) -> Values:
    """Return the strategies of a mall's columns."""
    return {
        "mall_id": st.sampled_from(MALLS),
        "mall_name": maybe("店😀", "Shop"),
        "merchant_type": maybe("1", "6"),
        "category_name": st.sampled_from(["clothes", "food", None, " clothes"]),
        "opened_on": maybe("2020-02-29"),
    }


def agent_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of a roster row's columns."""
    day = st.one_of(st.none(), times.map(clock_text).map(lambda text: text[:10]))
    return {
        "mall_id": st.sampled_from(MALLS),
        "cs_uid": st.sampled_from(AGENTS),
        "cs_name": maybe("小美"),
        "agent_role": maybe("pre_sales", "after_sales", "both"),
        "is_robot": st.sampled_from([None, "false", "false", "true"]),
        "valid_from": day,
        "valid_to": day,
    }


def shift_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of a rostered shift's columns."""
    return {
        "mall_id": st.sampled_from(MALLS),
        "cs_uid": st.sampled_from(AGENTS),
        "shift_name": st.sampled_from(["早班", "中班", "晚班", None]),
        "start_at": times.map(clock_text),
        "end_at": times.map(clock_text),
    }


def rating_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of a rating's columns."""
    return {
        "rating_id": st.integers(1, 8).map("t{}".format),
        "mall_id": st.sampled_from(MALLS),
        "buyer_uid": st.sampled_from([None, *BUYERS]),
        "cs_uid": st.sampled_from([None, *AGENTS]),
        "order_sn": st.sampled_from([None, *ORDERS]),
        "score": st.sampled_from(["1", "2", "3", "4", "5"]),
        "created_time": times.map(unix),
    }


def review_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of a quality review's columns."""
    item = st.sampled_from([None, "1", "10", "7", "7.3", "8.15", "0.1e1"])
    return {
        "review_id": st.integers(1, 8).map("q{}".format),
        "mall_id": st.sampled_from(MALLS),
        "cs_uid": st.sampled_from(AGENTS),
        "buyer_uid": st.sampled_from([None, *BUYERS]),
        "service_date": times.map(clock_text).map(lambda text: text[:10]),
        "problem_solving": item,
        "communication": item,
        "professionalism": item,
        "after_sales": item,
    }


def excluded_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of an excluded buyer's columns."""
    day = st.one_of(st.none(), times.map(clock_text).map(lambda text: text[:10]))
    return {
        "mall_id": st.sampled_from([None, *MALLS]),
        "buyer_uid": st.sampled_from(BUYERS),
        "valid_from": day,
        "valid_to": day,
    }


ACCOUNTS = ["小美", "店:小美", *AGENTS, "谁"]
REPORT_COUNTS = (
    *("consult_buyers", "inquiry_buyers", "inquiry_lost_buyers"),
    *("final_group_buyers", "need_human_buyers", "received_buyers"),
    *("late_buyers_3min", "rating_count", "low_rating_count"),
    *("dispute_refund_count", "complaint_count"),
)


def report_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of a service performance report's columns."""
    day = times.map(clock_text).map(lambda text: text[:10])
    return {
        "mall_id": st.sampled_from(MALLS),
        "period_start": st.one_of(st.sampled_from(FIRST_DAYS), day),
        "period_end": day,
        "row_type": st.sampled_from(["agent", "agent", "mall_total", "mall_average"]),
        "cs_account": st.sampled_from(ACCOUNTS),
        **{name: maybe("0", "1", "2") for name in REPORT_COUNTS},
        "sales_amount": maybe("0", "9.90", "30"),
        "reply_rate_3min": maybe("0", "0.5", "1", "1.01", "-0.5"),
        "reply_rate_30s_all_day": maybe("0", "0.3333", "1"),
        "avg_response_seconds": maybe("0", "30", "31.2"),
        "avg_response_printed": maybe("30秒", "0.52 分钟"),
    }


def score_page_values(times: st.SearchStrategy) -> Values:
    """Return the strategies of a score page's columns."""
    return {
        "mall_id": st.sampled_from(MALLS),
        "as_of_date": times.map(clock_text).map(lambda text: text[:10]),
        "measure": st.sampled_from(
            ["experience_score", "change_7d", "module_score", "module_score"]
            + ["platform_help_rate", "problem_help_orders", "problem_share"]
        ),
        "name": st.sampled_from([None, "商品服务", "物流服务", "发错货"]),
        "value": st.sampled_from(["0", "1", "2.5", "5", "-0.1"]),
    }


# How many rows a lot has that belong to no episode, and what they are made of.
TABLES: dict[str, tuple[int, Callable[[st.SearchStrategy], Values]]] = {
    "messages": (8, message_values),
    "orders": (4, order_values),
    "refunds": (4, refund_values),
    "complaints": (3, complaint_values),
    "malls": (4, mall_values),
    "agents": (4, agent_values),
    "agent_shifts": (4, shift_values),
    "ratings": (3, rating_values),
    "quality_reviews": (5, review_values),
    "excluded_buyers": (2, excluded_values),
    "official_agent_kpi": (4, report_values),
    "official_experience_score": (3, score_page_values),
}


def bad_values(column: str) -> st.SearchStrategy:
    """Draw what a column should not hold, or only just may."""
    known = {
        "_loaded_at": BAD_LOADS,
        "from_role": BAD_ROLES,
        "channel": BAD_CHANNELS,
        "liability": BAD_LIABILITIES,
        "score": BAD_SCORES,
        "content": PHRASES,
    }
    if column in known:
        return st.sampled_from(known[column])
    if column == "value" or "_rate" in column or column.endswith("_seconds"):
        return st.sampled_from(BAD_ITEMS)
    if column in ("problem_solving", "communication", "professionalism"):
        return st.sampled_from(BAD_ITEMS)
    if column in ("need_reply", "is_spam", "is_valid", "is_robot"):
        return st.sampled_from(BAD_FLAGS)
    if column in ("valid_from", "valid_to", "opened_on", "service_date"):
        return st.sampled_from(BAD_DATES)
    if column in ("period_start", "period_end", "as_of_date"):
        return st.sampled_from(BAD_DATES)
    if column == "ts" or column.endswith(("_time", "_at")):
        return st.sampled_from(BAD_TIMES)
    if column.endswith(("_amount", "postage")):
        return st.sampled_from(BAD_AMOUNTS)
    if column.endswith(
        ("_status", "_flag", "_count", "_buyers", "type", "join_or_not")
    ):
        return st.sampled_from(BAD_NUMBERS)
    return st.one_of(st.sampled_from(BAD_IDS), ANY_TEXT)


@dataclass(frozen=True)
class Loads:
    """When rows are landed: mostly when all has happened, else at once."""

    at_the_end: tuple[int, ...]
    """Moments of UTC, in milliseconds."""

    def draw(self, draw: st.DrawFn, moment: int) -> int:
        """Draw when a row of this moment is landed, as milliseconds of UTC."""
        at_once = moment - 8 * HOUR + draw(st.sampled_from([0, HOUR, -DAY, DAY]))
        return draw(st.sampled_from([*self.at_the_end * 2, at_once]))


def landed_row(
    draw: st.DrawFn, table: str, values: Row, loaded: int, sound: int = 9
) -> Row:
    """Return a row as it is landed: one of `sound` + 1 with a column or two bad."""
    row = {**values, "_loaded_at": clock_text(loaded)}
    folder = row["_loaded_at"][:10]
    row["_source_file"] = draw(maybe("a.json", "b.json"))
    if draw(st.integers(0, sound)) == sound:
        columns = [name for name in CONTRACT[table].columns if name != "_source_file"]
        for column in draw(st.lists(st.sampled_from(columns), min_size=1, max_size=2)):
            row[column] = draw(st.one_of(st.none(), bad_values(column)))
    row[LOAD_DATE] = draw(st.sampled_from([folder] * 9 + ["2026-03-02"]))
    return {name: value for name, value in row.items() if value is not None}


@st.composite
def rows(draw: st.DrawFn, table: str, values: Values, loads: Loads, day: int) -> Row:
    """Draw one row of a table, tied to no other."""
    row = {column: draw(strategy) for column, strategy in values.items()}
    return landed_row(draw, table, row, loads.draw(draw, day), sound=2)


# Who speaks, as the columns of a message; buyers and agents most of all.
SPEAKERS = (
    {"from_role": "user"},
    {"from_role": "mall_cs", "cs_uid": "a1"},
    {"from_role": "user"},
    {"from_role": "mall_cs", "cs_uid": "a2"},
    {"from_role": "mall_cs", "template_name": "mall_robot_text_msg"},
    {"from_role": "user", "assigned_cs_uid": "a1"},
    {"from_role": "mall_cs", "template_name": "mall_answer_with_text"},
    {"from_role": "mall_cs", "cs_uid": "bot"},
    {"from_role": "user", "need_reply": "false"},
    {"from_role": "user", "is_spam": "true"},
    {"from_role": "mall_cs", "cs_uid": "a1", "type": "31"},
    {"from_role": "system"},
)


@st.composite
def episodes(
    draw: st.DrawFn, number: int, times: st.SearchStrategy, loads: Loads
) -> list[tuple[str, Row]]:
    """Draw what happens between a buyer and a shop: rows, each with its table.

    They talk, may agree on an order, and may fall out over it.
    """
    mall = draw(st.sampled_from(MALLS))
    buyer = draw(st.sampled_from(BUYERS))
    at = draw(times)
    delay = st.sampled_from(DELAYS[:-4])
    happened: list[tuple[str, Row]] = []

    def add(table: str, moment: int, row: Row) -> None:
        row = {"mall_id": mall, "buyer_uid": buyer, **row}
        row = landed_row(draw, table, row, loads.draw(draw, moment))
        happened.append((table, row))

    said = draw(st.lists(st.tuples(st.sampled_from(SPEAKERS), delay, TEXTS)))
    for position, (speaker, pause, text) in enumerate(said):
        at += pause
        name = {"msg_id": f"{number}-{position}", "content": text, "ts": unix(at)}
        add("messages", at, name | speaker)
    order = f"o{number}"
    if draw(st.booleans()):
        # The order's card, which may come before the order, or without it.
        card = {"msg_id": f"{number}-card", "from_role": "user", "order_sn": order}
        add("messages", at, card | {"ts": unix(at + draw(delay))})
    if not draw(st.integers(0, 4)):
        return happened
    created = at + draw(delay)
    paid = created + draw(delay)
    grouped = paid + draw(delay)
    received = grouped + draw(st.sampled_from([DAY, 3 * DAY]))
    deal = {
        "order_sn": order,
        "buyer_uid": draw(st.sampled_from([buyer, None])),
        "created_time": clock_text(created),
        "pay_time": clock_text(paid),
        "confirm_time": clock_text(grouped),
        "receive_time": draw(st.sampled_from([None, clock_text(received)])),
        "updated_at": clock_text(grouped),
        "group_status": "1",
        "confirm_status": draw(st.sampled_from(["1", "1", "1", "2"])),
        "risk_control_status": draw(st.sampled_from([None, "0", "0", "1"])),
        "goods_count": draw(st.sampled_from(["1", "2", "3"])),
        "pay_amount": draw(st.sampled_from(["10.00", "0.01", "99.9", "5"])),
    }
    add("orders", grouped, deal)
    if draw(st.booleans()):
        asked = grouped + draw(delay)
        refund = {
            "id": f"r{number}",
            "order_sn": order,
            "created_time": unix(asked),
            "updated_time": unix(asked + draw(delay)),
            "after_sales_status": draw(st.sampled_from(["10", "10", "2", "8", "11"])),
            "after_sale_reason": draw(maybe("质量问题")),
            "refund_amount": "5.00",
            "join_or_not": draw(maybe("1")),
            "dispute_refund_status": draw(maybe("1")),
            "liability": draw(maybe("merchant")),
            "sign_time": draw(st.sampled_from([None, unix(received)])),
        }
        add("refunds", asked, refund)
    if draw(st.booleans()):
        angry = grouped + draw(delay)
        complaint = {
            "complaint_id": f"c{number}",
            "order_sn": draw(st.sampled_from([None, order])),
            "cs_uid": draw(maybe("a1")),
            "channel": draw(st.sampled_from(CHANNELS)),
            "problem_code": draw(st.sampled_from(PROBLEMS)),
            "created_time": unix(angry),
        }
        add("complaints", angry, complaint)
        score = draw(st.sampled_from(["1", "3", "5"]))
        rating = {"rating_id": f"t{number}", "cs_uid": "a1", "score": score}
        add("ratings", angry, rating | {"created_time": unix(angry)})
    return happened


@st.composite
def lots(draw: st.DrawFn, has_gap: bool | None = None, most: int = 8) -> Lot:
    """Draw a lot: rows of all tables, some of which may be empty.

    Up to `most` episodes and some rows of each table that belong to none. With
    `has_gap` some events lie ten years after the others; None leaves it to
    chance.
    """
    first = day_of(draw(st.sampled_from(FIRST_DAYS)))
    gap = draw(st.integers(0, 15)) == 15 if has_gap is None else has_gap
    times = moments((first, TEN_YEARS) if gap else (first,))
    last = first + (TEN_YEARS if gap else 0) * DAY
    loads = Loads(tuple(last + days * DAY + 2 * HOUR for days in (47, 48, 60)))
    lot: Lot = {
        table: draw(st.lists(rows(table, values(times), loads, last), max_size=noise))
        for table, (noise, values) in TABLES.items()
    }
    for number in range(draw(st.integers(0, most))):
        for table, row in draw(episodes(number, times, loads)):
            lot[table].append(row)
    # Some rows come twice, as they are or on another day.
    for table, landed in lot.items():
        for again in draw(st.lists(st.integers(0, 99), max_size=2)):
            if landed:
                copy = dict(landed[again % len(landed)])
                days = [copy[LOAD_DATE], "2026-03-03"]
                lot[table].append(copy | {LOAD_DATE: draw(st.sampled_from(days))})
    return lot


# --- landing a lot ---

FORMATS = [
    "typed.parquet",
    "native.parquet",
    "texts.parquet",
    "bytes.parquet",
    "plain.csv",
    "mark.csv",
] + ["quoted.csv.gz", "plain.jsonl", "typed.ndjson", "plain.json.gz"]


@dataclass(frozen=True)
class Layout:
    """How a lot is landed; the seed decides order and share of the rows."""

    seed: int
    formats: tuple[str, ...]
    files_a_day: int
    is_nested: bool
    has_extras: bool
    """An unknown column, names padded and in upper case, columns shuffled."""


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Draw a layout."""
    return Layout(
        seed=draw(st.integers(0, 99)),
        formats=tuple(draw(st.lists(st.sampled_from(FORMATS), min_size=1, max_size=4))),
        files_a_day=draw(st.integers(1, 3)),
        is_nested=draw(st.booleans()),
        has_extras=draw(st.booleans()),
    )


PLAIN = Layout(0, ("plain.jsonl",), 1, False, False)


def write(root: Path, lot: Lot, layout: Layout = PLAIN) -> None:
    """Land a lot below a raw root; both needed tables get a file at least."""
    chance = random.Random(layout.seed)
    for table in CONTRACT:
        files: dict[tuple[str, int], list[Row]] = defaultdict(list)
        landed_rows = lot.get(table, [])
        for row in chance.sample(landed_rows, len(landed_rows)):
            files[row[LOAD_DATE], chance.randrange(layout.files_a_day)].append(row)
        if table in ("messages", "orders") and not files:
            files["2026-03-02", 0] = []
        for number, ((day, share), landed) in enumerate(sorted(files.items())):
            form = layout.formats[number % len(layout.formats)]
            folder = root / table / f"load_date={day}"
            if layout.is_nested and share:
                folder /= f"hour={share:02}"
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"part-{share}-{form}"
            write_file(path, table, landed, layout.has_extras, chance)


def write_file(
    path: Path, table: str, landed: list[Row], has_extras: bool, chance: random.Random
) -> None:
    """Write one file in the format that its name asks for."""
    required = CONTRACT[table].required
    names = [
        name
        for name in CONTRACT[table].columns
        if name in required or any(name in row for row in landed)
    ]
    spelled = {name: name for name in names}
    if has_extras:
        chance.shuffle(names)
        spelled = {name: chance.choice([name, name.upper()]) for name in names}
        padded = chance.choice(names)
        spelled[padded] = f" {spelled[padded]}\t"
        names.append("an unknown column")
        spelled["an unknown column"] = "an unknown column"
    columns = {spelled[name]: [row.get(name) for row in landed] for name in names}
    kind = path.name.split("-")[-1]
    if kind.endswith(".parquet"):
        write_parquet(path, columns, kind.removesuffix(".parquet"))
    elif ".csv" in kind:
        put(path, csv_text(columns, kind))
    else:
        put(path, json_text(columns, is_typed=kind.startswith("typed")))


def put(path: Path, text: str) -> None:
    """Write UTF-8 text, packed if the name says so."""
    data = text.encode("utf-8")
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)


def csv_text(columns: dict[str, list], kind: str) -> str:
    """Return a CSV file's text."""
    out = io.StringIO()
    if kind.startswith("mark"):
        out.write("\ufeff")
    quoting = csv.QUOTE_ALL if kind.startswith("quoted") else csv.QUOTE_MINIMAL
    writer = csv.writer(out, quoting=quoting)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def json_text(columns: dict[str, list], is_typed: bool) -> str:
    """Return the text of JSON lines; typed ones hold numbers and booleans."""
    columns = {
        name: json_values(values) if is_typed and is_short(name) else values
        for name, values in columns.items()
    }
    lines = [
        json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=is_typed)
        for row in zip(*columns.values(), strict=True)
    ]
    return "".join(line + "\n" for line in lines)


WHOLE = re.compile(r"0|-?[1-9]\d{0,14}")
DECIMAL = re.compile(r"(0|-?[1-9]\d{0,8})\.\d\d")
FRACTION = re.compile(r"-?(0|[1-9]\d{0,5})\.\d{0,3}[1-9]")
CLOCK = re.compile(r"(19|20)\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{0,5}[1-9])?")
DATE = re.compile(r"(19|20)\d\d-\d\d-\d\d")


def is_short(name: str) -> bool:
    """Whether a column's texts are values, not what people wrote."""
    return name.strip().lower() != "content"


def json_values(values: list[str | None]) -> list:
    """Return a column's texts as JSON numbers and booleans where they read so."""

    def typed(text: str | None) -> object:
        if text in ("true", "false"):
            return text == "true"
        if text is not None and WHOLE.fullmatch(text):
            return int(text) if len(text) % 2 else float(text)
        if text is not None and FRACTION.fullmatch(text):
            return float(text)
        return text

    return [typed(text) for text in values]


def parquet_array(
    values: list[str | None], zone: str | None = None, is_native: bool = False
) -> pyarrow.Array:
    """Return a column of the narrowest type that all its texts can have.

    Times are of the zone. Whole numbers come as floating point where one is missing,
    unless they are native.
    """
    texts = [text for text in values if text is not None]
    if not texts:
        return pyarrow.nulls(len(values))

    def typed(convert: Callable, kind: pyarrow.DataType) -> pyarrow.Array:
        found = [None if text is None else convert(text) for text in values]
        return pyarrow.array(found, kind)

    def all_match(pattern: re.Pattern) -> bool:
        return all(pattern.fullmatch(text) for text in texts)

    if set(texts) <= {"true", "false"}:
        return typed(lambda text: text == "true", pyarrow.bool_())
    if all_match(WHOLE):
        as_double = len(texts) < len(values) and not is_native
        return typed(int, pyarrow.float64() if as_double else pyarrow.int64())
    if all_match(DECIMAL):
        return typed(Decimal, pyarrow.decimal128(18, 2))
    if all_match(FRACTION):
        return typed(float, pyarrow.float64())
    try:
        if all_match(CLOCK):
            return typed(dt.datetime.fromisoformat, pyarrow.timestamp("us", zone))
        if all_match(DATE):
            return typed(dt.date.fromisoformat, pyarrow.date32())
    except ValueError:
        pass  # a text in the form of a date that is none
    return pyarrow.array(values, pyarrow.string()).dictionary_encode()


def write_parquet(path: Path, columns: dict[str, list], kind: str) -> None:
    """Write a Parquet file: of narrow types, of texts, or of unmarked bytes.

    A native one is as databases write it: with a zone where the contract says UTC.
    """
    arrays = {}
    for name, values in columns.items():
        if kind in ("typed", "native") and is_short(name):
            is_native = kind == "native"
            is_zoned = is_native and name.strip().lower() == "_loaded_at"
            arrays[name] = parquet_array(values, "UTC" if is_zoned else None, is_native)
        elif kind == "bytes":
            encoded = [text if text is None else text.encode() for text in values]
            arrays[name] = pyarrow.array(encoded, pyarrow.binary())
        else:
            arrays[name] = pyarrow.array(values, pyarrow.string())
    pyarrow.parquet.write_table(pyarrow.table(arrays), path)


def write_database(path: Path, lot: Lot) -> None:
    """Land a lot as tables of texts in a database; load dates are left behind."""
    with duckdb.connect(str(path)) as connection:
        for table, contract in CONTRACT.items():
            columns = {
                name: pyarrow.array(
                    [row.get(name) for row in lot.get(table, [])], pyarrow.string()
                )
                for name in contract.columns
            }
            connection.register("landed_rows", pyarrow.table(columns))
            connection.execute(f"create table {table} as from landed_rows")


# --- what was written, for comparison ---


def read_alike(table: str, texts: Iterable[tuple[str, str | None]]) -> tuple:
    """Return a row's texts so that two writings of one value are one.

    CSV has no empty text beside null, a decimal of a typed column that is whole is
    landed as an integer, and a time of loading that has a zone is landed with it.
    """
    names = dict.fromkeys(CONTRACT[table].columns) | dict(texts)
    names["_loaded_at"] = (names["_loaded_at"] or "").removesuffix("+00")
    return tuple(
        value if name == "content" else re.sub(r"(\d)\.0+$", r"\1", value or "") or None
        for name, value in ((name, text or None) for name, text in names.items())
    )
