"""Every published table, as lists of dicts under the names of columns.md."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass

from . import completeness, experience, help_seeking, kpis, load, official, raw
from . import conversations as chat
from . import orders as trade


@dataclass
class Settings:
    """The vars of metrics.md with their defaults."""

    reply_horizon_hours: float = 24
    assess_robot_only_buyers: bool = False
    resolve_order_buyers: bool = False
    response_time_denominator: str = "answered"
    response_unit: str = "message"
    after_sales_period_days: int = 15
    conversion_window_days: int = 3
    score_min_orders: int = 100
    score_min_peers: int = 5
    service_score_min_buyers: int = 10
    completeness_window_days: int = 28
    completeness_min_days: int = 14
    completeness_min_rows: int = 50
    completeness_low_share: float = 0.3
    as_of_date: str | None = None
    buyer_key: str | None = None

    def is_response_final(self, day, last_day):
        """Is the last moment of a day further back than any reply reaches?"""
        return last_day >= day + math.ceil(self.reply_horizon_hours / 24)

    @classmethod
    def read(cls, given):
        settings = cls(**(given or {}))
        settings.buyer_key = settings.buyer_key or os.environ.get("KEFU_BUYER_KEY")
        if not settings.buyer_key:
            raise ValueError("give vars['buyer_key'] or set KEFU_BUYER_KEY")
        return settings


def last_complete_day(sources, settings):
    loaded = [
        row["_loaded_at"]
        for table in ("messages", "orders")
        for row in sources[table].accepted
    ]
    if not loaded:
        return None
    newest_local = max(loaded) + raw.LOCAL_OFFSET * 1_000
    last_day = newest_local // (raw.DAY * 1_000) - 1
    if settings.as_of_date:
        last_day = min(last_day, raw.day_number(str(settings.as_of_date)))
    return last_day


class Buyers:
    def __init__(self, key):
        self._key = key
        self._known = {}

    def hashed(self, mall, buyer):
        if buyer is None:
            return None
        if (mall, buyer) not in self._known:
            text = raw.SEPARATOR.join((self._key, mall, buyer))
            digest = hashlib.sha256(text.encode()).hexdigest()
            self._known[mall, buyer] = digest[:32]
        return self._known[mall, buyer]


def compute(raw_root, seeds_dir, vars=None):
    """All published tables of one raw root, with `buyer_key` hashed."""
    settings = Settings.read(vars)
    sources = raw.read_all(raw_root)
    last_day = last_complete_day(sources, settings)
    conversations = chat.Conversations(sources, seeds_dir, settings)
    orders = trade.Orders(sources, conversations, seeds_dir, settings)
    requests = help_seeking.HelpSeeking(sources, conversations, orders, seeds_dir)
    buyers = Buyers(settings.buyer_key)

    tables = {
        "data_quality_balance": [
            row for source in sources.values() for row in source.balance
        ],
        "dim_malls": mall_rows(sources),
        "dim_agents": agent_rows(sources),
        "dim_problems": problem_rows(requests),
        "fct_buyer_messages": buyer_message_rows(conversations, buyers),
        "fct_consultations": consultation_rows(
            conversations, orders, buyers, settings, last_day
        ),
        "fct_orders": order_rows(orders, buyers),
        "fct_refunds": refund_rows(orders, buyers),
        "fct_help_requests": help_request_rows(requests, buyers),
    }
    if last_day is None:
        return tables
    categories = {row["mall_id"]: row["category_name"] for row in tables["dim_malls"]}
    collected = kpis.Kpis(sources, conversations, orders, requests, settings)
    kpi_tables, malls, agents = kpis.kpi_tables(collected, settings, last_day)
    tables |= kpi_tables
    mall_days = [(mall, day) for (mall,), day in malls.windows()]
    cohort = help_seeking.HelpCohort(requests)
    scores = experience.Scores(cohort, categories, mall_days, seeds_dir, settings)
    rates = list(help_seeking.rate_rows(cohort, requests, mall_days))
    for row in rates:
        row["days_observed"] = kpis.days_observed(row["as_of_date"], malls.first_day)
    tables |= {
        "help_seeking_daily": list(help_seeking.daily_rows(requests, last_day)),
        "help_seeking_rate_30d": rates,
        "core_issues_30d": list(help_seeking.core_issue_rows(cohort, mall_days)),
        "experience_score_30d": scores.rows,
        "experience_module_scores_30d": scores.module_rows,
        "agent_service_score_30d": list(
            kpis.service_score_rows(sources, agents, seeds_dir, settings)
        ),
        "hourly_load": list(load.hourly_rows(conversations, last_day)),
    }
    tables["mall_benchmarks_30d"] = list(
        kpis.benchmark_rows(tables, categories, seeds_dir)
    )
    whole = completeness.Completeness(sources, settings, last_day)
    for name in completeness.RESTS_ON:
        whole.flag(name, tables[name])
    tables["data_completeness"] = whole.rows
    tables |= official.tables(
        official.Ours(sources, collected, cohort, scores, requests, whole, last_day),
        seeds_dir,
        settings,
    )
    return {name: kpis.as_dates(rows) for name, rows in tables.items()}


# --- dimensions ---


def mall_rows(sources):
    rows = {
        row["mall_id"]: {
            "mall_id": row["mall_id"],
            "mall_name": row["mall_name"],
            "category_name": row["category_name"] or "unknown",
            "merchant_type": row["merchant_type"],
        }
        for row in sources["malls"].current
    }
    met = {
        row["mall_id"]
        for name, source in sources.items()
        if name not in raw.OFFICIAL
        for row in source.current
        if row["mall_id"] is not None
    }
    for mall in met - rows.keys():
        rows[mall] = {
            "mall_id": mall,
            "mall_name": None,
            "category_name": "unknown",
            "merchant_type": None,
        }
    return [rows[mall] for mall in sorted(rows)]


def agent_rows(sources):
    """One row an agent: the roster's row that starts last, else unknown."""
    rows = {}
    for row in sorted(
        sources["agents"].current,
        key=lambda row: (row["valid_from"] is not None, row["valid_from"] or 0),
    ):
        rows[row["mall_id"], row["cs_uid"]] = {
            "mall_id": row["mall_id"],
            "cs_uid": row["cs_uid"],
            "cs_name": row["cs_name"],
            "agent_role": row["agent_role"],
            "is_robot": row["is_robot"] is True,
            "valid_from": raw.calendar_date(row["valid_from"]),
            "valid_to": raw.calendar_date(row["valid_to"]),
        }
    for source in sources.values():
        for row in source.current:
            for column in ("cs_uid", "assigned_cs_uid"):
                key = row["mall_id"], row.get(column)
                if key[1] is not None and key not in rows:
                    rows[key] = {
                        "mall_id": key[0],
                        "cs_uid": key[1],
                        "cs_name": None,
                        "agent_role": None,
                        "is_robot": False,
                        "valid_from": None,
                        "valid_to": None,
                    }
    return [rows[key] for key in sorted(rows)]


