"""Rows as they should not be: one case for each rule of the raw contract.

CASES lists, table by table, what is wrong with an otherwise good row. A case
either gets its row rejected or has a single value read as null; the few rows
that are merely unusual are cases too, because readers trip over them.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

import numpy as np

from kefu.demo.landing import utc_text
from kefu.demo.world import DAY, HOUR, LOAD_TIME, REGULAR, UTC_OFFSET, World

REJECTED, NULLED, UNUSUAL = "rejected", "nulled", "unusual"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a row is put: its load day, a number of its own, and which copy."""

    world: World
    day: int
    number: int
    copy: int = 0

    @property
    def noon(self) -> int:
        """Noon of the load's day as Unix seconds."""
        local = self.world.start + self.day * DAY + 12 * HOUR
        return (local - UTC_OFFSET) // 1_000 + self.number % 3_000

    @property
    def loaded(self) -> int:
        """The load's time in UTC microseconds."""
        local = self.world.start + (self.day + 1) * DAY + LOAD_TIME
        return (local - UTC_OFFSET) * 1_000

    def text(self, seconds_later: int = 0) -> str:
        """Noon, or so many seconds later, as local text."""
        moment = dt.datetime(1970, 1, 1) + dt.timedelta(
            seconds=self.noon + seconds_later + UTC_OFFSET // 1_000
        )
        return moment.strftime("%Y-%m-%d %H:%M:%S")

    @property
    def date(self) -> str:
        """The load's local day."""
        return self.text()[:10]


Row = dict[str, object]


@dataclasses.dataclass(frozen=True)
class Case:
    """One kind of odd row: what becomes of it and which columns make it so."""

    name: str
    outcome: str
    change: Callable[[Place], Row]
    # So many rows of one key land in the same load.
    copies: int = 1


def _set(**values: object) -> Callable[[Place], Row]:
    return lambda place: dict(values)


def _rejected(name: str, **values: object) -> Case:
    return Case(name, REJECTED, _set(**values))


def _nulled(name: str, **values: object) -> Case:
    return Case(name, NULLED, _set(**values))


def _unusual(name: str, **values: object) -> Case:
    return Case(name, UNUSUAL, _set(**values))


def _mall(place: Place) -> str:
    # The shop that sells nothing stays so, and the small ones stay small.
    usual = np.flatnonzero(place.world.mall_kind == REGULAR)
    return str(place.world.mall_id[usual[place.number % len(usual)]])


def _agent(place: Place) -> str:
    return f"{_mall(place)}_01"


def _buyer(place: Place) -> str:
    return str(1_900_000_000_000 + place.number)


def _order(place: Place) -> str:
    return f"{place.date[2:].replace('-', '')}-9{place.number:014d}"


def _messages(place: Place) -> Row:
    return {
        "mall_id": _mall(place),
        "msg_id": str(9_700_000_000_000 + place.number),
        "buyer_uid": _buyer(place),
        "from_role": "user",
        "cs_uid": None,
        "assigned_cs_uid": _agent(place),
        "type": "0",
        "template_name": None,
        "content": "在吗",
        "ts": str(place.noon),
        "need_reply": None,
        "is_spam": None,
        "order_sn": None,
        "problem_code": None,
    }


def _orders(place: Place) -> Row:
    return {
        "mall_id": _mall(place),
        "order_sn": _order(place),
        "buyer_uid": _buyer(place),
        "created_time": place.text(),
        "pay_time": place.text(20),
        "confirm_time": place.text(25),
        "shipping_time": None,
        "receive_time": None,
        "updated_at": place.text(25),
        "order_status": "1",
        "group_status": "1",
        "confirm_status": "1",
        "refund_status": "1",
        "after_sales_status": "0",
        "risk_control_status": "0",
        "is_lucky_flag": "1",
        "goods_id": "62000001",
        "goods_count": "1",
        "goods_amount": "39.90",
        "discount_amount": "0.00",
        "postage": "0.00",
        "pay_amount": "39.90",
    }


def _refunds(place: Place) -> Row:
    return {
        "mall_id": _mall(place),
        "id": str(88_000_000_000 + place.number),
        "order_sn": _order(place),
        "buyer_uid": _buyer(place),
        "after_sales_type": "1",
        "after_sales_status": "2",
        "after_sale_reason": "质量问题",
        "problem_code": None,
        "created_time": str(place.noon),
        "recreated_at": None,
        "updated_time": str(place.noon),
        "refund_success_time": None,
        "refund_amount": "39.90",
        "dispute_refund_status": "0",
        "join_or_not": "0",
        "liability": None,
        "sign_time": None,
    }


