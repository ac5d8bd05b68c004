"""Sections 2 to 5, 8 and the benchmarks of 9.

Everything that happened to a mall, an agent or an agent's shift on a day is
collected in one Parts object; a day's figures come from one of them, those
of 30 days from thirty, by the same functions.
"""

from __future__ import annotations

import math
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from .conversations import LATE_LIMITS, consultations, is_late
from .experience import half_tie_percentile
from .help_seeking import yes
from .raw import (
    FIRST_DAY,
    HOUR,
    REVIEW_ITEMS,
    SECOND,
    calendar_date,
    day_of,
    read_seed,
)

NO_MONEY = Decimal("0.00")

RESPONSE_COUNTS = (
    "consult_buyers",
    "assessed_consult_buyers",
    "received_buyers",
    "assessed_messages",
    "messages_replied_30s",
    "answered_messages",
    "unanswered_messages",
    "late_3min",
    "late_5min",
    "ineffective",
    "agent_messages",
    "buyer_messages",
)
SALES_COUNTS = (
    "inquiry_buyers",
    "final_group_buyers",
    "sales_buyers",
    "sales_orders",
    "sales_units",
)
COMPLAINT_COUNTS = (
    "complaint_buyers",
    "rating_count",
    "low_rating_count",
    "satisfied_count",
    "fair_count",
    "dissatisfied_count",
)
MALL_COUNTS = (
    "robot_only_buyers",
    "after_sales_consult_buyers",
    "paid_grouped_orders",
    "grouped_orders",
    "refunded_orders",
    "quality_refund_orders",
)
MONEY = (
    "sales_amount",
    "net_sales_amount",
    "paid_grouped_amount",
    "attributed_grouped_amount",
)


class Parts:
    """Additive counts, and the single values behind means and quantiles."""

    def __init__(self):
        self.counts = defaultdict(int)
        self.money = defaultdict(lambda: NO_MONEY)
        self.values = defaultdict(list)
        self.consulting = set()
        self.intervened = set()
        self.max_concurrent = 0

    @property
    def has_events(self):
        return any(self.counts.values()) or bool(self.intervened)

    @classmethod
    def together(cls, parts):
        total = cls()
        for part in parts:
            for name, count in part.counts.items():
                total.counts[name] += count
            for name, amount in part.money.items():
                total.money[name] += amount
            for name, values in part.values.items():
                total.values[name].extend(values)
            total.consulting |= part.consulting
            total.intervened |= part.intervened
            total.max_concurrent = max(total.max_concurrent, part.max_concurrent)
        return total


# --- arithmetic ---


def rate(numerator, denominator):
    return numerator / denominator if denominator else None


def cohort_rate(numerator, denominator):
    found = rate(numerator, denominator)
    return None if found is None else min(1.0, found)


def ratio(numerator, denominator):
    """A mean of money or of units: exact first, a float at the end."""
    if not denominator:
        return None
    return float(Fraction(numerator) / Fraction(denominator))


def mean(values, unit=1):
    return sum(values) / (len(values) * unit) if values else None


def quantile(ordered, share, unit=SECOND):
    if not ordered:
        return None
    position = Fraction(share) * (len(ordered) - 1)
    low = math.floor(position)
    high = math.ceil(position)
    value = ordered[low] + (ordered[high] - ordered[low]) * (position - low)
    return float(value / unit)


# --- collecting ---