def problem_rows(requests):
    rows = {
        code: {
            "problem_code": code,
            "module": row["module"],
            "name_zh": row["name_zh"],
            "name_en": row["name_en"],
            "is_routine": help_seeking.yes(row["is_routine"]),
        }
        for code, row in requests.problems.items()
    }
    rows.setdefault(
        "unknown",
        {"problem_code": "unknown", "module": "unknown", "is_routine": False},
    )
    return list(rows.values())


# --- facts ---


def buyer_message_rows(conversations, buyers):
    rows = []
    for message in conversations.all_asked():
        if not message.asks:
            continue
        reply = message.reply
        rows.append(
            {
                "mall_id": message.mall,
                "msg_id": message.msg_id,
                "buyer_key": buyers.hashed(message.mall, message.buyer),
                "sent_at": raw.local_datetime(message.sent_at),
                "service_date": message.day,
                "is_assessed": message.is_assessed,
                "is_round_start": message.is_round_start,
                "responsible_cs_uid": message.responsible,
                "replied_cs_uid": reply.cs_uid if reply else None,
                "replied_at": raw.local_datetime(reply and reply.sent_at),
                "response_seconds": _seconds(message.response),
                "shift_name": message.shift,
            }
        )
    return kpis.as_dates(rows)


def _seconds(milliseconds):
    return None if milliseconds is None else milliseconds / raw.SECOND