def _complaints(place: Place) -> Row:
    return {
        "complaint_id": f"TS9{place.number:09d}",
        "mall_id": _mall(place),
        "buyer_uid": _buyer(place),
        "order_sn": None,
        "cs_uid": None,
        "channel": "complaint",
        "problem_code": None,
        "created_time": str(place.noon),
        "is_valid": None,
        "liability": None,
    }


def _malls(place: Place) -> Row:
    # The last shop is the one that has no row here.
    world = place.world
    mall = place.number % max(1, world.malls - 1)
    return {
        "mall_id": str(world.mall_id[mall]),
        "mall_name": world.mall_name[mall],
        "merchant_type": "1",
        "category_name": world.categories[world.mall_category[mall]][0],
        "opened_on": "2020-05-01",
    }


def _agents(place: Place) -> Row:
    return {
        "mall_id": _mall(place),
        "cs_uid": f"{_mall(place)}_t{place.number}",
        "cs_name": "新同事",
        "agent_role": "both",
        "is_robot": "false",
        "valid_from": place.date,
        "valid_to": None,
    }


def _agent_shifts(place: Place) -> Row:
    return {
        "mall_id": _mall(place),
        "cs_uid": f"{_mall(place)}_t{place.number}",
        "shift_name": "早班",
        "start_at": place.text(),
        "end_at": place.text(6 * 3_600),
    }


def _ratings(place: Place) -> Row:
    return {
        "rating_id": f"R9{place.number:09d}",
        "mall_id": _mall(place),
        "buyer_uid": _buyer(place),
        "cs_uid": _agent(place),
        "order_sn": None,
        "score": "5",
        "created_time": str(place.noon),
    }


def _quality_reviews(place: Place) -> Row:
    return {
        "review_id": f"QC9{place.number:08d}",
        "mall_id": _mall(place),
        "cs_uid": _agent(place),
        "buyer_uid": _buyer(place),
        "service_date": place.date,
        "problem_solving": "8",
        "communication": "8.5",
        "professionalism": "7",
        "after_sales": None,
    }


def _excluded_buyers(place: Place) -> Row:
    return {
        "mall_id": _mall(place),
        "buyer_uid": _buyer(place),
        "valid_from": place.date,
        "valid_to": None,
    }


def _official_agent_kpi(place: Place) -> Row:
    row = dict.fromkeys(COLUMNS["official_agent_kpi"][:-2])
    return row | {
        "mall_id": _mall(place),
        "period_start": place.date,
        "period_end": place.date,
        "row_type": "agent",
        "cs_account": f"临时账号{place.number}",
        "consult_buyers": "12",
        "reply_rate_3min": "0.9167",
        "sales_amount": "199.00",
    }


def _official_experience_score(place: Place) -> Row:
    return {
        "mall_id": _mall(place),
        "as_of_date": place.date,
        "measure": "problem_help_orders",
        "name": f"其他问题{place.number}",
        "value": "2",
    }


# The columns of the platform's figures, in the order of the raw contract.
COLUMNS = {
    "official_agent_kpi": (
        *("mall_id", "period_start", "period_end", "row_type", "cs_account"),
        *("service_score", "consult_buyers", "inquiry_buyers"),
        *("inquiry_lost_buyers", "final_group_buyers", "need_human_buyers"),
        *("received_buyers", "late_buyers_3min", "rating_count"),
        *("low_rating_count", "dispute_refund_count", "complaint_count"),
        *("sales_amount", "net_sales_amount", "improvable_sales_amount"),
        *("inquiry_conversion_rate", "reply_rate_3min"),
        *("reply_rate_3min_all_day", "reply_rate_30s", "reply_rate_30s_all_day"),
        *("low_rating_rate", "avg_response_seconds", "avg_response_printed"),
        *("_loaded_at", "_source_file"),
    ),
    "official_experience_score": (
        *("mall_id", "as_of_date", "measure", "name", "value"),
        *("_loaded_at", "_source_file"),
    ),
}
GOOD_ROWS: dict[str, Callable[[Place], Row]] = {
    "messages": _messages,
    "orders": _orders,
    "refunds": _refunds,
    "complaints": _complaints,
    "malls": _malls,
    "agents": _agents,
    "agent_shifts": _agent_shifts,
    "ratings": _ratings,
    "quality_reviews": _quality_reviews,
    "excluded_buyers": _excluded_buyers,
    "official_agent_kpi": _official_agent_kpi,
    "official_experience_score": _official_experience_score,
}

NO_LOAD = _rejected("_loaded_at is null", _loaded_at=None)
NO_MALL = _rejected("mall_id is null", mall_id=None)