def add_responses(parts, asked, written, counts_written_to):
    """Section 2 of one mall, agent or shift on one day."""
    wrote = {(message.mall, message.buyer) for message in asked}
    written_to = {(message.mall, message.buyer) for message in written}
    parts.consulting = wrote | written_to if counts_written_to else wrote
    assessed = [message for message in asked if message.is_assessed]
    answered = [m.response for m in assessed if m.reply]
    counts = parts.counts
    counts["consult_buyers"] += len(parts.consulting)
    counts["assessed_consult_buyers"] += len({m.buyer for m in assessed})
    counts["received_buyers"] += len(written_to)
    counts["assessed_messages"] += len(assessed)
    counts["messages_replied_30s"] += sum(r <= 30 * SECOND for r in answered)
    counts["answered_messages"] += len(answered)
    counts["unanswered_messages"] += len(assessed) - len(answered)
    counts["agent_messages"] += len(written)
    counts["buyer_messages"] += len(asked)
    for name, limit in LATE_LIMITS.items():
        counts[name] += len({m.buyer for m in assessed if is_late(m, limit)})
    whole_day = [message for message in asked if message.is_assessed_all_day]
    counts["assessed_consult_buyers_all_day"] += len({m.buyer for m in whole_day})
    counts["late_buyers_3min_all_day"] += len(
        {m.buyer for m in whole_day if is_late(m, LATE_LIMITS["late_3min"])}
    )
    counts["assessed_messages_all_day"] += len(whole_day)
    counts["messages_replied_30s_all_day"] += sum(
        m.response <= 30 * SECOND for m in whole_day if m.reply
    )
    parts.values["responses"].extend(answered)
    parts.values["speed"].extend(map(speed_points, assessed))
    for first in first_assessed(assessed):
        if first.reply:
            parts.values["first_responses"].append(first.response)


def first_assessed(assessed):
    """The first of each buyer, by the order of the conversation."""
    first = {}
    for message in sorted(assessed, key=lambda m: (m.sent_at, m.msg_id)):
        first.setdefault(message.buyer, message)
    return first.values()


def speed_points(message):
    """10 at 60 s, 0 at 600 s or never, a line between: section 8."""
    if message.response is None or message.response >= 600 * SECOND:
        return Fraction(0)
    if message.response <= 60 * SECOND:
        return Fraction(10)
    return Fraction(10 * (600 * SECOND - message.response), 540 * SECOND)


def add_after_sales_responses(parts, messages):
    """The messages of buyers with an after-sales matter that day."""
    answered = [m.response for m in messages if m.reply]
    parts.values["after_sales_responses"].extend(answered)
    # These are no events of their own, so they stay out of the counts.
    parts.values["after_sales_messages"].extend([1] * len(messages))
    limit = LATE_LIMITS["ineffective"]
    parts.values["after_sales_buyers"].extend(
        any(is_late(m, limit) for m in messages if m.buyer == buyer)
        for buyer in {m.buyer for m in messages}
    )


def most_at_once(written):
    """Runs of messages to one buyer with gaps under 10 minutes, overlapped."""
    by_buyer = defaultdict(list)
    for message in written:
        by_buyer[message.buyer].append(message.sent_at)
    edges = []
    for moments in by_buyer.values():
        moments.sort()
        start = previous = moments[0]
        for moment in moments[1:]:
            if moment - previous >= 600 * SECOND:
                edges += [(start, 0, 1), (previous, 1, -1)]
                start = moment
            previous = moment
        edges += [(start, 0, 1), (previous, 1, -1)]
    serving = most = 0
    # At one moment runs start before others end: they are closed.
    for _, _, change in sorted(edges):
        serving += change
        most = max(most, serving)
    return most


