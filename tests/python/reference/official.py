"""The platform's figures, and each beside ours with the likely cause.

Of the seed official_metric_mapping only the judgements are taken: how finely a
figure is shown, what ours waits for, where the definitions differ. What a figure
of ours is made of is said here again.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from .kpis import rate
from .raw import (
    CONTRACTS,
    DAY,
    LOCAL_OFFSET,
    SECOND,
    calendar_date,
    day_of,
    read_seed,
)

EVENTS = {
    "messages": "ts",
    "orders": "created_time",
    "refunds": "created_time",
    "complaints": "created_time",
    "ratings": "created_time",
}
# official column: what it counts of ours, if it is a plain count
COUNTS = {
    "consult_buyers": "consult_buyers",
    "need_human_buyers": "assessed_consult_buyers",
    "received_buyers": "received_buyers",
    "late_buyers_3min": "late_3min",
    "inquiry_buyers": "inquiry_buyers",
    "final_group_buyers": "final_group_buyers",
    "rating_count": "rating_count",
    "low_rating_count": "low_rating_count",
    "dispute_refund_count": "dispute_refund_orders",
    "complaint_count": "complaint_buyers",
}
# official column: above the line, below it
RATES = {
    "reply_rate_30s": ("messages_replied_30s", "assessed_messages"),
    "reply_rate_30s_all_day": (
        *("messages_replied_30s_all_day", "assessed_messages_all_day"),
    ),
    "low_rating_rate": ("low_rating_count", "rating_count"),
}
LATE_SHARES = {
    "reply_rate_3min": ("late_3min", "assessed_consult_buyers"),
    "reply_rate_3min_all_day": (
        *("late_buyers_3min_all_day", "assessed_consult_buyers_all_day"),
    ),
}
MODULES = {
    "服务态度": "attitude",
    "基础服务": "basic_service",
    "商品服务": "goods",
    "发货服务": "shipping",
    "物流服务": "logistics",
}
NOTHING = (None, None, None)


@dataclass
class Ours:
    """What the other parts of the reference have found."""

    sources: dict
    kpis: object
    cohort: object
    scores: object
    requests: object
    completeness: object
    last_day: int


def tables(ours, seeds_dir, settings):
    """Return the three official tables."""
    reports = ours.sources["official_agent_kpi"].current
    values = ours.sources["official_experience_score"].current
    accounts = Accounts(ours.sources["agents"].current, reports)
    judged = Judge(ours, settings)
    is_newest = newest_of(reports, period_of)
    is_newest |= newest_of(values, page_of)
    mapping = {
        (row["source"], row["official_column"], row["item_name"]): row
        for row in read_seed(seeds_dir, "official_metric_mapping")
    }
    rows = [
        *report_rows(ours, reports, accounts, mapping, settings),
        *score_rows(ours, values, mapping, seeds_dir),
    ]
    for row in rows:
        row["is_in_newest_export"] = id(row["landed"]) in is_newest
    judged.judge(rows)
    return {
        "official_agent_kpi": [
            report_row(row, accounts) | {"is_in_newest_export": id(row) in is_newest}
            for row in reports
        ],
        "official_experience_score": [
            {
                "mall_id": row["mall_id"],
                "as_of_date": calendar_date(row["as_of_date"]),
                "measure": row["measure"],
                "item_name": row["name"],
                "official_value": float(row["value"]),
                "exported_at": exported_at(row),
                "is_in_newest_export": id(row) in is_newest,
            }
            for row in values
        ],
        "official_reconciliation": [published(row) for row in rows],
    }


def exported_at(row):
    local = row["_loaded_at"] + LOCAL_OFFSET * 1_000
    return datetime(1970, 1, 1) + timedelta(microseconds=local)


def period_of(row):
    return row["mall_id"], row["period_start"], row["period_end"]


def page_of(row):
    return row["mall_id"], row["as_of_date"]


def newest_of(rows, key_of):
    """Which rows came with the last landing of their report or page, by identity."""
    last = defaultdict(int)
    for row in rows:
        last[key_of(row)] = max(last[key_of(row)], row["_loaded_at"])
    return {id(row) for row in rows if row["_loaded_at"] == last[key_of(row)]}


class Accounts:
    """Which agent of the roster an account of a report is, if that is certain."""

    def __init__(self, roster, reports):
        called = defaultdict(list)
        for agent in roster:
            for name in {agent["cs_uid"], agent["cs_name"]}:
                called[agent["mall_id"], name].append(agent)
        meant, landed, self.known = {}, {}, set()
        for row in reports:
            if row["row_type"] == "agent":
                key = (*period_of(row), row["cs_account"])
                stints = called.get((row["mall_id"], row["cs_account"]), []) + (
                    called.get((row["mall_id"], bare(row["cs_account"])), [])
                )
                meant[key] = {a["cs_uid"] for a in stints if is_there(a, row)}
                landed[key] = row["_loaded_at"]
                if stints:
                    self.known.add(key)
        self.meant, self.landed = meant, landed
        self.taken = defaultdict(list)
        for key, agents in meant.items():
            if len(agents) == 1:
                self.taken[key[:3], min(agents)].append(landed[key])

    def of(self, row):
        """Return status and agent; of a shop's row nothing."""
        if row["row_type"] != "agent":
            return None, None
        key = (*period_of(row), row["cs_account"])
        if key not in self.known:
            return "unknown", None
        agents = self.meant[key]
        if not agents:
            return "off_roster", None
        if len(agents) > 1:
            return "ambiguous", None
        of_agent = sorted(self.taken[key[:3], min(agents)])
        if self.landed[key] < of_agent[-1]:
            return "older_export", None
        if len(of_agent) > 1 and of_agent[-2] == of_agent[-1]:
            return "ambiguous", None
        return "matched", min(agents)