def _event_cases(column: str) -> tuple[Case, ...]:
    """The ways in which an event time in Unix seconds can be wrong."""
    return (
        _rejected(f"{column} is null", **{column: None}),
        _rejected(f"{column} cannot be read", **{column: "昨天下午"}),
        Case(
            f"{column} lies two days after the load",
            REJECTED,
            lambda place: {column: str(place.noon + 2 * 86_400)},
        ),
        _rejected(f"{column} is before 2015-09-01", **{column: "1420041600"}),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "messages": (
        NO_MALL,
        NO_LOAD,
        _rejected("msg_id is null", msg_id=None),
        _rejected("msg_id is blank", msg_id="\t  "),
        _rejected("buyer_uid is null", buyer_uid=None),
        *_event_cases("ts"),
        _rejected("from_role is null", from_role=None),
        _rejected("from_role is unknown", from_role="robot"),
        _rejected("several reasons", buyer_uid="", ts="0", from_role="?"),
        _nulled("type cannot be read", type="text"),
        _nulled("need_reply cannot be read", need_reply="maybe"),
        _nulled("is_spam cannot be read", is_spam="2"),
        _unusual("booleans in other forms", need_reply="F", is_spam="No"),
        Case(
            "ts in milliseconds",
            UNUSUAL,
            lambda place: {"ts": f"{place.noon}250"},
        ),
        Case(
            "an agent whom nobody knows",
            UNUSUAL,
            lambda place: {
                "from_role": "mall_cs",
                "cs_uid": f"{_mall(place)}_77",
                "content": "亲，在的",
            },
        ),
        Case("the same row three times", UNUSUAL, _set(), copies=3),
    ),
    "orders": (
        NO_MALL,
        NO_LOAD,
        _rejected("order_sn is null", order_sn=None),
        _rejected("created_time is null", created_time=None),
        _rejected("created_time is unset", created_time="0000-00-00 00:00:00"),
        _rejected("created_time cannot be read", created_time="10月3日"),
        Case(
            "created_time lies two days after the load",
            REJECTED,
            lambda place: {"created_time": place.text(2 * 86_400)},
        ),
        _rejected(
            "created_time is before 2015-09-01", created_time="2015-08-31 12:00:00"
        ),
        _rejected("pay_amount is negative", pay_amount="-5.00"),
        _rejected("pay_amount cannot be read", pay_amount="三十九"),
        _rejected("goods_count is negative", goods_count="-1"),
        _rejected("goods_count cannot be read", goods_count="两件"),
        _nulled("pay_time cannot be read", pay_time="2026-13-45 99:00:00"),
        _nulled("updated_at cannot be read", updated_at="n/a"),
        _nulled("group_status cannot be read", group_status="grouped"),
        _nulled("discount_amount cannot be read", discount_amount="无"),
        _unusual("pay_amount and goods_count are empty", pay_amount="", goods_count=""),
        Case(
            "times as Unix time, seconds and milliseconds",
            UNUSUAL,
            lambda place: {
                "created_time": str(place.noon),
                "pay_time": f"{place.noon + 9}500",
            },
        ),
        Case(
            "two rows of one order with equal times",
            UNUSUAL,
            lambda place: {"order_status": str(1 + place.copy)},
            copies=2,
        ),
    ),
    "refunds": (
        NO_MALL,
        NO_LOAD,
        _rejected("id is null", id=None),
        *_event_cases("created_time"),
        _rejected("liability is unknown", liability="courier"),
        _rejected("refund_amount is negative", refund_amount="-0.01"),
        _rejected("refund_amount cannot be read", refund_amount="全额"),
        _nulled("sign_time cannot be read", sign_time="已签收"),
        _nulled("after_sales_status cannot be read", after_sales_status="done"),
        _unusual("refund_amount is empty", refund_amount=""),
        _unusual("order_sn is null", order_sn=None),
    ),
    "complaints": (
        NO_MALL,
        NO_LOAD,
        _rejected("complaint_id is null", complaint_id=None),
        _rejected("buyer_uid is null", buyer_uid=None),
        *_event_cases("created_time"),
        _rejected("channel is null", channel=None),
        _rejected("channel is unknown", channel="weibo"),
        _rejected("liability is unknown", liability="seller"),
        _nulled("is_valid cannot be read", is_valid="待定"),
        _unusual("an order that nobody knows", order_sn="260101-000000000000001"),
    ),
    "malls": (
        NO_MALL,
        NO_LOAD,
        _nulled("opened_on cannot be read", opened_on="去年"),
        _nulled("merchant_type cannot be read", merchant_type="旗舰店"),
    ),
    "agents": (
        NO_MALL,
        NO_LOAD,
        _rejected("cs_uid is null", cs_uid=None),
        _nulled("valid_to cannot be read", valid_to="长期"),
        _nulled("is_robot cannot be read", is_robot="perhaps"),
    ),
    "agent_shifts": (
        NO_MALL,
        NO_LOAD,
        _rejected("cs_uid is null", cs_uid=None),
        _rejected("start_at is null", start_at=None),
        _rejected("start_at cannot be read", start_at="早上八点"),
        _rejected("end_at is null", end_at=None),
        _rejected("end_at cannot be read", end_at="下班"),
        Case(
            "end_at equals start_at",
            REJECTED,
            lambda place: {"end_at": place.text()},
        ),
        Case(
            "end_at is before start_at",
            REJECTED,
            lambda place: {"end_at": place.text(-3_600)},
        ),
    ),
    "ratings": (
        NO_MALL,
        NO_LOAD,
        _rejected("rating_id is null", rating_id=None),
        *_event_cases("created_time"),
        _rejected("score is null", score=None),
        _rejected("score is outside 1 to 5", score="6"),
        _rejected("score cannot be read", score="好"),
    ),
    "quality_reviews": (
        NO_MALL,
        NO_LOAD,
        _rejected("review_id is null", review_id=None),
        _rejected("service_date is null", service_date=None),
        _rejected("service_date cannot be read", service_date="2026/31/12"),
        Case(
            "service_date lies three days after the load",
            REJECTED,
            lambda place: {"service_date": place.text(3 * 86_400)[:10]},
        ),
        _rejected("service_date is before 2015-09-01", service_date="2015-08-31"),
        _rejected("problem_solving is outside 1 to 10", problem_solving="0"),
        _rejected("communication is outside 1 to 10", communication="10.5"),
        _rejected("professionalism is outside 1 to 10", professionalism="11"),
        _rejected("after_sales is outside 1 to 10", after_sales="-3"),
        _nulled("communication cannot be read", communication="良"),
    ),
    "excluded_buyers": (
        NO_LOAD,
        _rejected("buyer_uid is null", buyer_uid=None),
        _nulled("valid_to cannot be read", valid_to="永久"),
        _unusual("every shop", mall_id=None),
    ),
    "official_agent_kpi": (
        NO_MALL,
        NO_LOAD,
        _rejected("row_type is null", row_type=None),
        _rejected("row_type is unknown", row_type="合计"),
        _rejected("an agent without an account", cs_account=" "),
        _rejected("period_end is null", period_end=None),
        _rejected("period_end cannot be read", period_end="上周日"),
        _rejected("period_end is before 2015-09-01", period_end="2015-08-31"),
        Case(
            "period_end lies three days after the load",
            REJECTED,
            lambda place: {"period_end": place.text(3 * 86_400)[:10]},
        ),
        _rejected("period_start is after period_end", period_start="2099-01-01"),
        _nulled("consult_buyers cannot be read", consult_buyers="--"),
        _nulled("reply_rate_3min cannot be read", reply_rate_3min="91.67%"),
    ),
    "official_experience_score": (
        NO_MALL,
        NO_LOAD,
        _rejected("measure is null", measure=None),
        _rejected("measure is unknown", measure="综合体验星级"),
        _rejected("as_of_date is null", as_of_date=None),
        _rejected("as_of_date cannot be read", as_of_date="昨天"),
        _rejected("as_of_date is before 2015-09-01", as_of_date="2015-08-31"),
        Case(
            "as_of_date lies three days after the load",
            REJECTED,
            lambda place: {"as_of_date": place.text(3 * 86_400)[:10]},
        ),
        _rejected("value is null", value=None),
        _rejected("value cannot be read", value="暂无"),
    ),
}


def rows(
    world: World, table: str, repeats: int, text_time: bool = False
) -> dict[int, list[Row]]:
    """All cases of a table, `repeats` times each, by load day.

    Every row has the table's columns as text, `_loaded_at` as UTC
    microseconds (with text_time: as text) and `_source_file`.
    """
    result: dict[int, list[Row]] = {}
    number = 0
    for repeat in range(repeats):
        for position, case in enumerate(CASES[table]):
            day = (position * 5 + repeat * 11 + 1) % world.days
            for copy in range(case.copies):
                place = Place(world, day, number, copy)
                row = GOOD_ROWS[table](place)
                row["_loaded_at"] = place.loaded
                row["_source_file"] = "keyed_in_by_hand.xlsx"
                row.update(case.change(place))
                if text_time:
                    row["_loaded_at"] = utc_text(row["_loaded_at"])
                result.setdefault(day, []).append(row)
            number += 1
    return result


def count(table: str, repeats: int) -> int:
    """How many rows `rows` gives, all days together."""
    return repeats * sum(case.copies for case in CASES[table])
