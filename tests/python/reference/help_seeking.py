"""Section 6: help requests, which of them count, and the 30-day cohort."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from .conversations import consultations, is_valid_on
from .raw import day_of, read_seed

CHANNELS = (
    "merchant_chat",
    "merchant_after_sales",
    "platform_intervention",
    "platform_online_cs",
    "platform_hotline",
    "complaint",
)
MERCHANT_CHANNELS = ("merchant_chat", "merchant_after_sales")
WINDOW = 30


@dataclass(slots=True)
class HelpRequest:
    mall: str
    buyer: str | None
    channel: str
    problem: str
    order_sn: str | None
    moment: int
    is_valid: bool = True
    liability: str | None = None
    module: str = "unknown"
    not_counted_reason: str | None = None

    @property
    def day(self):
        return day_of(self.moment)

    @property
    def is_platform(self):
        return self.channel not in MERCHANT_CHANNELS

    @property
    def is_counted(self):
        return self.not_counted_reason is None


class Exclusions:
    def __init__(self, rows):
        self._by_buyer = defaultdict(list)
        for row in rows:
            self._by_buyer[row["buyer_uid"]].append(row)

    def covers(self, mall, buyer, day):
        return any(
            row["mall_id"] in (None, mall) and is_valid_on(row, day)
            for row in self._by_buyer.get(buyer, ())
        )


def yes(text):
    return (text or "").lower() in ("true", "t", "1", "yes")


class HelpSeeking:
    def __init__(self, sources, conversations, orders, seeds_dir):
        self.orders = orders
        self.exclusions = Exclusions(sources["excluded_buyers"].current)
        self.problems = {
            row["problem_code"]: row for row in read_seed(seeds_dir, "problems")
        }
        self.requests = [
            *_from_chat(conversations),
            *_from_refunds(orders),
            *_from_complaints(sources["complaints"].current),
        ]
        for request in self.requests:
            known = self.problems.get(request.problem)
            request.module = (known and known["module"]) or "unknown"
            self._find_order(request)
            request.not_counted_reason = self._reason(request, known)

    def _find_order(self, request):
        if request.order_sn is None and request.buyer is not None:
            order = self.orders.latest_order(
                request.mall, request.buyer, request.moment
            )
            request.order_sn = order.row["order_sn"] if order else None

    def _reason(self, request, problem):
        if problem and yes(problem["is_routine"]):
            return "routine"
        if self.exclusions.covers(request.mall, request.buyer, request.day):
            return "excluded_buyer"
        if not request.is_valid:
            return "invalid_complaint"
        if request.liability in ("buyer", "platform", "none"):
            return "not_merchant_liable"
        if request.order_sn is None:
            return "no_order"
        order = self.orders.by_number.get((request.mall, request.order_sn))
        if order is None:
            return "unknown_order"
        if order.row["risk_control_status"] == 1 or order.row["is_lucky_flag"] == 2:
            return "abnormal_order"
        if not order.is_grouped:
            return "order_not_grouped"
        if request.moment < order.row["confirm_time"]:
            return "before_group"
        return None

    def modules(self):
        named = [row["module"] for row in self.problems.values()]
        ordered = list(dict.fromkeys(name for name in named if name))
        return [*(m for m in ordered if m != "unknown"), "unknown", "all"]


def _from_chat(conversations):
    for buyer_day in consultations(conversations):
        groups = defaultdict(list)
        for message in buyer_day.asked:
            if message.problem:
                groups[message.problem].append(message)
        for problem, messages in groups.items():
            numbers = [m.order_sn for m in messages if m.order_sn is not None]
            yield HelpRequest(
                buyer_day.mall,
                buyer_day.buyer,
                "merchant_chat",
                problem,
                numbers[0] if numbers else None,
                messages[0].sent_at,
            )


def _from_refunds(orders):
    for refund in orders.refunds:
        row = refund.row
        channels = ["merchant_after_sales"]
        if refund.intervened or row["after_sales_status"] == 8:
            channels.append("platform_intervention")
        for channel in channels:
            yield HelpRequest(
                row["mall_id"],
                refund.buyer,
                channel,
                refund.problem,
                row["order_sn"],
                refund.created_at,
                liability=row["liability"],
            )


def _from_complaints(rows):
    for row in rows:
        yield HelpRequest(
            row["mall_id"],
            row["buyer_uid"],
            row["channel"],
            row["problem_code"] or "unknown",
            row["order_sn"],
            row["created_time"],
            is_valid=row["is_valid"] is not False,
            liability=row["liability"],
        )


class HelpCohort:
    """Orders grouped in the 30 days to a day, and those that asked for help.

    An order is in the window of the days from its confirm day to 29 days
    later; it has a counted request from the day of its earliest one on.
    """

    def __init__(self, help_seeking):
        self.grouped = defaultdict(int)
        self.helped = defaultdict(int)
        orders = help_seeking.orders
        for order in orders.orders:
            if order.is_grouped:
                first = order.confirm_day
                for day in range(first, first + WINDOW):
                    self.grouped[order.row["mall_id"], day] += 1

        earliest = {}
        for request in help_seeking.requests:
            if not request.is_counted:
                continue
            for slice_name in _slices(request):
                key = request.mall, request.order_sn, slice_name
                earliest[key] = min(request.day, earliest.get(key, request.day))
        for (mall, order_sn, slice_name), asked_on in earliest.items():
            confirmed = orders.by_number[mall, order_sn].confirm_day
            for day in range(max(confirmed, asked_on), confirmed + WINDOW):
                self.helped[mall, day, slice_name] += 1

        self.problems_on = defaultdict(set)
        for mall, day, slice_name in self.helped:
            if slice_name[0] == "problem":
                self.problems_on[mall, day].add(slice_name[1])

    def orders_in(self, mall, day):
        return self.grouped.get((mall, day), 0)

    def help_orders(self, mall, day, *slice_name):
        return self.helped.get((mall, day, slice_name), 0)


def _slices(request):
    """Every total that the request's order counts in, once each."""
    for scope in (("module", "all"), ("module", request.module)):
        yield scope
        yield (*scope, request.channel)
        if request.is_platform:
            yield (*scope, "platform")
    yield ("problem", request.problem)
    if request.is_platform:
        yield ("problem", request.problem, "platform")