def consultation_rows(conversations, orders, buyers, settings, last_day):
    rows = []
    window = settings.conversion_window_days
    for buyer_day in chat.consultations(conversations):
        key = buyer_day.mall, buyer_day.buyer, buyer_day.day
        assessed = buyer_day.assessed
        late = {
            name: any(chat.is_late(message, limit) for message in assessed)
            for name, limit in chat.LATE_LIMITS.items()
        }
        is_after_sales = key in orders.after_sales_consults
        rows.append(
            {
                "mall_id": buyer_day.mall,
                "buyer_key": buyers.hashed(buyer_day.mall, buyer_day.buyer),
                "service_date": buyer_day.day,
                "is_assessed": bool(assessed),
                "is_robot_only": buyer_day.is_robot_only,
                "is_late_3min": late["late_3min"],
                "is_late_5min": late["late_5min"],
                "is_ineffective": late["ineffective"],
                "first_response_seconds": _seconds(
                    assessed[0].response if assessed else None
                ),
                "is_after_sales_consult": is_after_sales,
                "is_inquiry": not is_after_sales,
                "is_converted": key in orders.converted,
                "is_conversion_final": last_day is not None
                and last_day >= buyer_day.day + window - 1,
                "is_response_final": last_day is not None
                and settings.is_response_final(buyer_day.day, last_day),
                "agents_involved": len({m.cs_uid for m in buyer_day.written}),
            }
        )
    return kpis.as_dates(rows)


def order_rows(orders, buyers):
    rows = []
    for order in orders.orders:
        row, attributed = order.row, order.attributed
        rows.append(
            {
                "order_sn": row["order_sn"],
                "mall_id": row["mall_id"],
                "buyer_key": buyers.hashed(row["mall_id"], row["buyer_uid"]),
                "is_grouped": order.is_grouped,
                "is_paid": order.is_paid,
                "is_refunded": order.refunded_at is not None,
                "created_at": raw.local_datetime(row["created_time"]),
                "paid_at": raw.local_datetime(row["pay_time"]),
                "confirmed_at": raw.local_datetime(row["confirm_time"]),
                "received_at": raw.local_datetime(row["receive_time"]),
                "refunded_at": raw.local_datetime(order.refunded_at),
                "confirm_date": raw.calendar_date(order.confirm_day),
                "goods_count": row["goods_count"],
                "pay_amount": row["pay_amount"],
                "attributed_cs_uid": attributed.cs_uid if attributed else None,
                "attributed_consult_date": raw.calendar_date(
                    attributed.day if attributed else None
                ),
                "attribution_step": order.attribution_step,
            }
        )
    return rows


def refund_rows(orders, buyers):
    rows = []
    for refund in orders.refunds:
        row, answer = refund.row, refund.first_response
        waited = answer.sent_at - refund.created_at if answer else None
        rows.append(
            {
                "refund_id": row["id"],
                "mall_id": row["mall_id"],
                "order_sn": row["order_sn"],
                "buyer_key": buyers.hashed(row["mall_id"], refund.buyer),
                "created_at": raw.local_datetime(refund.created_at),
                "refund_success_at": raw.local_datetime(refund.success_at),
                "is_refunded": refund.success_at is not None,
                "refund_hours": None
                if refund.hours_ms is None
                else refund.hours_ms / raw.HOUR,
                "is_dispute": refund.is_dispute,
                "is_platform_intervention": refund.intervened,
                "after_sales_first_response_seconds": _seconds(waited),
                "first_response_cs_uid": answer.cs_uid if answer else None,
            }
        )
    return rows


def help_request_rows(requests, buyers):
    rows = []
    for request in requests.requests:
        rows.append(
            {
                "mall_id": request.mall,
                "buyer_key": buyers.hashed(request.mall, request.buyer),
                "channel": request.channel,
                "is_platform": request.is_platform,
                "module": request.module,
                "problem_code": request.problem,
                "order_sn": request.order_sn,
                "request_at": raw.local_datetime(request.moment),
                "request_date": request.day,
                "is_counted": request.is_counted,
                "not_counted_reason": request.not_counted_reason,
            }
        )
    return kpis.as_dates(rows)