class Kpis:
    def __init__(self, sources, conversations, orders, help_seeking, settings):
        self.sources = sources
        self.conversations = conversations
        self.orders = orders
        self.help_seeking = help_seeking
        self.settings = settings
        self.malls = defaultdict(Parts)
        self.agents = defaultdict(Parts)
        self.shifts = defaultdict(Parts)
        self._collect_responses()
        self._collect_after_sales_messages()
        self._collect_inquiries()
        self._collect_sales()
        self._collect_complaints_and_ratings()
        self._collect_refunds()

    def _collect_responses(self):
        asked, written = defaultdict(list), defaultdict(list)
        for buyer_day in self.conversations.buyer_days.values():
            mall, day = buyer_day.mall, buyer_day.day
            for message in buyer_day.asked:
                for key in _keys(mall, message.responsible, day, message.shift):
                    asked[key].append(message)
            for message in buyer_day.written:
                for key in _keys(mall, message.cs_uid, day, message.shift):
                    written[key].append(message)
            if buyer_day.is_robot_only:
                self.malls[mall, day].counts["robot_only_buyers"] += 1
        for level, *key in asked.keys() | written.keys():
            parts = {"mall": self.malls, "agent": self.agents}.get(level, self.shifts)[
                tuple(key)
            ]
            of_asked = asked.get((level, *key), [])
            of_written = written.get((level, *key), [])
            add_responses(parts, of_asked, of_written, level != "mall")
            parts.max_concurrent = most_at_once(of_written)

    def _collect_after_sales_messages(self):
        refunds = self.orders.open_refund_days()
        groups = defaultdict(list)
        for buyer_day in consultations(self.conversations):
            mall, buyer, day = buyer_day.mall, buyer_day.buyer, buyer_day.day
            concerned = (
                mall,
                buyer,
                day,
            ) in self.orders.after_sales_consults or any(
                refund.is_open_on(day) for refund in refunds.get((mall, buyer), ())
            )
            if not concerned:
                continue
            for message in buyer_day.assessed:
                groups["mall", mall, day].append(message)
                if message.responsible:
                    groups["agent", mall, message.responsible, day].append(message)
        for (level, *key), messages in groups.items():
            parts = self.malls if level == "mall" else self.agents
            add_after_sales_responses(parts[tuple(key)], messages)

    def _collect_inquiries(self):
        self.agent_inquiries = defaultdict(set)
        for buyer_day in consultations(self.conversations):
            key = buyer_day.mall, buyer_day.buyer, buyer_day.day
            counts = self.malls[buyer_day.mall, buyer_day.day].counts
            if key in self.orders.after_sales_consults:
                counts["after_sales_consult_buyers"] += 1
                continue
            counts["inquiry_buyers"] += 1
            counts["final_group_buyers"] += key in self.orders.converted
            for agent in {m.cs_uid for m in buyer_day.written}:
                agent_key = buyer_day.mall, agent, buyer_day.day
                self.agent_inquiries[agent_key].add(buyer_day.buyer)
                self.agents[agent_key].counts["inquiry_buyers"] += 1

    def _collect_sales(self):
        agent_buyers, mall_buyers = defaultdict(set), defaultdict(set)
        for order in self.orders.orders:
            if not order.is_grouped:
                continue
            row = order.row
            mall = row["mall_id"]
            amount = row["pay_amount"] or NO_MONEY
            confirmed = self.malls[mall, order.confirm_day]
            confirmed.counts["grouped_orders"] += 1
            if not order.is_paid:
                continue
            confirmed.counts["paid_grouped_orders"] += 1
            confirmed.money["paid_grouped_amount"] += amount
            if order.attributed is None:
                continue
            confirmed.money["attributed_grouped_amount"] += amount
            agent, day = order.attributed.cs_uid, order.attributed.day
            agent_buyers[mall, agent, day].add(row["buyer_uid"])
            mall_buyers[mall, day].add(row["buyer_uid"])
            refunded_day = day_of(order.refunded_at)
            is_kept = refunded_day is None or refunded_day > order.confirm_day + 3
            for parts in (
                self.malls[mall, day],
                self.agents[mall, agent, day],
            ):
                parts.counts["sales_orders"] += 1
                parts.counts["sales_units"] += row["goods_count"] or 0
                parts.money["sales_amount"] += amount
                if is_kept:
                    parts.money["net_sales_amount"] += amount
        for key, buyers in mall_buyers.items():
            self.malls[key].counts["sales_buyers"] += len(buyers)
        for key, buyers in agent_buyers.items():
            mall, _, day = key
            counts = self.agents[key].counts
            counts["sales_buyers"] += len(buyers)
            counts["final_group_buyers"] += len(buyers)
            counts["converted_inquiry_buyers"] += sum(
                (mall, buyer, day) in self.orders.converted
                for buyer in buyers & self.agent_inquiries[key]
            )

    def _collect_complaints_and_ratings(self):
        complainers = defaultdict(set)
        for row in self.sources["complaints"].current:
            mall, day = row["mall_id"], day_of(row["created_time"])
            buyer = row["buyer_uid"]
            if (
                row["channel"] == "complaint"
                and row["is_valid"] is not False
                and not self.help_seeking.exclusions.covers(mall, buyer, day)
            ):
                for parts in self._parts(mall, row["cs_uid"], day):
                    complainers[id(parts)].add(buyer)
                    parts.counts["complaint_buyers"] = len(complainers[id(parts)])
        for row in self.sources["ratings"].current:
            score, day = int(row["score"]), day_of(row["created_time"])
            for parts in self._parts(row["mall_id"], row["cs_uid"], day):
                parts.counts["rating_count"] += 1
                parts.counts["low_rating_count"] += score <= 3
                parts.counts["satisfied_count"] += score >= 4
                parts.counts["fair_count"] += score == 3
                parts.counts["dissatisfied_count"] += score <= 2
                parts.values["ratings"].append(score)

    def _parts(self, mall, agent, day):
        found = [self.malls[mall, day]]
        if agent is not None:
            found.append(self.agents[mall, agent, day])
        return found

    def _collect_refunds(self):
        for refund in self.orders.refunds:
            mall = refund.row["mall_id"]
            day = day_of(refund.created_at)
            if refund.first_response is not None:
                waited = refund.first_response.sent_at - refund.created_at
                agent = refund.first_response.cs_uid
                for parts in self._parts(mall, agent, day):
                    parts.values["after_sales_first"].append(waited)
            if refund.intervened and refund.row["order_sn"] is not None:
                self.malls[mall, day].intervened.add(refund.row["order_sn"])
        for refunded in self.orders.refunded:
            parts = self.malls[refunded.mall, refunded.day]
            is_dispute = refunded.any_row(lambda row: row.is_dispute)
            parts.counts["refunded_orders"] += 1
            parts.counts["dispute_refund_orders"] += is_dispute
            parts.counts["quality_refund_orders"] += refunded.any_row(
                lambda row: row.is_quality
            )
            hours = refunded.refund.hours_ms
            parts.values["refund_ms"].append(hours)
            if not refunded.any_row(lambda row: row.intervened):
                parts.values["autonomous_refund_ms"].append(hours)
            seller = refunded.order.attributed if refunded.order else None
            if is_dispute and seller is not None:
                key = refunded.mall, seller.cs_uid, refunded.day
                self.agents[key].counts["dispute_refund_orders"] += 1


