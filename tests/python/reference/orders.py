"""Sections 3 and 5: orders, refunds, conversion and attribution."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from .conversations import consultations
from .raw import DAY, HOUR, day_of, read_seed

CLOSED_STATUSES = (0, 9, 11, 12, 13)
FIRST_RESPONSE_LIMIT = 72 * HOUR
QUALITY_LIMIT = 18 * HOUR


@dataclass(slots=True, eq=False)
class Order:
    row: dict
    is_grouped: bool
    is_paid: bool
    refunds: list = field(default_factory=list)
    refunded_at: int | None = None
    attributed: object | None = None
    attribution_step: str | None = None

    @property
    def confirm_day(self):
        return day_of(self.row["confirm_time"])

    @property
    def kept_until(self):
        """The day that after-sales periods count from."""
        received = self.row["receive_time"]
        return day_of(received if received is not None else self.row["confirm_time"])


@dataclass(slots=True, eq=False)
class Refund:
    row: dict
    buyer: str | None
    problem: str
    is_quality: bool
    first_response: object | None = None

    @property
    def created_at(self):
        return self.row["created_time"]

    @property
    def success_at(self):
        return self.row["refund_success_time"]

    @property
    def hours_ms(self):
        if self.success_at is None:
            return None
        return self.success_at - self.created_at

    @property
    def intervened(self):
        return self.row["join_or_not"] == 1

    @property
    def is_dispute(self):
        return self.row["dispute_refund_status"] == 1 or (
            self.intervened and self.row["liability"] == "merchant"
        )

    @property
    def closing_day(self):
        """None while the request is open."""
        if self.success_at is not None:
            return day_of(self.success_at)
        if (self.row["after_sales_status"]) in CLOSED_STATUSES:
            return day_of(self.row["updated_time"])
        return None

    def is_open_on(self, day):
        closing = self.closing_day
        return day_of(self.created_at) <= day and (closing is None or day <= closing)


@dataclass(slots=True)
class RefundedOrder:
    """An order, known or not, that got money back; see section 5."""

    mall: str
    order_sn: str
    refunds: list
    order: Order | None

    @property
    def refund(self):
        return min(
            (r for r in self.refunds if r.success_at is not None),
            key=lambda r: (r.success_at, r.row["id"]),
        )

    @property
    def day(self):
        return day_of(self.refund.success_at)

    def any_row(self, condition):
        return any(condition(refund) for refund in self.refunds)


def _with_buyers(orders, messages):
    """Orders without a buyer get the only one of whom a message names them."""
    named = defaultdict(set)
    for row in messages:
        if row["from_role"] == "user" and row["order_sn"] is not None:
            named[row["mall_id"], row["order_sn"]].add(row["buyer_uid"])
    for row in orders:
        buyers = named[row["mall_id"], row["order_sn"]]
        if row["buyer_uid"] is None and len(buyers) == 1:
            yield row | {"buyer_uid": min(buyers)}
        else:
            yield row


class Orders:
    def __init__(self, sources, conversations, seeds_dir, settings):
        self.settings = settings
        self.conversations = conversations
        rows = sources["orders"].current
        if settings.resolve_order_buyers:
            rows = _with_buyers(rows, sources["messages"].current)
        self.orders = [
            _order(row) for row in sorted(rows, key=lambda row: row["order_sn"])
        ]
        self.by_number = {
            (order.row["mall_id"], order.row["order_sn"]): order
            for order in self.orders
        }
        self.grouped_by_buyer = defaultdict(list)
        for order in self.orders:
            if order.is_grouped and order.row["buyer_uid"] is not None:
                key = order.row["mall_id"], order.row["buyer_uid"]
                self.grouped_by_buyer[key].append(order)

        self._read_refunds(sources, seeds_dir)
        for order in self.orders:
            self._attribute(order)
        for refund in self.refunds:
            self._answer(refund)
        self._judge_consultations()

    # --- refunds ---

    def _read_refunds(self, sources, seeds_dir):
        reasons = {
            row["reason"]: row["problem_code"]
            for row in read_seed(seeds_dir, "refund_reasons")
        }
        quality = {
            row["problem_code"]
            for row in read_seed(seeds_dir, "problems")
            if (row.get("is_quality") or "").lower() in ("true", "t", "1", "yes")
        }
        self.refunds = []
        by_order = defaultdict(list)
        for row in sorted(sources["refunds"].current, key=lambda row: row["id"]):
            order = self.by_number.get((row["mall_id"], row["order_sn"]))
            buyer = row["buyer_uid"]
            if buyer is None and order is not None:
                buyer = order.row["buyer_uid"]
            problem = row["problem_code"] or reasons.get(
                row["after_sale_reason"], "unknown"
            )
            is_quality = (
                problem in quality
                and row["sign_time"] is not None
                and row["sign_time"] - row["created_time"] < QUALITY_LIMIT
            )
            refund = Refund(row, buyer, problem, is_quality)
            self.refunds.append(refund)
            if row["order_sn"] is not None:
                by_order[row["mall_id"], row["order_sn"]].append(refund)
        self.refunded = []
        for (mall, order_sn), refunds in by_order.items():
            if any(refund.success_at is not None for refund in refunds):
                order = self.by_number.get((mall, order_sn))
                refunded = RefundedOrder(mall, order_sn, refunds, order)
                self.refunded.append(refunded)
                if order is not None:
                    order.refunded_at = refunded.refund.success_at

    def _answer(self, refund):
        """The first agent message at or after the request, within 72 h."""
        if refund.buyer is None:
            return
        for message in self.conversations.agent_messages(
            refund.row["mall_id"], refund.buyer
        ):
            if message.sent_at >= refund.created_at:
                if message.sent_at - refund.created_at <= FIRST_RESPONSE_LIMIT:
                    refund.first_response = message
                return

    # --- attribution ---

    def _attribute(self, order):
        row = order.row
        if not (order.is_grouped and order.is_paid) or row["buyer_uid"] is None:
            return
        earliest = order.confirm_day - (self.settings.conversion_window_days - 1)
        in_window = [
            message
            for message in self.conversations.agent_messages(
                row["mall_id"], row["buyer_uid"]
            )
            if earliest <= message.day <= order.confirm_day
        ]
        for step, limit in (
            ("before_order", row["created_time"]),
            ("before_payment", row["pay_time"]),
            ("before_group", row["confirm_time"]),
        ):
            before = [m for m in in_window if m.sent_at < limit]
            if before:
                order.attributed = before[-1]
                order.attribution_step = step
                return

    # --- consultations ---

    def _judge_consultations(self):
        self.after_sales_consults = set()
        self.converted = set()
        window = self.settings.conversion_window_days
        for consultation in consultations(self.conversations):
            mall, buyer, day = (
                consultation.mall,
                consultation.buyer,
                consultation.day,
            )
            key = mall, buyer, day
            orders = self.grouped_by_buyer.get((mall, buyer), ())
            if self._is_after_sales(orders, day):
                self.after_sales_consults.add(key)
                continue
            first = consultation.asked[0]
            if not consultation.mall_wrote_after(first):
                continue
            if any(
                order.is_paid
                and order.row["confirm_time"] > first.sent_at
                and day <= order.confirm_day <= day + window - 1
                for order in orders
            ):
                self.converted.add(key)

    def _is_after_sales(self, orders, day):
        period = self.settings.after_sales_period_days
        has_earlier = any(
            order.confirm_day < day and order.kept_until + period >= day
            for order in orders
        )
        has_new = any(order.confirm_day in (day, day + 1) for order in orders)
        return has_earlier and not has_new

    def open_refund_days(self):
        """(mall, buyer) to the refunds that may be open on a day."""
        by_buyer = defaultdict(list)
        for refund in self.refunds:
            if refund.buyer is not None:
                by_buyer[refund.row["mall_id"], refund.buyer].append(refund)
        return by_buyer

    def latest_order(self, mall, buyer, moment):
        """The order that a request without a number is about."""
        period = self.settings.after_sales_period_days
        candidates = [
            order
            for order in self.grouped_by_buyer.get((mall, buyer), ())
            if order.row["confirm_time"] <= moment
            and moment // DAY <= order.kept_until + period
        ]
        return max(
            candidates,
            key=lambda order: (order.row["confirm_time"], order.row["order_sn"]),
            default=None,
        )


def _order(row):
    is_grouped = (
        row["group_status"] == 1
        and row["confirm_time"] is not None
        and row["confirm_status"] == 1
        and row["risk_control_status"] != 1
    )
    return Order(row, is_grouped, row["pay_time"] is not None)