def bare(account):
    """Without the shop's name before a colon."""
    return re.split("[:：]", account)[-1].strip(" ")


def is_there(agent, report):
    starts, ends = agent["valid_from"], agent["valid_to"]
    return (starts is None or starts <= report["period_end"]) and (
        ends is None or ends >= report["period_start"]
    )


def report_row(row, accounts):
    """official_agent_kpi: what was landed, under its names."""
    kept = ("mall_id", "row_type", "cs_account", "avg_response_printed")
    status, agent = accounts.of(row)
    found = {name: row[name] for name in kept}
    kinds = CONTRACTS["official_agent_kpi"].kinds
    found |= {
        f"official_{name}": float(row[name])
        if kind in ("finite", "share") and row[name] is not None
        else row[name]
        for name, kind in kinds.items()
        if name not in kept and kind != "date"
    }
    return found | {
        "period_start": calendar_date(row["period_start"]),
        "period_end": calendar_date(row["period_end"]),
        "cs_uid": agent,
        "account_status": status,
        "exported_at": exported_at(row),
    }


def printed_step(text):
    """The last digit of a duration, in seconds; None where no unit is told."""
    units = {"秒": 1, "分": 60, "时": 3600}
    unit = next((size for sign, size in units.items() if sign in (text or "")), None)
    digits = re.search(r"\.([0-9]+)", text or "")
    return unit and unit / 10 ** len(digits.group(1) if digits else "")


def report_rows(ours, reports, accounts, mapping, settings):
    """Pairs of the report; what has no counterpart of ours is left out."""
    for row in reports:
        if row["row_type"] == "mall_average":
            continue
        status, agent = accounts.of(row)
        parts = None
        if row["row_type"] == "mall_total":
            parts = summed(ours, ours.kpis.malls, (row["mall_id"],), row)
        elif agent is not None:
            parts = summed(ours, ours.kpis.agents, (row["mall_id"], agent), row)
        for column, value in row.items():
            judgement = mapping.get(("report", column, None))
            if judgement is None or value is None:
                continue
            step = None
            if column == "avg_response_seconds":
                step = printed_step(row["avg_response_printed"])
            yield {
                "source": "report",
                "mall_id": row["mall_id"],
                "first": row["period_start"],
                "last": row["period_end"],
                "row_type": row["row_type"],
                "cs_account": row["cs_account"],
                "cs_uid": agent,
                "account_status": status,
                "official_column": column,
                "item_name": None,
                "official_value": float(value),
                "ours": our_figure(column, parts, row["row_type"], settings),
                "step": step or float(judgement["shown_step"]),
                "differs": judgement["differs_for"] in ("all", row["row_type"]),
                "judgement": judgement,
                "exported_at": exported_at(row),
                "landed": row,
            }