def _keys(mall, agent, day, shift):
    yield "mall", mall, day
    if agent is not None:
        yield "agent", mall, agent, day
        yield "shift", mall, agent, day, shift


# --- figures ---


class Figures:
    """Rows of columns.md from Parts."""

    def __init__(self, settings):
        self.over_all = settings.response_time_denominator == "all"

    def responses(self, parts):
        counts = parts.counts
        ordered = sorted(parts.values["responses"])
        assessed = counts["assessed_messages"]
        buyers = counts["assessed_consult_buyers"]
        return {
            **{n: counts[n] for n in RESPONSE_COUNTS if n not in LATE_LIMITS},
            "late_buyers_3min": counts["late_3min"],
            "late_buyers_5min": counts["late_5min"],
            "ineffective_buyers": counts["ineffective"],
            "reply_rate_30s": rate(counts["messages_replied_30s"], assessed),
            "avg_response_seconds": self._average(ordered, assessed),
            "median_response_seconds": quantile(ordered, Fraction(1, 2)),
            "p90_response_seconds": quantile(ordered, Fraction(9, 10)),
            "reply_rate_3min": rate(buyers - counts["late_3min"], buyers),
            "reply_rate_5min": rate(buyers - counts["late_5min"], buyers),
            "effective_reply_rate": rate(buyers - counts["ineffective"], buyers),
            "first_response_seconds": mean(parts.values["first_responses"], SECOND),
            "answer_ask_ratio": rate(
                counts["agent_messages"], counts["buyer_messages"]
            ),
        }

    def all_day(self, parts):
        """The twins, over all 24 hours, of the rates from 8 to 23 o'clock."""
        counts = parts.counts
        buyers = counts["assessed_consult_buyers_all_day"]
        late = counts["late_buyers_3min_all_day"]
        assessed = counts["assessed_messages_all_day"]
        replied = counts["messages_replied_30s_all_day"]
        return {
            "assessed_consult_buyers_all_day": buyers,
            "late_buyers_3min_all_day": late,
            "reply_rate_3min_all_day": rate(buyers - late, buyers),
            "assessed_messages_all_day": assessed,
            "messages_replied_30s_all_day": replied,
            "reply_rate_30s_all_day": rate(replied, assessed),
        }

    def _average(self, answered, assessed):
        denominator = assessed if self.over_all else len(answered)
        return rate(sum(answered), denominator * SECOND)

    def business(self, parts, scope):
        """Sections 3 to 5, the columns that malls and agents share."""
        counts, money, values = parts.counts, parts.money, parts.values
        converted = (
            counts["final_group_buyers"]
            if scope == "mall"
            else counts["converted_inquiry_buyers"]
        )
        served = "consult_buyers" if scope == "mall" else "received_buyers"
        after_sales_buyers = values["after_sales_buyers"]
        effective = len(after_sales_buyers) - sum(after_sales_buyers)
        return {
            **{n: counts[n] for n in (*SALES_COUNTS, *COMPLAINT_COUNTS)},
            "inquiry_conversion_rate": rate(converted, counts["inquiry_buyers"]),
            "inquiry_lost_buyers": counts["inquiry_buyers"] - converted,
            "sales_amount": money["sales_amount"],
            "net_sales_amount": money["net_sales_amount"],
            "avg_order_value": ratio(money["sales_amount"], counts["sales_buyers"]),
            "units_per_buyer": rate(counts["sales_units"], counts["sales_buyers"]),
            "complaint_rate": cohort_rate(counts["complaint_buyers"], counts[served]),
            "low_rating_rate": rate(counts["low_rating_count"], counts["rating_count"]),
            "avg_rating": mean(values["ratings"]),
            "after_sales_first_response_seconds": mean(
                values["after_sales_first"], SECOND
            ),
            "after_sales_avg_response_seconds": self._average(
                values["after_sales_responses"],
                len(values["after_sales_messages"]),
            ),
            "after_sales_effective_reply_rate": rate(
                effective, len(after_sales_buyers)
            ),
            "dispute_refund_orders": counts["dispute_refund_orders"],
        }

    def agent(self, parts):
        return {
            **self.responses(parts),
            **self.all_day(parts),
            **self.business(parts, "agent"),
            "max_concurrent_buyers": parts.max_concurrent,
            "converted_inquiry_buyers": parts.counts["converted_inquiry_buyers"],
        }

    def mall(self, parts):
        counts, money, values = parts.counts, parts.money, parts.values
        grouped, refunded = counts["grouped_orders"], counts["refunded_orders"]
        disputes = counts["dispute_refund_orders"]
        interventions = len(parts.intervened)
        return {
            **self.responses(parts),
            **self.all_day(parts),
            **self.business(parts, "mall"),
            **{name: counts[name] for name in MALL_COUNTS},
            "paid_grouped_amount": money["paid_grouped_amount"],
            "attributed_grouped_amount": money["attributed_grouped_amount"],
            "cs_sales_share": ratio(
                money["attributed_grouped_amount"], money["paid_grouped_amount"]
            ),
            "refund_rate": cohort_rate(refunded, grouped),
            "dispute_refund_rate": cohort_rate(disputes, grouped),
            "dispute_refund_rate_of_refunds": cohort_rate(disputes, refunded),
            "platform_intervention_orders": interventions,
            "platform_intervention_rate": cohort_rate(interventions, grouped),
            "quality_refund_rate": cohort_rate(
                counts["quality_refund_orders"], grouped
            ),
            "avg_refund_hours": mean(values["refund_ms"], HOUR),
            "avg_refund_hours_autonomous": mean(values["autonomous_refund_ms"], HOUR),
        }


