"""Which published tables a closing freezes, and what input reaches their rows.

The reach of a rule says for which days a landed row can change a figure: a
reply counts for a message up to the horizon before it, an order for the
consultations up to the conversion window before it, and so on. It is used to
tell why a figure changed, so it may be too wide, never too narrow.
"""

import math
from dataclasses import dataclass

ANYTIME = None
"""As a number of days: without a limit."""

MOST_DAYS = 36_525
WINDOW_30D, WINDOW_AND_WEEK_BEFORE = 29, 36
NET_SALES_DAYS = 3
"""For so many days after it was grouped, a refund takes an order out of net sales."""


@dataclass(frozen=True)
class ClosedTable:
    """A published table with a day in its key."""

    keys: tuple[str, ...]
    day: str
    family: str
    """The rules that its columns follow where COLUMN_FAMILIES says no other."""
    window_days: int = 0
    """How many days before its own a row's figures look back on."""


CLOSED_TABLES = {
    "agent_kpi_daily": ClosedTable(
        ("mall_id", "cs_uid", "service_date"), "service_date", "response"
    ),
    "agent_kpi_shift_daily": ClosedTable(
        ("mall_id", "cs_uid", "service_date", "shift_name"), "service_date", "shift"
    ),
    "mall_kpi_daily": ClosedTable(
        ("mall_id", "service_date"), "service_date", "response"
    ),
    "hourly_load": ClosedTable(
        ("mall_id", "service_date", "hour_of_day"), "service_date", "response"
    ),
    "help_seeking_daily": ClosedTable(
        ("mall_id", "request_date", "channel", "problem_code"), "request_date", "help"
    ),
    "agent_kpi_30d": ClosedTable(
        ("mall_id", "cs_uid", "as_of_date"), "as_of_date", "response", WINDOW_30D
    ),
    "mall_kpi_30d": ClosedTable(
        ("mall_id", "as_of_date"), "as_of_date", "response", WINDOW_30D
    ),
    "agent_service_score_30d": ClosedTable(
        ("mall_id", "cs_uid", "as_of_date"), "as_of_date", "service", WINDOW_30D
    ),
    "core_issues_30d": ClosedTable(
        ("mall_id", "as_of_date", "problem_code"),
        "as_of_date",
        "help",
        WINDOW_AND_WEEK_BEFORE,
    ),
    "help_seeking_rate_30d": ClosedTable(
        ("mall_id", "as_of_date", "module"), "as_of_date", "help", WINDOW_30D
    ),
    "experience_score_30d": ClosedTable(
        ("mall_id", "as_of_date"), "as_of_date", "peers", WINDOW_AND_WEEK_BEFORE
    ),
    "experience_module_scores_30d": ClosedTable(
        ("mall_id", "as_of_date", "module"), "as_of_date", "peers", WINDOW_30D
    ),
    "mall_benchmarks_30d": ClosedTable(
        ("mall_id", "as_of_date", "metric"), "as_of_date", "peers", WINDOW_30D
    ),
}

COLUMN_FAMILIES = {
    "finality": ("is_conversion_final", "is_response_final"),
    "first_day": ("days_observed",),
    "completeness": ("incomplete_days_30d", "is_complete"),
    "conversion": (
        "inquiry_buyers",
        "final_group_buyers",
        "inquiry_conversion_rate",
        "inquiry_lost_buyers",
        "converted_inquiry_buyers",
        "after_sales_consult_buyers",
        "rank_inquiry_conversion_rate",
    ),
    "sales": (
        "sales_amount",
        "net_sales_amount",
        "sales_buyers",
        "sales_orders",
        "sales_units",
        "avg_order_value",
        "units_per_buyer",
        "paid_grouped_orders",
        "paid_grouped_amount",
        "attributed_grouped_amount",
        "cs_sales_share",
        "rank_sales_amount",
    ),
    "complaints": ("complaint_buyers", "complaint_rate"),
    "ratings": (
        "rating_count",
        "low_rating_count",
        "low_rating_rate",
        "avg_rating",
        "satisfied_count",
        "fair_count",
        "dissatisfied_count",
    ),
    "after_sales": (
        "after_sales_first_responses",
        "after_sales_first_response_seconds",
        "after_sales_assessed_messages",
        "after_sales_answered_messages",
        "after_sales_avg_response_seconds",
        "after_sales_assessed_buyers",
        "after_sales_ineffective_buyers",
        "after_sales_effective_reply_rate",
    ),
    "refunds": (
        "grouped_orders",
        "refunded_orders",
        "refund_rate",
        "platform_intervention_orders",
        "platform_intervention_rate",
        "quality_refund_orders",
        "quality_refund_rate",
        "avg_refund_hours",
        "autonomous_refunded_orders",
        "avg_refund_hours_autonomous",
    ),
    "disputes": (
        "dispute_refund_orders",
        "dispute_refund_rate",
        "dispute_refund_rate_of_refunds",
    ),
}
# A row as a whole is there if anything that its table counts happened.
WHOLE_ROW = "(row)"
# Columns of a name that means something else in the table.
ONE_FAMILY_TABLES = frozenset(
    {
        "agent_service_score_30d",
        "core_issues_30d",
        "experience_score_30d",
        "experience_module_scores_30d",
        "mall_benchmarks_30d",
    }
)
KEPT_EVERYWHERE = frozenset({"completeness", "finality", "first_day"})
_FAMILY_OF = {
    column: family for family, columns in COLUMN_FAMILIES.items() for column in columns
}

