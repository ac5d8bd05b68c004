"""Orders: the merchant back end's export and the Open Platform's answers."""

import polars as pl

from kefu.ingest import values
from kefu.ingest.mapping import KindMapping, header_key
from kefu.ingest.options import Options
from kefu.ingest.records import texts
from kefu.ingest.rows import RowError, Rule

EXPORT_STATES = {
    "order_status": "order",
    "group_status": "group",
    "confirm_status": "confirm",
    "refund_status": "refund",
}
# Figures that count paid orders only, or what follows from them.
FIGURES_OF_PAID = (
    "sales_amount",
    "net_sales_amount",
    "sales_buyers",
    "sales_orders",
    "sales_units",
    "avg_order_value",
    "units_per_buyer",
    "final_group_buyers",
    "converted_inquiry_buyers",
    "inquiry_conversion_rate",
    "inquiry_lost_buyers",
    "paid_grouped_orders",
    "paid_grouped_amount",
    "attributed_grouped_amount",
    "cs_sales_share",
)
DISCOUNTS = ["seller_discount", "platform_discount", "payment_discount"]


def export_rules(
    names: dict[str, str], mapping: KindMapping, options: Options
) -> list[Rule]:
    """Return the rules of the back end's export.

    It knows no buyer and no time of creation: that is the pay time, else the
    confirm time, else midnight of the date that the order number begins with.
    """
    discount = values.total("discount_amount", DISCOUNTS)
    faults = [
        fault for part in DISCOUNTS for fault in values.amount(part, names[part]).faults
    ]
    reviewed = _lowered(mapping.extra["booleans"])
    risk = values.choice("under_review", names["under_review"], reviewed)
    return [
        values.constant("mall_id", options.mall_id),
        values.identifier("order_sn", names["order_sn"], required=True),
        *_states(names["order_state"], mapping),
        _pay_time(names, options),
        values.local_time("confirm_time", names["confirm_time"]),
        _created_time(names),
        values.local_time("shipping_time", names["shipping_time"]),
        values.local_time("receive_time", names["receive_time"]),
        Rule("risk_control_status", risk.value, risk.faults),
        values.identifier("goods_id", names["goods_id"]),
        values.whole("goods_count", names["goods_count"]),
        values.amount("goods_amount", names["goods_amount"]),
        Rule("discount_amount", discount.value, tuple(faults)),
        values.amount("postage", names["postage"]),
        values.amount("pay_amount", names["pay_amount"]),
    ]


def _lowered(meanings: dict[str, str]) -> dict[str, str]:
    return {header_key(name): str(meaning) for name, meaning in meanings.items()}


def _states(shown: str, mapping: KindMapping) -> list[Rule]:
    """Return the rules of the four codes that the order's state stands for."""
    states = {
        header_key(name): entry
        for entry in mapping.extra["states"]
        for name in entry["names"]
    }
    meant = {
        column: {
            name: str(entry[key]) for name, entry in states.items() if key in entry
        }
        for column, key in EXPORT_STATES.items()
    }
    listed = values.looked_up("order_state", dict.fromkeys(states, "1"))
    unlisted = pl.col("order_state").is_not_null() & listed.is_null()
    faults = (
        values.given("order_state", shown),
        (unlisted, f"{shown} has a value that mapping.yml does not list"),
    )
    return [
        Rule(
            column,
            values.looked_up("order_state", meanings),
            faults if column == "order_status" else (),
        )
        for column, meanings in meant.items()
    ]


def _pay_time(names: dict[str, str], options: Options) -> Rule:
    rule = values.local_time("pay_time", names["pay_time"])
    if not options.paid_when_grouped:
        return rule
    value = pl.coalesce(values.moment("pay_time"), values.moment("confirm_time"))
    return Rule("pay_time", values.local(value), rule.faults)


def _created_time(names: dict[str, str]) -> Rule:
    prefix = "20" + pl.col("order_sn").str.extract(r"^([0-9]{6})-")
    day = prefix.str.to_datetime("%Y%m%d", strict=False, time_unit="us")
    value = pl.coalesce(values.moment("pay_time"), values.moment("confirm_time"), day)
    said = (
        f"it has neither {names['pay_time']} nor {names['confirm_time']}, and"
        f" {names['order_sn']} does not begin with a date"
    )
    return Rule("created_time", values.local(value), ((value.is_null(), said),))


def flatten_answer(columns: dict, mapping: KindMapping) -> dict[str, str | None]:
    """Flatten an order of the Open Platform.

    Goods are counted over all its items; goods_id is that of the only one.
    """
    items = columns["item_list"]
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise RowError("item_list is no list of items")
    row = texts(columns, "item_list")
    counts = [texts({"goods_count": one.get("goods_count")}) for one in items]
    read = [one["goods_count"] for one in counts]
    if any(one is None or not one.isascii() or not one.isdigit() for one in read):
        raise RowError("goods_count of an item is no whole number")
    row["goods_count"] = str(sum(map(int, read))) if read else None
    ids = {texts({"goods_id": one.get("goods_id")})["goods_id"] for one in items}
    row["goods_id"] = ids.pop() if len(ids) == 1 else None
    return row


def answer_rules(
    names: dict[str, str], mapping: KindMapping, options: Options
) -> list[Rule]:
    """Return the rules of the Open Platform's orders."""
    codes = ["order_status", "group_status", "confirm_status", "refund_status"]
    codes += ["after_sales_status", "risk_control_status", "is_lucky_flag"]
    times = ["pay_time", "confirm_time", "shipping_time", "receive_time"]
    amounts = ["goods_amount", "discount_amount", "postage", "pay_amount"]
    return [
        values.constant("mall_id", options.mall_id),
        values.identifier("order_sn", names["order_sn"], required=True),
        values.local_time("created_time", names["created_time"], required=True),
        *(values.local_time(column, names[column]) for column in times),
        values.local_time("updated_at", names["updated_at"]),
        *(values.whole(column, names[column]) for column in codes),
        values.identifier("goods_id", "goods_id"),
        values.whole("goods_count", "goods_count"),
        *(values.amount(column, names[column]) for column in amounts),
    ]