class Calendar:
    """Which days have a row: daily tables and their 30-day windows."""

    def __init__(self, parts_by_key, last_day):
        self.days = defaultdict(dict)
        self.with_events = defaultdict(list)
        for (*key, day), parts in parts_by_key.items():
            if last_day is None or not FIRST_DAY <= day <= last_day:
                continue
            self.days[tuple(key)][day] = parts
            if parts.has_events:
                self.with_events[tuple(key)].append(day)
        self.last_day = last_day

    def daily(self):
        for key in sorted(self.with_events, key=str):
            for day in sorted(self.with_events[key]):
                yield key, day, self.days[key][day]

    def windows(self):
        """Every (key, day) that has a 30-day row."""
        for key in sorted(self.with_events, key=str):
            days = self.with_events[key]
            for day in range(min(days), min(max(days) + 29, self.last_day) + 1):
                yield key, day

    def window(self, key, day):
        of_key = self.days[key]
        return Parts.together(
            of_key[d] for d in range(day - 29, day + 1) if d in of_key
        )

    @property
    def first_day(self):
        return min((min(days) for days in self.with_events.values()), default=None)


def days_observed(day, first_day):
    return min(30, day - first_day + 1)


def ranked(rows, metric, is_higher_better):
    """rank() among rows that have a value; NULL stays NULL."""
    values = [row[metric] for row in rows if row[metric] is not None]
    for row in rows:
        mine = row[metric]
        row[f"rank_{metric}"] = (
            None
            if mine is None
            else 1 + sum(v > mine if is_higher_better else v < mine for v in values)
        )