def summed(ours, parts_by_key, key, row):
    """Counts, money and answers of the days of a report that we know whole."""
    total = Counter()
    last = min(row["period_end"], ours.last_day)
    for (*of_key, day), parts in parts_by_key.items():
        if tuple(of_key) == key and row["period_start"] <= day <= last:
            total.update(parts.counts)
            total.update(parts.money)
            total["response_ms"] += sum(parts.values["responses"])
    return total


def our_figure(column, parts, row_type, settings):
    """Ours, and what it has above and below the line."""
    if parts is None:
        return NOTHING
    # A shop has converted who bought in the end; an agent those of his inquiries.
    is_agent = row_type == "agent"
    converted = parts["converted_inquiry_buyers" if is_agent else "final_group_buyers"]
    inquiries = parts["inquiry_buyers"]
    if column in COUNTS:
        return parts[COUNTS[column]], parts[COUNTS[column]], None
    if column in ("sales_amount", "net_sales_amount"):
        return parts[column], parts[column], None
    if column in RATES:
        above, below = (parts[name] for name in RATES[column])
        return rate(above, below), above, below
    if column in LATE_SHARES:
        late, buyers = (parts[name] for name in LATE_SHARES[column])
        return rate(buyers - late, buyers), late, buyers
    if column == "inquiry_lost_buyers":
        return inquiries - converted, inquiries, converted
    if column == "inquiry_conversion_rate":
        return rate(converted, inquiries), converted, inquiries
    assert column == "avg_response_seconds", column
    is_over_all = settings.response_time_denominator == "all"
    below = parts["assessed_messages" if is_over_all else "answered_messages"]
    return rate(parts["response_ms"], below * SECOND), parts["response_ms"], below


def score_rows(ours, values, mapping, seeds_dir):
    """Pairs of the score page, over the 30 days to its day."""
    codes = {
        row["name_zh"]: row["problem_code"] for row in read_seed(seeds_dir, "problems")
    }
    scores = {(row["mall_id"], row["as_of_date"]): row for row in ours.scores.rows}
    modules = {
        (row["mall_id"], row["as_of_date"], row["module"]): row
        for row in ours.scores.module_rows
    }
    for row in values:
        measure, name = row["measure"], row["name"]
        judgement = mapping.get(("score_page", measure, None)) or mapping.get(
            ("score_page", measure, name)
        )
        if judgement is None:
            continue
        mall, day = row["mall_id"], row["as_of_date"]
        key = mall, day
        known, found = key in scores, NOTHING
        if measure in ("experience_score", "change_7d") and known and name is None:
            found = scores[key][measure], None, None
        elif measure == "module_score" and (*key, MODULES[name]) in modules:
            found = modules[*key, MODULES[name]]["module_score"], None, None
        elif measure == "platform_help_rate" and known and name is None:
            above = ours.cohort.help_orders(mall, day, "module", "all", "platform")
            below = ours.cohort.orders_in(mall, day)
            found = rate(above, below), above, below
        elif codes.get(name) in ours.cohort.problems_on.get((mall, day), ()) and known:
            above = ours.cohort.help_orders(mall, day, "problem", codes[name])
            below = ours.cohort.help_orders(mall, day, "module", "all")
            found = rate(above, below), above, below
            if measure == "problem_help_orders":
                found = above, None, None
        yield {
            "source": "score_page",
            "mall_id": mall,
            "first": day - 29,
            "last": day,
            "row_type": "mall_total",
            "cs_account": None,
            "cs_uid": None,
            "account_status": None,
            "official_column": measure,
            "item_name": name,
            "official_value": float(row["value"]),
            "ours": found,
            "step": float(judgement["shown_step"]),
            "differs": judgement["differs_for"] == "all",
            "judgement": judgement,
            "exported_at": exported_at(row),
            "landed": row,
        }