ROSTERS = frozenset({"malls", "agents", "agent_shifts", "excluded_buyers"})
# Of these the days that a row speaks of change with its versions.
MOVING = frozenset({"orders", "refunds", "agents", "agent_shifts", "excluded_buyers"})
ANY_MALL = frozenset({"peers", "first_day", "completeness"})
"""Families in which the input of one mall can change the rows of another."""


def family_of(table: str, column: str) -> str:
    """Return the family of rules that a column follows."""
    if column == WHOLE_ROW:
        return "peers" if CLOSED_TABLES[table].family == "peers" else "row"
    family = _FAMILY_OF.get(column)
    if family is None or (table in ONE_FAMILY_TABLES and family not in KEPT_EVERYWHERE):
        return CLOSED_TABLES[table].family
    return family


@dataclass(frozen=True)
class Span:
    """Which days' rows of a source count for a day: so many before and after."""

    before: int | None = 0
    after: int = 0

    def bounds(self) -> tuple[int, int]:
        """Return both as numbers."""
        return MOST_DAYS if self.before is None else self.before, self.after

    def __or__(self, other: "Span") -> "Span":
        before = (self.before, other.before)
        return Span(
            ANYTIME if ANYTIME in before else max(before),
            max(self.after, other.after),
        )


def days_until_final(variables: dict) -> int:
    """Return how many days after a day its last figure stands.

    Conversions stand after the conversion window. Net sales wait longest: an
    order of the window's last day can be refunded for as many days more. Replies
    stand after the horizon.
    """
    return max(
        int(variables["conversion_window_days"]) - 1 + NET_SALES_DAYS,
        math.ceil(float(variables["reply_horizon_hours"]) / 24),
    )


def reach(variables: dict) -> dict[str, dict[str, Span]]:
    """Return for each family the sources that it reads, with their spans.

    The days of a landed row are those it speaks of: of an order from its
    creation to the end of the after-sales period, of a refund from its
    creation to its end, of a roster row while it is valid.
    """
    reply = math.ceil(float(variables["reply_horizon_hours"]) / 24)
    link = int(variables["conversion_window_days"]) - 1
    # By rounds, a message is assessed by what came before it, however long ago.
    talk = Span(ANYTIME if variables["response_unit"] == "round" else 0, reply)
    linked = Span(link, link)
    response = {"messages": talk, "agents": talk}
    help_requests = {
        "messages": Span(),
        "refunds": Span(),
        "complaints": Span(),
        "excluded_buyers": Span(),
        "orders": Span(ANYTIME, 0),
    }
    families = {
        "response": response,
        "shift": response | {"agent_shifts": Span(1, 1)},
        "conversion": {
            "messages": linked,
            "agents": linked,
            "orders": Span(0, max(link, 1)),
        },
        "sales": {
            "messages": linked,
            "agents": linked,
            "orders": Span(0, link),
            "refunds": Span(0, link + NET_SALES_DAYS),
        },
        "complaints": response | {"complaints": Span(), "excluded_buyers": Span()},
        "ratings": {"ratings": Span()},
        "after_sales": {
            "messages": talk | Span(0, 3),
            "agents": talk | Span(0, 3),
            "orders": Span(0, 1),
            "refunds": Span(),
        },
        "refunds": {"refunds": Span(), "orders": Span()},
        "disputes": {
            "refunds": Span(),
            "orders": Span(ANYTIME, 0),
            "messages": Span(ANYTIME, 0),
            "agents": Span(ANYTIME, 0),
        },
        "help": help_requests,
        "service": response | {"quality_reviews": Span()},
        "finality": {},
    }
    if variables.get("resolve_order_buyers"):
        # Whenever it comes, a message may tell whose an order of any day is.
        for family in ("conversion", "sales", "after_sales", "disputes", "help"):
            named = {"messages": Span(ANYTIME, MOST_DAYS)}
            families[family] = families[family] | named
    families["row"] = _together(families.values())
    everything = families["row"] | {"malls": Span(ANYTIME, MOST_DAYS)}
    families["peers"] = everything
    for family in ("first_day", "completeness"):
        families[family] = dict.fromkeys(everything, Span(ANYTIME, 0))
    return families


def _together(families: object) -> dict[str, Span]:
    total: dict[str, Span] = {}
    for sources in families:
        for source, span in sources.items():
            total[source] = total.get(source, span) | span
    return total