RANKED = {
    "reply_rate_3min": True,
    "avg_response_seconds": False,
    "inquiry_conversion_rate": True,
    "sales_amount": True,
}


def kpi_tables(kpis, settings, last_day):
    """The six tables of days, shifts and 30 days, and their calendars."""
    figures = Figures(settings)
    malls = Calendar(kpis.malls, last_day)
    agents = Calendar(kpis.agents, last_day)
    shifts = Calendar(
        {(m, a, s, d): parts for (m, a, d, s), parts in kpis.shifts.items()},
        last_day,
    )
    window = settings.conversion_window_days

    def is_final(day):
        return last_day >= day + window - 1

    mall_daily = [
        {
            "mall_id": mall,
            "service_date": day,
            **figures.mall(parts),
            "is_conversion_final": is_final(day),
            "is_response_final": settings.is_response_final(day, last_day),
        }
        for (mall,), day, parts in malls.daily()
    ]
    agent_daily = [
        {
            "mall_id": mall,
            "cs_uid": agent,
            "service_date": day,
            **figures.agent(parts),
            "is_conversion_final": is_final(day),
            "is_response_final": settings.is_response_final(day, last_day),
        }
        for (mall, agent), day, parts in agents.daily()
    ]
    shift_daily = [
        {
            "mall_id": mall,
            "cs_uid": agent,
            "service_date": day,
            "shift_name": shift,
            **figures.responses(parts),
        }
        for (mall, agent, shift), day, parts in shifts.daily()
    ]

    def over_30_days(calendar, names, make):
        for key, day in calendar.windows():
            parts = calendar.window(key, day)
            yield {
                **dict(zip(names, key, strict=True)),
                "as_of_date": day,
                "days_observed": days_observed(day, malls.first_day),
                "distinct_consult_buyers_30d": len(parts.consulting),
                **make(parts),
            }

    agent_30d = list(over_30_days(agents, ("mall_id", "cs_uid"), figures.agent))
    colleagues = defaultdict(list)
    for row in agent_30d:
        colleagues[row["mall_id"], row["as_of_date"]].append(row)
    for rows in colleagues.values():
        for metric, is_higher_better in RANKED.items():
            ranked(rows, metric, is_higher_better)
    tables = {
        "mall_kpi_daily": mall_daily,
        "agent_kpi_daily": agent_daily,
        "agent_kpi_shift_daily": shift_daily,
        "mall_kpi_30d": list(over_30_days(malls, ("mall_id",), figures.mall)),
        "agent_kpi_30d": agent_30d,
    }
    return tables, malls, agents


# --- section 8 ---