def rate(numerator, denominator):
    return numerator / denominator if denominator else None


def rate_rows(cohort, help_seeking, mall_days):
    """help_seeking_rate_30d, without days_observed."""
    for mall, day in mall_days:
        grouped = cohort.orders_in(mall, day)
        for module in help_seeking.modules():
            scope = "module", module
            helped = cohort.help_orders(mall, day, *scope)
            to_platform = cohort.help_orders(mall, day, *scope, "platform")
            yield {
                "mall_id": mall,
                "as_of_date": day,
                "module": module,
                "grouped_orders_30d": grouped,
                "help_orders_30d": helped,
                "platform_help_orders_30d": to_platform,
                **{
                    f"help_orders_{channel}": cohort.help_orders(
                        mall, day, *scope, channel
                    )
                    for channel in CHANNELS
                },
                "help_seeking_rate": rate(helped, grouped),
                "platform_help_rate": rate(to_platform, grouped),
            }


def core_issue_rows(cohort, mall_days):
    for mall, day in mall_days:
        total = cohort.help_orders(mall, day, "module", "all")
        problems = sorted(cohort.problems_on.get((mall, day), ()))
        counts = {
            problem: cohort.help_orders(mall, day, "problem", problem)
            for problem in problems
        }
        for problem, count in counts.items():
            before = cohort.help_orders(mall, day - 7, "problem", problem)
            to_platform = cohort.help_orders(mall, day, "problem", problem, "platform")
            yield {
                "mall_id": mall,
                "as_of_date": day,
                "problem_code": problem,
                "help_orders_30d": count,
                "help_order_share": rate(count, total),
                "issue_rank": 1 + sum(n > count for n in counts.values()),
                "change_7d": count - before,
                "platform_help_orders_30d": to_platform,
                "platform_share": rate(to_platform, count),
            }


def daily_rows(help_seeking, last_day):
    groups = defaultdict(list)
    for request in help_seeking.requests:
        if request.is_counted and request.day <= last_day:
            key = request.mall, request.day, request.channel, request.problem
            groups[key].append(request.order_sn)
    for (mall, day, channel, problem), numbers in groups.items():
        yield {
            "mall_id": mall,
            "request_date": day,
            "channel": channel,
            "problem_code": problem,
            "help_requests": len(numbers),
            "help_orders": len(set(numbers)),
        }