class Judge:
    """Why two figures differ, as likely as that can be told."""

    def __init__(self, ours, settings):
        self.ours = ours
        window = settings.conversion_window_days - 1
        self.waits = {
            "nothing": 0,
            "response": math.ceil(settings.reply_horizon_hours / 24),
            "conversion": window,
            "net_sales": window + 3,
        }
        self.landed = defaultdict(list)
        for source, moment in EVENTS.items():
            for row in ours.sources[source].current:
                key = row["mall_id"], source, row[moment] // DAY
                self.landed[key].append(row["_loaded_at"])
        for moments in self.landed.values():
            moments.sort()
        self.on_shift = defaultdict(set)
        for row in ours.sources["agent_shifts"].current:
            for day in range(day_of(row["start_at"]), day_of(row["end_at"] - 1) + 1):
                self.on_shift[row["mall_id"], day].add(row["cs_uid"])
        self.exports = defaultdict(int)
        for source, table, end in (
            ("report", "official_agent_kpi", "period_end"),
            ("score_page", "official_experience_score", "as_of_date"),
        ):
            for row in ours.sources[table].current:
                start = row.get("period_start", row[end] - 29)
                key = source, row["mall_id"], start, row[end]
                self.exports[key] = max(self.exports[key], row["_loaded_at"])

    def judge(self, rows):
        for row in rows:
            judgement = row["judgement"]
            exported = row["exported_at"].date()
            final_on = row["last"] + int(judgement["official_final_after_days"])
            row |= {
                "is_our_value_final": self.ours.last_day
                >= row["last"] + self.waits[judgement["waits_for"]],
                "is_official_value_final": exported >= calendar_date(final_on),
                "incomplete_days": sum(
                    self.ours.completeness.incomplete_days(
                        row["mall_id"], source, row["first"], row["last"]
                    )
                    for source in judgement["landed_from"].split()
                ),
                "rows_landed_later": sum(
                    self.later(row, source)
                    for source in judgement["landed_from"].split()
                ),
                "off_shift_days": self.off_shift_days(row),
            }
            row["likely_cause"] = cause(row)

    def later(self, row, source):
        key = row["source"], row["mall_id"], row["first"], row["last"]
        exported = self.exports[key]
        moments = (
            self.landed.get((row["mall_id"], source, day), [])
            for day in range(row["first"], row["last"] + 1)
        )
        return sum(len(day) - bisect_right(day, exported) for day in moments)

    def off_shift_days(self, row):
        if row["cs_uid"] is None:
            return 0
        mall, agent = row["mall_id"], row["cs_uid"]
        return sum(
            agent not in self.on_shift.get((mall, day), {agent})
            for day in range(row["first"], row["last"] + 1)
            if (mall, agent, day) in self.ours.kpis.agents
            and self.ours.kpis.agents[mall, agent, day].counts["agent_messages"]
        )


def cause(row):
    value = row["ours"][0]
    if value is not None:
        off = abs(round(row["official_value"] - float(value), 10))
        if off <= row["step"] / 2 + 1e-9:
            return "equal"
    if row["account_status"] == "older_export":
        return "older_export"
    if row["account_status"] not in (None, "matched"):
        return "roster"
    is_older = not row["is_in_newest_export"]
    if is_older and not row["is_official_value_final"]:
        return "older_export"
    is_final = row["is_our_value_final"] and row["is_official_value_final"]
    if not is_final or row["incomplete_days"]:
        return "late_data"
    if row["differs"]:
        return "definition"
    if row["off_shift_days"]:
        return "roster"
    if is_older:
        return "older_export"
    return "late_data" if row["rows_landed_later"] else "unexplained"


def published(row):
    """official_reconciliation; the words of its evidence have unit tests."""
    value, above, below = (
        None if part is None else float(part) for part in row["ours"]
    )
    names = (
        *("source", "mall_id", "row_type", "cs_account", "cs_uid", "account_status"),
        *("official_column", "item_name", "official_value", "likely_cause"),
        *("is_our_value_final", "is_official_value_final", "incomplete_days"),
        *("rows_landed_later", "off_shift_days", "exported_at"),
        "is_in_newest_export",
    )
    return {name: row[name] for name in names} | {
        "period_start": calendar_date(row["first"]),
        "period_end": calendar_date(row["last"]),
        "metric": row["judgement"]["metric"],
        "unit": row["judgement"]["unit"],
        "shown_step": row["step"],
        "our_value": value,
        "difference": None
        if value is None
        else round(row["official_value"] - value, 10),
        "our_numerator": above,
        "our_denominator": below,
    }