def service_score_rows(sources, agents, seeds_dir, settings):
    weights = {
        row["item"]: Fraction(row["weight"])
        for row in read_seed(seeds_dir, "service_score_weights")
    }
    reviews = defaultdict(lambda: defaultdict(list))
    for row in sources["quality_reviews"].current:
        reviews[row["mall_id"], row["cs_uid"]][row["service_date"]].append(row)

    for key, day in agents.windows():
        parts = agents.window(key, day)
        in_window = [
            review
            for service_day, rows in reviews.get(key, {}).items()
            if day - 29 <= service_day <= day
            for review in rows
        ]
        items = {"response_speed": exact_mean(parts.values["speed"])}
        for item in REVIEW_ITEMS:
            items[item] = exact_mean(
                [Fraction(r[item]) for r in in_window if r[item] is not None]
            )
        present = [name for name, value in items.items() if value is not None]
        total = sum(weights.get(name, 0) for name in present)
        buyer_days = parts.counts["assessed_consult_buyers"]
        score = None
        if total and buyer_days >= settings.service_score_min_buyers:
            score = sum(weights.get(name, 0) * items[name] for name in present) / total
        missing = [name for name in items if name not in present]
        yield {
            "mall_id": key[0],
            "cs_uid": key[1],
            "as_of_date": day,
            **{n: None if v is None else float(v) for n, v in items.items()},
            "service_score": None if score is None else float(score),
            "items_missing": ",".join(missing),
            "buyer_days": buyer_days,
        }


def exact_mean(values):
    return sum(values, Fraction(0)) / len(values) if values else None


# --- benchmarks ---

KEY_COLUMNS = ("mall_id", "as_of_date", "module")


def benchmark_rows(tables, categories, seeds_dir):
    targets = {
        row["metric"]: row
        for row in read_seed(seeds_dir, "kpi_targets")
        if row["scope"] == "mall"
    }
    merged = defaultdict(dict)
    for name in (
        "mall_kpi_30d",
        "help_seeking_rate_30d",
        "experience_score_30d",
    ):
        for row in tables[name]:
            if row.get("module", "all") == "all":
                merged[row["mall_id"], row["as_of_date"]] |= row
    by_category = defaultdict(list)
    for (mall, day), values in merged.items():
        by_category[categories[mall], day].append((mall, values))

    for seed in read_seed(seeds_dir, "metrics"):
        metric, direction = seed["metric"], seed["is_higher_better"]
        if direction is None or metric in KEY_COLUMNS:
            continue
        for (_, day), members in by_category.items():
            values = {
                mall: float(row[metric])
                for mall, row in members
                if row.get(metric) is not None
            }
            yield from _benchmarks(
                day, metric, values, yes(direction), targets.get(metric)
            )


def _benchmarks(day, metric, values, is_higher_better, target):
    if not values:
        return
    sign = 1 if is_higher_better else -1
    best_first = sorted(values, key=lambda mall: (-sign * values[mall], mall))
    best = best_first[: math.ceil(len(values) / 10)]
    category_mean = math.fsum(values.values()) / len(values)
    top_mean = math.fsum(values[mall] for mall in best) / len(best)
    for mall, value in values.items():
        others = [values[other] for other in values if other != mall]
        yield {
            "mall_id": mall,
            "as_of_date": day,
            "metric": metric,
            "metric_value": value,
            "category_mean": category_mean,
            "category_top10_mean": top_mean,
            "category_percentile": float(
                half_tie_percentile(
                    value,
                    others,
                    lambda mine, theirs: sign * mine > sign * theirs,
                )
            ),
            "gap_to_mean": value - category_mean,
            "gap_to_top10": value - top_mean,
            **_target(value, sign, target),
        }


def _target(value, sign, target):
    def reaches(limit):
        return limit is not None and sign * value >= sign * float(limit)

    if target is None or target["target"] is None:
        return {"target": None, "target_status": None}
    status = "met" if reaches(target["target"]) else "missed"
    if reaches(target["excellent"]):
        status = "excellent"
    return {"target": float(target["target"]), "target_status": status}


def as_dates(rows):
    """Day numbers become dates on the way out."""
    for row in rows:
        for name in ("service_date", "as_of_date", "request_date", "date_day"):
            if isinstance(row.get(name), int):
                row[name] = calendar_date(row[name])
    return rows
